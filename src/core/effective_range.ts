/** From what was asked to what can be answered: whole slots, closed bars only (spec §4, §6). */

import { HistoryError } from "./errors.ts";
import { TIME_LIMIT_SEC } from "./limits.ts";
import { slotAtOrAfter, slotOf, slotStart, snapOutward } from "./timeframe.ts";
import type { Grid } from "./timeframe.ts";
import type { TimeRange } from "./time_range.ts";

/** The bounds of a request as parsed: epoch seconds; `last` counts slots. */
export interface AskedBounds {
  start: number | null;
  end: number | null;
  last: number | null;
}

/** Start of the bar that is forming at `now` (venue time, seconds): nothing at or after it is closed. */
export function formingStart(now: number, grid: Grid): number {
  return slotStart(slotOf(now, grid), grid);
}

/**
 * The requested range with its defaults filled in: `end` defaults to `defaultEnd`, `last` counts back from `end`
 * snapped outward, but not from beyond `defaultEnd` (warm-up wants the last closed bars): an `end` after that stays as
 * asked. `RANGE_TOO_LARGE` for a `last` that begins before any time that can be addressed.
 */
export function requestedRange(asked: AskedBounds, defaultEnd: number, grid: Grid): TimeRange {
  const end = asked.end ?? Math.max(defaultEnd, asked.start ?? defaultEnd);
  if (asked.last !== null) {
    const until = slotAtOrAfter(Math.min(end, defaultEnd), grid);
    const start = slotStart(until - asked.last, grid);
    if (start <= -TIME_LIMIT_SEC) throw beyondTime(asked.last);
    return [start, Math.max(slotStart(until, grid), end)];
  }
  return [asked.start ?? end, end];
}

/** Snapped outward to the grid and cut at `cutAt` (the start of the forming bar; null: pinned reads are not cut). */
export function effectiveRange(requested: TimeRange, grid: Grid, cutAt: number | null): TimeRange {
  const [start, end] = snapOutward(requested, grid);
  if (cutAt === null) return [start, end];
  return [start, Math.max(start, Math.min(end, cutAt))];
}

/** Checks bounds that need no grid. `BAD_REQUEST`, `BAD_TIME` as surface §4 says. */
export function checkBounds(asked: AskedBounds): void {
  if (asked.last !== null && asked.start !== null) {
    throw new HistoryError(
      "BAD_REQUEST",
      `Cannot use start ${asked.start} together with last ${asked.last}`,
      {
        hint: "Give start and end, or last=N bars up to end",
      },
    );
  }
  if (asked.last === null && asked.start === null) {
    throw new HistoryError("BAD_REQUEST", "Cannot tell where to begin: neither start nor last is given", {
      hint: "Give start (epoch seconds or RFC 3339), or last=N for the newest N bars",
    });
  }
  if (asked.last !== null && (!Number.isInteger(asked.last) || asked.last < 1 || asked.last > 2 ** 31)) {
    throw new HistoryError(
      "BAD_REQUEST",
      `Cannot use last = ${asked.last}: it is no whole number from 1 on`,
      {
        hint: "Give last=N with N bars",
      },
    );
  }
  if (asked.start !== null && asked.end !== null && asked.start > asked.end) {
    throw new HistoryError(
      "BAD_TIME",
      `Cannot use the range [${asked.start}, ${asked.end}): it ends before it starts`,
      {
        hint: "Ranges are half-open [start, end) with start ≤ end",
      },
    );
  }
}

function beyondTime(last: number): HistoryError {
  return new HistoryError("RANGE_TOO_LARGE", `Cannot go back ${last} bars: no calendar reaches so far`, {
    hint: "Give a smaller last, or start and end",
  });
}
