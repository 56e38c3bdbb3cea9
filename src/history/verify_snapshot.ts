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
import type { ArtifactStore, ByteSource, SegmentCodec } from "../core/ports.ts";
import type { VerifyReport } from "../core/service.ts";
import { intervalOf, slotCount } from "../core/timeframe.ts";
import { toPairs, toRanges } from "../core/time_range.ts";
import { chunkSpan, segmentSource } from "./snapshot_content.ts";

/** Bytes of a file that are hashed at a time. */
const PIECE_BYTES = 1024 * 1024;

interface CheckerParts {
  artifacts: ArtifactStore;
  codec: SegmentCodec;
  compute: Pick<Compute, "sha256" | "sha256Stream" | "fingerprintOfChunks" | "mergeRanges">;
}

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
    const lists = await this.#lists(manifest);
    if (lists === null) return;
    this.#checkRoot(manifest, lists, uri);
    this.#checkClaims(manifest, lists, uri);
    const spans = manifest.segments.map((segment) => chunkSpan(segment.range, manifest));
    const holderOf = (k: number) => spans.findIndex(({ from, to }) => k >= from && k < to);
    const held = Map.groupBy(lists.chunks, ({ k }) => holderOf(k));
    for (const { k } of held.get(-1) ?? []) {
      this.#fail("chunk", `${uri} chunk ${k}`, "a segment that holds it", "none");
    }
    for (const [i, segment] of manifest.segments.entries()) {
      await this.#checkSegment(manifest, segment, held.get(i) ?? []);
    }
  }

  /** Null when a page is missing or wrong: then nothing can be said of the whole. */
  async #lists(manifest: Manifest): Promise<ManifestLists | null> {
    const lists = {} as Record<ListName, unknown[]>;
    let whole = true;
    for (const name of LIST_NAMES) {
      lists[name] = [];
      for (const record of manifest.pages[name]) {
        const entries = await this.#page(name, record);
        if (entries === null) whole = false;
        else for (const entry of entries) lists[name].push(entry);
      }
      for (const entry of manifest[name]) lists[name].push(entry);
    }
    return whole ? lists as unknown as ManifestLists : null;
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
  ): Promise<void> {
    if (!this.#files.has(segment.uri)) this.#files.set(segment.uri, await this.#checkFile(segment));
    const unread = records.filter((record) => !this.#chunks.has(chunkName(segment, record)));
    if (!this.#files.get(segment.uri) || unread.length === 0) return;
    const source = await segmentSource(this.#parts.artifacts, segment);
    for (const record of unread) {
      throwIfCancelled(this.#signal, `Verifying ${manifest.node_id}`);
      this.#chunks.add(chunkName(segment, record));
      await this.#checkChunk(manifest, segment, { record, source });
    }
  }

  /** The whole file against its name. False when it is not there. */
  async #checkFile(segment: SegmentRecord): Promise<boolean> {
    this.#report.checked.segments++;
    const source = await this.#open(segment);
    if (source === null) return false;
    if (source.sizeBytes !== segment.bytes) {
      this.#fail("segment", segment.uri, `${segment.bytes} bytes`, `${source.sizeBytes} bytes`);
    }
    const hash = this.#parts.compute.sha256Stream();
    for (let from = 0; from < source.sizeBytes; from += PIECE_BYTES) {
      throwIfCancelled(this.#signal, `Verifying ${segment.uri}`);
      hash.update(await source.read(from, Math.min(source.sizeBytes, from + PIECE_BYTES)));
    }
    const found = toHex(hash.digest());
    if (found !== segment.file_sha256) this.#fail("segment", segment.uri, segment.file_sha256, found);
    return true;
  }

  async #open(segment: SegmentRecord): Promise<ByteSource | null> {
    try {
      return await segmentSource(this.#parts.artifacts, segment);
    } catch (error) {
      if (!(error instanceof HistoryError) || error.code !== "ARTIFACT_MISSING") throw error;
      this.#fail("segment", segment.uri, `${segment.bytes} bytes`, "nothing");
      return null;
    }
  }

  /** Chunk by chunk, so that every bad one is named and not the first alone. */
  async #checkChunk(
    manifest: Manifest,
    segment: SegmentRecord,
    { record, source }: { record: ChunkRecord; source: ByteSource },
  ): Promise<void> {
    this.#report.checked.chunks++;
    const found = await this.#digestOf(manifest, record, source);
    if (found !== record.digest) {
      this.#fail("chunk", `${segment.uri} chunk ${record.k}`, record.digest, found);
    }
  }

  async #digestOf(manifest: Manifest, record: ChunkRecord, source: ByteSource): Promise<string> {
    try {
      for await (const chunk of this.#parts.codec.decode(source, [record], manifest.grid, this.#signal)) {
        return chunk.rows === record.rows ? chunk.digest : `${chunk.rows} rows`;
      }
      return "nothing";
    } catch (error) {
      if (!(error instanceof HistoryError) || error.code !== "VERIFY_FAILED") throw error;
      return error.message;
    }
  }

  #fail(kind: string, where: string, expected: string, found: string): void {
    this.#report.failures.push({ kind, where, expected, found });
  }
}

/** A segment and what a manifest says of one chunk in it: read once, however many manifests say the same. */
function chunkName(segment: SegmentRecord, record: ChunkRecord): string {
  return `${segment.uri} ${record.k} ${record.rows} ${record.digest}`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
