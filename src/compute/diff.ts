/** What differs between two datasets: first the chunks, by digest, then the rows, by canonical bits. */
import type { Bars } from "../core/bar_frame.ts";
import { TIME_LIMIT_SEC } from "../core/limits.ts";
import { checkBars } from "./arguments.ts";
import { checkChunks } from "./fingerprint.ts";
import type { Chunk, ChunkChange, RowChange } from "./types.ts";

/** See `Compute.diff`. */
export function diff(a: Chunk[], b: Chunk[]): ChunkChange[] {
  checkChunks(a, "a");
  checkChunks(b, "b");
  const changes: ChunkChange[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const left = i < a.length ? a[i].k : Infinity;
    const right = j < b.length ? b[j].k : Infinity;
    if (left < right) changes.push({ k: left, kind: "only_a" });
    else if (right < left) changes.push({ k: right, kind: "only_b" });
    else if (a[i].digest !== b[j].digest) changes.push({ k: left, kind: "changed" });
    if (left <= right) i++;
    if (right <= left) j++;
  }
  return changes;
}

/** See `Compute.diffRows`. Throws `RangeError` unless both frames ascend. */
export function diffRows(a: Bars, b: Bars): RowChange[] {
  checkBars(a, "a");
  checkBars(b, "b");
  checkAscending(a.ts, "a");
  checkAscending(b.ts, "b");
  const changes: RowChange[] = [];
  let i = 0;
  let j = 0;
  while (i < a.ts.length || j < b.ts.length) {
    const left = i < a.ts.length ? a.ts[i] : Infinity;
    const right = j < b.ts.length ? b.ts[j] : Infinity;
    if (left < right) changes.push({ ts: left, kind: "removed", before: valuesAt(a, i) });
    else if (right < left) changes.push({ ts: right, kind: "added", after: valuesAt(b, j) });
    else if (!sameRow(a, i, b, j)) {
      changes.push({ ts: left, kind: "changed", before: valuesAt(a, i), after: valuesAt(b, j) });
    }
    if (left <= right) i++;
    if (right <= left) j++;
  }
  return changes;
}

function checkAscending(ts: Float64Array, name: string): void {
  let before = -Infinity;
  for (const t of ts) {
    if (!(t > before) || Math.abs(t) >= TIME_LIMIT_SEC) {
      throw new RangeError(`${name}'s times do not ascend: ${t} after ${before}`);
    }
    if (!Number.isInteger(t)) throw new RangeError(`${name}'s times must be whole seconds, not ${t}`);
    before = t;
  }
}

/** Canonical bits: every NaN is one value, and so are the two zeros. */
function same(x: number, y: number): boolean {
  return x === y || (x !== x && y !== y);
}

function sameRow(a: Bars, i: number, b: Bars, j: number): boolean {
  return same(a.open[i], b.open[j]) && same(a.high[i], b.high[j]) && same(a.low[i], b.low[j]) &&
    same(a.close[i], b.close[j]) && same(a.volume[i], b.volume[j]);
}

/** [open, high, low, close, volume]; adding zero makes −0 into +0. */
function valuesAt(frame: Bars, i: number): number[] {
  return [frame.open[i] + 0, frame.high[i] + 0, frame.low[i] + 0, frame.close[i] + 0, frame.volume[i] + 0];
}
