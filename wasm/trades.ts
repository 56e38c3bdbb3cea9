/** Bars from trades. The grid of trades is one second: what is covered snaps on whole seconds. */
import { alloc, mark, reset } from "./memory";
import { BAD_TIME, NO_MEMORY, setResult, UNSORTED } from "./frame";
import { setGrid, slotOf, slotStart, TIME_LIMIT } from "./grid";
import { fullRuns, higher, lower, partRuns, targetRuns } from "./resample";
import { snap } from "./ranges";
import { toSeconds } from "./snap";

const TIME_LIMIT_MS: f64 = TIME_LIMIT * 1000;

/** 0 when `count` milliseconds at `at` are whole and never descend, else a status. */
export function checkTradeTimes(at: usize, count: i32): i32 {
  let before: f64 = -Infinity;
  for (const end = at + (<usize>count << 3); at < end; at += 8) {
    const t = load<f64>(at);
    if (!(abs<f64>(t) < TIME_LIMIT_MS) || floor<f64>(t) != t) return BAD_TIME;
    if (t < before) return UNSORTED;
    before = t;
  }
  return 0;
}

/**
 * Builds bars of the grid (step, anchor) from `rows` trades (`ts_ms`, `price`, `amount`, `stride` bytes apart) into `out`
 * (room for `rows` bars). `covered` is rewritten. Slots covered whole without a trade go to `empty` (room for
 * `count` + `rows` pairs), slots covered in part to `part` (2 · `count`), as seconds. Answers the count of bars or a
 * status; results 0 and 1 are the counts of `part` and `empty`.
 */
export function barsFromTrades(
  columns: usize, stride: usize, rows: i32, covered: usize, count: i32,
  step: f64, anchor: f64, out: usize, outStride: usize, part: usize, empty: usize,
): i32 {
  const checked = checkTradeTimes(columns, rows);
  if (checked < 0) return checked;
  setGrid(1, 0);
  const merged = snap(covered, count, false);
  if (merged < 0) return merged;
  toSeconds(covered, merged);
  setGrid(step, anchor);
  const start = mark();
  const full = alloc((<usize>merged << 4) + 16);
  if (full == 0) return NO_MEMORY;
  targetRuns(covered, merged, full, part);
  let bars = 0;
  let row = 0;
  emptyRuns = 0;
  for (let i = 0; i < fullRuns; i++) {
    let slot = load<f64>(full + (<usize>i << 4));
    const endSlot = load<f64>(full + (<usize>i << 4), 8);
    while (row < rows && secondOf(columns, row) < slotStart(slot)) row++;
    while (row < rows && secondOf(columns, row) < slotStart(endSlot)) {
      const here = slotOf(secondOf(columns, row));
      const next = slotStart(here + 1);
      let end = row + 1;
      while (end < rows && secondOf(columns, end) < next) end++;
      if (slot < here) addEmpty(empty, slot, here);
      writeBar(columns, stride, row, end, slotStart(here), out + (<usize>bars << 3), outStride);
      bars++;
      row = end;
      slot = here + 1;
    }
    if (slot < endSlot) addEmpty(empty, slot, endSlot);
  }
  toSeconds(part, partRuns);
  toSeconds(empty, emptyRuns);
  setResult(0, partRuns);
  setResult(1, emptyRuns);
  reset(start);
  return bars;
}

let emptyRuns: i32 = 0;

/** Runs come in order and never touch: between two of one covered run there is a bar, between two covered runs a hole. */
function addEmpty(empty: usize, from: f64, to: f64): void {
  const p = empty + (<usize>emptyRuns << 4);
  emptyRuns++;
  store<f64>(p, from);
  store<f64>(p, to, 8);
}

@inline
function secondOf(columns: usize, row: i32): f64 {
  return floor<f64>(load<f64>(columns + (<usize>row << 3)) / 1000);
}

/** One bar of trades [from, end): a trade of amount 0 sets no price unless the slot has no others. */
function writeBar(columns: usize, stride: usize, from: i32, end: i32, ts: f64, out: usize, outStride: usize): void {
  let volume: f64 = 0;
  let traded = false;
  for (let i = from; i < end; i++) {
    const amount = load<f64>(columns + 2 * stride + (<usize>i << 3));
    volume += amount;
    if (amount != 0) traded = true;
  }
  let open = NaN;
  let high = NaN;
  let low = NaN;
  let close = NaN;
  let first = true;
  for (let i = from; i < end; i++) {
    const at = columns + (<usize>i << 3);
    if (traded && load<f64>(at + 2 * stride) == 0) continue;
    const price = load<f64>(at + stride);
    if (first) open = price;
    first = false;
    high = higher(high, price);
    low = lower(low, price);
    close = price;
  }
  store<f64>(out, ts);
  store<f64>(out + outStride, open);
  store<f64>(out + 2 * outStride, high);
  store<f64>(out + 3 * outStride, low);
  store<f64>(out + 4 * outStride, close);
  store<f64>(out + 5 * outStride, volume);
}
