/**
 * A stable radix sort of records of 16 bytes: an f64 key (a whole number, |key| < 2^53) and 8 bytes of anything.
 *
 * Its cost depends on the count and on the width of the keys alone, never on their order: no input is hostile.
 */
import { alloc, mark, reset } from "./memory";

const RECORD: usize = 16;
const DIGIT_BITS: u32 = 11;
const DIGITS: usize = 1 << DIGIT_BITS;
/** Adding 2^52 to a whole number below it leaves that number in the low bits: a conversion for the price of an add. */
const TO_BITS: f64 = 4503599627370496.0;
const LOW_52: u64 = 0xfffffffffffff;
/** Keys further apart than this are subtracted as i64: their difference and 2^52 have no room in one f64. */
const WIDE: f64 = 2251799813685248.0; // 2^51

@inline
function digitOf(key: f64, min: f64, wide: bool, shift: u64): usize {
  const offset = wide ? <u64>(<i64>key - <i64>min) : reinterpret<u64>(key - min + TO_BITS) & LOW_52;
  return <usize>(offset >> shift) & (DIGITS - 1);
}

/** Sorts `count` records at `at` by key. False when there is no memory for the second buffer. */
export function sortRecords(at: usize, count: usize): bool {
  let min = Infinity;
  let max = -Infinity;
  let sorted = true;
  let before = -Infinity;
  for (let p = at, end = at + count * RECORD; p < end; p += RECORD) {
    const key = load<f64>(p);
    if (key < before) sorted = false;
    if (key < min) min = key;
    if (key > max) max = key;
    before = key;
  }
  if (sorted) return true;
  const start = mark();
  const spare = alloc(count * RECORD);
  const counts = alloc(DIGITS * 4);
  if (spare == 0 || counts == 0) {
    reset(start);
    return false;
  }
  const span = max - min;
  const wide = span >= WIDE;
  let from = at;
  let to = spare;
  let weight: f64 = 1;
  for (let shift: u64 = 0; shift < 55 && weight <= span; shift += DIGIT_BITS) {
    scatter(from, to, counts, count, min, wide, shift);
    const swap = from;
    from = to;
    to = swap;
    weight *= <f64>DIGITS;
  }
  if (from != at) memory.copy(at, from, count * RECORD);
  reset(start);
  return true;
}

/** One pass: counts the digits, turns the counts into places, moves every record to its place. */
function scatter(
  from: usize, to: usize, counts: usize, count: usize, min: f64, wide: bool, shift: u64,
): void {
  memory.fill(counts, 0, DIGITS * 4);
  const end = from + count * RECORD;
  for (let p = from; p < end; p += RECORD) {
    const slot = counts + (digitOf(load<f64>(p), min, wide, shift) << 2);
    store<u32>(slot, load<u32>(slot) + 1);
  }
  let place: u32 = 0;
  for (let c = counts, last = counts + DIGITS * 4; c < last; c += 4) {
    const here = load<u32>(c);
    store<u32>(c, place);
    place += here;
  }
  for (let p = from; p < end; p += RECORD) {
    const slot = counts + (digitOf(load<f64>(p), min, wide, shift) << 2);
    const at = load<u32>(slot);
    store<u32>(slot, at + 1);
    v128.store(to + (<usize>at << 4), v128.load(p));
  }
}

/** The stable order of `count` f64 keys at `keys`, as u32 row numbers at `out`. False when memory does not suffice. */
export function sortOrder(keys: usize, count: usize, out: usize): bool {
  const start = mark();
  const records = alloc(count * RECORD);
  if (records == 0) return false;
  for (let i: usize = 0; i < count; i++) {
    const record = records + (i << 4);
    store<f64>(record, load<f64>(keys + (i << 3)));
    store<u32>(record, <u32>i, 8);
  }
  const done = sortRecords(records, count);
  if (done) {
    for (let i: usize = 0; i < count; i++) store<u32>(out + (i << 2), load<u32>(records + (i << 4), 8));
  }
  reset(start);
  return done;
}
