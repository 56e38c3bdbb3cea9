/**
 * What one window write does to a node, said once for every store that can do it in a transaction: rows are merged,
 * what changed at the source goes to the revision log, what the reply lacks is noted, provisional bars give way to
 * final ones, and the ledger and the findings of the answered ranges are replaced.
 *
 * Everything is read and written through `NodeTables`, inside one transaction of the caller's.
 */

import { emptyBars, firstAtOrAfter, viewBars } from "../../core/bar_frame.ts";
import type { Bars } from "../../core/bar_frame.ts";
import type { Finding, LedgerRow, Revision, WindowOutcome, WindowWrite } from "../../core/ports.ts";
import { chunkOf, chunkParts, mergeRows, valuesAt } from "../../core/stored_chunk.ts";
import type { BarValues, RowChange } from "../../core/stored_chunk.ts";
import { isOnGrid } from "../../core/timeframe.ts";
import type { Grid } from "../../core/timeframe.ts";
import type { TimeRange } from "../../core/time_range.ts";
import { nearbyStarts, settleLedgerRow } from "./ledger_rows.ts";
import type { KeptLedgerRow, LedgerChange } from "./ledger_rows.ts";
import { unfitRows } from "./refusals.ts";

/** A provisional bar as it is kept. */
export interface ProvisionalBar {
  ts: number;
  values: BarValues;
  observedAtMs: number;
}

/** The tables of one node, as one transaction sees them. */
export interface NodeTables {
  grid: Grid;
  /** Final rows of a chunk, with what this transaction wrote; null when it has none. */
  chunk(k: number): Bars | null;
  putChunk(k: number, rows: Bars): void;
  /** Chunks that exist among `from` … `to`, both included. */
  chunksBetween(from: number, to: number): number[];
  /** Provisional bars whose `ts` lies in the range. */
  provisional(range: TimeRange): ProvisionalBar[];
  putProvisional(bar: ProvisionalBar): void;
  dropProvisional(ts: number): void;
  /** Kept rows of a source that start at `from` … `to`, both included. */
  ledgerStarting(source: string, span: { from: number; to: number }): KeptLedgerRow[];
  /** The newest answered row over `ts`, of any source. */
  answerOver(ts: number): LedgerRow | null;
  changeLedger(change: LedgerChange): void;
  dropFindings(range: TimeRange): void;
  putFinding(finding: Finding): void;
  /** Appends to the revision log, as not kept; false when (ts, values) is in it already. */
  logRevision(revision: Revision): boolean;
  /** Times in the range that the log has values of. */
  loggedTimes(range: TimeRange): number[];
  /** Marks the entry of these values as the one that is kept, all others of `ts` as not. */
  markKept(ts: number, values: BarValues): void;
}

/** Applies the write. Rows off the grid or out of order are our own bug: `INTERNAL`, before anything is written. */
export function commitWindow(node: NodeTables, write: WindowWrite): Omit<WindowOutcome, "revision"> {
  checkRows(write.final, node.grid);
  checkRows(write.provisional, node.grid);
  keepWithdrawn(node, write);
  const { inserted, changed } = mergeFinal(node, write.final);
  for (const change of changed) logChange(node, write, change);
  const withdrawn = noteWithdrawn(node, write);
  replaceProvisional(node, write);
  logConflicts(node, write, changed);
  for (const range of write.answered) node.dropFindings(range);
  for (const finding of write.findings) node.putFinding(finding);
  for (const row of write.ledger) {
    node.changeLedger(settleLedgerRow(node.ledgerStarting(row.source, nearbyStarts(row)), row, node.grid));
  }
  return { inserted, revised: changed.length, withdrawn };
}

function checkRows({ ts }: Bars, grid: Grid): void {
  for (let i = 0; i < ts.length; i++) {
    if (!isOnGrid(ts[i], grid)) throw unfitRows(`the bar at ${ts[i]} is off the grid`);
    if (i > 0 && ts[i] <= ts[i - 1]) throw unfitRows(`the bar at ${ts[i]} is out of order`);
  }
}

/**
 * A provisional bar that the source no longer sends when its slot is final is kept as it was last seen: it would be
 * asked for ever otherwise. `noteWithdrawn` then tells of it.
 */
function keepWithdrawn(node: NodeTables, { answered, final, finalUntil }: WindowWrite): void {
  if (finalUntil === undefined) return;
  for (const [start, end] of answered) {
    if (start >= Math.min(end, finalUntil)) continue;
    for (const bar of node.provisional([start, Math.min(end, finalUntil)])) {
      if (holds(final.ts, bar.ts)) continue;
      mergeFinal(node, frameOf(bar));
      node.dropProvisional(bar.ts);
    }
  }
}

function frameOf({ ts, values }: ProvisionalBar): Bars {
  const [open, high, low, close, volume] = values.map((value) => Float64Array.of(value));
  return { ts: Float64Array.of(ts), open, high, low, close, volume };
}

function mergeFinal(node: NodeTables, final: Bars): { inserted: number; changed: RowChange[] } {
  const sum = { inserted: 0, changed: [] as RowChange[] };
  for (const { k, from, to } of chunkParts(final.ts, node.grid)) {
    const stored = node.chunk(k) ?? emptyBars();
    const merged = mergeRows(stored, viewBars(final, from, to));
    if (merged.rows !== stored) node.putChunk(k, merged.rows);
    sum.inserted += merged.inserted;
    sum.changed.push(...merged.changed);
  }
  return sum;
}

/** The old value is logged with what is known of how it came: the ledger's newest answer over its slot. */
function logChange(node: NodeTables, write: WindowWrite, { ts, before, after }: RowChange): void {
  const old = node.answerOver(ts);
  const oldMs = old === null ? write.observedAtMs : Math.round(old.askedAt * 1000);
  node.logRevision({
    ts,
    values: before,
    source: old?.source ?? write.source,
    observedAtMs: oldMs,
    seenAtMs: old === null ? write.seenAtMs : oldMs,
    cause: write.cause,
    kept: false,
    replySha256: old?.replySha256 ?? null,
  });
  node.logRevision(entryOf(write, ts, after, write.cause));
  node.markKept(ts, after);
}

function entryOf(
  write: WindowWrite,
  ts: number,
  values: BarValues | null,
  cause: Revision["cause"],
): Revision {
  const { source, observedAtMs, seenAtMs, replySha256 } = write;
  return { ts, values, source, observedAtMs, seenAtMs, cause, kept: false, replySha256 };
}

/** Stored bars that an answer over their slots lacks stay, and the log says that the source dropped them. */
function noteWithdrawn(node: NodeTables, write: WindowWrite): number {
  let withdrawn = 0;
  for (const [start, end] of write.answered) {
    if (!(start < end)) continue;
    const last = chunkOf(end, node.grid);
    for (const k of node.chunksBetween(chunkOf(start, node.grid), last)) {
      for (const ts of lackedBy(write, node.chunk(k) ?? emptyBars(), [start, end])) {
        if (node.logRevision(entryOf(write, ts, null, "withdrawn"))) withdrawn++;
      }
    }
  }
  return withdrawn;
}

function lackedBy(write: WindowWrite, stored: Bars, [start, end]: TimeRange): number[] {
  const from = firstAtOrAfter(stored.ts, start);
  const to = firstAtOrAfter(stored.ts, end);
  if (from >= to) return [];
  const last = stored.ts[to - 1] + 1;
  const sent = firstAtOrAfter(write.final.ts, last) - firstAtOrAfter(write.final.ts, stored.ts[from]);
  // Every final row of the write is stored by now: as many rows sent as stored means that none is lacking.
  if (sent === to - from) return [];
  const lacking: number[] = [];
  for (let i = from; i < to; i++) {
    if (!holds(write.final.ts, stored.ts[i]) && !holds(write.provisional.ts, stored.ts[i])) {
      lacking.push(stored.ts[i]);
    }
  }
  return lacking;
}

function holds(times: Float64Array, t: number): boolean {
  return times[firstAtOrAfter(times, t)] === t;
}

/** A provisional bar goes when its slot has a final one, and gives way to one that was observed later. */
function replaceProvisional(node: NodeTables, write: WindowWrite): void {
  const { final, provisional } = write;
  for (const { ts } of node.provisional(spanOf(final.ts))) {
    if (holds(final.ts, ts)) node.dropProvisional(ts);
  }
  const old = new Map(node.provisional(spanOf(provisional.ts)).map((bar) => [bar.ts, bar]));
  provisional.ts.forEach((ts, i) => {
    if ((old.get(ts)?.observedAtMs ?? -Infinity) > write.observedAtMs || finalValues(node, ts) !== null) {
      return;
    }
    node.putProvisional({ ts, values: valuesAt(provisional, i), observedAtMs: write.observedAtMs });
  });
}

function spanOf(ts: Float64Array): TimeRange {
  return ts.length === 0 ? [0, 0] : [ts[0], ts[ts.length - 1] + 1];
}

function finalValues(node: NodeTables, ts: number): BarValues | null {
  const rows = node.chunk(chunkOf(ts, node.grid));
  if (rows === null || !holds(rows.ts, ts)) return null;
  return valuesAt(rows, firstAtOrAfter(rows.ts, ts));
}

function currentValues(node: NodeTables, ts: number): BarValues | null {
  return finalValues(node, ts) ?? node.provisional([ts, ts + 1])[0]?.values ?? null;
}

/** Losers and survivor of a duplicate are both logged; and where the log speaks of a bar, it says which value is current. */
function logConflicts(node: NodeTables, write: WindowWrite, changed: RowChange[]): void {
  for (const loser of write.conflicts) node.logRevision({ ...loser, kept: false });
  const conflicted = new Set(write.conflicts.map(({ ts }) => ts));
  const settled = new Set(changed.map(({ ts }) => ts));
  const logged = [write.final.ts, write.provisional.ts].flatMap((ts) => node.loggedTimes(spanOf(ts)));
  for (const ts of new Set([...conflicted, ...logged])) {
    if (settled.has(ts) && !conflicted.has(ts)) continue;
    const values = currentValues(node, ts);
    if (values === null) continue;
    node.logRevision(entryOf(write, ts, values, conflicted.has(ts) ? "duplicate" : write.cause));
    node.markKept(ts, values);
  }
}
