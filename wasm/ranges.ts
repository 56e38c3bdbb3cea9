/**
 * Range math: each range is snapped alone, then all are sorted and coalesced, then walked.
 *
 * Lists are f64 pairs in memory. Counts that come back are of pairs; BAD_TIME and NO_MEMORY say why there are none.
 */
import { NO_MEMORY, setResult } from "./frame";
import { alloc, mark, reset } from "./memory";
import { gridStep, slotOf, slotStart } from "./grid";
import { snapPairs, snapPairsScalar, snappedApart, snappedSorted } from "./snap";
import { sortRecords } from "./sort";
import { cutOne, sweep } from "./sweep";

const PAIR: usize = 16;

@inline
function startOf(list: usize, i: i32): f64 {
  return load<f64>(list + (<usize>i << 4));
}

@inline
function endOf(list: usize, i: i32): f64 {
  return load<f64>(list + (<usize>i << 4), 8);
}

/** Turns pairs at `list` into sorted, coalesced pairs on the grid, in place: inward or outward, each alone. */
export function snap(list: usize, count: i32, outward: bool): i32 {
  const kept = snapPairs(list, count, outward);
  if (kept < 0 || snappedApart) return kept;
  return snappedSorted ? coalesce(list, kept) : arrange(list, kept, BY_FIT);
}

/** A bitmap is worth its memory while there are at most so many words of 64 slots for each pair. */
const WORDS_PER_PAIR: f64 = 8;
const SMALL_WORDS: f64 = 1024;
/** Places in a bitmap are u32, and the search for the next bit steps over the last word. */
const MOST_WORDS: f64 = 67108863;

/** How pairs are put in order: as fits them, or (tests compare the two) by sorting, or (1) by the bitmap. */
const BY_FIT: i32 = 0;
const BY_BITMAP: i32 = 1;

/** The shortest month: how many slots a span of time has at most, where slots differ. */
const SHORTEST_MONTH: f64 = 2419200;

/** Sorts and coalesces pairs on the grid, in place: by a bitmap over the slots, or by sorting. */
export function arrange(list: usize, count: i32, way: i32): i32 {
  const step = gridStep() == 0 ? SHORTEST_MONTH : gridStep();
  let first = Infinity;
  let last = -Infinity;
  let time: f64 = 0;
  for (let i = 0; i < count; i++) {
    const start = startOf(list, i);
    const end = endOf(list, i);
    first = min<f64>(first, start);
    last = max<f64>(last, end);
    time += end - start;
  }
  const most = min<f64>(WORDS_PER_PAIR * <f64>count + SMALL_WORDS, MOST_WORDS);
  // Both are bounded: the words to look through, and the words that all pairs together write.
  const dense = (last - first) / step / 64 < most && time / step / 64 + <f64>count < most;
  if (count > 0 && (way == BY_BITMAP || (way == BY_FIT && dense))) return byBitmap(list, count, first, last);
  if (!sortRecords(list, count)) return NO_MEMORY;
  return coalesce(list, count);
}

/** The slots from the one at `first` on: an exact quotient, which the reciprocal's error does not reach. */
@inline
function placeOf(t: f64, first: f64, step: f64, reciprocal: f64): u32 {
  const place = step == 0 ? slotOf(t) - slotOf(first) : nearest<f64>((t - first) * reciprocal);
  return <u32>place;
}

/** The time that stands `place` slots behind `first`. */
@inline
function timeAt(place: u32, first: f64, step: f64): f64 {
  return step == 0 ? slotStart(slotOf(first) + <f64>place) : first + <f64>place * step;
}

/** One bit for each slot from `first` on: each pair sets its bits, then the runs of bits are read off. */
function byBitmap(list: usize, count: i32, first: f64, last: f64): i32 {
  const step = gridStep();
  const reciprocal = 1 / step;
  const slots = placeOf(last, first, step, reciprocal);
  const start = mark();
  const bytes = ((<usize>slots >> 6) + 1) << 3;
  const bitmap = alloc(bytes);
  if (bitmap == 0) return NO_MEMORY;
  memory.fill(bitmap, 0, bytes);
  for (let i = 0; i < count; i++) {
    const from = placeOf(startOf(list, i), first, step, reciprocal);
    setBits(bitmap, from, placeOf(endOf(list, i), first, step, reciprocal));
  }
  let runs = 0;
  for (let bit = nextBit(bitmap, 0, slots, 0); bit < slots;) {
    const end = nextBit(bitmap, bit, slots, -1);
    const p = list + (<usize>runs << 4);
    store<f64>(p, timeAt(bit, first, step));
    store<f64>(p, timeAt(end, first, step), 8);
    runs++;
    bit = nextBit(bitmap, end, slots, 0);
  }
  reset(start);
  return runs;
}

@inline
function wordOf(bitmap: usize, bit: u32): usize {
  return bitmap + (<usize>(bit >> 6) << 3);
}

function setBits(bitmap: usize, from: u32, to: u32): void {
  const head = wordOf(bitmap, from);
  const tail = wordOf(bitmap, to - 1);
  const low = <u64>-1 << (from & 63);
  const high = <u64>-1 >> (63 - ((to - 1) & 63));
  if (head == tail) {
    store<u64>(head, load<u64>(head) | (low & high));
    return;
  }
  store<u64>(head, load<u64>(head) | low);
  memory.fill(head + 8, 0xff, tail - head - 8);
  store<u64>(tail, load<u64>(tail) | high);
}

/** The first bit at or after `bit` that is set (`flip` 0) or clear (`flip` -1); `slots` when there is none. */
@inline
function nextBit(bitmap: usize, bit: u32, slots: u32, flip: u64): u32 {
  while (bit < slots) {
    const word = (load<u64>(wordOf(bitmap, bit)) ^ flip) >> (bit & 63);
    if (word != 0) return min<u32>(bit + <u32>ctz<u64>(word), slots);
    bit = (bit | 63) + 1;
  }
  return slots;
}

function coalesce(list: usize, count: i32): i32 {
  if (count == 0) return 0;
  let last = list;
  for (let p = list + PAIR, stop = list + <usize>count * PAIR; p < stop; p += PAIR) {
    const start = load<f64>(p);
    const end = load<f64>(p, 8);
    if (start <= load<f64>(last, 8)) {
      if (end > load<f64>(last, 8)) store<f64>(last, end, 8);
    } else {
      last += PAIR;
      store<f64>(last, start);
      store<f64>(last, end, 8);
    }
  }
  return <i32>((last - list) >> 4) + 1;
}

/** What is held, on the grid: `list` is rewritten. */
export function mergeRanges(list: usize, count: i32): i32 {
  return snap(list, count, false);
}

/** `mergeRanges` by scalar forms, and with pairs put in order by one way of the two: for tests that compare them. */
export function mergeRangesBy(list: usize, count: i32, way: i32): i32 {
  const kept = snapPairsScalar(list, count, false);
  return kept < 0 ? kept : arrange(list, kept, way);
}

/** `held` ∩ `wanted` into `out` (room for both counts and four more). Behind each list there is room for one more bound. */
export function intersectRanges(held: usize, heldCount: i32, wanted: usize, wantedCount: i32, out: usize): i32 {
  const a = snap(held, heldCount, false);
  if (a < 0) return a;
  const b = snap(wanted, wantedCount, true);
  return b < 0 ? b : sweep(held, a, wanted, b, out, false);
}

/**
 * `base` without `cut`, with the same room. `cut` begins eight bytes behind an aligned address, and the bound before it is
 * written. One snaps as `wanted` says, the other the other way. Result 0 is where the ranges begin.
 */
export function subtractRanges(base: usize, baseCount: i32, cut: usize, cutCount: i32, out: usize, wanted: bool): i32 {
  const a = snap(base, baseCount, wanted);
  if (a < 0) return a;
  const b = snap(cut, cutCount, !wanted);
  if (b < 0) return b;
  if (a == 1) return cutOne(startOf(base, 0), endOf(base, 0), cut, b);
  setResult(0, <f64>out);
  return sweep(base, a, cut, b, out, true);
}
