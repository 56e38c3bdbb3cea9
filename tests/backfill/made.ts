/** What the tests of backfill are made of: bars, ledger rows, states, and the core, loaded once. */

import { type Bars, makeBars } from "../../src/core/bar_frame.ts";
import type { BarsReply, LedgerRow, NodeState } from "../../src/core/ports.ts";
import { type Grid, slotOf, slotStart } from "../../src/core/timeframe.ts";
import { type TimeRange, toRanges } from "../../src/core/time_range.ts";
import { load } from "../../src/compute/mod.ts";

export const compute = await load();
export const MINUTES: Grid = { step: 60, anchor: 0 };
export const MONTHS: Grid = { unit: "month" };
/** Days of a venue that opens them at 16:00 UTC. */
export const LATE_DAYS: Grid = { step: 86_400, anchor: 57_600 };
export const NODE = "ohlcv:fake:BTC/USDT:1m";

/** Bars at the given times; every value follows from its time. */
export function barsAt(ts: readonly number[]): Bars {
  const bars = makeBars(ts.length);
  ts.forEach((t, i) => {
    const price = 100 + (t / 60) % 50;
    bars.ts[i] = t;
    bars.open[i] = price;
    bars.high[i] = price + 2;
    bars.low[i] = price - 2;
    bars.close[i] = price + 1;
    bars.volume[i] = 10;
  });
  return bars;
}

/** A ledger row about `[start, end)`, answered at `askedAt` unless an error is given. */
export function ledgerRow([start, end]: TimeRange, o: Partial<LedgerRow> & { askedAt: number }): LedgerRow {
  return {
    start,
    end,
    source: "ccxt:fake",
    firstAskedAt: o.askedAt,
    bars: 0,
    attempts: 1,
    reason: null,
    error: null,
    nextAsk: null,
    replySha256: null,
    window: [start, end],
    ...o,
  };
}

/** A node's state from its parts. `final` holds the starts of slots with a final bar. */
export function stateOf(
  o: {
    grid: Grid;
    final?: readonly number[];
    provisional?: readonly number[];
    ledger?: LedgerRow[];
    nodeId?: string;
  },
): NodeState {
  const runs = (o.final ?? []).map((t): TimeRange => [t, slotStart(slotOf(t, o.grid) + 1, o.grid)]);
  return {
    node: { nodeId: o.nodeId ?? NODE, grid: o.grid, volumeUnit: "base" },
    revision: 1,
    final: compute.mergeRanges(toRanges(runs), o.grid),
    chunks: [],
    provisional: barsAt(o.provisional ?? []),
    ledger: o.ledger ?? [],
    findings: [],
  };
}

/** One row as a venue sends it: ts, open, high, low, close, volume. */
export type Row = [
  ts: number | string | null,
  open: number | string | null,
  high: number | string | null,
  low: number | string | null,
  close: number | string | null,
  volume: number | string | null,
];

/** A sound row at `ts`; `shift` gives it other values. */
export function rowAt(ts: number, shift = 0): Row {
  const { open, high, low, close, volume } = barsAt([ts]);
  return [ts, open[0] + shift, high[0] + shift, low[0] + shift, close[0] + shift, volume[0] + shift];
}

/** A reply with these rows that answered `answered`, asked at `askedAt` (venue time, epoch seconds). */
export function replyOf(
  rows: readonly Row[],
  o: Partial<BarsReply> & Pick<BarsReply, "answered" | "askedAt">,
): BarsReply {
  const column = (index: number) => rows.map((row) => row[index]);
  return {
    columns: {
      ts: column(0),
      open: column(1),
      high: column(2),
      low: column(3),
      close: column(4),
      volume: column(5),
    },
    observedAt: rows.map(() => o.askedAt),
    absent: [],
    calls: 1,
    bytes: 100,
    replySha256: "ab".repeat(32),
    rawBodies: [new Uint8Array([1, 2, 3])],
    warnings: [],
    ...o,
  };
}
