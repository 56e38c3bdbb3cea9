/**
 * Bars of a coarser grid from bars of a finer one. What is covered decides alone: a target bar needs its whole slot.
 */
import { alloc, mark, reset } from "./memory";
import { BAD_TIME, countTimes, NO_MEMORY, setResult } from "./frame";
import { setGrid, slotOf, slotStart } from "./grid";
import { snap } from "./ranges";
import { toSeconds } from "./snap";

/** The counts that `targetRuns` leaves: pairs of whole target slots, pairs of slots covered in part. */
export let fullRuns: i32 = 0;
export let partRuns: i32 = 0;

/**
 * Divides what `covered` (sorted, coalesced pairs of seconds) touches of the current grid: into `full`, runs of slots
 * that are covered whole, and into `part`, runs of slots that are covered in part. Room: `count` and 2 · `count` pairs.
 */
export function targetRuns(covered: usize, count: i32, full: usize, part: usize): void {
  fullRuns = 0;
  partRuns = 0;
  for (let i = 0; i < count; i++) {
    const from = load<f64>(covered + (<usize>i << 4));
    const to = load<f64>(covered + (<usize>i << 4), 8);
    let first = slotOf(from);
    let end = slotOf(to - 1) + 1;
    const lateHead = slotStart(first) < from;
    const earlyTail = slotStart(end) > to;
    if (lateHead) addPart(part, first++);
    if (earlyTail && first < end) addPart(part, --end);
    if (first < end) {
      const p = full + (<usize>fullRuns << 4);
      fullRuns++;
      store<f64>(p, first);
      store<f64>(p, end, 8);
    }
  }
}

/** Adds one slot to the runs of slots covered in part; two covered ranges may end and begin in the same one. */
function addPart(part: usize, slot: f64): void {
  if (partRuns > 0) {
    const last = part + (<usize>(partRuns - 1) << 4);
    if (load<f64>(last, 8) > slot) return;
    if (load<f64>(last, 8) == slot) {
      store<f64>(last, slot + 1, 8);
      return;
    }
  }
  const p = part + (<usize>partRuns << 4);
  partRuns++;
  store<f64>(p, slot);
  store<f64>(p, slot + 1, 8);
}

/** Running high and low that leave NaN out: NaN stays only while nothing else has come. */
@inline
export function higher(best: f64, x: f64): f64 {
  return x > best || best != best ? x : best;
}

@inline
export function lower(best: f64, x: f64): f64 {
  return x < best || best != best ? x : best;
}

/**
 * Resamples `rows` bars at `columns` from one grid to another (step 0: months) into `out` (room for `rows` bars,
 * `outStride` apart). `covered` is rewritten; slots covered in part go to `part` as pairs of seconds (room for
 * 2 · `count`). Answers the count of bars or a status; result 0 is the count of pairs in `part`.
 */
export function resampleBars(
  columns: usize, stride: usize, rows: i32, covered: usize, count: i32,
  fromStep: f64, fromAnchor: f64, toStep: f64, toAnchor: f64, out: usize, outStride: usize, part: usize,
): i32 {
  setGrid(fromStep, fromAnchor);
  const checked = countTimes(columns, rows, fromStep, Infinity);
  if (checked < 0) return checked;
  if (checked != rows) return BAD_TIME;
  const merged = snap(covered, count, false);
  if (merged < 0) return merged;
  toSeconds(covered, merged);
  setGrid(toStep, toAnchor);
  const start = mark();
  const full = alloc((<usize>merged << 4) + 16);
  if (full == 0) return NO_MEMORY;
  targetRuns(covered, merged, full, part);
  let bars = 0;
  let row = 0;
  for (let i = 0; i < fullRuns; i++) {
    const opens = slotStart(load<f64>(full + (<usize>i << 4)));
    const closes = slotStart(load<f64>(full + (<usize>i << 4), 8));
    while (row < rows && load<f64>(columns + (<usize>row << 3)) < opens) row++;
    while (row < rows && load<f64>(columns + (<usize>row << 3)) < closes) {
      const slot = slotOf(load<f64>(columns + (<usize>row << 3)));
      const next = slotStart(slot + 1);
      let end = row + 1;
      while (end < rows && load<f64>(columns + (<usize>end << 3)) < next) end++;
      writeBar(columns, stride, row, end, slotStart(slot), out + (<usize>bars << 3), outStride);
      bars++;
      row = end;
    }
  }
  toSeconds(part, partRuns);
  setResult(0, partRuns);
  reset(start);
  return bars;
}

/** One bar of rows [from, end): open, high and low ignore bars of zero volume unless all are; close is the last. */
function writeBar(columns: usize, stride: usize, from: i32, end: i32, ts: f64, out: usize, outStride: usize): void {
  let volume: f64 = 0;
  let traded = false;
  for (let i = from; i < end; i++) {
    const v = load<f64>(columns + 5 * stride + (<usize>i << 3));
    volume += v;
    // A NaN volume differs from zero, and counts as traded.
    if (v != 0) traded = true;
  }
  let open = NaN;
  let high = NaN;
  let low = NaN;
  let first = true;
  for (let i = from; i < end; i++) {
    const at = columns + (<usize>i << 3);
    if (traded && load<f64>(at + 5 * stride) == 0) continue;
    if (first) open = load<f64>(at + stride);
    first = false;
    high = higher(high, load<f64>(at + 2 * stride));
    low = lower(low, load<f64>(at + 3 * stride));
  }
  store<f64>(out, ts);
  store<f64>(out + outStride, open);
  store<f64>(out + 2 * outStride, high);
  store<f64>(out + 3 * outStride, low);
  store<f64>(out + 4 * outStride, load<f64>(columns + 4 * stride + (<usize>(end - 1) << 3)));
  store<f64>(out + 5 * outStride, volume);
}
