/** What hostile arguments are made of. */
import type { Bars, Claims, Compute, Grid, Trades } from "../../../src/compute/mod.ts";

/** Times lie strictly within ±this. */
export const LIMIT = 2 ** 43;
/** A grid like any other. */
export const GRID: Grid = { step: 60 };
/** What is no grid. */
export const BAD_GRIDS: unknown[] = [
  null,
  undefined,
  60,
  "1m",
  {},
  { step: 0 },
  { step: -60 },
  { step: 1.5 },
  { step: NaN },
  { step: Infinity },
  { step: LIMIT },
  { step: "60" },
  { step: 60, anchor: 0.5 },
  { step: 60, anchor: NaN },
  { step: 60, anchor: LIMIT },
  { unit: "day" },
];
/** What is no time. */
export const BAD_TIMES = [NaN, Infinity, -Infinity, LIMIT, -LIMIT, 1e300];
/** The classes for mistakes of callers. */
export const ANY = [TypeError, RangeError];
/** Claims like any others. */
export const CLAIMS: Claims = {
  nodeId: "ohlcv:x:A/B:1m",
  grid: GRID,
  range: [0, 120],
  conformanceVersion: "v2",
};

/** Bars at these times. */
export function bars(ts: number[]): Bars {
  const column = () => Float64Array.from(ts, () => 1);
  return {
    ts: Float64Array.from(ts),
    open: column(),
    high: column(),
    low: column(),
    close: column(),
    volume: column(),
  };
}

/** Trades at these milliseconds. */
export function trades(ts_ms: number[], id = ts_ms.map((_, i) => String(i))): Trades {
  const column = () => Float64Array.from(ts_ms, () => 1);
  return {
    ts_ms: Float64Array.from(ts_ms),
    price: column(),
    amount: column(),
    side: new Int8Array(ts_ms.length),
    id,
  };
}

/** Calls each function with arguments of the caller's choice, whatever their types say. */
// deno-lint-ignore no-explicit-any
export type Loose = Record<keyof Compute, (...args: any[]) => unknown>;
