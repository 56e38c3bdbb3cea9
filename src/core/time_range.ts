/**
 * Half-open ranges of epoch seconds, and their flat form.
 *
 * A range is always `[start, end)`. Lists of ranges travel as one `Float64Array` of pairs, because that is
 * what crosses the door to WASM without an object per range.
 */
import { TIME_LIMIT_SEC } from "./limits.ts";

/** A half-open range `[start, end)` in epoch seconds. Inverted or equal bounds mean: nothing. */
export type TimeRange = readonly [start: number, end: number];

/** Flat pairs: start0, end0, start1, end1, … in epoch seconds. */
export type Ranges = Float64Array;

/** Packs pairs into the flat form. The order and the bounds are kept as they are; nothing is coalesced. */
export function toRanges(pairs: Iterable<TimeRange>): Ranges {
  if (typeof (pairs as Iterable<TimeRange> | null)?.[Symbol.iterator] !== "function") {
    throw new TypeError("Cannot pack ranges: they are no list of pairs [start, end]");
  }
  const list = Array.isArray(pairs) ? pairs as TimeRange[] : [...pairs];
  const flat = new Float64Array(list.length * 2);
  for (let i = 0; i < list.length; i++) {
    const pair = list[i];
    if (pair === null || typeof pair !== "object" || pair.length !== 2) {
      throw new TypeError(`Cannot pack range ${i}: it is not a pair [start, end]`);
    }
    flat[2 * i] = numberOf(pair[0], i);
    flat[2 * i + 1] = numberOf(pair[1], i);
  }
  return flat;
}

/** Unpacks the flat form into pairs. Throws `TypeError` unless the length is even. */
export function toPairs(ranges: Ranges): TimeRange[] {
  if (!(ranges instanceof Float64Array) || ranges.length % 2 !== 0) {
    throw new TypeError("Cannot unpack ranges: they are not a Float64Array of pairs");
  }
  const pairs: TimeRange[] = [];
  for (let i = 0; i < ranges.length; i += 2) pairs.push([ranges[i], ranges[i + 1]]);
  return pairs;
}

/** The part of `range` inside `bounds`; `null` when they have no instant in common. */
export function clipRange(range: TimeRange, bounds: TimeRange): TimeRange | null {
  const start = Math.max(range[0], bounds[0]);
  const end = Math.min(range[1], bounds[1]);
  return start < end ? [start, end] : null;
}

/** Whether one of the ranges, ascending and apart, holds all of `range`. */
export function isWithinOne(range: TimeRange, ranges: Ranges): boolean {
  const at = firstEndingAfter(ranges, range[0]);
  return at < ranges.length && ranges[at] <= range[0] && ranges[at + 1] >= range[1];
}

/** The index (even) of the first range that ends after `t`. The ranges ascend. */
export function firstEndingAfter(ranges: Ranges, t: number): number {
  let low = 0;
  let high = ranges.length / 2;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ranges[2 * middle + 1] <= t) low = middle + 1;
    else high = middle;
  }
  return 2 * low;
}

function numberOf(value: unknown, index: number): number {
  if (typeof value !== "number") {
    throw new TypeError(`Cannot pack range ${index}: its bounds are not numbers`);
  }
  if (Math.abs(value) < TIME_LIMIT_SEC) return value;
  throw new RangeError(`Cannot pack range ${index}: its bounds must be below 2^43 s, not ${value}`);
}
