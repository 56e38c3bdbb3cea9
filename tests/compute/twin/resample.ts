/** Derived bars, slow and obvious: every target slot is built alone from all rows inside it. */
import type { Grid, TimeRange, Trades } from "../../../src/compute/mod.ts";
import { covers, runs } from "./ranges.ts";
import { slotAt, slotBegin } from "./slots.ts";

/** A bar as a row. */
export type Row = { ts: number; open: number; high: number; low: number; close: number; volume: number };

const SECONDS: Grid = { step: 1 };

/** For each target slot that a covered source slot touches: whether all its source slots are covered. */
function targets(covered: TimeRange[], from: Grid, to: Grid): Map<number, boolean> {
  const found = new Map<number, boolean>();
  for (const [start, end] of covered) {
    if (!(start < end)) continue;
    for (let source = slotAt(start, from); source <= slotAt(end, from); source++) {
      if (!covers(covered, source, from)) continue;
      const slot = slotAt(slotBegin(source, from), to);
      if (!found.has(slot)) found.set(slot, coveredWhole(covered, slot, from, to));
    }
  }
  return new Map([...found].sort(([a], [b]) => a - b));
}

function coveredWhole(covered: TimeRange[], slot: number, from: Grid, to: Grid): boolean {
  const end = slotBegin(slot + 1, to);
  for (let source = slotAt(slotBegin(slot, to), from); slotBegin(source, from) < end; source++) {
    if (!covers(covered, source, from)) return false;
  }
  return true;
}

/** NaN is left out of high and low; of nothing but NaN they are NaN. */
function extreme(values: number[], better: (a: number, b: number) => boolean): number {
  return values.filter((x) => !Number.isNaN(x)).reduce(
    (best, x) => Number.isNaN(best) || better(x, best) ? x : best,
    NaN,
  );
}

/** Bars of a coarser grid. */
export function resample(rows: Row[], o: { from: Grid; to: Grid; covered: TimeRange[] }) {
  const bars: Row[] = [];
  const incomplete: number[] = [];
  for (const [slot, whole] of targets(o.covered, o.from, o.to)) {
    if (!whole) incomplete.push(slot);
    const inside = rows.filter((row) => slotAt(row.ts, o.to) === slot);
    if (!whole || inside.length === 0) continue;
    const traded = inside.filter((row) => row.volume !== 0);
    const priced = traded.length > 0 ? traded : inside;
    bars.push({
      ts: slotBegin(slot, o.to),
      open: priced[0].open,
      high: extreme(priced.map((row) => row.high), (a, b) => a > b),
      low: extreme(priced.map((row) => row.low), (a, b) => a < b),
      close: inside[inside.length - 1].close,
      volume: inside.reduce((sum, row) => sum + row.volume, 0),
    });
  }
  return { bars, incomplete: runs(incomplete, o.to) };
}

/** Bars from trades. */
export function barsFromTrades(trades: Trades, o: { grid: Grid; covered: TimeRange[] }) {
  const bars: Row[] = [];
  const incomplete: number[] = [];
  const empty: number[] = [];
  const seconds = Array.from(trades.ts_ms, (ms) => Math.floor(ms / 1000));
  for (const [slot, whole] of targets(o.covered, SECONDS, o.grid)) {
    if (!whole) {
      incomplete.push(slot);
      continue;
    }
    const inside = seconds.flatMap((second, i) => slotAt(second, o.grid) === slot ? [i] : []);
    if (inside.length === 0) {
      empty.push(slot);
      continue;
    }
    const traded = inside.filter((i) => trades.amount[i] !== 0);
    const prices = (traded.length > 0 ? traded : inside).map((i) => trades.price[i]);
    bars.push({
      ts: slotBegin(slot, o.grid),
      open: prices[0],
      high: extreme(prices, (a, b) => a > b),
      low: extreme(prices, (a, b) => a < b),
      close: prices[prices.length - 1],
      volume: inside.reduce((sum, i) => sum + trades.amount[i], 0),
    });
  }
  return { bars, empty: runs(empty, o.grid), incomplete: runs(incomplete, o.grid) };
}
