/**
 * Runs of bars inside one chunk, small enough to be read for every chunk of a node: pairs of slot offsets
 * `[first, after last)` from the chunk's first slot, as unsigned 16-bit little-endian numbers.
 */

import { CHUNK_SLOTS } from "../../core/limits.ts";
import { slotOf, slotStart } from "../../core/timeframe.ts";
import type { Grid } from "../../core/timeframe.ts";
import type { Ranges } from "../../core/time_range.ts";

/** The runs of ascending times on the grid, all of chunk `k`. */
export function encodeRuns(ts: Float64Array, k: number, grid: Grid): Uint8Array<ArrayBuffer> {
  const offsets: number[] = [];
  const firstSlot = k * CHUNK_SLOTS;
  let after = -1;
  for (const t of ts) {
    const offset = slotOf(t, grid) - firstSlot;
    if (offset !== after) {
      if (after >= 0) offsets.push(after);
      offsets.push(offset);
    }
    after = offset + 1;
  }
  if (after >= 0) offsets.push(after);
  return new Uint8Array(Uint16Array.from(offsets).buffer);
}

/** The runs as flat pairs of epoch seconds. */
export function decodeRuns(bytes: Uint8Array, k: number, grid: Grid): Ranges {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const runs = new Float64Array(bytes.length / 2);
  for (let i = 0; i < runs.length; i++) {
    runs[i] = slotStart(k * CHUNK_SLOTS + view.getUint16(2 * i, true), grid);
  }
  return runs;
}

/** Joins the runs of ascending chunks; a run that goes on in the next chunk is one run. */
export function joinRuns(parts: readonly Ranges[]): Ranges {
  const joined = new Float64Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    const goesOn = at > 0 && part.length > 0 && joined[at - 1] === part[0];
    if (goesOn) at--;
    joined.set(goesOn ? part.subarray(1) : part, at);
    at += goesOn ? part.length - 1 : part.length;
  }
  return joined.slice(0, at);
}

/** Whether any run has an instant in common with `[start, end)`. */
export function touchesRuns(runs: Ranges, start: number, end: number): boolean {
  let low = 0;
  let high = runs.length / 2;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (runs[2 * middle + 1] <= start) low = middle + 1;
    else high = middle;
  }
  return 2 * low < runs.length && runs[2 * low] < end;
}
