/**
 * What stands in a snapshot: its lists and its rows. Nothing is handed on unverified: pages are held against their
 * SHA-256, chunks against the manifest's digests. Memory stays flat over any range.
 */

import type { Compute } from "../compute/types.ts";
import { toHex } from "../compute/sha256.ts";
import { BoundedMap, SharedBound } from "../core/bounded_map.ts";
import { HistoryError, throwIfCancelled } from "../core/errors.ts";
import {
  CHUNK_CACHE_BYTES,
  LOG_READS_AT_ONCE,
  LONG_READ_KEPT_CHUNKS,
  PAGE_CACHE_ENTRIES,
  SEGMENT_SOURCES_MAX,
} from "../core/limits.ts";
import { LIST_NAMES } from "../core/manifest.ts";
import type { ChunkRecord, ListName, Manifest, ManifestLists, PageRecord } from "../core/manifest.ts";
import type { GapRecord, SegmentRecord } from "../core/manifest.ts";
import { spanOf } from "../core/manifest_pages.ts";
import { parsePage } from "../core/manifest_parse.ts";
import type { ArtifactStore, ByteSource, SegmentCodec, StoredChunk } from "../core/ports.ts";
import type { ChunkSpan } from "../core/segment_layout.ts";
import { chunkOf, ROW_BYTES } from "../core/stored_chunk.ts";
import { slotCount } from "../core/timeframe.ts";
import { clipRange, toPairs, toRanges } from "../core/time_range.ts";
import type { Ranges, TimeRange } from "../core/time_range.ts";

/** What reading needs. */
export interface SnapshotContentParts {
  artifacts: ArtifactStore;
  codec: SegmentCodec;
  compute: Pick<Compute, "sha256" | "missingRanges">;
  /** The bytes of chunks that stay at hand, where others keep chunks too. */
  kept?: SharedBound;
}

export class SnapshotContent {
  readonly #parts: SnapshotContentParts;
  readonly #pages = new BoundedMap<string, ManifestLists[ListName]>(PAGE_CACHE_ENTRIES);
  /** By digest, which says everything about a chunk: it serves every snapshot that has it. */
  readonly #chunks: BoundedMap<string, StoredChunk>;
  readonly #keptBytes: number;
  readonly #sources = new BoundedMap<string, ByteSource>(SEGMENT_SOURCES_MAX);
  /** Manifests are immutable: what is made of one is good as long as it is there. */
  readonly #covered = new WeakMap<Manifest, Promise<Ranges>>();

  constructor(parts: SnapshotContentParts) {
    this.#parts = parts;
    const kept = parts.kept ?? new SharedBound(CHUNK_CACHE_BYTES);
    this.#chunks = new BoundedMap(kept);
    this.#keptBytes = kept.max;
  }

  /** One list, whole, or the entries of those pages that touch `span`; ascending. */
  async list<L extends ListName>(
    manifest: Manifest,
    list: L,
    span?: { from: number; to: number },
  ): Promise<ManifestLists[L]> {
    const touches = (page: { from: number; to: number }) =>
      span === undefined || (page.from < span.to && page.to > span.from);
    const pages = await Promise.all(
      manifest.pages[list].filter(touches).map((record) => this.#page(list, record)),
    );
    return [...pages.flat(), ...manifest[list]] as ManifestLists[L];
  }

  /** All four lists, whole. */
  async lists(manifest: Manifest): Promise<ManifestLists> {
    const lists = {} as ManifestLists;
    for (const name of LIST_NAMES) Object.assign(lists, { [name]: await this.list(manifest, name) });
    return lists;
  }

  /** The covered slots, flat and sorted. */
  covered(manifest: Manifest): Promise<Ranges> {
    let covered = this.#covered.get(manifest);
    if (covered === undefined) {
      covered = this.list(manifest, "covered").then(toRanges);
      covered.catch(() => this.#covered.delete(manifest));
      this.#covered.set(manifest, covered);
    }
    return covered;
  }

  /** Settled gaps inside `range`, clipped to it. */
  async gaps(manifest: Manifest, range: TimeRange): Promise<GapRecord[]> {
    const gaps = await this.list(manifest, "gaps", { from: range[0], to: range[1] });
    return gaps.flatMap(({ start, end, reason }) => {
      const part = clipRange([start, end], range);
      if (part === null) return [];
      return [{ start: part[0], end: part[1], bars: slotCount(part, manifest.grid), reason }];
    });
  }

  /** Findings whose time lies in `range`. */
  async findings(manifest: Manifest, range: TimeRange): Promise<ManifestLists["findings"]> {
    const findings = await this.list(manifest, "findings", { from: range[0], to: range[1] });
    return findings.filter(({ ts }) => ts >= range[0] && ts < range[1]);
  }

  /** The chunks that have slots in `range`, ascending. */
  async chunkDigests(manifest: Manifest, range: TimeRange = manifest.range): Promise<ChunkRecord[]> {
    const span = chunkSpan(range, manifest);
    const chunks = await this.list(manifest, "chunks", span);
    return chunks.filter(({ k }) => k >= span.from && k < span.to);
  }

  /** Segments with rows in `range` whose file is gone, or is not as long as it was written. */
  async lostSegments(manifest: Manifest, range: TimeRange): Promise<SegmentRecord[]> {
    const touched = manifest.segments.filter((segment) => clipRange(segment.range, range) !== null);
    const lost: SegmentRecord[] = [];
    for (let from = 0; from < touched.length; from += LOG_READS_AT_ONCE) {
      const batch = touched.slice(from, from + LOG_READS_AT_ONCE);
      const sizes = await Promise.all(batch.map(({ uri }) => this.#parts.artifacts.size(uri)));
      lost.push(...batch.filter(({ bytes }, i) => sizes[i] !== bytes));
    }
    return lost;
  }

  /** Throws `ARTIFACT_MISSING`, naming them, when slots of `range` are not covered. */
  async requireCovered(manifest: Manifest, range: TimeRange): Promise<void> {
    const missing = this.#parts.compute.missingRanges(range, await this.covered(manifest), manifest.grid);
    if (missing.length === 0) return;
    const [start, end] = manifest.range;
    throw new HistoryError(
      "ARTIFACT_MISSING",
      `Cannot read ${manifest.node_id} from ${range[0]} to ${range[1]} as of ${manifest.as_of}: ` +
        `that snapshot covers ${start} to ${end} and leaves out ${
          missing.length / 2
        } range(s) of the question`,
      {
        hint:
          "Ask within what it covers, or fill and publish what lacks (`seamless fill`) and use that as_of",
        ranges: toPairs(missing),
      },
    );
  }

  /** Whole chunks that have slots in `range`, ascending, each verified. `VERIFY_FAILED`, `ARTIFACT_MISSING`. */
  async *readChunks(manifest: Manifest, range: TimeRange, signal?: AbortSignal): AsyncIterable<StoredChunk> {
    const wanted = await this.chunkDigests(manifest, range);
    const kept = keptOf(wanted, this.#keptBytes);
    let at = 0;
    for (const segment of manifest.segments) {
      const span = chunkSpan(segment.range, manifest);
      const from = at;
      while (at < wanted.length && wanted[at].k < span.to) at++;
      if (from < at && wanted[from].k < span.from) {
        at = from;
        break;
      }
      yield* this.#readSegment(manifest, segment, { wanted: wanted.slice(from, at), kept, signal });
    }
    if (at < wanted.length) {
      throw failed(manifest, `no segment holds chunk ${wanted[at].k}`, manifest.range);
    }
  }

  async *#readSegment(
    manifest: Manifest,
    segment: SegmentRecord,
    { wanted, kept, signal }: { wanted: ChunkRecord[]; kept: ReadonlySet<ChunkRecord>; signal?: AbortSignal },
  ): AsyncIterable<StoredChunk> {
    const known = wanted.map(({ digest }) => this.#chunks.get(digest));
    const absent = wanted.filter((_, i) => known[i] === undefined);
    const read = absent.length === 0 ? null : await this.#decode(manifest, segment, { absent, signal });
    try {
      for (let i = 0; i < wanted.length; i++) {
        throwIfCancelled(signal, `Reading ${manifest.node_id}`);
        const chunk = known[i] ?? await this.#verified(manifest, segment, { record: wanted[i], read: read! });
        if (kept.has(wanted[i])) this.#chunks.set(chunk.digest, chunk, chunk.bytes.length);
        yield chunk;
      }
    } finally {
      await read?.return?.();
    }
  }

  async #verified(
    manifest: Manifest,
    segment: SegmentRecord,
    { record, read }: { record: ChunkRecord; read: AsyncIterator<StoredChunk> },
  ): Promise<StoredChunk> {
    const { value: chunk, done } = await namingFile(manifest, segment, () => read.next());
    if (done || chunk.k !== record.k || chunk.rows !== record.rows || chunk.digest !== record.digest) {
      const found = done ? "nothing" : `${chunk.rows} rows with digest ${chunk.digest}`;
      throw failed(
        manifest,
        `chunk ${record.k} in ${segment.uri} should have ${record.rows} rows with digest ${record.digest}, ` +
          `found ${found}`,
        segment.range,
      );
    }
    return chunk;
  }

  async #decode(
    manifest: Manifest,
    segment: SegmentRecord,
    { absent, signal }: { absent: ChunkRecord[]; signal?: AbortSignal },
  ): Promise<AsyncIterator<StoredChunk>> {
    const source = await this.#source(segment);
    const { codec } = this.#parts;
    return codec.decode(source, absent, manifest.grid, signal)[Symbol.asyncIterator]();
  }

  async #source(segment: SegmentRecord): Promise<ByteSource> {
    const kept = this.#sources.get(segment.uri);
    if (kept !== undefined) return kept;
    const source = await segmentSource(this.#parts.artifacts, segment);
    this.#sources.set(segment.uri, source);
    return source;
  }

  async #page<L extends ListName>(list: L, record: PageRecord): Promise<ManifestLists[L]> {
    const kept = this.#pages.get(record.uri);
    if (kept !== undefined) return kept as ManifestLists[L];
    const bytes = await this.#parts.artifacts.get(record.uri);
    if (bytes === null) throw missingFile(record.uri);
    const found = toHex(this.#parts.compute.sha256(bytes));
    if (found !== record.sha256) {
      throw new HistoryError(
        "VERIFY_FAILED",
        `Cannot read ${record.uri}: its SHA-256 is ${found}, not ${record.sha256}`,
        { hint: DAMAGED },
      );
    }
    const entries = parsePage(list, bytes, record);
    this.#pages.set(record.uri, entries, record.count);
    return entries;
  }
}

/**
 * Which chunks of a read stay at hand: all, where they fit. Of a longer read only the beginning, in case that its
 * reader takes no more: the rest would drive out one another, and everything else with them.
 */
function keptOf(wanted: readonly ChunkRecord[], maxBytes: number): ReadonlySet<ChunkRecord> {
  const rows = wanted.reduce((sum, chunk) => sum + chunk.rows, 0);
  return new Set(rows * ROW_BYTES <= maxBytes ? wanted : wanted.slice(0, LONG_READ_KEPT_CHUNKS));
}

/** The bytes of a segment. `ARTIFACT_MISSING` naming its range when the file is gone. */
export async function segmentSource(artifacts: ArtifactStore, segment: SegmentRecord): Promise<ByteSource> {
  const sizeBytes = await artifacts.size(segment.uri);
  if (sizeBytes === null) throw missingFile(segment.uri, segment.range);
  return {
    sizeBytes,
    async read(start, end) {
      const bytes = await artifacts.get(segment.uri, { start, end });
      if (bytes === null) throw missingFile(segment.uri, segment.range);
      return bytes;
    },
  };
}

/** The chunk numbers that slots of a range fall into. */
export function chunkSpan(range: TimeRange, { grid }: Pick<Manifest, "grid">): ChunkSpan {
  return spanOf("chunks", recordAt(chunkOf(range[0], grid)), recordAt(chunkOf(range[1] - 1, grid)));
}

function recordAt(k: number): ChunkRecord {
  return { k, rows: 0, digest: "" };
}

/** The codec knows no names: a failure inside a file is told with the file's. */
async function namingFile<T>(
  manifest: Manifest,
  segment: SegmentRecord,
  read: () => Promise<T>,
): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof HistoryError) || error.code !== "VERIFY_FAILED") throw error;
    throw failed(manifest, `${segment.uri}: ${error.message}`, segment.range, error);
  }
}

function failed(manifest: Manifest, what: string, range: TimeRange, cause?: unknown): HistoryError {
  return new HistoryError(
    "VERIFY_FAILED",
    `Cannot read ${manifest.node_id} as of ${manifest.as_of}: ${what}`,
    { hint: DAMAGED, ranges: [range], cause },
  );
}

function missingFile(uri: string, range?: TimeRange): HistoryError {
  return new HistoryError("ARTIFACT_MISSING", `Cannot read ${uri}: a snapshot names it and it is not there`, {
    hint:
      "Restore it from a backup of the artifact store, or run `seamless publish`: it writes files that are gone " +
      `where their bars are still stored (${ELSE_FETCHED})`,
    ...(range === undefined ? {} : { ranges: [range] }),
  });
}

const ELSE_FETCHED = "`seamless fill` with the range above fetches those that are not";

const DAMAGED =
  "The file was changed or damaged: `seamless verify` names every one that is; move it away, then " +
  "restore it from a backup, or run `seamless publish`, which writes it again where its bars are still stored " +
  `(${ELSE_FETCHED})`;
