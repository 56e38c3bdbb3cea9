/** The shapes of the compute core's surface. Times are epoch seconds unless a name says otherwise. */
import type { Bars, Trades } from "../core/bar_frame.ts";
import type { Grid } from "../core/timeframe.ts";
import type { Ranges, TimeRange } from "../core/time_range.ts";

/** What a cell of an unconformed column may be. */
export type Cell = number | bigint | string | boolean | Date | null;

/** What rows claim to be; hashed with them. The hashed interval is the grid's step, 2592000 for months, 1 for trades. */
export type Claims = { nodeId: string; grid: Grid; range: TimeRange; conformanceVersion: string };

/** The digests of one chunk (4,096 slots), in hex; leaves stand in schema order. */
export type Chunk = { k: number; rows: number; digest: string; leaves: string[] };

/** Rows as they came, column by column. `observedAt` is the time at which the request that brought a row was sent. */
export type ConformInput = {
  kind: "ohlcv" | "trades";
  columns: Record<string, ArrayLike<Cell>>;
  observedAt?: ArrayLike<number>;
};

/** How to conform; what is absent is: reject, flag, strict, auto, and nothing blocking beyond columns and types. */
export type ConformOptions = {
  grid: Grid;
  range?: TimeRange;
  align?: "reject" | "floor";
  invariant?: "flag" | "quarantine";
  dtypePolicy?: "strict" | "lenient";
  timeUnit?: "auto" | "s" | "ms" | "us" | "ns";
  blocking?: string[];
};

/** A frame and everything that was found on the way to it. Rows are indexes into the input. */
export type Conformed = {
  frame: Bars | Trades;
  flags: Record<string, number>;
  warnings: string[];
  blocked: boolean;
  setAside: { row: number; flag: string }[];
  conflicts: { ts: number; keptRow: number; droppedRow: number }[];
};

/** A chunk that differs between two datasets. */
export type ChunkChange = { k: number; kind: "changed" | "only_a" | "only_b" };

/** A bar that differs: `before` and `after` are [open, high, low, close, volume]. */
export type RowChange = {
  ts: number;
  kind: "changed" | "added" | "removed";
  before?: number[];
  after?: number[];
};

/** Keeps the fingerprint of a growing dataset in the time of what is added. Rows ascend across calls. */
export interface Appender {
  /** Takes more rows. Throws `RangeError`, and takes nothing, when they do not ascend from the last one. */
  append(frame: Bars | Trades): void;
  /** The fingerprint of all rows so far, claimed to cover `range`. */
  fingerprint(range: TimeRange): string;
  /** The chunks so far, the open one included. */
  chunks(): Chunk[];
  /** Everything that `appender(claims, state)` needs to go on. */
  state(): Uint8Array;
}

/** The compute core. After a trap it refuses further calls, and `load` must be called again. */
export interface Compute {
  /** What is held, on the grid: each range snapped inward alone, then sorted and coalesced. */
  mergeRanges(held: Ranges, grid: Grid): Ranges;
  /** The slots of `wanted` (snapped outward) that `held` (snapped inward) does not have. */
  missingRanges(wanted: TimeRange, held: Ranges, grid: Grid): Ranges;
  /** What is both held (inward) and wanted (outward). */
  intersectRanges(held: Ranges, wanted: Ranges, grid: Grid): Ranges;
  /** What is held (inward) without `cut` (outward). */
  subtractRanges(held: Ranges, cut: Ranges, grid: Grid): Ranges;
  /** The runs of slots that have a bar. Any order, repeats allowed, times off the grid ignored. */
  segmentsOf(ts: Float64Array, grid: Grid): Ranges;
  /**
   * Makes a frame of rows and counts what was wrong with them (spec §5). Columns of bars in which nothing changes are
   * not copied: a clean frame is made of the very arrays that were passed.
   */
  conform(input: ConformInput, o: ConformOptions): Conformed;
  /** Leaves out the bars that are not final at `observedAt`; the watermark is the start of the first slot that is not. */
  stabilize(
    frame: Bars,
    o: { grid: Grid; stabilizationBars: number; observedAt: number },
  ): { frame: Bars; watermark: number; trimmed: number };
  /** The SFP-1 fingerprint of a frame with its claims, and its chunks. */
  fingerprint(frame: Bars | Trades, claims: Claims): { fingerprint: string; chunks: Chunk[] };
  /** Starts, or resumes from `state()`, the fingerprint of a growing dataset. */
  appender(claims: Omit<Claims, "range">, resume?: Uint8Array): Appender;
  /** The fingerprint from chunk digests alone; chunks ascend in `k`, empty ones are left out. */
  fingerprintOfChunks(chunks: Chunk[], claims: Claims): string;
  /** Whether the rows are exactly those of the chunk. Rows that are no frame are not. */
  verifyChunk(rows: Bars | Trades, chunk: Pick<Chunk, "k" | "rows" | "digest">, grid: Grid): boolean;
  /** Whether one column is exactly the chunk's: its values against the leaf, and the leaves against the digest. */
  verifyColumn(values: ArrayLike<number> | string[], column: string, chunk: Chunk): boolean;
  /** The chunks that differ between two datasets, ascending. */
  diff(a: Chunk[], b: Chunk[]): ChunkChange[];
  /** The bars that differ between two frames in canonical bits, ascending. */
  diffRows(a: Bars, b: Bars): RowChange[];
  /** SHA-256 of bytes. */
  sha256(bytes: Uint8Array): Uint8Array;
  /** SHA-256 of bytes that come in pieces; after `digest` the stream is at its end. */
  sha256Stream(): { update(bytes: Uint8Array): void; digest(): Uint8Array };
  /** Bars of a coarser grid; a target bar needs its whole slot covered (spec §20). */
  resample(frame: Bars, o: { from: Grid; to: Grid; covered: Ranges }): { frame: Bars; incomplete: Ranges };
  /** Bars from trades; `covered` is in whole seconds (spec §20). */
  barsFromTrades(
    trades: Trades,
    o: { grid: Grid; covered: Ranges },
  ): { frame: Bars; empty: Ranges; incomplete: Ranges };
  /** Internal to the service: the chunks of a frame without a root, for stores that keep digests beside their chunks. */
  chunksOf(frame: Bars | Trades, grid: Grid): Chunk[];
}
