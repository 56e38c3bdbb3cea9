/**
 * Bars of a coarser grid from bars of a finer one, or from trades. What is covered decides alone: a target bar needs its
 * whole slot. Rows come in slabs that end on borders of the target grid; what is covered is divided once, before.
 */
import { alloc } from "./memory";
import { BAD_TIME, countTimes, NO_MEMORY, setResult } from "./frame";
import { fold, foldClose, foldHigh, foldLow, foldOpen, foldScalar, foldVolume } from "./fold";
import { setGrid, slotOf, slotStart } from "./grid";
import { snap } from "./ranges";

/** Runs of target slots that are covered whole, as pairs of slots, and how far the slabs so far have come in them. */
let full: usize = 0;
let fullRuns: i32 = 0;
let run: i32 = 0;
let nextSlot: f64 = 0;
/** Pairs of slots that are covered in part, and pairs of slots without a trade. */
let partRuns: i32 = 0;
let emptyRuns: i32 = 0;

/**
 * Divides what `covered` (`count` pairs of seconds, rewritten) holds of a source grid by the slots of a target grid (step
 * 0: months): runs covered whole are kept for the slabs; runs covered in part go to `part` (room for 2 · `count` pairs)
 * as seconds. Answers the count of the latter, or a status. The current grid is the target's afterwards.
 */
export function coverTargets(
  covered: usize, count: i32, fromStep: f64, fromAnchor: f64, toStep: f64, toAnchor: f64, part: usize,
): i32 {
  setGrid(fromStep, fromAnchor);
  const merged = snap(covered, count, false);
  if (merged < 0) return merged;
  setGrid(toStep, toAnchor);
  full = alloc((<usize>merged << 4) + 16);
  if (full == 0) return NO_MEMORY;
  fullRuns = partRuns = emptyRuns = run = 0;
  for (let i = 0; i < merged; i++) {
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
  if (fullRuns > 0) nextSlot = load<f64>(full);
  toSeconds(part, partRuns);
  return partRuns;
}

/** Turns pairs of slots into pairs of seconds, in place. */
function toSeconds(list: usize, count: i32): void {
  for (const stop = list + (<usize>count << 4); list < stop; list += 8) store<f64>(list, slotStart(load<f64>(list)));
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

/** 0 when `rows` times at `at` are those of a frame on the source grid; else a status. The target's grid is set again. */
export function checkSource(at: usize, rows: i32, fromStep: f64, fromAnchor: f64, toStep: f64, toAnchor: f64): i32 {
  setGrid(fromStep, fromAnchor);
  const checked = countTimes(at, rows, fromStep, Infinity);
  setGrid(toStep, toAnchor);
  return checked < 0 ? checked : checked == rows ? 0 : BAD_TIME;
}

/**
 * Folds a slab of bars into target bars at `out` (room for `rows` bars, `outStride` apart) and answers how many. Rows of
 * slots that are not covered whole are passed over. `plain`: by the scalar form.
 */
export function resampleRows(columns: usize, stride: usize, rows: i32, out: usize, outStride: usize, plain: bool): i32 {
  let bars = 0;
  for (let row = 0; row < rows;) {
    const at = columns + (<usize>row << 3);
    const slot = slotOf(load<f64>(at));
    const taken = rowsBefore(at, rows - row, slotStart(slot + 1));
    row += taken;
    if (!enters(slot, 0)) continue;
    const open = at + stride;
    if (plain) foldScalar(open, open + stride, open + 2 * stride, open + 3 * stride, open + 4 * stride, taken, false);
    else fold(open, open + stride, open + 2 * stride, open + 3 * stride, open + 4 * stride, taken, false);
    writeBar(slotStart(slot), out + (<usize>bars << 3), outStride);
    bars++;
  }
  return bars;
}

/**
 * Folds a slab of trades (`ts_ms`, `price`, `amount`) into bars, as `resampleRows`. Runs of covered slots without a trade
 * before its last go to `empty` as pairs of seconds (room for one a bar and one a covered range); result 0 counts them.
 */
export function foldTrades(
  columns: usize, stride: usize, rows: i32, out: usize, outStride: usize, empty: usize, plain: bool,
): i32 {
  let bars = 0;
  emptyRuns = 0;
  for (let row = 0; row < rows;) {
    const at = columns + (<usize>row << 3);
    const slot = slotOf(floor<f64>(load<f64>(at) / 1000));
    const taken = rowsBefore(at, rows - row, slotStart(slot + 1) * 1000);
    row += taken;
    if (!enters(slot, empty)) continue;
    const price = at + stride;
    if (plain) foldScalar(price, price, price, price, price + stride, taken, true);
    else fold(price, price, price, price, price + stride, taken, true);
    writeBar(slotStart(slot), out + (<usize>bars << 3), outStride);
    bars++;
  }
  toSeconds(empty, emptyRuns);
  setResult(0, emptyRuns);
  return bars;
}

/** After the last trade: the covered slots that are left have none. Answers the count of pairs at `empty`, as seconds. */
export function closeTrades(empty: usize): i32 {
  emptyRuns = 0;
  if (fullRuns > 0) enters(Infinity, empty);
  toSeconds(empty, emptyRuns);
  return emptyRuns;
}

/** How many of `rows` ascending times from `at` on lie before `border`: by steps that double, then by halves. */
function rowsBefore(at: usize, rows: i32, border: f64): i32 {
  let low = 0;
  let high = 1;
  while (high < rows && load<f64>(at + (<usize>high << 3)) < border) {
    low = high;
    high <<= 1;
  }
  if (high > rows) high = rows;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (load<f64>(at + (<usize>middle << 3)) < border) low = middle;
    else high = middle;
  }
  return high;
}

/** Whether a slot, which never comes before an earlier one, is covered whole. Slots passed over go to `empty`, unless 0. */
function enters(slot: f64, empty: usize): bool {
  while (run < fullRuns) {
    const end = load<f64>(full + (<usize>run << 4), 8);
    if (slot < nextSlot) return false;
    const reached = min<f64>(slot, end);
    if (empty != 0 && nextSlot < reached) addEmpty(empty, nextSlot, reached);
    if (slot < end) {
      nextSlot = slot + 1;
      return true;
    }
    run++;
    if (run < fullRuns) nextSlot = load<f64>(full + (<usize>run << 4));
  }
  return false;
}

/** Runs come in order and never touch: between two of one covered run there is a bar, between two covered runs a hole. */
function addEmpty(empty: usize, from: f64, to: f64): void {
  const p = empty + (<usize>emptyRuns << 4);
  emptyRuns++;
  store<f64>(p, from);
  store<f64>(p, to, 8);
}

function writeBar(ts: f64, out: usize, outStride: usize): void {
  store<f64>(out, ts);
  store<f64>(out + outStride, foldOpen);
  store<f64>(out + 2 * outStride, foldHigh);
  store<f64>(out + 3 * outStride, foldLow);
  store<f64>(out + 4 * outStride, foldClose);
  store<f64>(out + 5 * outStride, foldVolume);
}
