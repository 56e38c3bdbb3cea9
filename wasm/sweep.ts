/**
 * What is in one list of ranges and in another one, or in one and not in the other: both sorted, each range apart from the
 * next. The kernel walks over the bounds of both without a branch that depends on them, in four places of the lists at
 * once; the scalar forms walk over ranges.
 *
 * Bounds lie flat, start0, end0, start1, …, so that an odd number of bounds passed means "inside", and an address tells: the
 * first list and the output are aligned to 16, and so is the second to intersect; to subtract it begins eight bytes behind
 * such an address, since there an even number counts. Behind each of the two there is room for one more bound, which is
 * written.
 */
import { setResult } from "./frame";

const CHAINS: i32 = 4;
/** Lists of very different length have few places where they meet: there a walk over ranges guesses right. */
const MUCH_LONGER: i32 = 8;
const FEW: i32 = 64;

/** Where the parts of a sweep begin: in the first list, in the second, in the output; and where each has come to. */
const PARTS: usize = memory.data(256, 16);

/** `a` ∩ `b`, or `a` without `b`, into `out` (room for the sum of both counts and for CHAINS more). Answers the count of ranges. */
export function sweep(a: usize, aCount: i32, b: usize, bCount: i32, out: usize, minus: bool): i32 {
  const longer = max<i32>(aCount, bCount);
  const shorter = min<i32>(aCount, bCount);
  if (shorter < FEW || shorter * MUCH_LONGER < longer) return sweepScalar(a, aCount, b, bCount, out, minus);
  const aEnd = a + (<usize>aCount << 4);
  const bEnd = b + (<usize>bCount << 4);
  store<f64>(aEnd, Infinity);
  store<f64>(bEnd, Infinity);
  for (let c = 0; c <= CHAINS; c++) {
    // A part begins at a bound of `a`; the last one ends where both lists do.
    const at = a + (((<usize>aCount * 2 * <usize>c) / <usize>CHAINS) << 3);
    const border = load<f64>(at);
    const other = c < CHAINS ? firstAtOrAfter(b, bEnd, c == 0 ? -Infinity : border) : bEnd;
    // Where a part begins inside, its output begins with an end: at an address that says so, eight bytes further on.
    const begin = (out + (at - a) + (other - b) + <usize>c * 16) & ~15;
    const part = PARTS + (<usize>c << 4);
    store<u32>(part, <u32>at);
    store<u32>(part, <u32>other, 4);
    store<u32>(part, <u32>(begin | insideAt(at, other)), 8);
  }
  sweepParts();
  return joinParts(out);
}

/** The first bound of a flat list that is at or after `t`. */
function firstAtOrAfter(list: usize, end: usize, t: f64): usize {
  let low: usize = 0;
  let high = (end - list) >> 3;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (load<f64>(list + (middle << 3)) < t) low = middle + 1;
    else high = middle;
  }
  return list + (low << 3);
}

@inline
function partOf(c: i32, field: usize): usize {
  return <usize>load<u32>(PARTS + (<usize>c << 4) + field);
}

/** Writes the lesser of two bounds. The next one replaces it unless it changes "inside". */
@inline
function put(x: v128, y: v128, out: usize): void {
  // `min` of floats minds NaN and costs a branch; this one is a single instruction.
  v128.store64_lane(out, f64x2.pmin(x, y), 0);
}

/** 8 where the first bound is not behind the second, else 0. */
@inline
function step(x: v128, y: v128): usize {
  return <usize>i32x4.extract_lane(f64x2.le(x, y), 0) & 8;
}

/** 8 where the bounds passed mean inside, by the addresses that they end at. */
@inline
function insideAt(i: usize, j: usize): usize {
  return i & j & 8;
}

/** 8 where the last bound written is one that changes "inside", by the addresses. */
@inline
function kept(i: usize, j: usize, out: usize): usize {
  return (i & j ^ out) & 8;
}

function sweepParts(): void {
  let i0 = partOf(0, 0), i1 = partOf(1, 0), i2 = partOf(2, 0), i3 = partOf(3, 0);
  let j0 = partOf(0, 4), j1 = partOf(1, 4), j2 = partOf(2, 4), j3 = partOf(3, 4);
  let o0 = partOf(0, 8), o1 = partOf(1, 8), o2 = partOf(2, 8), o3 = partOf(3, 8);
  while (true) {
    let safe = leastSteps(i0, i1, i2, i3, j0, j1, j2, j3);
    if (safe <= 0) break;
    for (; safe > 0; safe--) {
      const x0 = v128.load64_splat(i0), y0 = v128.load64_splat(j0);
      put(x0, y0, o0);
      i0 += step(x0, y0);
      j0 += step(y0, x0);
      o0 += kept(i0, j0, o0);
      const x1 = v128.load64_splat(i1), y1 = v128.load64_splat(j1);
      put(x1, y1, o1);
      i1 += step(x1, y1);
      j1 += step(y1, x1);
      o1 += kept(i1, j1, o1);
      const x2 = v128.load64_splat(i2), y2 = v128.load64_splat(j2);
      put(x2, y2, o2);
      i2 += step(x2, y2);
      j2 += step(y2, x2);
      o2 += kept(i2, j2, o2);
      const x3 = v128.load64_splat(i3), y3 = v128.load64_splat(j3);
      put(x3, y3, o3);
      i3 += step(x3, y3);
      j3 += step(y3, x3);
      o3 += kept(i3, j3, o3);
    }
  }
  finishPart(0, i0, j0, o0);
  finishPart(1, i1, j1, o1);
  finishPart(2, i2, j2, o2);
  finishPart(3, i3, j3, o3);
}

/** So many steps no part is through: each step passes at most one bound of each list, and the last ones go alone. */
@inline
function leastSteps(
  i0: usize, i1: usize, i2: usize, i3: usize, j0: usize, j1: usize, j2: usize, j3: usize,
): i32 {
  const first = min<i32>(stepsOf(0, i0, j0), stepsOf(1, i1, j1));
  return min<i32>(first, min<i32>(stepsOf(2, i2, j2), stepsOf(3, i3, j3)));
}

@inline
function stepsOf(c: i32, i: usize, j: usize): i32 {
  return max<i32>(<i32>((partOf(c + 1, 0) - i) >> 3), <i32>((partOf(c + 1, 4) - j) >> 3));
}

/** What is left of a part, one bound after the other. */
function finishPart(c: i32, i: usize, j: usize, out: usize): void {
  const iEnd = partOf(c + 1, 0);
  const jEnd = partOf(c + 1, 4);
  while (i < iEnd || j < jEnd) {
    const x = v128.load64_splat(i);
    const y = v128.load64_splat(j);
    put(x, y, out);
    i += step(x, y);
    j += step(y, x);
    out += kept(i, j, out);
  }
  store<u32>(PARTS + (<usize>c << 4), <u32>out, 12);
}

/** Puts the parts' bounds end to end. */
function joinParts(out: usize): i32 {
  let end = partOf(0, 12);
  for (let c = 1; c < CHAINS; c++) {
    const from = partOf(c, 8);
    const bytes = partOf(c, 12) - from;
    memory.copy(end, from, bytes);
    end += bytes;
  }
  return <i32>((end - out) >> 4);
}

@inline
function startOf(list: usize, i: i32): f64 {
  return load<f64>(list + (<usize>i << 4));
}

@inline
function endOf(list: usize, i: i32): f64 {
  return load<f64>(list + (<usize>i << 4), 8);
}

@inline
function putRange(out: usize, count: i32, start: f64, end: f64): i32 {
  const p = out + (<usize>count << 4);
  store<f64>(p, start);
  store<f64>(p, end, 8);
  return count + 1;
}

/**
 * One range from … to without `b`: the bounds of `b` themselves, shifted by one, where they stand; for that the bound
 * before `b` and the one behind it are written. Result 0 is where the ranges begin.
 */
export function cutOne(from: f64, to: f64, b: usize, bCount: i32): i32 {
  const bEnd = b + (<usize>bCount << 4);
  // From the first range that ends behind `from` to the last one that begins before `to`.
  let first = b + ((firstAtOrAfter(b, bEnd, from) - b) & ~15);
  if (first < bEnd && load<f64>(first, 8) <= from) first += 16;
  let last = b + ((firstAtOrAfter(b, bEnd, to) - b + 8) & ~15);
  const begunInside = first < last && load<f64>(first) <= from;
  if (begunInside) first += 8;
  const open = first < last && load<f64>(last - 8) >= to;
  if (open) last -= 8;
  if (!begunInside) {
    first -= 8;
    store<f64>(first, from);
  }
  if (!open) {
    store<f64>(last, to);
    last += 8;
  }
  setResult(0, <f64>first);
  return <i32>((last - first) >> 4);
}

/** `sweep`, one range after the other. */
export function sweepScalar(a: usize, aCount: i32, b: usize, bCount: i32, out: usize, minus: bool): i32 {
  return minus ? subtractScalar(a, aCount, b, bCount, out) : intersectScalar(a, aCount, b, bCount, out);
}

function intersectScalar(a: usize, aCount: i32, b: usize, bCount: i32, out: usize): i32 {
  let i = 0;
  let j = 0;
  let count = 0;
  while (i < aCount && j < bCount) {
    const start = max<f64>(startOf(a, i), startOf(b, j));
    const end = min<f64>(endOf(a, i), endOf(b, j));
    if (start < end) count = putRange(out, count, start, end);
    if (endOf(a, i) < endOf(b, j)) i++;
    else j++;
  }
  return count;
}

function subtractScalar(a: usize, aCount: i32, b: usize, bCount: i32, out: usize): i32 {
  let j = 0;
  let count = 0;
  for (let i = 0; i < aCount; i++) {
    let from = startOf(a, i);
    const to = endOf(a, i);
    while (j < bCount && endOf(b, j) <= from) j++;
    // The last cut that reaches into this range may reach into the next one too, so `j` stays on it.
    let k = j;
    while (k < bCount && startOf(b, k) < to) {
      if (startOf(b, k) > from) count = putRange(out, count, from, startOf(b, k));
      from = endOf(b, k);
      k++;
    }
    if (from < to) count = putRange(out, count, from, to);
    j = k > j ? k - 1 : j;
  }
  return count;
}
