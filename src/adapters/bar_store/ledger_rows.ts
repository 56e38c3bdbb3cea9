/**
 * How a new ledger row stands beside those that are there: what it makes superfluous, and what it joins with. This
 * keeps a ledger as short as what it says, while a window is asked again and again.
 *
 * - An answered row takes the place of older rows of its source that lie wholly inside it, answered or failed.
 * - A failed row takes the place of older failed ones inside it, never of an answered one.
 * - Answered rows without a reason brought every slot: those that touch within one window become one.
 */

import type { LedgerRow } from "../../core/ports.ts";
import { slotCount } from "../../core/timeframe.ts";
import type { Grid } from "../../core/timeframe.ts";

/** A ledger row as it is kept, under a number of the store's own. */
export interface KeptLedgerRow {
  id: number;
  row: LedgerRow;
}

/** The row to keep, and the ids of those whose place it takes. */
export interface LedgerChange {
  row: LedgerRow;
  replaces: number[];
}

/** Where rows that `settleLedgerRow` must see can start: from the window's start up to the row's end. */
export function nearbyStarts(row: LedgerRow): { from: number; to: number } {
  return { from: Math.min(row.start, row.window[0]), to: row.end };
}

/** `nearby`: the kept rows of the same source that start within `nearbyStarts(row)`. */
export function settleLedgerRow(nearby: readonly KeptLedgerRow[], row: LedgerRow, grid: Grid): LedgerChange {
  const settled = { ...row };
  const replaces: number[] = [];
  for (const { id, row: old } of nearby) {
    if (supersedes(row, old)) settled.firstAskedAt = Math.min(settled.firstAskedAt, old.firstAskedAt);
    else if (joins(settled, old)) join(settled, old, grid);
    else continue;
    replaces.push(id);
  }
  return { row: settled, replaces };
}

function supersedes(row: LedgerRow, old: LedgerRow): boolean {
  if (old.start < row.start || old.end > row.end || old.askedAt > row.askedAt) return false;
  return row.error === null || old.error !== null;
}

function joins(row: LedgerRow, old: LedgerRow): boolean {
  return isWhole(row) && isWhole(old) && old.start <= row.end && row.start <= old.end &&
    old.window[0] === row.window[0] && old.window[1] === row.window[1];
}

/** Answered, with every slot brought. */
function isWhole(row: LedgerRow): boolean {
  return row.error === null && row.reason === null;
}

function join(row: LedgerRow, old: LedgerRow, grid: Grid): void {
  const start = Math.min(row.start, old.start);
  const end = Math.max(row.end, old.end);
  row.bars = Math.min(row.bars + old.bars, slotCount([start, end], grid));
  row.start = start;
  row.end = end;
  row.firstAskedAt = Math.min(row.firstAskedAt, old.firstAskedAt);
  row.attempts = Math.max(row.attempts, old.attempts);
  if (old.askedAt > row.askedAt) {
    row.askedAt = old.askedAt;
    row.replySha256 = old.replySha256;
  }
}
