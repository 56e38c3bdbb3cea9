/**
 * Columns in memory: what calls answer beside their status, and the check that times are those of a frame.
 *
 * A frame's columns lie one behind the other, `stride` bytes apart: column c begins at `columns + c * stride`.
 */
import { isTime, slotOf, slotStart } from "./grid";
import { runLength } from "./runs";

/** What a status below zero means; src/compute/status.ts turns each into an error. */
export const BAD_TIME: i32 = -1;
export const NO_MEMORY: i32 = -2;
export const UNSORTED: i32 = -3;
export const OFF_GRID: i32 = -4;

/** The counts and addresses that a call answers beside its status. */
export const RESULTS: usize = memory.data(128, 16);

/** Where the results of the last call stand. */
export function results(): usize {
  return RESULTS;
}

@inline
export function setResult(field: usize, value: f64): void {
  store<f64>(RESULTS + (field << 3), value);
}

/** How many times from `at` on ascend strictly, stand on a grid of step `step`, and lie before `border`; else a status. */
export function countTimes(at: usize, count: i32, step: f64, border: f64): i32 {
  let before: f64 = -Infinity;
  for (let i = 0; i < count; i++) {
    const p = at + (<usize>i << 3);
    const t = load<f64>(p);
    if (t >= border) return i;
    if (!isTime(t)) return BAD_TIME;
    if (t <= before) return UNSORTED;
    if (slotStart(slotOf(t)) != t) return OFF_GRID;
    before = t;
    if (step == 0) continue;
    // What goes on by single steps is on the grid too: only where it ends must be looked at.
    const rest = <f64>(count - i - 1);
    const run = runLength(p + 8, <i32>min<f64>(rest, ceil<f64>((border - t) / step) - 1), t, step);
    before += <f64>run * step;
    i += run;
  }
  return isTime(before) || count == 0 ? count : BAD_TIME;
}
