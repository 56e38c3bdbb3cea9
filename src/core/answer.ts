/** An answer to a question for bars, as the service hands it over. */

import type { Metadata } from "./metadata.ts";

/**
 * Consecutive rows of an answer, columns one after the other as `StoredChunk.bytes` lays them out: ts int64, then
 * open, high, low, close, volume float64, little-endian, 8·rows bytes each. Never written to.
 */
export interface BarSlice {
  rows: number;
  bytes: Uint8Array;
}

/** A question answered: metadata at once, rows as they are pulled. */
export interface Answer {
  metadata: Metadata;
  /** A backtest, or a read selected by `fingerprint`: it can never change. */
  pinned: boolean;
  /** Rows ascending from `fromTs` (default: all), at most `limit`. Pinned answers verify each chunk before they yield it. */
  slices(o?: { fromTs?: number; limit?: number; signal?: AbortSignal }): AsyncIterable<BarSlice>;
  /** Answers that share this object deliver the same rows of the same ranges. Absent where none can. */
  content?: object;
  /** Names the rows from `fromTs` on; two answers with equal values deliver equal rows there. */
  remainderDigest(fromTs: number): Promise<string>;
  /** For the `Server-Timing` header: phase and milliseconds. */
  timing: { name: string; ms: number }[];
  /**
   * Whether the same question, asked at this moment, would be answered the same to the byte; told at once, without
   * waiting. Absent where that cannot be told. Throws as `bars` does.
   */
  isStill?: (() => boolean) | undefined;
}

/** What of an answer is known before it is described: its ranges and rows, enough to make a page of it. */
export type AnswerRows = Pick<Answer, "pinned" | "content" | "slices" | "remainderDigest"> & {
  metadata: Pick<Metadata, "node_id" | "rows" | "requested_range" | "effective_range">;
};
