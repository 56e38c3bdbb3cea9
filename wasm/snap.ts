/**
 * Pairs of seconds become pairs of slots, each snapped alone: the kernel takes a pair as one vector, and beside it
 * stands its scalar form. Both leave how the pairs that are kept lie to each other.
 */
import { BAD_TIME } from "./frame";
import { gridAnchor, gridStep, isTime, slotAtOrAfter, slotOf, slotStart, TIME_LIMIT } from "./grid";

/** Whether the pairs of the last call ascend by their starts, and whether none touches the one before. */
export let snappedSorted = true;
export let snappedApart = true;

/** The floor of (t − anchor) / step, exactly: the rounded product is it or one more, and what remains tells which. */
@inline
function slotsOf(t: v128, step: v128, anchor: v128, reciprocal: v128): v128 {
  const offset = f64x2.sub(f64x2.floor(t), anchor);
  const near = f64x2.nearest(f64x2.mul(offset, reciprocal));
  const below = f64x2.lt(f64x2.sub(offset, f64x2.mul(near, step)), f64x2.splat(0));
  return f64x2.sub(near, v128.and(below, f64x2.splat(1)));
}

/**
 * Snaps `count` pairs at `list` in place, inward (what is held) or outward (what is wanted), and answers how many are
 * left, or BAD_TIME. Pairs that are empty, inverted, or hold no slot are left out.
 */
export function snapPairs(list: usize, count: i32, outward: bool): i32 {
  if (gridStep() == 0) return snapPairsScalar(list, count, outward);
  const step = f64x2.splat(gridStep());
  const anchor = f64x2.splat(gridAnchor());
  const reciprocal = f64x2.splat(1 / gridStep());
  const limit = f64x2.splat(TIME_LIMIT);
  // One more than the floor where a bound is rounded up and stands behind its slot's start.
  const up = outward ? f64x2.replace_lane(f64x2.splat(0), 1, 1) : f64x2.replace_lane(f64x2.splat(0), 0, 1);
  let usable = i64x2.splat(-1);
  let sorted = true;
  let apart = true;
  let lastFrom: f64 = -Infinity;
  let lastTo: f64 = -Infinity;
  let kept = list;
  for (let p = list, stop = list + (<usize>count << 4); p < stop; p += 16) {
    const t = v128.load(p);
    usable = v128.and(usable, f64x2.lt(f64x2.abs(t), limit));
    const floors = slotsOf(t, step, anchor, reciprocal);
    const late = f64x2.lt(f64x2.add(f64x2.mul(floors, step), anchor), t);
    const slots = f64x2.add(floors, v128.and(late, up));
    const from = f64x2.extract_lane(slots, 0);
    const to = f64x2.extract_lane(slots, 1);
    if (!(f64x2.extract_lane(t, 0) < f64x2.extract_lane(t, 1)) || !(from < to)) continue;
    v128.store(kept, slots);
    kept += 16;
    if (from <= lastTo) {
      apart = false;
      if (from < lastFrom) sorted = false;
    }
    lastFrom = from;
    lastTo = to;
  }
  snappedSorted = sorted;
  snappedApart = apart;
  return i64x2.all_true(usable) ? <i32>((kept - list) >> 4) : BAD_TIME;
}

/** `snapPairs`, one bound after the other, on any grid. */
export function snapPairsScalar(list: usize, count: i32, outward: bool): i32 {
  let lastFrom: f64 = -Infinity;
  let lastTo: f64 = -Infinity;
  let kept = list;
  snappedSorted = snappedApart = true;
  for (let p = list, stop = list + (<usize>count << 4); p < stop; p += 16) {
    const start = load<f64>(p);
    const end = load<f64>(p, 8);
    if (!isTime(start) || !isTime(end)) return BAD_TIME;
    if (!(start < end)) continue;
    const from = outward ? slotOf(start) : slotAtOrAfter(start);
    const to = outward ? slotAtOrAfter(end) : slotOf(end);
    if (!(from < to)) continue;
    store<f64>(kept, from);
    store<f64>(kept, to, 8);
    kept += 16;
    if (from < lastFrom) snappedSorted = false;
    if (from <= lastTo) snappedApart = false;
    lastFrom = from;
    lastTo = to;
  }
  return <i32>((kept - list) >> 4);
}

/** Turns pairs of slots into pairs of seconds, in place. */
export function toSeconds(list: usize, count: i32): void {
  if (gridStep() == 0) {
    toSecondsScalar(list, count);
    return;
  }
  const step = f64x2.splat(gridStep());
  const anchor = f64x2.splat(gridAnchor());
  for (let p = list, stop = list + (<usize>count << 4); p < stop; p += 16) {
    v128.store(p, f64x2.add(anchor, f64x2.mul(v128.load(p), step)));
  }
}

/** `toSeconds`, one bound after the other, on any grid. */
export function toSecondsScalar(list: usize, count: i32): void {
  for (let p = list, stop = list + (<usize>count << 4); p < stop; p += 8) store<f64>(p, slotStart(load<f64>(p)));
}
