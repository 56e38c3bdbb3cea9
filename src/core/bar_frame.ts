/**
 * Frames: bars and trades as columns.
 *
 * A frame is sorted by time, unique in time (trades: in id) and on its node's grid. These functions cut and join
 * frames without looking at their values; what makes rows into a frame is `conform` in `compute/`.
 */

/** OHLCV bars, column by column. `ts` is each bar's open time in epoch seconds; volume is in the unit that the node declares. */
export type Bars = {
  ts: Float64Array;
  open: Float64Array;
  high: Float64Array;
  low: Float64Array;
  close: Float64Array;
  volume: Float64Array;
};

/** Trades, column by column: `ts_ms` epoch milliseconds, `side` +1 buy, −1 sell, 0 unknown; sorted by `ts_ms`, then `id`. */
export type Trades = {
  ts_ms: Float64Array;
  price: Float64Array;
  amount: Float64Array;
  side: Int8Array;
  id: string[];
};

/** The columns of bars in schema order. */
export const BAR_COLUMNS = ["ts", "open", "high", "low", "close", "volume"] as const;
/** The columns of trades in schema order. */
export const TRADE_COLUMNS = ["ts_ms", "price", "amount", "side", "id"] as const;
/** The schema of bars as fingerprints hash it. */
export const BAR_SCHEMA = ["ts:i64", "open:f64", "high:f64", "low:f64", "close:f64", "volume:f64"] as const;
/** The schema of trades as fingerprints hash it. */
export const TRADE_SCHEMA = ["ts_ms:i64", "price:f64", "amount:f64", "side:i8", "id:text"] as const;

/** Whether the frame is one of trades. */
export function isTrades(frame: Bars | Trades): frame is Trades {
  return "ts_ms" in frame;
}

/** How many rows the frame has. */
export function rowCount(frame: Bars | Trades): number {
  return isTrades(frame) ? frame.ts_ms.length : frame.ts.length;
}

/** Bars of `rows` rows, all zero, to be filled in. */
export function makeBars(rows: number): Bars {
  const column = () => new Float64Array(rows);
  return { ts: column(), open: column(), high: column(), low: column(), close: column(), volume: column() };
}

/** Bars without rows. */
export function emptyBars(): Bars {
  return makeBars(0);
}

/** Trades without rows. */
export function emptyTrades(): Trades {
  const none = () => new Float64Array(0);
  return { ts_ms: none(), price: none(), amount: none(), side: new Int8Array(0), id: [] };
}

/** The rows `[from, to)` as views on the same memory: cheap, and alive only as long as the frame is not written to. */
export function viewBars(frame: Bars, from: number, to: number): Bars {
  return {
    ts: frame.ts.subarray(from, to),
    open: frame.open.subarray(from, to),
    high: frame.high.subarray(from, to),
    low: frame.low.subarray(from, to),
    close: frame.close.subarray(from, to),
    volume: frame.volume.subarray(from, to),
  };
}

/** The rows `[from, to)` of trades; number columns are views on the same memory. */
export function viewTrades(frame: Trades, from: number, to: number): Trades {
  return {
    ts_ms: frame.ts_ms.subarray(from, to),
    price: frame.price.subarray(from, to),
    amount: frame.amount.subarray(from, to),
    side: frame.side.subarray(from, to),
    id: frame.id.slice(from, to),
  };
}

/** The rows whose `ts` lies in `[start, end)`, as views. The frame must be sorted. */
export function barsBetween(frame: Bars, start: number, end: number): Bars {
  const from = firstAtOrAfter(frame.ts, start);
  return viewBars(frame, from, Math.max(from, firstAtOrAfter(frame.ts, end)));
}

/** The rows whose `ts` is to be kept; the frame itself where that is all of them, else new memory. */
export function barsWhere(frame: Bars, keeps: (ts: number) => boolean): Bars {
  const { ts } = frame;
  const kept = new Uint32Array(ts.length);
  let rows = 0;
  for (let row = 0; row < ts.length; row++) if (keeps(ts[row])) kept[rows++] = row;
  if (rows === ts.length) return frame;
  const picked = makeBars(rows);
  for (const name of BAR_COLUMNS) {
    const [from, to] = [frame[name], picked[name]];
    for (let at = 0; at < rows; at++) to[at] = from[kept[at]];
  }
  return picked;
}

/** Joins frames end to end into new memory. The caller sees to it that they ascend. */
export function concatBars(frames: readonly Bars[]): Bars {
  if (frames.length === 1) return frames[0];
  const joined = makeBars(frames.reduce((rows, frame) => rows + frame.ts.length, 0));
  let at = 0;
  for (const frame of frames) {
    for (const name of BAR_COLUMNS) joined[name].set(frame[name], at);
    at += frame.ts.length;
  }
  return joined;
}

/** The index of the first time at or after `t` in an ascending column; its length when there is none. */
export function firstAtOrAfter(times: Float64Array, t: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle] < t) low = middle + 1;
    else high = middle;
  }
  return low;
}
