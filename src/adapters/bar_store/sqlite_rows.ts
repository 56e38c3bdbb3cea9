/** Rows of the SQLite tables as the nouns of the ports, and the columns in whose order they are read. */

import type { Finding, LedgerRow, NodeRecord, Revision } from "../../core/ports.ts";
import { isMonthGrid } from "../../core/timeframe.ts";
import type { Grid } from "../../core/timeframe.ts";
import { decodeBar, encodeBar } from "./bar_blob.ts";
import type { SqlValue } from "./sqlite_messages.ts";
import type { ProvisionalBar } from "./window_commit.ts";

export const LEDGER_COLUMNS =
  "start, end, source, asked_at, first_asked_at, bars, attempts, reason, error, " +
  "next_ask, reply_sha256, window_start, window_end";

export function ledgerRowOf(cells: SqlValue[]): LedgerRow {
  const [
    start,
    end,
    source,
    askedAt,
    firstAskedAt,
    bars,
    attempts,
    reason,
    error,
    nextAsk,
    replySha256,
    from,
    to,
  ] = cells;
  return {
    start: start as number,
    end: end as number,
    source: source as string,
    askedAt: askedAt as number,
    firstAskedAt: firstAskedAt as number,
    bars: bars as number,
    attempts: attempts as number,
    reason: reason as LedgerRow["reason"],
    error: error as string | null,
    nextAsk: nextAsk as number | null,
    replySha256: replySha256 as string | null,
    window: [from as number, to as number],
  };
}

/** In the order of `LEDGER_COLUMNS`. */
export function ledgerCells(row: LedgerRow): SqlValue[] {
  return [
    row.start,
    row.end,
    row.source,
    row.askedAt,
    row.firstAskedAt,
    row.bars,
    row.attempts,
    row.reason,
    row.error,
    row.nextAsk,
    row.replySha256,
    row.window[0],
    row.window[1],
  ];
}

export const FINDING_COLUMNS = "ts, flag, count, window_start, window_end, seen_at_ms";

export function findingOf([ts, flag, count, from, to, seenAtMs]: SqlValue[]): Finding {
  return {
    ts: ts as number,
    flag: flag as string,
    count: count as number,
    window: [from as number, to as number],
    seenAtMs: seenAtMs as number,
  };
}

/** In the order of `FINDING_COLUMNS`. */
export function findingCells({ ts, flag, count, window, seenAtMs }: Finding): SqlValue[] {
  return [ts, flag, count, window[0], window[1], seenAtMs];
}

export const REVISION_COLUMNS = "ts, bar, source, observed_at_ms, seen_at_ms, cause, kept, reply_sha256";

export function revisionOf(cells: SqlValue[]): Revision {
  const [ts, bar, source, observedAtMs, seenAtMs, cause, kept, replySha256] = cells;
  return {
    ts: ts as number,
    values: decodeBar(bar as Uint8Array),
    source: source as string,
    observedAtMs: observedAtMs as number,
    seenAtMs: seenAtMs as number,
    cause: cause as Revision["cause"],
    kept: kept === 1,
    replySha256: replySha256 as string | null,
  };
}

/** In the order of `REVISION_COLUMNS`. */
export function revisionCells(revision: Revision): SqlValue[] {
  const { ts, values, source, observedAtMs, seenAtMs, cause, kept, replySha256 } = revision;
  return [ts, encodeBar(values), source, observedAtMs, seenAtMs, cause, kept ? 1 : 0, replySha256];
}

export const PROVISIONAL_COLUMNS = "ts, bar, observed_at_ms";

export function provisionalOf([ts, bar, observedAtMs]: SqlValue[]): ProvisionalBar {
  return { ts: ts as number, values: decodeBar(bar as Uint8Array)!, observedAtMs: observedAtMs as number };
}

export const NODE_COLUMNS = "node_id, step, anchor, volume_unit";

export function nodeOf([nodeId, step, anchor, volumeUnit]: SqlValue[]): NodeRecord {
  const grid: Grid = step === null ? { unit: "month" } : { step: step as number, anchor: anchor as number };
  return { nodeId: nodeId as string, grid, volumeUnit: volumeUnit as string };
}

/** In the order of `NODE_COLUMNS`; months have neither step nor anchor. */
export function nodeCells({ nodeId, grid, volumeUnit }: NodeRecord): SqlValue[] {
  return isMonthGrid(grid)
    ? [nodeId, null, null, volumeUnit]
    : [nodeId, grid.step, grid.anchor ?? 0, volumeUnit];
}
