/**
 * The one pass that most frames need: rows of bars, as they lie, in which there is nothing to find. The kernel looks at
 * two rows at once and stops where something is odd; what that is, the general path (conformance.ts) finds out.
 */
import { gridStep, slotOf, slotStart } from "./grid";
import { runLength } from "./runs";

/**
 * How many rows from the first on are clean: their times ascend from after `before`, stand on the grid, lie within
 * ±`limit`, and their cells are finite and contradict nothing. A gap is clean.
 */
export function cleanRows(columns: usize, stride: usize, rows: i32, before: f64, limit: f64): i32 {
  const values = cleanValues(columns + stride, stride, rows);
  return cleanTimes(columns, values, before, limit);
}

/** As `cleanRows`, of times alone. */
function cleanTimes(times: usize, rows: i32, before: f64, limit: f64): i32 {
  const step = gridStep();
  for (let i = 0; i < rows; i++) {
    const t = load<f64>(times + (<usize>i << 3));
    if (!(t > before) || !(abs<f64>(t) < limit) || slotStart(slotOf(t)) != t) return i;
    before = t;
    if (step == 0) continue;
    const run = runLength(times + (<usize>i << 3) + 8, rows - i - 1, t, step);
    before += <f64>run * step;
    // The last one of a run is the largest: where it is too large, the rows are looked at one by one.
    if (before >= limit) return i + 1;
    i += run;
  }
  return rows;
}

/**
 * All ones where a row's values are clean. Of l > 0, l ≤ o ≤ h, l ≤ c ≤ h and h < ∞ it follows that all four prices
 * are finite and above zero; a comparison with NaN is false.
 */
@inline
function cleanPair(o: v128, h: v128, l: v128, c: v128, v: v128): v128 {
  const infinite = f64x2.splat(Infinity);
  const zero = f64x2.splat(0);
  const prices = v128.and(
    v128.and(f64x2.le(l, o), f64x2.le(o, h)),
    v128.and(f64x2.le(l, c), f64x2.le(c, h)),
  );
  const bounds = v128.and(f64x2.gt(l, zero), f64x2.lt(h, infinite));
  return v128.and(v128.and(prices, bounds), v128.and(f64x2.ge(v, zero), f64x2.lt(v, infinite)));
}

/** How many rows of five columns from `open` on, `stride` bytes apart, have clean values. */
export function cleanValues(open: usize, stride: usize, rows: i32): i32 {
  const high = open + stride;
  const low = high + stride;
  const close = low + stride;
  const volume = close + stride;
  let at: usize = 0;
  for (const end = <usize>(rows & ~3) << 3; at < end; at += 32) {
    const a = cleanPair(
      v128.load(open + at), v128.load(high + at), v128.load(low + at), v128.load(close + at), v128.load(volume + at),
    );
    const b = cleanPair(
      v128.load(open + at, 16), v128.load(high + at, 16), v128.load(low + at, 16), v128.load(close + at, 16),
      v128.load(volume + at, 16),
    );
    if (!i64x2.all_true(v128.and(a, b))) break;
  }
  const done = <i32>(at >> 3);
  return done + cleanValuesScalar(open + at, stride, rows - done);
}

/** `cleanValues`, one row after the other, in the words of the rule. */
export function cleanValuesScalar(open: usize, stride: usize, rows: i32): i32 {
  for (let i = 0; i < rows; i++) {
    const at = open + (<usize>i << 3);
    const o = load<f64>(at);
    const h = load<f64>(at + stride);
    const l = load<f64>(at + 2 * stride);
    const c = load<f64>(at + 3 * stride);
    const v = load<f64>(at + 4 * stride);
    if (!isFinite(o) || !isFinite(h) || !isFinite(l) || !isFinite(c) || !isFinite(v)) return i;
    if (h < o || h < c || l > o || l > c || o <= 0 || h <= 0 || l <= 0 || c <= 0 || v < 0) return i;
  }
  return rows;
}
