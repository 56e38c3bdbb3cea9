/**
 * Cells of time columns: seconds, milliseconds, microseconds, nanoseconds, texts and dates become one unit (spec §5).
 *
 * Exactness is the point: what remains of a second is never cut off unseen. Bars take seconds, and a remainder too fine
 * for float64 is kept as one half, which says "off every grid" just as well. Trades take whole milliseconds.
 */
import { TIME_LIMIT_SEC } from "../core/limits.ts";
import { JSON_NUMBER } from "./number_cells.ts";
import { readTimeText } from "./time_text.ts";
import type { Cell } from "./types.ts";

/** The unit of numbers: by the magnitude of each, or the same for all. */
export type TimeUnit = "auto" | "s" | "ms" | "us" | "ns";
type FixedUnit = Exclude<TimeUnit, "auto">;

/** A time column in its own unit, NaN where a row has no usable time; how many were converted, and how many had an offset. */
export type TimeColumn = { values: Float64Array; cast: number; zoned: number };

/** What one cell says: a time in the column's unit, whether it was converted, whether it had an offset other than zero. */
type Reading = { value: number; cast: boolean; zoned?: boolean };

const PER_SECOND: Record<FixedUnit, number> = { s: 1, ms: 1e3, us: 1e6, ns: 1e9 };
/** Longer texts of digits are no times, and would make big integers slow. */
const DIGITS_MAX = 1024;
/** Powers of ten beyond all times in all units, and beyond all that remains of one. */
const BEYOND_POWER = 40;
const BEYOND = 10n ** BigInt(BEYOND_POWER);

/** Reads the `ts` column of bars: seconds, with what remains of them. */
export function readSeconds(cells: ArrayLike<Cell>, unit: TimeUnit): TimeColumn {
  return readTimes(cells, unit, { perSecond: 1, whole: false });
}

/** Reads the `ts_ms` column of trades: whole milliseconds; a finer time is floored and counts as converted. */
export function readMilliseconds(cells: ArrayLike<Cell>, unit: TimeUnit): TimeColumn {
  return readTimes(cells, unit, { perSecond: 1000, whole: true });
}

/** The unit that a column has of itself: how many a second holds, and whether a finer time is floored. */
type Target = { perSecond: number; whole: boolean };

function readTimes(cells: ArrayLike<Cell>, unit: TimeUnit, target: Target): TimeColumn {
  const column: TimeColumn = { values: new Float64Array(cells.length), cast: 0, zoned: 0 };
  const limit = TIME_LIMIT_SEC * target.perSecond;
  // Numbers that are in the column's own unit already are by far the most: they cost no object.
  const [from, to] = ownSizes(unit, target);
  for (let i = 0; i < cells.length; i++) {
    const cell = cells[i];
    if (typeof cell === "number") {
      const size = Math.abs(cell);
      if (size >= from && size < to && size < limit && (!target.whole || Number.isInteger(cell))) {
        column.values[i] = cell;
        continue;
      }
    }
    const reading = typeof cell === "number" ? ofNumber(cell, unit, target) : ofOther(cell, unit, target);
    if (reading === null || !(Math.abs(reading.value) < limit)) {
      column.values[i] = NaN;
      continue;
    }
    column.values[i] = reading.value;
    if (reading.cast) column.cast++;
    if (reading.zoned) column.zoned++;
  }
  return column;
}

/** The sizes from … to below which a number is in the column's own unit. */
function ownSizes(unit: TimeUnit, target: Target): [from: number, to: number] {
  if (unit === "auto") return target.whole ? [1e11, 1e14] : [0, 1e11];
  return PER_SECOND[unit] === target.perSecond ? [0, Infinity] : [0, 0];
}

function ofOther(cell: Cell, unit: TimeUnit, target: Target): Reading | null {
  if (typeof cell === "bigint") return ofDecimal(cell, 0, unit, target);
  if (typeof cell === "string") return ofText(cell, unit, target);
  if (Object.prototype.toString.call(cell) === "[object Date]") {
    const reading = ofNumber((cell as Date).getTime(), "ms", target);
    return reading && { value: reading.value, cast: true };
  }
  return null;
}

/** The unit of a number by its magnitude. */
function unitOf(size: number | bigint): FixedUnit {
  if (size < 1e11) return "s";
  if (size < 1e14) return "ms";
  return size < 1e17 ? "us" : "ns";
}

function ofNumber(x: number, unit: TimeUnit, target: Target): Reading | null {
  const perSecond = PER_SECOND[unit === "auto" ? unitOf(Math.abs(x)) : unit];
  if (!(Math.abs(x) < TIME_LIMIT_SEC * perSecond)) return null;
  if (perSecond === target.perSecond) {
    return target.whole ? { value: Math.floor(x), cast: x !== Math.floor(x) } : { value: x, cast: false };
  }
  // Coarser than the column (seconds of a trade): multiplied, as a float; finer: divided exactly.
  if (perSecond < target.perSecond) return { value: Math.floor(x * target.perSecond), cast: true };
  return { value: divided(x, perSecond / target.perSecond, target.whole), cast: true };
}

/** The floor of x / unit, exactly; plus one half when something remains and the column keeps that. */
function divided(x: number, unit: number, whole: boolean): number {
  const quick = Math.floor(x / unit);
  // Below 2^32 the product is exact, so that equality means that nothing remains.
  if (Math.abs(quick) < 2 ** 32 && quick * unit === x) return quick;
  const below = Math.floor(x);
  const [digits, scale] = [BigInt(below), BigInt(unit)];
  const rest = digits % scale;
  const floor = Number((digits - rest) / scale) - (rest < 0n ? 1 : 0);
  return rest !== 0n || below !== x ? floor + (whole ? 0 : 0.5) : floor;
}

function ofText(text: string, unit: TimeUnit, target: Target): Reading | null {
  if (JSON_NUMBER.test(text)) {
    const decimal = text.length <= DIGITS_MAX ? decimalOf(text) : null;
    const reading = decimal === null ? null : ofDecimal(decimal.digits, decimal.exponent, unit, target);
    return reading === null ? null : { value: reading.value, cast: true };
  }
  const time = readTimeText(text);
  if (time === null) return null;
  const value = target.whole
    ? time.sec * target.perSecond + time.ms
    : time.sec + (time.ms > 0 || time.finer ? 0.5 : 0);
  return { value, cast: true, zoned: time.offsetSec !== 0 };
}

/** The digits of a JSON number as one integer, and the power of ten that it is multiplied with. */
function decimalOf(text: string): { digits: bigint; exponent: number } | null {
  const [mantissa, power = "0"] = text.toLowerCase().split("e");
  const [whole, fraction = ""] = mantissa.split(".");
  const exponent = Number(power) - fraction.length;
  const digits = BigInt(whole + fraction);
  if (digits === 0n) return { digits, exponent: 0 };
  // Beyond these powers a number of so many digits is larger than any time, or all remainder.
  if (exponent > BEYOND_POWER) return null;
  return { digits, exponent: Math.max(exponent, -(whole.length + fraction.length + BEYOND_POWER)) };
}

/** The time that digits · 10^exponent says, by integer arithmetic. */
function ofDecimal(digits: bigint, exponent: number, unit: TimeUnit, target: Target): Reading | null {
  const scale = 10n ** BigInt(Math.abs(exponent));
  const above = exponent > 0 ? digits * scale : digits;
  const below = exponent < 0 ? scale : 1n;
  // Rounded down, which no power of ten between two units can tell; as a number it might be rounded up to one.
  const size = (above < 0n ? -above : above) / below;
  if (size >= BEYOND) return null;
  const perSecond = PER_SECOND[unit === "auto" ? unitOf(size) : unit];
  const numerator = above * BigInt(target.perSecond);
  const denominator = below * BigInt(perSecond);
  const rest = numerator % denominator;
  const floor = (numerator - rest) / denominator - (rest < 0n ? 1n : 0n);
  const remains = rest !== 0n;
  const value = Number(floor) + (remains && !target.whole ? 0.5 : 0);
  return { value, cast: perSecond !== target.perSecond || (remains && target.whole) };
}
