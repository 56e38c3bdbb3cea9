/**
 * Conformance of bars, the part that looks at rows together (spec §5: order, duplicates): from the times and fates that
 * `judge` left, which rows make up the frame, and in which order.
 *
 * Three ways give the same: rows that ascend stay as they are; rows of a dense range go through a table with a place
 * for each slot; rows that lie far apart are sorted by radix.
 */
import { alloc } from "./memory";
import { NO_MEMORY, setResult } from "./frame";
import { gridStep, slotOf } from "./grid";
import {
  ascending, BROKEN, broken, DUPLICATE, infinite, INVARIANT, invalid, KEPT, kept, maxTime, minTime, misaligned, nonFinite,
} from "./judge";
import { sortRecords } from "./sort";

/** Fields of the results: see src/compute/conform_bars.ts, which reads them by the same numbers. */
const R_INVALID: usize = 0;
const R_NON_FINITE: usize = 1;
const R_MISALIGNED: usize = 2;
const R_DUPLICATE: usize = 3;
const R_INVARIANT: usize = 4;
const R_INFINITE: usize = 5;
const R_IN_PLACE: usize = 6;
const R_PAIRS: usize = 7;

/** A table by slot is worth its memory while there are at most so many slots for each row. */
const SPARSE: f64 = 8;
const SMALL_SPAN: f64 = 4096;
/** Adding 2^52 to a whole number below it leaves that number in the low bits: a conversion for the price of an add. */
const TO_BITS: f64 = 4503599627370496.0;

/** How rows are put in order: as fits them, or (tests compare the two) by sorting, or (1) by the table. */
const BY_FIT: i32 = 0;
const BY_SORTING: i32 = 2;

let times: usize = 0;
let state: usize = 0;
let observed: usize = 0;

/**
 * Writes the frame's rows in order to `order` (u32, room for all) and answers how many, or a status. `observedAt` is the
 * address of one f64 a row, or 0. The results are the counts; whether all rows stay in their places; and where pairs of
 * u32 stand, (dropped row, row that stays), one for each duplicate.
 */
export function orderRows(
  timesAt: usize, stateAt: usize, rows: i32, observedAt: usize, quarantine: bool, order: usize, way: i32,
): i32 {
  times = timesAt;
  state = stateAt;
  observed = observedAt;
  pairCount = 0;
  setResult(R_PAIRS, 0);
  setResult(R_INVALID, invalid);
  setResult(R_NON_FINITE, nonFinite);
  setResult(R_MISALIGNED, misaligned);
  setResult(R_INFINITE, infinite);
  let count: i32;
  const sparse = slotsBetween() > SPARSE * <f64>kept + SMALL_SPAN;
  if (kept == 0 || (ascending && way == BY_FIT)) count = keptRows(<usize>rows, order);
  else if (way == BY_SORTING || (way == BY_FIT && sparse)) count = bySorting(<usize>rows, order);
  else count = byTable(<usize>rows, order, <usize>slotsBetween());
  if (count < 0) return count;
  setResult(R_DUPLICATE, pairCount);
  count = dropBroken(order, count, quarantine);
  setResult(R_IN_PLACE, ascending && count == rows ? 1 : 0);
  return count;
}

function slotsBetween(): f64 {
  return slotOf(maxTime) - slotOf(minTime) + 1;
}

@inline
function isKept(row: usize): bool {
  return (load<u8>(state + row) & ~BROKEN) == KEPT;
}

@inline
function timeOf(row: usize): f64 {
  return load<f64>(times + (row << 3));
}

/** The kept rows, which ascend already. */
function keptRows(rows: usize, order: usize): i32 {
  let count: usize = 0;
  for (let row: usize = 0; row < rows; row++) {
    if (isKept(row)) store<u32>(order + (count++ << 2), <u32>row);
  }
  return <i32>count;
}

/** Whether `later` (a higher row number) displaces `earlier`: the one observed last stays, else the later row. */
@inline
function displaces(later: usize, earlier: usize): bool {
  return observed == 0 || load<f64>(observed + (later << 3)) >= load<f64>(observed + (earlier << 3));
}

/** The slots from the first one on. On a grid with a step the division is exact, and the reciprocal's error rounds away. */
@inline
function placeOf(t: f64, step: f64, reciprocal: f64, firstSlot: f64): usize {
  const offset = step == 0 ? slotOf(t) - firstSlot : nearest<f64>((t - minTime) * reciprocal);
  return <usize>(reinterpret<u64>(offset + TO_BITS) & 0xffffffff);
}

/** One u32 for each slot: the row that holds it, plus one. */
function byTable(rows: usize, order: usize, span: usize): i32 {
  const table = alloc(span << 2);
  if (table == 0) return NO_MEMORY;
  memory.fill(table, 0, span << 2);
  const step = gridStep();
  const reciprocal = 1 / step;
  const firstSlot = slotOf(minTime);
  let dropped = 0;
  for (let row: usize = 0; row < rows; row++) {
    if (!isKept(row)) continue;
    const place = table + (placeOf(timeOf(row), step, reciprocal, firstSlot) << 2);
    const holder = <usize>load<u32>(place);
    if (holder == 0) {
      store<u32>(place, <u32>row + 1);
      continue;
    }
    let loser = row;
    if (displaces(row, holder - 1)) {
      store<u32>(place, <u32>row + 1);
      loser = holder - 1;
    }
    store<u8>(state + loser, DUPLICATE);
    dropped++;
  }
  let count: usize = 0;
  for (let p = table, end = table + (span << 2); p < end; p += 4) {
    const holder = load<u32>(p);
    if (holder != 0) store<u32>(order + (count++ << 2), holder - 1);
  }
  if (!openPairs(dropped)) return NO_MEMORY;
  for (let row: usize = 0; dropped > 0 && row < rows; row++) {
    if (load<u8>(state + row) != DUPLICATE) continue;
    addPair(row, <usize>load<u32>(table + (placeOf(timeOf(row), step, reciprocal, firstSlot) << 2)) - 1);
  }
  return <i32>count;
}

/** For rows that lie far apart: sort by time, then look at each run of equal times. */
function bySorting(rows: usize, order: usize): i32 {
  const records = alloc(<usize>kept << 4);
  if (records == 0) return NO_MEMORY;
  let end = records;
  for (let row: usize = 0; row < rows; row++) {
    if (!isKept(row)) continue;
    store<f64>(end, timeOf(row));
    store<u32>(end, <u32>row, 8);
    end += 16;
  }
  if (!sortRecords(records, <usize>kept)) return NO_MEMORY;
  if (!openPairs(kept)) return NO_MEMORY;
  let count: usize = 0;
  for (let first = records, next = records; first < end; first = next) {
    let stays = <usize>load<u32>(first, 8);
    for (next = first + 16; next < end && load<f64>(next) == load<f64>(first); next += 16) {
      const row = <usize>load<u32>(next, 8);
      if (displaces(row, stays)) stays = row;
    }
    store<u32>(order + (count++ << 2), <u32>stays);
    for (let p = first; p < next; p += 16) {
      const row = <usize>load<u32>(p, 8);
      if (row == stays) continue;
      store<u8>(state + row, DUPLICATE);
      addPair(row, stays);
    }
  }
  return <i32>count;
}

let pairsAt: usize = 0;
let pairCount: i32 = 0;

function openPairs(atMost: i32): bool {
  pairsAt = alloc(<usize>atMost << 3);
  setResult(R_PAIRS, <f64>pairsAt);
  return pairsAt != 0;
}

function addPair(dropped: usize, stays: usize): void {
  const pair = pairsAt + (<usize>pairCount << 3);
  pairCount++;
  store<u32>(pair, <u32>dropped);
  store<u32>(pair, <u32>stays, 4);
}

/** Counts the rows of the frame that break an invariant; under quarantine they leave it. */
function dropBroken(order: usize, count: i32, quarantine: bool): i32 {
  let found = 0;
  let stay: usize = 0;
  for (let i: usize = 0; broken > 0 && i < <usize>count; i++) {
    const row = load<u32>(order + (i << 2));
    const bad = (load<u8>(state + <usize>row) & BROKEN) != 0;
    if (bad) found++;
    if (bad && quarantine) store<u8>(state + <usize>row, INVARIANT);
    else store<u32>(order + (stay++ << 2), row);
  }
  setResult(R_INVARIANT, found);
  return broken > 0 ? <i32>stay : count;
}
