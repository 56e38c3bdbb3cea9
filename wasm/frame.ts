/**
 * Columns in memory: canonical bits, whole numbers as i64, and the check that times are those of a frame.
 *
 * A frame's columns lie one behind the other, `stride` bytes apart: column c begins at `columns + c * stride`.
 */
import { isTime, slotOf, slotStart } from "./grid";

/** What a status below zero means; src/compute/status.ts turns each into an error. */
export const BAD_TIME: i32 = -1;
export const NO_MEMORY: i32 = -2;
export const UNSORTED: i32 = -3;
export const OFF_GRID: i32 = -4;

const CANONICAL_NAN: u64 = 0x7ff8000000000000;
/** For |x| < 2^51, x + 1.5·2^52 holds x in its low bits; the integer difference of the two patterns is x. */
const SHIFTER: f64 = 6755399441055744.0;
const SMALL: f64 = 2251799813685248.0; // 2^51

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

/** −0 becomes +0 and every NaN the canonical one, in place, for `count` f64 at `at`. */
export function canonicalise(at: usize, count: i32): void {
  const nan = i64x2.splat(CANONICAL_NAN);
  const zero = f64x2.splat(0);
  const end = at + (<usize>count << 3);
  for (; at + 16 <= end; at += 16) {
    const x = v128.load(at);
    // −0 + 0 is +0 when rounding to nearest, which WebAssembly always does; every other number stays what it is.
    v128.store(at, v128.bitselect(f64x2.add(x, zero), nan, f64x2.eq(x, x)));
  }
  if (at < end) {
    const x = load<f64>(at);
    if (x == x) store<f64>(at, x + 0.0);
    else store<u64>(at, CANONICAL_NAN);
  }
}

/** `count` whole numbers (|x| < 2^53) at `at` become i64, in place. */
export function toInt64(at: usize, count: i32): void {
  const bits = reinterpret<i64>(SHIFTER);
  for (const end = at + (<usize>count << 3); at < end; at += 8) {
    const x = load<f64>(at);
    if (abs<f64>(x) < SMALL) store<i64>(at, reinterpret<i64>(x + SHIFTER) - bits);
    else store<i64>(at, <i64>x);
  }
}

/** Whether `count` f64 at `a` and `b` have equal canonical bits, `stride` bytes apart. */
@inline
export function sameBits(a: f64, b: f64): bool {
  return a == b || (a != a && b != b);
}

/** How many times from `at` on ascend strictly, stand on a grid of step `step`, and lie before `border`; else a status. */
export function countTimes(at: usize, count: i32, step: f64, border: f64): i32 {
  let before: f64 = -Infinity;
  for (let i = 0; i < count; i++) {
    const t = load<f64>(at + (<usize>i << 3));
    if (t >= border) return i;
    // One step after a time of the grid is a time of the grid; anything else is computed.
    if (step == 0 || t != before + step) {
      if (!isTime(t)) return BAD_TIME;
      if (t <= before) return UNSORTED;
      if (slotStart(slotOf(t)) != t) return OFF_GRID;
    }
    before = t;
  }
  return isTime(before) || count == 0 ? count : BAD_TIME;
}
