/** What more than one port speaks of. */

/** Who goes first when the budget is short: live before dryrun before backfill. */
export type Priority = "live" | "dryrun" | "backfill";

/**
 * The final rows of 4,096 consecutive slots as they are stored, hashed and sent: `bytes` holds the columns
 * one after the other, ts as int64 and open, high, low, close, volume as float64, little-endian, canonical
 * (+0 for −0, one NaN), 8·rows bytes each. Immutable: a changed chunk is a new object.
 */
export interface StoredChunk {
  k: number;
  rows: number;
  bytes: Uint8Array;
  /** SFP-1 chunk digest and leaves, lower-case hex. */
  digest: string;
  leaves: string[];
}
