/**
 * What is in one list of ranges and in another one, or in one and not in the other: both sorted, each range apart from the
 * next. The kernel walks over the bounds of both without a branch that depends on them, in four places of the lists at
 * once; the scalar forms walk over ranges.
 *
 * Bounds lie flat, start0, end0, start1, …, so that an odd number of bounds passed means "inside". Behind each list there
 * is room for one more bound, which is written.
 */
const CHAINS: i32 = 4;
/** Lists of very different length have few places where they meet: there a walk over ranges guesses right. */
const MUCH_LONGER: i32 = 8;
const FEW: i32 = 64;

/** Where the parts of a sweep begin: in the first list, in the second, in the output; and where each has come to. */
const PARTS: usize = memory.data(256, 16);

/** `a` ∩ `b`, or `a` without `b`, into `out` (room for the sum of both counts). Answers the count of ranges. */
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
    const part = PARTS + (<usize>c << 4);
    store<u32>(part, <u32>at);
    store<u32>(part, <u32>other, 4);
    store<u32>(part, <u32>(out + (at - a) + (other - b)), 8);
    store<u32>(part, <u32>(out + (at - a) + (other - b)), 12);
  }
  sweepParts(a, b, minus);
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

/** Writes the lesser of two bounds, x at `i` and y at `j`. The next one replaces it unless it changes "inside". */
@inline
function put(x: f64, y: f64, i: usize, j: usize, out: usize): void {
  // The address is chosen by arithmetic: a choice between two floats would be a branch.
  store<f64>(out, load<f64>(j ^ ((i ^ j) & (0 - <usize>(x <= y)))));
}

/** Whether so many bounds passed mean inside: odd in `a`, and odd in `b` or, with `flip`, even. */
@inline
function insideAt(i: usize, j: usize, flip: usize): usize {
  return (i >> 3) & ((j >> 3) ^ flip) & 1;
}

function sweepParts(a: usize, b: usize, minus: bool): void {
  // Lists are aligned to 8 but not to 16: what counts is the distance from their beginning.
  const flip: usize = minus ? 1 : 0;
  let i0 = partOf(0, 0), i1 = partOf(1, 0), i2 = partOf(2, 0), i3 = partOf(3, 0);
  let j0 = partOf(0, 4), j1 = partOf(1, 4), j2 = partOf(2, 4), j3 = partOf(3, 4);
  let o0 = partOf(0, 8), o1 = partOf(1, 8), o2 = partOf(2, 8), o3 = partOf(3, 8);
  let s0 = insideAt(i0 - a, j0 - b, flip), s1 = insideAt(i1 - a, j1 - b, flip);
  let s2 = insideAt(i2 - a, j2 - b, flip), s3 = insideAt(i3 - a, j3 - b, flip);
  // No part can end in fewer steps than it has bounds in the longer of its two lists.
  while (true) {
    let safe = leastSteps(i0, i1, i2, i3, j0, j1, j2, j3);
    if (safe <= 0) break;
    for (; safe > 0; safe--) {
      const x0 = load<f64>(i0), y0 = load<f64>(j0), x1 = load<f64>(i1), y1 = load<f64>(j1);
      const x2 = load<f64>(i2), y2 = load<f64>(j2), x3 = load<f64>(i3), y3 = load<f64>(j3);
      put(x0, y0, i0, j0, o0);
      put(x1, y1, i1, j1, o1);
      put(x2, y2, i2, j2, o2);
      put(x3, y3, i3, j3, o3);
      i0 += <usize>(x0 <= y0) << 3;
      j0 += <usize>(y0 <= x0) << 3;
      i1 += <usize>(x1 <= y1) << 3;
      j1 += <usize>(y1 <= x1) << 3;
      i2 += <usize>(x2 <= y2) << 3;
      j2 += <usize>(y2 <= x2) << 3;
      i3 += <usize>(x3 <= y3) << 3;
      j3 += <usize>(y3 <= x3) << 3;
      const t0 = insideAt(i0 - a, j0 - b, flip), t1 = insideAt(i1 - a, j1 - b, flip);
      const t2 = insideAt(i2 - a, j2 - b, flip), t3 = insideAt(i3 - a, j3 - b, flip);
      o0 += (s0 ^ t0) << 3;
      o1 += (s1 ^ t1) << 3;
      o2 += (s2 ^ t2) << 3;
      o3 += (s3 ^ t3) << 3;
      s0 = t0;
      s1 = t1;
      s2 = t2;
      s3 = t3;
    }
  }
  finishPart(0, i0, j0, o0, a, b, flip);
  finishPart(1, i1, j1, o1, a, b, flip);
  finishPart(2, i2, j2, o2, a, b, flip);
  finishPart(3, i3, j3, o3, a, b, flip);
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
function finishPart(c: i32, i: usize, j: usize, out: usize, a: usize, b: usize, flip: usize): void {
  const iEnd = partOf(c + 1, 0);
  const jEnd = partOf(c + 1, 4);
  let inside = insideAt(i - a, j - b, flip);
  while (i < iEnd || j < jEnd) {
    const x = load<f64>(i);
    const y = load<f64>(j);
    put(x, y, i, j, out);
    i += <usize>(x <= y) << 3;
    j += <usize>(y <= x) << 3;
    const now = insideAt(i - a, j - b, flip);
    out += (inside ^ now) << 3;
    inside = now;
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

/** One range from … to without `b`: the bounds of `b` themselves, shifted by one. */
export function cutOne(from: f64, to: f64, b: usize, bCount: i32, out: usize): i32 {
  const bEnd = b + (<usize>bCount << 4);
  // From the first range that ends behind `from` to the last one that begins before `to`.
  let first = b + ((firstAtOrAfter(b, bEnd, from) - b) & ~15);
  if (first < bEnd && load<f64>(first, 8) <= from) first += 16;
  let last = b + ((firstAtOrAfter(b, bEnd, to) - b + 8) & ~15);
  let end = out;
  if (first < last && load<f64>(first) <= from) {
    first += 8;
  } else {
    store<f64>(end, from);
    end += 8;
  }
  const open = first < last && load<f64>(last - 8) >= to;
  if (open) last -= 8;
  const bytes = first < last ? last - first : 0;
  memory.copy(end, first, bytes);
  end += bytes;
  if (!open) {
    store<f64>(end, to);
    end += 8;
  }
  return <i32>((end - out) >> 4);
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
