/**
 * Where bars open. A timeframe is a grid of open times; every venue's own spelling is translated into the
 * names used here (`1m` … `1M`) by its dialect. Deliberately independent of the product's own grid, so that
 * a mistake there is not repeated here.
 */

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** Weeks open on Monday; the epoch was a Thursday. */
const MONDAY_MS = 4 * DAY_MS;

const UNIT_MS: Record<string, number> = {
  s: 1_000,
  m: MINUTE_MS,
  h: 60 * MINUTE_MS,
  d: DAY_MS,
  w: 7 * DAY_MS,
};

/** The open times of one timeframe, all in epoch milliseconds. */
export interface Grid {
  /** The name, e.g. `1m`. */
  readonly timeframe: string;
  /** The nominal length of a bar; a month counts as 30 days here and only here. */
  readonly nominalMs: number;
  /** The open of the bar that holds `ms`. */
  floor(ms: number): number;
  /** The first open at or after `ms`. */
  ceil(ms: number): number;
  /** The open `bars` bars after the open `openMs` (negative: before). */
  step(openMs: number, bars: number): number;
}

/**
 * The grid of a timeframe such as `1m`, `4h`, `1d`, `1w`, `1M`.
 * `anchorMs` moves the opens of a fixed timeframe, e.g. 57,600,000 for days that open at 16:00 UTC.
 * Throws RangeError for a timeframe it cannot read.
 */
export function gridOf(timeframe: string, anchorMs?: number): Grid {
  const match = /^([1-9]\d{0,3})([smhdwM])$/.exec(timeframe);
  if (match === null) throw new RangeError(`gridOf: timeframe "${timeframe}" is not like 1m, 4h, 1d, 1M`);
  const count = Number(match[1]);
  if (match[2] === "M") return monthGrid(timeframe, count);
  const anchor = anchorMs ?? (match[2] === "w" ? MONDAY_MS : 0);
  return fixedGrid(timeframe, count * UNIT_MS[match[2]], anchor);
}

/** A grid of equal steps, used for venues' odd lengths too (Kraken's 21,600 minutes). */
export function fixedGrid(timeframe: string, stepMs: number, anchorMs: number): Grid {
  const floor = (ms: number) => Math.floor((ms - anchorMs) / stepMs) * stepMs + anchorMs;
  return {
    timeframe,
    nominalMs: stepMs,
    floor,
    ceil: (ms) => floor(ms + stepMs - 1),
    step: (openMs, bars) => openMs + bars * stepMs,
  };
}

function monthGrid(timeframe: string, count: number): Grid {
  const floor = (ms: number) => {
    const date = new Date(ms);
    const month = (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth();
    return Date.UTC(1970, Math.floor(month / count) * count, 1);
  };
  const step = (openMs: number, bars: number) => {
    const date = new Date(openMs);
    return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + bars * count, 1);
  };
  const ceil = (ms: number) => {
    const open = floor(ms);
    return open === ms ? open : step(open, 1);
  };
  return { timeframe, nominalMs: count * 30 * DAY_MS, floor, ceil, step };
}
