/**
 * Pairs of seconds are snapped to a grid, each alone: the kernel passes over four pairs at a time as long as they lie on
 * the grid and apart, as most do, and takes each of the others as one vector; beside it stands its scalar form.
 */
import { BAD_TIME } from "./frame";
import { gridAnchor, gridStep, isTime, slotAtOrAfter, slotOf, slotStart, TIME_LIMIT } from "./grid";

/** Whether the pairs that the last call kept ascend by their starts, and whether none touches the one before. */
export let snappedSorted = true;
export let snappedApart = true;

/** Bytes that are looked at together. */
const BLOCK: usize = 64;

/** Set where a time is no border of the grid: at a border the rounded quotient is exact, and the product tells. NaN is none. */
@inline
function offGrid(t: v128, step: v128, anchor: v128, reciprocal: v128, anchored: bool): v128 {
  const offset = anchored ? f64x2.sub(t, anchor) : t;
  const near = f64x2.mul(f64x2.nearest(f64x2.mul(offset, reciprocal)), step);
  return f64x2.ne(anchored ? f64x2.add(near, anchor) : near, t);
}

/** Set where a bound at `p` is no border of the grid or not before the bound that follows it. */
@inline
function loose(p: usize, step: v128, anchor: v128, reciprocal: v128, anchored: bool): v128 {
  const t = v128.load(p);
  return v128.or(offGrid(t, step, anchor, reciprocal, anchored), f64x2.ge(t, v128.load(p, 8)));
}

/** How many bytes from `p` on, whole blocks, hold borders of the grid of which each lies before the next. */
@inline
function tightRun(p: usize, stop: usize, step: v128, anchor: v128, reciprocal: v128, anchored: bool): usize {
  const from = p;
  for (; p + BLOCK + 8 <= stop; p += BLOCK) {
    const a = loose(p, step, anchor, reciprocal, anchored);
    const b = loose(p + 16, step, anchor, reciprocal, anchored);
    const c = loose(p + 32, step, anchor, reciprocal, anchored);
    const d = loose(p + 48, step, anchor, reciprocal, anchored);
    if (v128.any_true(v128.or(v128.or(a, b), v128.or(c, d)))) break;
  }
  return p - from;
}

/** `tightRun`, compiled once for grids with an anchor and once, shorter by two steps a bound, for those without. */
function tightBytes(p: usize, stop: usize, step: v128, anchor: v128, reciprocal: v128): usize {
  return gridAnchor() == 0
    ? tightRun(p, stop, step, anchor, reciprocal, false)
    : tightRun(p, stop, step, anchor, reciprocal, true);
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
    const tight = tightBytes(p, stop, step, anchor, reciprocal);
    if (tight > 0 && load<f64>(p) > f64x2.extract_lane(last, 1)) {
      // They ascend, so that the first and the last are the farthest.
      if (load<f64>(p) <= -TIME_LIMIT || load<f64>(p + tight - 8) >= TIME_LIMIT) return BAD_TIME;
      if (kept != p) memory.copy(kept, p, tight);
      p += tight;
      kept += tight;
      last = v128.load(kept - 16);
    }
    // Where blocks are not tight, the next is looked at only after the pairs of this one.
    for (const pause = min<usize>(p + BLOCK, stop); p < pause; p += 16) {
      const t = v128.load(p);
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
