/** One bar's values as 40 canonical bytes, because SQLite has no NaN; no bytes at all stand for a withdrawn bar. */

import { makeBars } from "../../core/bar_frame.ts";
import { decodeRows, encodeRows, valuesAt } from "../../core/stored_chunk.ts";
import type { BarValues } from "../../core/stored_chunk.ts";

const TIME_BYTES = 8;

export function encodeBar(values: BarValues | null): Uint8Array {
  if (values === null) return new Uint8Array(0);
  const row = makeBars(1);
  [row.open[0], row.high[0], row.low[0], row.close[0], row.volume[0]] = values;
  return encodeRows(row).subarray(TIME_BYTES);
}

export function decodeBar(blob: Uint8Array): BarValues | null {
  if (blob.length === 0) return null;
  const bytes = new Uint8Array(TIME_BYTES + blob.length);
  bytes.set(blob, TIME_BYTES);
  return valuesAt(decodeRows(bytes), 0);
}
