/** Frames in the arena: columns one behind the other, `stride` bytes apart. */
import { BAR_COLUMNS, type Bars, makeBars } from "../core/bar_frame.ts";
import type { Door } from "./door.ts";

/** Bytes from one column to the next: the rows, padded so that each column is aligned. */
export function strideOf(rows: number): number {
  return Math.ceil(rows / 2) * 16;
}

/** Copies columns into the arena, `stride` bytes apart. */
export function copyColumns(door: Door, columns: Float64Array[], stride: number): number {
  const at = door.alloc(stride * columns.length);
  columns.forEach((column, c) => door.f64(at + c * stride, column.length).set(column));
  return at;
}

/** Copies bars out of the arena. */
export function readBars(door: Door, at: number, stride: number, rows: number): Bars {
  const frame = makeBars(rows);
  BAR_COLUMNS.forEach((name, c) => frame[name].set(door.f64(at + c * stride, rows)));
  return frame;
}
