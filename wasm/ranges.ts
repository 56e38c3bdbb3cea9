/**
 * Range math on slots: each range is snapped alone, then all are sorted and coalesced, then walked.
 *
 * Lists are f64 pairs in memory. Counts that come back are of pairs; BAD_TIME and NO_MEMORY say why there are none.
 */
import { BAD_TIME, NO_MEMORY } from "./frame";
import { isTime, slotAtOrAfter, slotOf, slotStart } from "./grid";
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

/** Writes pair `at`, joining it to the one before when they touch. Returns the count of pairs. */
@inline
function push(out: usize, count: i32, start: f64, end: f64): i32 {
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
  let kept = 0;
  for (let i = 0; i < count; i++) {
    const start = startOf(list, i);
    const end = endOf(list, i);
    if (!isTime(start) || !isTime(end)) return BAD_TIME;
    if (!(start < end)) continue;
    const from = outward ? slotOf(start) : slotAtOrAfter(start);
    const to = outward ? slotAtOrAfter(end) : slotOf(end);
    if (!(from < to)) continue;
    const p = list + (<usize>kept << 4);
    store<f64>(p, from);
    store<f64>(p, to, 8);
    kept++;
  }
  if (!sortRecords(list, kept)) return NO_MEMORY;
  return coalesce(list, kept);
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

/** Turns pairs of slots into pairs of seconds, in place. */
export function toSeconds(list: usize, count: i32): void {
  for (let p = list, stop = list + <usize>count * PAIR; p < stop; p += PAIR) {
    store<f64>(p, slotStart(load<f64>(p)));
    store<f64>(p, slotStart(load<f64>(p, 8)), 8);
  }
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

/** The runs of slots that stand in `times` (any order, repeats allowed, off-grid ignored), into `out` (room for one pair each). */
export function segmentsOf(times: usize, count: i32, step: f64, out: usize): i32 {
  let runs = 0;
  let ordered = true;
  let i = 0;
  while (i < count) {
    const t = load<f64>(times + (<usize>i << 3));
    if (!isTime(t)) return BAD_TIME;
    i++;
    const slot = slotOf(t);
    if (slotStart(slot) != t) continue;
    let last = t;
    // Inside a run the next time is the last one plus the step, bit for bit: nothing else needs to be computed.
    while (step != 0 && i < count && load<f64>(times + (<usize>i << 3)) == last + step) {
      last += step;
      i++;
    }
    if (!isTime(last)) return BAD_TIME;
    const end = step == 0 ? slot + 1 : slotOf(last) + 1;
    if (runs > 0 && slot < endOf(out, runs - 1)) ordered = false;
    runs = push(out, runs, slot, end);
  }
  if (!ordered) {
    if (!sortRecords(out, runs)) return NO_MEMORY;
    runs = coalesce(out, runs);
  }
  toSeconds(out, runs);
  return runs;
}
