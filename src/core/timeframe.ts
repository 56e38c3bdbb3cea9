/**
 * Timeframes, grids and slots: the arithmetic of "which bar".
 *
 * A grid is a step and an anchor, or calendar months; a slot is one possible bar, numbered from the anchor (months:
 * from 1970-01). All of it is exact for every whole second below `TIME_LIMIT_SEC`, also before 1970. The WASM core
 * repeats this arithmetic (`wasm/grid.ts`); a test holds both equal.
 */
import { TIME_LIMIT_SEC } from "./limits.ts";
import type { TimeRange } from "./time_range.ts";

/** A step with an anchor (epoch seconds of the start of slot 0; default 0), or calendar months in UTC. */
export type Grid = { step: number; anchor?: number } | { unit: "month" };

/** What `interval` says for calendar months, whose slots have no one length. */
export const MONTH_INTERVAL_SEC = 2_592_000;

/** Weeks open Monday 00:00 UTC; the first Monday after the epoch is 1970-01-05. */
export const WEEK_ANCHOR_SEC = 345_600;

const UNIT_SEC: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
const DAY_SEC = 86_400;
/** Days from 0000-03-01 to 1970-01-01 in the proleptic Gregorian calendar. */
const EPOCH_DAYS = 719_468;
const ERA_DAYS = 146_097;

/** What a timeframe says: its step in seconds, or calendar months. `null` when it is no timeframe (case matters; `3M` is none). */
export function parseTimeframe(text: string): { step: number; unit: string } | { unit: "month" } | null {
  if (text === "1M") return { unit: "month" };
  if (!/^[1-9]\d*[smhdw]$/.test(text)) return null;
  const unit = text.slice(-1);
  const step = Number(text.slice(0, -1)) * UNIT_SEC[unit];
  return step < TIME_LIMIT_SEC ? { step, unit } : null;
}

/** Whether the text is a timeframe of the form `1m`, `4h`, `1d`, `1w` or `1M`. */
export function isTimeframe(text: string): boolean {
  return parseTimeframe(text) !== null;
}

/**
 * The grid of a timeframe: `gridOf("1w")` is `{ step: 604800, anchor: 345600 }`, `gridOf("1M")` is `{ unit: "month" }`.
 * `anchor` is for venues whose bars open elsewhere (57600 for days that open at 16:00 UTC). Throws `RangeError` for
 * what is no timeframe, and for an anchor that is no whole second or is given with months.
 */
export function gridOf(timeframe: string, anchor?: number): Grid {
  if (typeof timeframe !== "string") throw new TypeError("Cannot make a grid: the timeframe is not a text");
  const parsed = parseTimeframe(timeframe);
  if (parsed === null) {
    throw new RangeError(
      `Cannot make a grid of timeframe "${timeframe}": it is none (write 1m, 4h, 1d, 1w or 1M)`,
    );
  }
  if (!("step" in parsed)) {
    if (anchor) throw new RangeError(`Cannot anchor calendar months at ${anchor}`);
    return { unit: "month" };
  }
  const grid = { step: parsed.step, anchor: anchor ?? (parsed.unit === "w" ? WEEK_ANCHOR_SEC : 0) };
  checkGrid(grid);
  return grid;
}

/** Throws `TypeError` for what is no grid, `RangeError` for a step or anchor that no grid can have. */
export function checkGrid(grid: Grid): void {
  if (grid === null || typeof grid !== "object") {
    throw new TypeError("A grid must be { step, anchor? } or { unit }");
  }
  if ("unit" in grid && grid.unit !== undefined) {
    if (grid.unit !== "month") {
      throw new RangeError(`Unknown grid unit ${String(grid.unit)}: only "month" exists`);
    }
    return;
  }
  const { step, anchor = 0 } = grid as { step: number; anchor?: number };
  if (typeof step !== "number" || typeof anchor !== "number") {
    throw new TypeError("A grid's step and anchor must be numbers of seconds");
  }
  if (!Number.isInteger(step) || step <= 0 || step >= TIME_LIMIT_SEC) {
    throw new RangeError(`A grid's step must be whole seconds above zero, not ${step}`);
  }
  if (!Number.isInteger(anchor) || Math.abs(anchor) >= TIME_LIMIT_SEC) {
    throw new RangeError(`A grid's anchor must be whole seconds, not ${anchor}`);
  }
}

/** Whether the grid is the calendar's months. */
export function isMonthGrid(grid: Grid): grid is { unit: "month" } {
  return "unit" in grid && grid.unit === "month";
}

/** The `interval` that a grid goes by in ids, claims and metadata: its step, or 2592000 for months. */
export function intervalOf(grid: Grid): number {
  return isMonthGrid(grid) ? MONTH_INTERVAL_SEC : grid.step;
}

/** The grid as metadata and manifests write it: the anchor is always there. */
export function gridRecord(grid: Grid): { step: number; anchor: number } | { unit: "month" } {
  return isMonthGrid(grid) ? { unit: "month" } : { step: grid.step, anchor: grid.anchor ?? 0 };
}

/** The slot that contains the instant `t` (seconds, fractions allowed). */
export function slotOf(t: number, grid: Grid): number {
  const whole = Math.floor(t);
  if (isMonthGrid(grid)) return monthOf(whole);
  return Math.floor((whole - (grid.anchor ?? 0)) / grid.step);
}

/** The first slot that starts at or after the instant `t`. */
export function slotAtOrAfter(t: number, grid: Grid): number {
  const slot = slotOf(t, grid);
  return slotStart(slot, grid) < t ? slot + 1 : slot;
}

/** The epoch second at which a slot starts. The end of a slot is the start of the next one. */
export function slotStart(slot: number, grid: Grid): number {
  return isMonthGrid(grid) ? monthStart(slot) : (grid.anchor ?? 0) + slot * grid.step;
}

/** Whether `t` is the start of a slot. */
export function isOnGrid(t: number, grid: Grid): boolean {
  return slotStart(slotOf(t, grid), grid) === t;
}

/** Snaps outward: the smallest range of whole slots that contains all of `range`. What is wanted snaps so. */
export function snapOutward([start, end]: TimeRange, grid: Grid): TimeRange {
  if (!(start < end)) return [slotStart(slotOf(start, grid), grid), slotStart(slotOf(start, grid), grid)];
  return [slotStart(slotOf(start, grid), grid), slotStart(slotAtOrAfter(end, grid), grid)];
}

/** Snaps inward: the whole slots inside `range`, or `null` when there is none. What is held snaps so. */
export function snapInward([start, end]: TimeRange, grid: Grid): TimeRange | null {
  const from = slotStart(slotAtOrAfter(start, grid), grid);
  const to = slotStart(slotOf(end, grid), grid);
  return from < to ? [from, to] : null;
}

/** How many slots stand between two instants on the grid. */
export function slotCount([start, end]: TimeRange, grid: Grid): number {
  return Math.max(0, slotOf(end, grid) - slotOf(start, grid));
}

/** Months since 1970-01 of a whole second. Civil arithmetic after Howard Hinnant, because `Date` ends before our limit. */
function monthOf(sec: number): number {
  const shifted = Math.floor(sec / DAY_SEC) + EPOCH_DAYS;
  const era = Math.floor(shifted / ERA_DAYS);
  const day = shifted - era * ERA_DAYS;
  const year = Math.floor(
    (day - Math.floor(day / 1460) + Math.floor(day / 36_524) - Math.floor(day / 146_096)) / 365,
  );
  const dayOfYear = day - (365 * year + Math.floor(year / 4) - Math.floor(year / 100));
  const fromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  return (era * 400 + year - 1970) * 12 + fromMarch + 2;
}

/** The epoch second at which a month (counted from 1970-01) starts. */
function monthStart(month: number): number {
  const fromMarch = month + 1970 * 12 - 2;
  const year = Math.floor(fromMarch / 12);
  const era = Math.floor(year / 400);
  const yearOfEra = year - era * 400;
  const monthOfYear = fromMarch - year * 12;
  const dayOfYear = Math.floor((153 * monthOfYear + 2) / 5);
  const days = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return (era * ERA_DAYS + days - EPOCH_DAYS) * DAY_SEC;
}
