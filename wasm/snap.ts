/**
 * Pairs of seconds are snapped to a grid, each alone: the kernel takes two pairs at a time as long as they lie on the grid
 * and apart, as most do, and else each as one vector; beside it stands its scalar form.
 */
import { BAD_TIME } from "./frame";
import { gridAnchor, gridStep, isTime, slotAtOrAfter, slotOf, slotStart, TIME_LIMIT } from "./grid";

/** Whether the pairs that the last call kept ascend by their starts, and whether none touches the one before. */
export let snappedSorted = true;
export let snappedApart = true;

/** All ones where a time is a border of the grid: then the rounded quotient is exact, and the product tells. */
@inline
function onGrid(t: v128, step: v128, anchor: v128, reciprocal: v128): v128 {
  const slot = f64x2.nearest(f64x2.mul(f64x2.sub(t, anchor), reciprocal));
  return f64x2.eq(f64x2.add(f64x2.mul(slot, step), anchor), t);
}

/**
 * The start of the slot that contains a time, or of the next one where `up` is the step and the time lies behind the start.
 * The rounded quotient is the floor or one more, and what remains of the time tells which.
 */
@inline
function snapped(t: v128, step: v128, anchor: v128, reciprocal: v128, up: v128): v128 {
  const offset = f64x2.sub(f64x2.floor(t), anchor);
  const near = f64x2.mul(f64x2.nearest(f64x2.mul(offset, reciprocal)), step);
  const start = f64x2.add(f64x2.sub(near, v128.and(f64x2.lt(offset, near), step)), anchor);
  return f64x2.add(start, v128.and(f64x2.lt(start, t), up));
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
  const up = f64x2.replace_lane(f64x2.splat(0), 0, gridStep());
  const upper = outward ? v128.shuffle<f64>(up, up, 1, 0) : up;
  let sorted = true;
  let apart = true;
  let last = f64x2.splat(-Infinity);
  let kept = list;
  const stop = list + (<usize>count << 4);
  for (let p = list; p < stop;) {
    if (p + 32 <= stop) {
      const a = v128.load(p);
      const b = v128.load(p, 16);
      const borders = v128.and(onGrid(a, step, anchor, reciprocal), onGrid(b, step, anchor, reciprocal));
      const usable = v128.and(f64x2.lt(f64x2.abs(a), limit), f64x2.lt(f64x2.abs(b), limit));
      const starts = v128.shuffle<f64>(a, b, 0, 2);
      const filled = f64x2.lt(starts, v128.shuffle<f64>(a, b, 1, 3));
      const behind = f64x2.lt(v128.shuffle<f64>(last, a, 1, 3), starts);
      if (i64x2.all_true(v128.and(v128.and(borders, usable), v128.and(filled, behind)))) {
        v128.store(kept, a);
        v128.store(kept, b, 16);
        last = b;
        kept += 32;
        p += 32;
        continue;
      }
    }
    const t = v128.load(p);
    p += 16;
    if (!i64x2.all_true(f64x2.lt(f64x2.abs(t), limit))) return BAD_TIME;
    const pair = snapped(t, step, anchor, reciprocal, upper);
    const from = f64x2.extract_lane(pair, 0);
    if (!(f64x2.extract_lane(t, 0) < f64x2.extract_lane(t, 1)) || !(from < f64x2.extract_lane(pair, 1))) continue;
    if (from <= f64x2.extract_lane(last, 1)) apart = false;
    if (from < f64x2.extract_lane(last, 0)) sorted = false;
    v128.store(kept, pair);
    last = pair;
    kept += 16;
  }
  snappedSorted = sorted;
  snappedApart = apart;
  return <i32>((kept - list) >> 4);
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
    store<f64>(kept, slotStart(from));
    store<f64>(kept, slotStart(to), 8);
    if (load<f64>(kept) < lastFrom) snappedSorted = false;
    if (load<f64>(kept) <= lastTo) snappedApart = false;
    lastFrom = load<f64>(kept);
    lastTo = load<f64>(kept, 8);
    kept += 16;
  }
  return <i32>((kept - list) >> 4);
}
