/**
 * What is in one list of ranges and in another one, or in one and not in the other: both sorted, each range apart from the
 * next. The kernel walks over the bounds of both without a branch that depends on them, in four places of the lists at
 * once; the scalar forms walk over ranges.
 *
 * Bounds lie flat, start0, end0, start1, …, so that an odd number of bounds passed means "inside". All lists are aligned to
 * 16. Behind each of the two there is room for one more bound, which is written.
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
  const flip: usize = minus ? 8 : 0;
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
    store<u32>(part, <u32>(begin | insideAt(at, other, flip)), 8);
  }
  sweepParts(flip);
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
function put(x: f64, y: f64, out: usize): void {
  // `min` of floats minds NaN and costs a branch; this one is a single instruction.
  v128.store64_lane(out, f64x2.pmin(f64x2.splat(x), f64x2.splat(y)), 0);
}

/**
 * 8 where the bounds passed mean inside: odd in `a`, and odd in `b` or, with `flip` 8, even. Lists are aligned to 16, so
 * that the addresses themselves tell; the output's tells what was inside before.
 */
@inline
function insideAt(i: usize, j: usize, flip: usize): usize {
  return i & (j ^ flip) & 8;
}

function sweepParts(flip: usize): void {
  let i0 = partOf(0, 0), i1 = partOf(1, 0), i2 = partOf(2, 0), i3 = partOf(3, 0);
  let j0 = partOf(0, 4), j1 = partOf(1, 4), j2 = partOf(2, 4), j3 = partOf(3, 4);
  let o0 = partOf(0, 8), o1 = partOf(1, 8), o2 = partOf(2, 8), o3 = partOf(3, 8);
  while (true) {
    let safe = leastSteps(i0, i1, i2, i3, j0, j1, j2, j3);
    if (safe <= 0) break;
    for (; safe > 0; safe--) {
      const x0 = load<f64>(i0), y0 = load<f64>(j0);
      put(x0, y0, o0);
      i0 += <usize>(x0 <= y0) << 3;
      j0 += <usize>(y0 <= x0) << 3;
      o0 += (o0 & 8) ^ insideAt(i0, j0, flip);
      const x1 = load<f64>(i1), y1 = load<f64>(j1);
      put(x1, y1, o1);
      i1 += <usize>(x1 <= y1) << 3;
      j1 += <usize>(y1 <= x1) << 3;
      o1 += (o1 & 8) ^ insideAt(i1, j1, flip);
      const x2 = load<f64>(i2), y2 = load<f64>(j2);
      put(x2, y2, o2);
      i2 += <usize>(x2 <= y2) << 3;
      j2 += <usize>(y2 <= x2) << 3;
      o2 += (o2 & 8) ^ insideAt(i2, j2, flip);
      const x3 = load<f64>(i3), y3 = load<f64>(j3);
      put(x3, y3, o3);
      i3 += <usize>(x3 <= y3) << 3;
      j3 += <usize>(y3 <= x3) << 3;
      o3 += (o3 & 8) ^ insideAt(i3, j3, flip);
    }
  }
  finishPart(0, i0, j0, o0, flip);
  finishPart(1, i1, j1, o1, flip);
  finishPart(2, i2, j2, o2, flip);
  finishPart(3, i3, j3, o3, flip);
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
function finishPart(c: i32, i: usize, j: usize, out: usize, flip: usize): void {
  const iEnd = partOf(c + 1, 0);
  const jEnd = partOf(c + 1, 4);
  while (i < iEnd || j < jEnd) {
    const x = load<f64>(i);
    const y = load<f64>(j);
    put(x, y, out);
    i += <usize>(x <= y) << 3;
    j += <usize>(y <= x) << 3;
    out += (out & 8) ^ insideAt(i, j, flip);
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
