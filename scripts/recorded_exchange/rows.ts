/**
 * The rows of a reply: what the venue shows of a series at its clock's time, and what faults make of it.
 */

import type { AskFault, HistoryFault, RowFault } from "./faults.ts";
import { mix } from "./generator.ts";
import type { Grid } from "./grid.ts";
import type { Market } from "./market.ts";
import type { Row } from "./row.ts";
import type { Bar, Series } from "./series.ts";
import { isInside } from "./span.ts";

/** A page that a client asked for, in the venue's terms. */
export interface PageAsk {
  market: Market;
  grid: Grid;
  series: Series;
  startMs: number;
  /** Exclusive. */
  endMs: number;
  limit: number;
  from: "start" | "end";
  /** The venue sends its rows newest first. */
  newestFirst?: boolean;
}

/** Makes the rows of one page as the venue would send them at `nowMs`, faults included. */
export function pageRows(ask: PageAsk, { nowMs, faults }: { nowMs: number; faults: PageFaults }): Row[] {
  const shown: Shown = {
    market: ask.market,
    grid: ask.grid,
    series: ask.series,
    nowMs,
    faults: faults.history,
  };
  const asked = faults.ask.reduce((now, fault) => bend(now, { fault, shown }), ask);
  const rows = shownBars(shown, asked).map((bar) => rowOf(bar, shown));
  if (ask.newestFirst) rows.reverse();
  return faults.rows.reduce((now, fault) => spoil(now, { fault, shown }), rows);
}

/** The faults that concern a page. */
export interface PageFaults {
  ask: AskFault[];
  rows: RowFault[];
  history: HistoryFault[];
}

/** What the venue has, and when it is looked at. */
interface Shown {
  market: Market;
  grid: Grid;
  series: Series;
  nowMs: number;
  faults: HistoryFault[];
}

type Range = Pick<PageAsk, "startMs" | "endMs" | "limit" | "from">;

/** Reads until the page is full or the range is over, because history faults may remove what was read. */
function shownBars(shown: Shown, asked: Range): Bar[] {
  const { market, series, nowMs } = shown;
  let startMs = Math.max(asked.startMs, market.listedMs ?? -Infinity);
  let endMs = Math.min(asked.endMs, nowMs + 1, market.delistedMs ?? Infinity);
  let bars: Bar[] = [];
  while (bars.length < asked.limit && startMs < endMs) {
    const limit = asked.limit - bars.length;
    const read = series.read({ startMs, endMs, limit, from: asked.from });
    const kept = shown.faults.length === 0 ? read : read.flatMap((bar) => rememberedBar(bar, shown));
    bars = asked.from === "start" ? bars.concat(kept) : kept.concat(bars);
    if (read.length < limit) break;
    if (asked.from === "start") startMs = read[read.length - 1].openMs + 1;
    else endMs = read[0].openMs;
  }
  return bars;
}

/** The bar as the venue remembers it now: one bar, or none. */
function rememberedBar(bar: Bar, { grid, nowMs, faults }: Shown): Bar[] {
  let remembered = bar;
  for (const fault of faults) {
    if (fault.kind === "no_forming_bar") {
      if (grid.step(bar.openMs, 1) > nowMs) return [];
      continue;
    }
    if (!isInside(bar.openMs, fault.span)) continue;
    if (fault.kind === "late_bars") {
      if (nowMs < grid.step(bar.openMs, 1) + fault.afterCloseMs) return [];
    } else if (nowMs >= fault.fromMs) {
      if (fault.kind === "withdrawn") return [];
      remembered = restated(remembered, fault);
    }
  }
  return [remembered];
}

function restated(
  bar: Bar,
  { priceFactor = 1, volumeFactor = 1 }: { priceFactor?: number; volumeFactor?: number },
): Bar {
  return {
    openMs: bar.openMs,
    open: round(bar.open * priceFactor),
    high: round(bar.high * priceFactor),
    low: round(bar.low * priceFactor),
    close: round(bar.close * priceFactor),
    volume: round(bar.volume * volumeFactor),
  };
}

function rowOf(bar: Bar, { grid, nowMs }: Shown): Row {
  const endMs = grid.step(bar.openMs, 1);
  if (endMs <= nowMs) return finalRow(bar, endMs);
  const share = (nowMs - bar.openMs) / (endMs - bar.openMs);
  return { ...finalRow(partialBar(bar, share), endMs), isForming: true };
}

function finalRow(bar: Bar, endMs: number): Row {
  return {
    openMs: bar.openMs,
    endMs,
    open: bar.open,
    high: bar.high,
    low: bar.low,
    close: bar.close,
    volume: bar.volume,
    isForming: false,
  };
}

/** The values of a bar when a share of its time (0 to 1) is over: they move straight to the final ones. */
export function partialBar(bar: Bar, share: number): Bar {
  const part = (to: number) => round(bar.open + (to - bar.open) * share);
  const close = part(bar.close);
  return {
    openMs: bar.openMs,
    open: bar.open,
    high: Math.max(part(bar.high), bar.open, close),
    low: Math.min(part(bar.low), bar.open, close),
    close,
    volume: round(bar.volume * share),
  };
}

/** Eight digits after the point, as venues send. */
function round(value: number): number {
  return Math.round(value * 1e8) / 1e8;
}

function bend<T extends Range>(asked: T, { fault, shown }: { fault: AskFault; shown: Shown }): T {
  switch (fault.kind) {
    case "ignore_since":
      return { ...asked, startMs: -Infinity, endMs: Infinity, from: "end" };
    case "last_only": {
      const kept = shownBars(shown, { startMs: -Infinity, endMs: Infinity, limit: fault.bars, from: "end" });
      return { ...asked, startMs: Math.max(asked.startMs, kept[0]?.openMs ?? Infinity) };
    }
    case "short_page":
      return { ...asked, limit: Math.min(asked.limit, fault.rows) };
    case "overlap":
      return fault.side === "end"
        ? { ...asked, endMs: moved(asked.endMs, { grid: shown.grid, bars: fault.bars }) }
        : { ...asked, startMs: moved(asked.startMs, { grid: shown.grid, bars: -fault.bars }) };
  }
}

/** An edge of a page moved by some bars; an edge that was not given stays so. */
function moved(edgeMs: number, { grid, bars }: { grid: Grid; bars: number }): number {
  return Number.isFinite(edgeMs) ? grid.step(grid.ceil(edgeMs), bars) : edgeMs;
}

function spoil(rows: Row[], { fault, shown }: { fault: RowFault; shown: Shown }): Row[] {
  switch (fault.kind) {
    case "empty_page":
      return [];
    case "newest_first":
      return [...rows].sort((a, b) => b.openMs - a.openMs);
    case "shuffled":
      return shuffled(rows);
    case "cut_last_bar":
      return withNewest(rows, partialRow);
    case "doubled_rows":
      return doubled(rows, fault);
    case "null_fields": {
      const nothing = Object.fromEntries(fault.fields.map((field) => [field, null]));
      return everyNth(rows, fault.everyNth, (row) => [{ ...row, ...nothing }]);
    }
    case "off_grid":
      return everyNth(rows, fault.everyNth, (row) => {
        const moved = { ...row, openMs: row.openMs + fault.shiftMs, endMs: row.endMs + fault.shiftMs };
        return fault.add ? [row, moved] : [moved];
      });
    case "future_rows":
      return [...rows, ...futureRows(fault.count, shown)];
    case "rows":
      return fault.change(rows);
  }
}

/** The same rows in an order that follows from their times alone. */
function shuffled(rows: Row[]): Row[] {
  return [...rows].sort((a, b) => mix(7, a.openMs / 1000) - mix(7, b.openMs / 1000));
}

function withNewest(rows: Row[], change: (row: Row) => Row): Row[] {
  const newest = rows.reduce((top, row) => Math.max(top, row.openMs), -Infinity);
  return rows.map((row) => row.openMs === newest ? change(row) : row);
}

function partialRow(row: Row): Row {
  if (row.isForming) return row;
  const { openMs, open, high, low, close, volume } = row;
  if (open === null || high === null || low === null || close === null || volume === null) return row;
  return { ...row, ...partialBar({ openMs, open, high, low, close, volume }, 0.4) };
}

function doubled(
  rows: Row[],
  { where, conflicting }: { where: "first" | "last" | "all"; conflicting?: boolean },
): Row[] {
  const isDoubled = (index: number) => where === "all" || index === (where === "first" ? 0 : rows.length - 1);
  return rows.flatMap((row, index) =>
    isDoubled(index) ? [conflicting ? partialRow(row) : { ...row }, row] : [row]
  );
}

function everyNth(rows: Row[], nth: number | undefined, change: (row: Row) => Row[]): Row[] {
  return rows.flatMap((row, index) => (index + 1) % (nth ?? 1) === 0 ? change(row) : [row]);
}

function futureRows(count: number, { grid, nowMs }: Shown): Row[] {
  const rows: Row[] = [];
  for (let ahead = 1; ahead <= count; ahead++) {
    const openMs = grid.step(grid.floor(nowMs), ahead);
    const price = 100 + ahead;
    rows.push(
      finalRow(
        { openMs, open: price, high: price, low: price, close: price, volume: 1 },
        grid.step(openMs, 1),
      ),
    );
  }
  return rows;
}
