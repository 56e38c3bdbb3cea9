/**
 * Conformance of bars, the part that looks at each row alone (spec §5: finite values, grid, invariants). Rows come in
 * slabs, in the input's order; of each remains one byte, its fate, and its time, floored where that is asked for.
 */
import { cleanValues } from "./clean_rows";
import { gridAnchor, gridStep, isTime, slotOf, slotStart } from "./grid";

/** What became of a row; src/compute/conform_bars.ts reads them by the same numbers. */
export const KEPT: u8 = 0;
const INVALID: u8 = 1;
const NON_FINITE: u8 = 2;
const MISALIGNED: u8 = 3;
export const DUPLICATE: u8 = 4;
export const INVARIANT: u8 = 5;
/** Set beside KEPT in rows that break an invariant, until it is known whether they stay. */
export const BROKEN: u8 = 0x80;

const COLUMNS: usize = 6;
const PRICES: usize = 4;

/** Counts of what the slabs so far had; `openJudge` sets them back. */
export let invalid = 0;
export let nonFinite = 0;
export let misaligned = 0;
export let infinite = 0;
export let kept = 0;
export let broken = 0;
export let ascending = true;
export let minTime: f64 = Infinity;
export let maxTime: f64 = -Infinity;
let before: f64 = -Infinity;

/** Begins with the first slab of an input. */
export function openJudge(): void {
  invalid = nonFinite = misaligned = infinite = kept = broken = 0;
  ascending = true;
  minTime = Infinity;
  maxTime = before = -Infinity;
}

/** Judges one slab: `rows` rows at `columns`; their times go to `times`, their fates to `state`. */
export function judgeRows(
  columns: usize, stride: usize, rows: i32, times: usize, state: usize, floorAlign: bool,
): void {
  memory.copy(times, columns, <usize>rows << 3);
  let clean = 0;
  for (let i = 0; i < rows;) {
    // What is known of values ahead is not looked at twice, however often a time stops the walk.
    if (i >= clean) clean = i + cleanValues(columns + stride + (<usize>i << 3), stride, rows - i);
    const done = i + onGrid(times + (<usize>i << 3), state + <usize>i, clean - i);
    const at = <usize>done << 3;
    if (done < rows) judgeRow(columns + at, stride, times + at, state + <usize>done, floorAlign);
    i = done + 1;
  }
}

/** `judgeRows`, one row after the other. */
export function judgeRowsScalar(
  columns: usize, stride: usize, rows: i32, times: usize, state: usize, floorAlign: bool,
): void {
  memory.copy(times, columns, <usize>rows << 3);
  for (let i: usize = 0; i < <usize>rows; i++) {
    judgeRow(columns + (i << 3), stride, times + (i << 3), state + i, floorAlign);
  }
}

/**
 * Keeps rows whose values are clean, up to the first whose time is none of the grid; answers how many. A quotient that
 * is a whole number is that number also when it is computed with the reciprocal, and the product tells whether it is.
 */
function onGrid(times: usize, state: usize, rows: i32): i32 {
  const step = gridStep();
  if (step == 0) return 0;
  const anchor = gridAnchor();
  const reciprocal = 1 / step;
  let last = before;
  let least = minTime;
  let most = maxTime;
  let sorted = ascending;
  let i: usize = 0;
  for (; i < <usize>rows; i++) {
    const t = load<f64>(times + (i << 3));
    if (!isTime(t) || nearest<f64>((t - anchor) * reciprocal) * step + anchor != t) break;
    sorted = sorted && t > last;
    last = t;
    least = min<f64>(least, t);
    most = max<f64>(most, t);
  }
  memory.fill(state, KEPT, i);
  before = last;
  minTime = least;
  maxTime = most;
  ascending = sorted;
  kept += <i32>i;
  return <i32>i;
}

function judgeRow(row: usize, stride: usize, time: usize, state: usize, floorAlign: bool): void {
  const fate = fateOf(row, stride, time, floorAlign);
  store<u8>(state, fate);
  if (fate != KEPT) return;
  kept++;
  const t = load<f64>(time);
  if (t <= before) ascending = false;
  before = t;
  minTime = min<f64>(minTime, t);
  maxTime = max<f64>(maxTime, t);
  if (contradicts(row, stride)) {
    broken++;
    store<u8>(state, KEPT | BROKEN);
  }
}

function fateOf(row: usize, stride: usize, time: usize, floorAlign: bool): u8 {
  const t = load<f64>(time);
  if (!isTime(t)) {
    invalid++;
    return INVALID;
  }
  const opens = slotStart(slotOf(t));
  const aligned = opens == t;
  // A time floored below the limit would be none.
  if (!aligned && floorAlign && !isTime(opens)) {
    invalid++;
    return INVALID;
  }
  if (!finiteEnough(row, stride)) return NON_FINITE;
  if (!aligned) {
    misaligned++;
    if (!floorAlign) return MISALIGNED;
    store<f64>(time, opens);
  }
  return KEPT;
}

/** Whether one of the four prices is a number. Cells that are not finite are counted. */
function finiteEnough(row: usize, stride: usize): bool {
  let bad = 0;
  let badPrices: usize = 0;
  for (let c: usize = 1; c < COLUMNS; c++) {
    const x = load<f64>(row + c * stride);
    if (isFinite(x)) continue;
    bad++;
    if (c <= PRICES) badPrices++;
    if (x == x) infinite++;
  }
  nonFinite += bad;
  return badPrices < PRICES;
}

/** A cell of a row that is kept: what is not finite is NaN, and a comparison with NaN finds nothing. */
@inline
function cell(at: usize): f64 {
  const x = load<f64>(at);
  return isFinite(x) ? x : NaN;
}

function contradicts(row: usize, stride: usize): bool {
  const o = cell(row + stride);
  const h = cell(row + 2 * stride);
  const l = cell(row + 3 * stride);
  const c = cell(row + 4 * stride);
  return h < o || h < c || l > o || l > c || o <= 0 || h <= 0 || l <= 0 || c <= 0 || cell(row + 5 * stride) < 0;
}
