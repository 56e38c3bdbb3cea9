/** Checks one snapshot against its own words: pages, files, chunks, root, and what its lists claim. */

import type { Compute } from "../compute/types.ts";
import { toHex } from "../compute/sha256.ts";
import { HistoryError, throwIfCancelled } from "../core/errors.ts";
import { LIST_NAMES } from "../core/manifest.ts";
import type {
  ChunkRecord,
  ListName,
  Manifest,
  ManifestLists,
  PageRecord,
  SegmentRecord,
} from "../core/manifest.ts";
import { parsePage } from "../core/manifest_parse.ts";
import type { ArtifactStore, ByteSource, SegmentProof, SegmentProver } from "../core/ports.ts";
import type { VerifyReport } from "../core/service.ts";
import { intervalOf, slotCount } from "../core/timeframe.ts";
import { toPairs, toRanges } from "../core/time_range.ts";
import { chunkSpan, segmentSource } from "./snapshot_content.ts";

interface CheckerParts {
  artifacts: ArtifactStore;
  prover: SegmentProver;
  compute: Pick<Compute, "sha256" | "fingerprintOfChunks" | "mergeRanges">;
  /** Called for each file that was proven, with the rows that were read in it. */
  tell: (rows: number) => void;
}

type Failure = VerifyReport["failures"][number];

/** Checks snapshots of one log; files and chunks that many of them share are read once. */
export class SnapshotChecker {
  readonly #parts: CheckerParts;
  readonly #report: VerifyReport;
  readonly #signal: AbortSignal | undefined;
  /** Whether a file is there; it was hashed then. */
  readonly #files = new Map<string, boolean>();
  readonly #pages = new Set<string>();
  /** Names of the chunks that were read. */
  readonly #chunks = new Set<string>();

  constructor(parts: CheckerParts, report: VerifyReport, signal?: AbortSignal) {
    this.#parts = parts;
    this.#report = report;
    this.#signal = signal;
  }

  async check(manifest: Manifest, uri: string): Promise<void> {
    const { lists, areWhole } = await this.#lists(manifest);
    if (areWhole) {
      this.#checkRoot(manifest, lists, uri);
      this.#checkClaims(manifest, lists, uri);
    }
    const spans = manifest.segments.map((segment) => chunkSpan(segment.range, manifest));
    const holderOf = (k: number) => spans.findIndex(({ from, to }) => k >= from && k < to);
    const held = Map.groupBy(lists.chunks, ({ k }) => holderOf(k));
    for (const { k } of held.get(-1) ?? []) {
      this.#fail("chunk", `${uri} chunk ${k}`, "a segment that holds it", "none");
    }
    await this.#checkSegments(manifest, manifest.segments.map((_, i) => held.get(i) ?? []));
  }

  /** Several at once; what is wrong is told in the order of the files. */
  async #checkSegments(manifest: Manifest, records: (readonly ChunkRecord[])[]): Promise<void> {
    const underWay: Promise<Failure[]>[] = [];
    const { segments } = manifest;
    try {
      for (let next = 0, done = 0; done < segments.length; done++) {
        for (; next < segments.length && underWay.length < this.#parts.prover.width; next++) {
          const checking = this.#checkSegment(manifest, segments[next], records[next]);
          checking.catch(() => {/* Told when its turn comes: until then nobody waits for it. */});
          underWay.push(checking);
        }
        this.#report.failures.push(...await underWay[0]);
        underWay.shift();
      }
    } catch (error) {
      // The others must not be left to fail unheard.
      await Promise.allSettled(underWay);
      throw error;
    }
  }

  /** Not whole when a page is missing or wrong: then files and chunks are checked as far as they are known. */
  async #lists(manifest: Manifest): Promise<{ lists: ManifestLists; areWhole: boolean }> {
    const lists = {} as Record<ListName, unknown[]>;
    let areWhole = true;
    for (const name of LIST_NAMES) {
      lists[name] = [];
      for (const record of manifest.pages[name]) {
        const entries = await this.#page(name, record);
        if (entries === null) areWhole = false;
        else for (const entry of entries) lists[name].push(entry);
      }
      for (const entry of manifest[name]) lists[name].push(entry);
    }
    return { lists: lists as ManifestLists, areWhole };
  }

  async #page(name: ListName, record: PageRecord): Promise<ManifestLists[ListName] | null> {
    const bytes = await this.#parts.artifacts.get(record.uri);
    if (bytes === null) return this.#failPage(record, "nothing");
    const found = toHex(this.#parts.compute.sha256(bytes));
    if (found !== record.sha256) return this.#failPage(record, found);
    try {
      return parsePage(name, bytes, record);
    } catch (error) {
      if (!(error instanceof HistoryError) || error.code !== "VERIFY_FAILED") throw error;
      return this.#failPage(record, error.message);
    }
  }

  #failPage(record: PageRecord, found: string): null {
    if (!this.#pages.has(record.uri)) this.#fail("page", record.uri, record.sha256, found);
    this.#pages.add(record.uri);
    return null;
  }

  #checkRoot(manifest: Manifest, { chunks }: ManifestLists, uri: string): void {
    const ascending = chunks.every(({ k }, i) => i === 0 || chunks[i - 1].k < k);
    if (!ascending) return this.#fail("root", uri, "chunks that ascend", "others");
    const found = this.#parts.compute.fingerprintOfChunks(
      chunks.map((chunk) => ({ ...chunk, leaves: [] })),
      {
        nodeId: manifest.node_id,
        grid: manifest.grid,
        range: manifest.range,
        conformanceVersion: manifest.conformance_version,
      },
    );
    if (found !== manifest.dataset_fingerprint) this.#fail("root", uri, manifest.dataset_fingerprint, found);
  }

  /** The numbers that a manifest says of itself must follow from its lists. */
  #checkClaims(manifest: Manifest, lists: ManifestLists, uri: string): void {
    const { range, grid } = manifest;
    const rows = sum(lists.chunks.map((chunk) => chunk.rows));
    const slots = sum(lists.covered.map((part) => slotCount(part, grid)));
    const inGaps = sum(lists.gaps.map((gap) => slotCount([gap.start, gap.end], grid)));
    const covered = toPairs(this.#parts.compute.mergeRanges(toRanges(lists.covered), grid));
    const claims: [string, unknown, unknown][] = [
      ["row_count", rows, manifest.row_count],
      ["rows of segments", rows, sum(manifest.segments.map((segment) => segment.rows))],
      ["covered slots without a gap", rows, slots - inGaps],
      ["covered", covered, lists.covered],
      ["range", [covered[0]?.[0], covered[covered.length - 1]?.[1]], range],
      ["publication_watermark", range[1], manifest.publication_watermark],
      ["interval", intervalOf(grid), manifest.interval],
      ["coverage.ratio", rows / slotCount(range, grid), manifest.coverage.ratio],
    ];
    for (const [name, expected, found] of claims) {
      const [wanted, there] = [JSON.stringify(expected), JSON.stringify(found)];
      if (wanted !== there) {
        this.#fail("coverage", `${uri} ${name}`, wanted.slice(0, 200), there.slice(0, 200));
      }
    }
  }

  async #checkSegment(
    manifest: Manifest,
    segment: SegmentRecord,
    records: readonly ChunkRecord[],
  ): Promise<Failure[]> {
    throwIfCancelled(this.#signal, `Verifying ${manifest.node_id}`);
    const isNew = !this.#files.has(segment.uri);
    const unread = records.filter((record) => !this.#chunks.has(chunkName(segment, record)));
    if (!isNew && (unread.length === 0 || !this.#files.get(segment.uri))) return [];
    if (isNew) this.#report.checked.segments++;
    const source = await this.#open(segment);
    this.#files.set(segment.uri, source !== null);
    if (source === null) return [failureOf("segment", segment.uri, `${segment.bytes} bytes`, "nothing")];
    for (const record of unread) this.#chunks.add(chunkName(segment, record));
    this.#report.checked.chunks += unread.length;
    const wanted = unread.map(({ k }) => k);
    const proof = await this.#parts.prover.prove({ source, wanted, grid: manifest.grid });
    this.#parts.tell(proof.chunks.reduce((rows, chunk) => rows + ("rows" in chunk ? chunk.rows : 0), 0));
    return [
      ...isNew ? differencesOfFile(segment, { bytes: source.sizeBytes, sha256: proof.sha256 }) : [],
      ...unread.flatMap((record, i) => differenceOfChunk(segment, record, proof.chunks[i])),
    ];
  }

  async #open(segment: SegmentRecord): Promise<ByteSource | null> {
    try {
      return await segmentSource(this.#parts.artifacts, segment);
    } catch (error) {
      if (!(error instanceof HistoryError) || error.code !== "ARTIFACT_MISSING") throw error;
      return null;
    }
  }

  #fail(kind: string, where: string, expected: string, found: string): void {
    this.#report.failures.push(failureOf(kind, where, expected, found));
  }
}

function failureOf(kind: string, where: string, expected: string, found: string): Failure {
  return { kind, where, expected, found };
}

/** The whole file against its name. */
function differencesOfFile(segment: SegmentRecord, found: { bytes: number; sha256: string }): Failure[] {
  const differences: Failure[] = [];
  if (found.bytes !== segment.bytes) {
    differences.push(failureOf("segment", segment.uri, `${segment.bytes} bytes`, `${found.bytes} bytes`));
  }
  if (found.sha256 !== segment.file_sha256) {
    differences.push(failureOf("segment", segment.uri, segment.file_sha256, found.sha256));
  }
  return differences;
}

function differenceOfChunk(
  segment: SegmentRecord,
  record: ChunkRecord,
  read: SegmentProof["chunks"][number],
): Failure[] {
  const found = "fault" in read ? read.fault : read.rows === record.rows ? read.digest : `${read.rows} rows`;
  return found === record.digest
    ? []
    : [failureOf("chunk", `${segment.uri} chunk ${record.k}`, record.digest, found)];
}

/** A segment and what a manifest says of one chunk in it: read once, however many manifests say the same. */
function chunkName(segment: SegmentRecord, record: ChunkRecord): string {
  return `${segment.uri} ${record.k} ${record.rows} ${record.digest}`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
