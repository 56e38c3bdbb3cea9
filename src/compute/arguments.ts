/** What callers may pass: wrong shapes are `TypeError`, values that nothing can be done with are `RangeError`. */
import { BAR_COLUMNS, type Bars, isTrades, type Trades } from "../core/bar_frame.ts";
import { TIME_LIMIT_SEC } from "../core/limits.ts";
import { checkGrid, type Grid, isMonthGrid, isOnGrid } from "../core/timeframe.ts";
import type { Ranges, TimeRange } from "../core/time_range.ts";
import type { Claims } from "./types.ts";

/** Whether a value is a Float64Array, of whatever realm. */
export function isFloat64Array(value: unknown): value is Float64Array {
  return ArrayBuffer.isView(value) && (value as Float64Array)[Symbol.toStringTag] === "Float64Array";
}

/** Throws `TypeError` unless `value` holds options. */
export function checkOptions(value: unknown, act: string): void {
  if (value === null || typeof value !== "object") {
    throw new TypeError(`Cannot ${act}: its options are missing`);
  }
}

/** Throws `TypeError` unless `value` is a Float64Array. */
export function checkFloats(value: unknown, name: string): asserts value is Float64Array {
  if (!isFloat64Array(value)) throw new TypeError(`${name} must be a Float64Array`);
}

/** Throws `TypeError` unless `value` is bytes. */
export function checkBytes(value: unknown, name: string): asserts value is Uint8Array {
  if (!ArrayBuffer.isView(value) || (value as Uint8Array)[Symbol.toStringTag] !== "Uint8Array") {
    throw new TypeError(`${name} must be a Uint8Array`);
  }
}

/** Throws `TypeError` unless `value` is flat pairs. What the bounds are worth is checked where they are used. */
export function checkRanges(value: unknown, name: string): asserts value is Ranges {
  checkFloats(value, name);
  if (value.length % 2 !== 0) throw new TypeError(`${name} must hold pairs, but has ${value.length} numbers`);
}

/** Throws unless `value` is a pair of usable times; it may be empty or inverted. */
export function checkRange(value: unknown, name: string): asserts value is TimeRange {
  const pair = value as TimeRange;
  if (pair === null || typeof pair !== "object" || pair.length !== 2) {
    throw new TypeError(`${name} must be a pair [start, end]`);
  }
  checkTime(pair[0], `${name}'s start`);
  checkTime(pair[1], `${name}'s end`);
}

/** Throws unless `value` is a number with |value| < 2^43. */
export function checkTime(value: unknown, name: string): asserts value is number {
  if (typeof value !== "number") throw new TypeError(`${name} must be a number of seconds`);
  if (!(Math.abs(value) < TIME_LIMIT_SEC)) throw new RangeError(`${name} must be below 2^43 s, not ${value}`);
}

/** Throws unless the bars are columns of equal length. */
export function checkBars(frame: unknown, name: string): asserts frame is Bars {
  if (frame === null || typeof frame !== "object") throw new TypeError(`${name} must be a frame of columns`);
  const rows = (frame as Bars).ts?.length;
  for (const column of BAR_COLUMNS) {
    checkFloats((frame as Bars)[column], `${name}.${column}`);
    if ((frame as Bars)[column].length !== rows) {
      throw new TypeError(`${name}.${column} is not as long as ${name}.ts`);
    }
  }
}

/** Throws unless the trades are columns of equal length. Of their ids the first `ids` are looked at: each costs a miss. */
export function checkTrades(frame: unknown, name: string, ids = Infinity): asserts frame is Trades {
  if (frame === null || typeof frame !== "object") throw new TypeError(`${name} must be a frame of columns`);
  const { ts_ms, price, amount, side, id } = frame as Trades;
  checkFloats(ts_ms, `${name}.ts_ms`);
  checkFloats(price, `${name}.price`);
  checkFloats(amount, `${name}.amount`);
  if (!ArrayBuffer.isView(side) || side[Symbol.toStringTag] !== "Int8Array") {
    throw new TypeError(`${name}.side must be an Int8Array`);
  }
  if (!Array.isArray(id)) throw new TypeError(`${name}.id must be an array of texts`);
  for (const column of [price, amount, side, id]) {
    if (column.length !== ts_ms.length) throw new TypeError(`${name}'s columns are not equally long`);
  }
  for (let i = 0; i < id.length && i < ids; i++) {
    if (typeof id[i] !== "string") {
      throw new TypeError(`${name}.id must hold texts only, not ${typeof id[i]}`);
    }
  }
}

/** Throws unless the frame is one of bars or trades. */
export function checkFrame(frame: unknown, name: string): asserts frame is Bars | Trades {
  if (frame === null || typeof frame !== "object") throw new TypeError(`${name} must be a frame of columns`);
  if (isTrades(frame as Bars | Trades)) checkTrades(frame, name);
  else checkBars(frame, name);
}

/** Throws `RangeError` unless the times ascend strictly from after `after` and stand on the grid. */
export function checkBarTimes(ts: Float64Array, grid: Grid, after = -Infinity): void {
  const step = isMonthGrid(grid) ? NaN : grid.step;
  let before = after;
  for (let i = 0; i < ts.length; i++) {
    const t = ts[i];
    if (i === 0 || t !== before + step) {
      if (!(Math.abs(t) < TIME_LIMIT_SEC)) throw new RangeError(`Time ${t} of row ${i} is no usable one`);
      if (t <= before) throw new RangeError(`Times do not ascend at row ${i}: ${t} after ${before}`);
      if (!isOnGrid(t, grid)) throw new RangeError(`Time ${t} of row ${i} is off the grid`);
    }
    before = t;
  }
  if (before >= TIME_LIMIT_SEC) throw new RangeError(`Time ${before} is no usable one`);
}

/** Throws unless the claims, apart from their range, can be hashed. */
export function checkClaims(claims: Omit<Claims, "range">): void {
  if (claims === null || typeof claims !== "object") throw new TypeError("claims must be an object");
  checkGrid(claims.grid);
  for (const name of ["nodeId", "conformanceVersion"] as const) {
    const text = claims[name];
    if (typeof text !== "string") throw new TypeError(`claims.${name} must be a text`);
    if (!text.isWellFormed()) {
      throw new TypeError(`claims.${name} has a lone surrogate: it has no UTF-8 form`);
    }
  }
}

/** Throws unless the claimed range is one of whole seconds that does not end before it starts. */
export function checkClaimedRange(range: TimeRange): void {
  checkRange(range, "claims.range");
  if (!Number.isInteger(range[0]) || !Number.isInteger(range[1]) || range[1] < range[0]) {
    throw new RangeError(`claims.range must be whole seconds in order, not [${range[0]}, ${range[1]}]`);
  }
}
