/** Artifacts: immutable objects under keys, and chunks as Parquet (spec §8). */

import type { StoredChunk } from "./port_words.ts";
import type { Grid } from "./timeframe.ts";

/** Immutable objects under relative keys with `/` (spec §8). Failures: `ARTIFACT_STORE_UNAVAILABLE`. */
export interface ArtifactStore {
  /** Whole object, or bytes [start, end) of it; null when there is none. */
  get(key: string, range?: { start: number; end: number }): Promise<Uint8Array | null>;
  size(key: string): Promise<number | null>;
  /**
   * Atomic and durable; true: written now, false: something is there already (and stays). The bytes are the caller's
   * own again afterwards.
   */
  putIfAbsent(key: string, bytes: Uint8Array): Promise<boolean>;
  /** Keys below a prefix ending in `/`, ascending; for catalogs and checks, never on a read path. */
  list(prefix: string): AsyncIterable<string>;
  /** Local clock − the store's clock in ms. */
  skewMs(): Promise<number>;
  /** Refuses a store that cannot be written or that ignores put-if-absent. */
  probe(): Promise<void>;
  close(): Promise<void>;
}

/** Reads bytes [start, end) of one object. */
export interface ByteSource {
  sizeBytes: number;
  read(start: number, end: number): Promise<Uint8Array>;
}

/** Chunks ↔ Parquet. Row groups end on chunk borders; `ts` is INT64 seconds (surface §4). */
export interface SegmentCodec {
  /** Deterministic: the same chunks give the same bytes. They are taken one by one. `metadata` becomes schema key `seamless`. */
  encode(chunks: Iterable<StoredChunk> | AsyncIterable<StoredChunk>, metadata?: string): Promise<Uint8Array>;
  /** Rows of the wanted chunks (ascending k); digests are recomputed from what was read. */
  decode(
    source: ByteSource,
    wanted: { k: number }[],
    grid: Grid,
    signal?: AbortSignal,
  ): AsyncIterable<StoredChunk>;
}

/** What a segment file turned out to be, read anew from its bytes. */
export interface SegmentProof {
  /** SHA-256 of the whole file, lower-case hex. */
  sha256: string;
  /** Of each wanted chunk, in order: what was read, or why it cannot be. */
  chunks: ({ k: number; rows: number; digest: string } | { k: number; fault: string })[];
}

/** Computes every digest of segment files anew; of several files at once where there are cores for it. */
export interface SegmentProver {
  /** How many files are worked on at once. */
  readonly width: number;
  /**
   * `wanted`: chunk numbers, ascending. What is wrong with the file is in the proof, never an error; what `source`
   * throws passes through.
   */
  prove(file: { source: ByteSource; wanted: readonly number[]; grid: Grid }): Promise<SegmentProof>;
  /** Ends the threads; what is still under way rejects. */
  close(): void;
}
