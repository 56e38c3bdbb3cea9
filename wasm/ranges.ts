/**
 * Range math on slots: each range is snapped alone, then all are sorted and coalesced, then walked.
 *
 * Lists are f64 pairs in memory. Counts that come back are of pairs; BAD_TIME and NO_MEMORY say why there are none.
 */
import { NO_MEMORY } from "./frame";
import { alloc, mark, reset } from "./memory";
import { snapPairs, snapPairsScalar, snappedApart, snappedSorted, toSeconds, toSecondsScalar } from "./snap";
import { sortRecords } from "./sort";

const PAIR: usize = 16;

@inline
function startOf(list: usize, i: i32): f64 {
  return load<f64>(list + (<usize>i << 4));
}

@inline
function endOf(list: usize, i: i32): f64 {
  return load<f64>(list + (<usize>i << 4), 8);
}

/** Writes a pair behind `count` others, joined to the last one when they touch. Returns the count of pairs. */
@inline
export function push(out: usize, count: i32, start: f64, end: f64): i32 {
  if (count > 0 && endOf(out, count - 1) == start) {
    store<f64>(out + (<usize>(count - 1) << 4), end, 8);
    return count;
  }
  const p = out + (<usize>count << 4);
  store<f64>(p, start);
  store<f64>(p, end, 8);
  return count + 1;
}

/** Turns pairs of seconds at `list` into sorted, coalesced pairs of slots, in place: inward or outward, each alone. */
export function snap(list: usize, count: i32, outward: bool): i32 {
  const kept = snapPairs(list, count, outward);
  if (kept < 0 || snappedApart) return kept;
  return snappedSorted ? coalesce(list, kept) : arrange(list, kept, BY_FIT);
}

/** A bitmap is worth its memory while there are at most so many words of 64 slots for each pair. */
const WORDS_PER_PAIR: f64 = 8;
const SMALL_WORDS: f64 = 1024;

/** How pairs are put in order: as fits them, or (tests compare the two) by sorting, or (1) by the bitmap. */
const BY_FIT: i32 = 0;
const BY_BITMAP: i32 = 1;

/** Sorts and coalesces pairs of slots, in place: by a bitmap over the slots, or by sorting. */
export function arrange(list: usize, count: i32, way: i32): i32 {
  let first = Infinity;
  let last = -Infinity;
  let work: f64 = 0;
  for (let i = 0; i < count; i++) {
    const start = startOf(list, i);
    const end = endOf(list, i);
    first = min<f64>(first, start);
    last = max<f64>(last, end);
    work += (end - start) / 64 + 1;
  }
  const most = WORDS_PER_PAIR * <f64>count + SMALL_WORDS;
  // Both are bounded: the words to look through, and the words that all pairs together write.
  const dense = (last - first) / 64 < most && work < most;
  const bitmap = way == BY_BITMAP || (way == BY_FIT && dense);
  if (count > 0 && bitmap) return byBitmap(list, count, first, <u32>(last - first));
  if (!sortRecords(list, count)) return NO_MEMORY;
  return coalesce(list, count);
}

/** What is held, on the grid, with pairs put in order by one way of the two: for tests that compare them. */
export function mergeRangesBy(list: usize, count: i32, way: i32): i32 {
  const kept = snapPairsScalar(list, count, false);
  if (kept < 0) return kept;
  const merged = arrange(list, kept, way);
  if (merged > 0) toSecondsScalar(list, merged);
  return merged;
}

/** One bit for each slot from `first` on: each pair sets its bits, then the runs of bits are read off. */
function byBitmap(list: usize, count: i32, first: f64, slots: u32): i32 {
  const start = mark();
  const bytes = ((<usize>slots >> 6) + 1) << 3;
  const bitmap = alloc(bytes);
  if (bitmap == 0) return NO_MEMORY;
  memory.fill(bitmap, 0, bytes);
  for (let i = 0; i < count; i++) setBits(bitmap, <u32>(startOf(list, i) - first), <u32>(endOf(list, i) - first));
  let runs = 0;
  for (let bit = nextBit(bitmap, 0, slots, 0); bit < slots;) {
    const end = nextBit(bitmap, bit, slots, -1);
    const p = list + (<usize>runs << 4);
    store<f64>(p, first + <f64>bit);
    store<f64>(p, first + <f64>end, 8);
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
  const merged = snap(list, count, false);
  if (merged > 0) toSeconds(list, merged);
  return merged;
}

/** `held` ∩ `wanted` into `out` (room for the sum of both counts). */
export function intersectRanges(held: usize, heldCount: i32, wanted: usize, wantedCount: i32, out: usize): i32 {
  const a = snap(held, heldCount, false);
  if (a < 0) return a;
  const b = snap(wanted, wantedCount, true);
  if (b < 0) return b;
  let i = 0;
  let j = 0;
  let count = 0;
  while (i < a && j < b) {
    const start = max<f64>(startOf(held, i), startOf(wanted, j));
    const end = min<f64>(endOf(held, i), endOf(wanted, j));
    if (start < end) count = push(out, count, start, end);
    if (endOf(held, i) < endOf(wanted, j)) i++;
    else j++;
  }
  toSeconds(out, count);
  return count;
}

/** `base` without `cut` into `out` (room for the sum of both counts). One snaps as `wanted` says, the other the other way. */
export function subtractRanges(base: usize, baseCount: i32, cut: usize, cutCount: i32, out: usize, wanted: bool): i32 {
  const a = snap(base, baseCount, wanted);
  if (a < 0) return a;
  const b = snap(cut, cutCount, !wanted);
  if (b < 0) return b;
  let j = 0;
  let count = 0;
  for (let i = 0; i < a; i++) {
    let from = startOf(base, i);
    const to = endOf(base, i);
    while (j < b && endOf(cut, j) <= from) j++;
    // The last cut that reaches into this range may reach into the next one too, so `j` stays on it.
    let k = j;
    while (k < b && startOf(cut, k) < to) {
      if (startOf(cut, k) > from) count = push(out, count, from, startOf(cut, k));
      from = endOf(cut, k);
      k++;
    }
    if (from < to) count = push(out, count, from, to);
    j = k > j ? k - 1 : j;
  }
  toSeconds(out, count);
  return count;
}
