/**
 * What a venue could know of one market and timeframe, if all time had passed. The venue cuts it at its
 * clock; a series itself has no clock and never changes.
 */

import type { VenueId } from "./venue_id.ts";

/** One bar. Times are epoch milliseconds of the open; prices and volume are the venue's own numbers. */
export interface Bar {
  openMs: number;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
}

/** A question to a series: bars whose open lies in [startMs, endMs). */
export interface SeriesAsk {
  startMs: number;
  endMs: number;
  /** At most so many bars … */
  limit: number;
  /** … counted from this end of the range. The answer ascends either way. */
  from: "start" | "end";
}

/** Bars of one market and timeframe, ascending, each open once. */
export interface Series {
  read(ask: SeriesAsk): Bar[];
}

/** Names what the server wants a series for. `anchorMs` is given where a day does not open at 00:00 UTC. */
export interface SeriesKey {
  venue: VenueId;
  symbol: string;
  timeframe: string;
  anchorMs?: number;
}

/** Finds the series of a market; undefined when it has none, which the venue serves as "no bars". */
export type SeriesSource = (key: SeriesKey) => Series | undefined;

/** The series with no bars at all. */
export const noBars: Series = { read: () => [] };

/**
 * A series of bars held in memory. The input may come in any order; where an open occurs more than once the
 * last row wins, as a venue holds one bar per open.
 */
export function seriesOfBars(bars: Iterable<Bar>): Series {
  const byOpen = new Map<number, Bar>();
  for (const bar of bars) byOpen.set(bar.openMs, bar);
  const sorted = [...byOpen.values()].sort((a, b) => a.openMs - b.openMs);
  const opens = Float64Array.from(sorted, (bar) => bar.openMs);
  return {
    read({ startMs, endMs, limit, from }) {
      let low = lowerBound(opens, startMs);
      let high = lowerBound(opens, endMs);
      if (from === "start") high = Math.min(high, low + limit);
      else low = Math.max(low, high - limit);
      return sorted.slice(low, Math.max(low, high));
    },
  };
}

/** A source that looks series up by `symbol` and `timeframe`, e.g. key `BTC/USDT 1m`. */
export function seriesByName(named: Record<string, Series>): SeriesSource {
  return ({ symbol, timeframe }) => named[`${symbol} ${timeframe}`];
}

function lowerBound(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
