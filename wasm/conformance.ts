/**
 * Conformance of bars (spec §5, from "finite values" on): rows in any order become a frame, and every finding is counted.
 *
 * Columns hold the input's rows in their order; a time that is NaN is no usable time. One pass looks at each row alone,
 * then the rows are put in order and duplicates drop out, then invariants are checked on what stays.
 */
import { alloc } from "./memory";
import { NO_MEMORY, sameBits, setResult } from "./frame";
import { gridStep, isTime, slotOf, slotStart } from "./grid";
import { sortRecords } from "./sort";

/** What became of a row. */
const KEPT: u8 = 0;
const INVALID: u8 = 1;
const NON_FINITE: u8 = 2;
const MISALIGNED: u8 = 3;
const DUPLICATE: u8 = 4;
const INVARIANT: u8 = 5;

/** Fields of the results: see src/compute/conform_bars.ts, which reads them by the same numbers. */
const R_INVALID: usize = 0;
const R_NON_FINITE: usize = 1;
const R_MISALIGNED: usize = 2;
const R_DUPLICATE: usize = 3;
const R_CONFLICT: usize = 4;
const R_INVARIANT: usize = 5;
const R_COLUMNS: usize = 6;
const R_STRIDE: usize = 7;
const R_CONFLICTS: usize = 8;

const PRICES: i32 = 4;
const COLUMNS: usize = 6;
/** A table by slot is worth its memory while there are at most so many slots for each row. */
const SPARSE: f64 = 8;
const SMALL_SPAN: f64 = 4096;

let columns: usize = 0;
let stride: usize = 0;
let state: usize = 0;
let observed: usize = 0;

let invalid = 0;
let nonFinite = 0;
let misaligned = 0;
let kept = 0;
let ascending = true;
let minSlot: f64 = 0;
let maxSlot: f64 = 0;

@inline
function cell(column: usize, row: usize): usize {
  return columns + column * stride + (row << 3);
}

/**
 * Conforms `rows` rows. `stateAt` (one byte a row) receives what became of each; `observedAt` is the address of one f64
 * a row, or 0. Answers the count of rows of the frame or a status; the results tell the counts, where the frame's
 * columns stand, and where the conflicts do (pairs of u32: dropped row, kept row).
 */
export function conformBars(
  at: usize, columnStride: usize, rows: i32, observedAt: usize, floorAlign: bool, quarantine: bool, stateAt: usize,
): i32 {
  columns = at;
  stride = columnStride;
  state = stateAt;
  observed = observedAt;
  judgeRows(<usize>rows, floorAlign);
  setResult(R_INVALID, invalid);
  setResult(R_NON_FINITE, nonFinite);
  setResult(R_MISALIGNED, misaligned);
  setResult(R_DUPLICATE, 0);
  setResult(R_CONFLICT, 0);
  setResult(R_CONFLICTS, 0);
  let order: usize = 0;
  let count = kept;
  if (!ascending || kept != rows) {
    order = alloc(<usize>kept << 2);
    if (order == 0) return NO_MEMORY;
    count = ascending ? keptRows(<usize>rows, order) : inOrder(<usize>rows, order);
    if (count < 0) return count;
    if (!gather(order, <usize>count)) return NO_MEMORY;
  }
  count = checkInvariants(order, count, quarantine);
  setResult(R_COLUMNS, <f64>columns);
  setResult(R_STRIDE, <f64>stride);
  return count;
}

/** Looks at each row alone: time, finite values, grid. Infinite cells become NaN, floored times are written back. */
function judgeRows(rows: usize, floorAlign: bool): void {
  invalid = nonFinite = misaligned = kept = 0;
  ascending = true;
  minSlot = Infinity;
  maxSlot = -Infinity;
  const step = gridStep();
  let before: f64 = -Infinity;
  let slot: f64 = 0;
  for (let row: usize = 0; row < rows; row++) {
    const t = load<f64>(cell(0, row));
    // One step after a kept time is a time of the grid: the common row costs no division.
    if (step != 0 && t == before + step && isTime(t)) {
      const finite = finiteEnough(row);
      store<u8>(state + row, finite ? KEPT : NON_FINITE);
      if (!finite) continue;
      slot += 1;
      before = t;
      kept++;
      if (slot > maxSlot) maxSlot = slot;
      continue;
    }
    const fate = judge(row, floorAlign);
    store<u8>(state + row, fate);
    if (fate != KEPT) continue;
    kept++;
    const opens = load<f64>(cell(0, row));
    slot = slotOf(opens);
    if (slot < minSlot) minSlot = slot;
    if (slot > maxSlot) maxSlot = slot;
    if (opens <= before) ascending = false;
    before = opens;
  }
}

function judge(row: usize, floorAlign: bool): u8 {
  const t = load<f64>(cell(0, row));
  if (!isTime(t)) {
    invalid++;
    return INVALID;
  }
  const opens = slotStart(slotOf(t));
  const aligned = opens == t;
  // A time floored below the limit would be none.
  if (!aligned && floorAlign && !isTime(opens)) {
    invalid++;
    return INVALID;
  }
  if (!finiteEnough(row)) return NON_FINITE;
  if (!aligned) {
    misaligned++;
    if (!floorAlign) return MISALIGNED;
    store<f64>(cell(0, row), opens);
  }
  return KEPT;
}

/** Whether one of the four prices is a number. Cells that are not finite are counted, and ±inf becomes NaN. */
@inline
function finiteEnough(row: usize): bool {
  // A finite number less itself is zero, anything else NaN: one test for all five cells.
  return rest(1, row) + rest(2, row) + rest(3, row) + rest(4, row) + rest(5, row) == 0 || countBad(row);
}

@inline
function rest(column: usize, row: usize): f64 {
  const x = load<f64>(cell(column, row));
  return x - x;
}

function countBad(row: usize): bool {
  let bad = 0;
  let badPrices = 0;
  for (let c: usize = 1; c < COLUMNS; c++) {
    const x = load<f64>(cell(c, row));
    if (x - x == 0) continue;
    bad++;
    if (c <= <usize>PRICES) badPrices++;
    if (x == x) store<f64>(cell(c, row), NaN);
  }
  nonFinite += bad;
  return badPrices < PRICES;
}

/** The kept rows, which ascend already. */
function keptRows(rows: usize, order: usize): i32 {
  let count: usize = 0;
  for (let row: usize = 0; row < rows; row++) {
    if (load<u8>(state + row) == KEPT) store<u32>(order + (count++ << 2), <u32>row);
  }
  return <i32>count;
}

/** The kept rows in order of time, of each slot the row that stays: by a table over the slots, or by sorting. */
function inOrder(rows: usize, order: usize): i32 {
  const span = maxSlot - minSlot + 1;
  return span <= SPARSE * <f64>kept + SMALL_SPAN ? byTable(rows, order, <usize>span) : bySorting(rows, order);
}

/** Whether `later` (a higher row number) displaces `earlier`: the one observed last stays, else the later row. */
@inline
function displaces(later: usize, earlier: usize): bool {
  return observed == 0 || load<f64>(observed + (later << 3)) >= load<f64>(observed + (earlier << 3));
}

@inline
function differ(a: usize, b: usize): bool {
  for (let c: usize = 1; c < COLUMNS; c++) {
    if (!sameBits(load<f64>(cell(c, a)), load<f64>(cell(c, b)))) return true;
  }
  return false;
}

/** One u32 for each slot: the row that holds it, plus one. */
function byTable(rows: usize, order: usize, span: usize): i32 {
  const table = alloc(span << 2);
  if (table == 0) return NO_MEMORY;
  memory.fill(table, 0, span << 2);
  let dropped = 0;
  for (let row: usize = 0; row < rows; row++) {
    if (load<u8>(state + row) != KEPT) continue;
    const place = table + (<usize>(slotOf(load<f64>(cell(0, row))) - minSlot) << 2);
    const holder = <usize>load<u32>(place);
    let loser = holder - 1;
    if (holder == 0 || displaces(row, holder - 1)) store<u32>(place, <u32>row + 1);
    else loser = row;
    if (holder == 0) continue;
    store<u8>(state + loser, DUPLICATE);
    dropped++;
  }
  let count: usize = 0;
  for (let p = table, end = table + (span << 2); p < end; p += 4) {
    const holder = load<u32>(p);
    if (holder != 0) store<u32>(order + (count++ << 2), holder - 1);
  }
  if (!openConflicts(dropped)) return NO_MEMORY;
  for (let row: usize = 0; dropped > 0 && row < rows; row++) {
    if (load<u8>(state + row) != DUPLICATE) continue;
    const place = table + (<usize>(slotOf(load<f64>(cell(0, row))) - minSlot) << 2);
    noteConflict(row, <usize>load<u32>(place) - 1);
  }
  return <i32>count;
}

/** For rows that lie far apart: sort by time, then look at each run of equal times. */
function bySorting(rows: usize, order: usize): i32 {
  const records = alloc(<usize>kept << 4);
  if (records == 0) return NO_MEMORY;
  let end = records;
  for (let row: usize = 0; row < rows; row++) {
    if (load<u8>(state + row) != KEPT) continue;
    store<f64>(end, load<f64>(cell(0, row)));
    store<u32>(end, <u32>row, 8);
    end += 16;
  }
  if (!sortRecords(records, <usize>kept)) return NO_MEMORY;
  if (!openConflicts(kept)) return NO_MEMORY;
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
      noteConflict(row, stays);
    }
  }
  return <i32>count;
}

let conflictsAt: usize = 0;
let conflictCount: usize = 0;
let duplicates = 0;

function openConflicts(atMost: i32): bool {
  conflictsAt = alloc(<usize>atMost << 3);
  conflictCount = 0;
  duplicates = 0;
  setResult(R_CONFLICTS, <f64>conflictsAt);
  return conflictsAt != 0;
}

/** Counts a dropped row, and keeps it as a conflict when it differs from the survivor. */
function noteConflict(dropped: usize, stays: usize): void {
  duplicates++;
  setResult(R_DUPLICATE, duplicates);
  if (!differ(dropped, stays)) return;
  const pair = conflictsAt + (conflictCount++ << 3);
  store<u32>(pair, <u32>dropped);
  store<u32>(pair, <u32>stays, 4);
  setResult(R_CONFLICT, <f64>conflictCount);
}

/** Copies the rows of `order` into new columns, and makes those the frame's. */
function gather(order: usize, count: usize): bool {
  const newStride = ((count << 3) + 15) & ~15;
  const out = alloc(newStride * COLUMNS);
  if (out == 0) return false;
  for (let c: usize = 0; c < COLUMNS; c++) {
    const from = columns + c * stride;
    const to = out + c * newStride;
    for (let i: usize = 0; i < count; i++) {
      store<f64>(to + (i << 3), load<f64>(from + (<usize>load<u32>(order + (i << 2)) << 3)));
    }
  }
  columns = out;
  stride = newStride;
  return true;
}

/** A comparison with NaN finds nothing. */
@inline
function broken(i: usize): bool {
  const o = load<f64>(cell(1, i));
  const h = load<f64>(cell(2, i));
  const l = load<f64>(cell(3, i));
  const c = load<f64>(cell(4, i));
  return h < o || h < c || l > o || l > c || o <= 0 || h <= 0 || l <= 0 || c <= 0 || load<f64>(cell(5, i)) < 0;
}

/** Counts the rows of the frame that break an invariant; under quarantine they leave it. `order` 0: rows are as they came. */
function checkInvariants(order: usize, count: i32, quarantine: bool): i32 {
  let found = 0;
  let stay: usize = 0;
  for (let i: usize = 0; i < <usize>count; i++) {
    const bad = broken(i);
    if (bad) found++;
    if (!quarantine) continue;
    if (bad) {
      store<u8>(state + (order == 0 ? i : <usize>load<u32>(order + (i << 2))), INVARIANT);
      continue;
    }
    if (stay != i) {
      for (let c: usize = 0; c < COLUMNS; c++) store<f64>(cell(c, stay), load<f64>(cell(c, i)));
    }
    stay++;
  }
  setResult(R_INVARIANT, found);
  return quarantine ? <i32>stay : count;
}
