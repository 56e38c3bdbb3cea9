/** Views on the columns of a `BarSlice`, and the way from frames to slices and back. */

import { BAR_COLUMNS, type Bars, makeBars } from "../core/bar_frame.ts";
import type { BarSlice } from "../core/service.ts";

/** Columns of a bar: ts and five prices and volumes. */
export const BAR_COLUMN_COUNT = BAR_COLUMNS.length;
/** Bytes of one row over all columns. */
export const BAR_ROW_BYTES = 8 * BAR_COLUMN_COUNT;

/** The columns of a slice: `ts` in epoch seconds, then open, high, low, close, volume; views where memory allows. */
export interface SliceColumns {
  ts: BigInt64Array;
  /** In schema order: open, high, low, close, volume. */
  values: Float64Array[];
}

/** Looks at the columns of a slice; copies once when its bytes do not start on an 8-byte border. */
export function columnsOf(slice: BarSlice): SliceColumns {
  const { bytes, rows } = slice;
  if (bytes.length !== rows * BAR_ROW_BYTES) {
    throw new RangeError(`Cannot read ${rows} bars from ${bytes.length} bytes`);
  }
  const at = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
  const values = [1, 2, 3, 4, 5].map((column) =>
    new Float64Array(at.buffer, at.byteOffset + 8 * rows * column, rows)
  );
  return { ts: new BigInt64Array(at.buffer, at.byteOffset, rows), values };
}

/** Joins slices into one frame. */
export function barsOfSlices(slices: readonly BarSlice[]): Bars {
  const bars = makeBars(slices.reduce((rows, slice) => rows + slice.rows, 0));
  let at = 0;
  for (const slice of slices) {
    const { ts, values } = columnsOf(slice);
    for (let i = 0; i < slice.rows; i++) bars.ts[at + i] = Number(ts[i]);
    BAR_COLUMNS.slice(1).forEach((name, column) => bars[name].set(values[column], at));
    at += slice.rows;
  }
  return bars;
}

/** Lays a frame out as one slice: what a store without stored chunks, and a test, serve. */
export function sliceOfBars(bars: Bars): BarSlice {
  const rows = bars.ts.length;
  const bytes = new Uint8Array(rows * BAR_ROW_BYTES);
  new BigInt64Array(bytes.buffer, 0, rows).set(BigInt64Array.from(bars.ts, BigInt));
  BAR_COLUMNS.slice(1).forEach((name, i) => {
    new Float64Array(bytes.buffer, 8 * rows * (i + 1), rows).set(bars[name]);
  });
  return { rows, bytes };
}

/** The rows `[from, to)` of a slice, as a slice of its own. */
export function cutSlice(slice: BarSlice, from: number, to: number): BarSlice {
  if (from === 0 && to === slice.rows) return slice;
  const rows = to - from;
  const bytes = new Uint8Array(rows * BAR_ROW_BYTES);
  for (let column = 0; column < BAR_COLUMN_COUNT; column++) {
    const start = 8 * slice.rows * column;
    bytes.set(slice.bytes.subarray(start + 8 * from, start + 8 * to), 8 * rows * column);
  }
  return { rows, bytes };
}

/** The time of one row. */
export function tsAt(slice: BarSlice, row: number): number {
  return Number(new DataView(slice.bytes.buffer, slice.bytes.byteOffset + 8 * row).getBigInt64(0, true));
}
