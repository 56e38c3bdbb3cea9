/**
 * Which windows to ask, as data (spec §14): fixed borders, so that overlapping requests name the same windows; of each
 * window the hull of its due slots, so that it is asked once whatever parts of it are wanted. Pure.
 */

import { HistoryError } from "../core/errors.ts";
import { FILL_MAX_SLOTS } from "../core/limits.ts";
import { slotCount, slotOf, slotStart } from "../core/timeframe.ts";
import type { Grid } from "../core/timeframe.ts";
import type { Ranges, TimeRange } from "../core/time_range.ts";

/** One window: its fixed borders, and what of it is to be asked. */
export interface Window {
  start: number;
  end: number;
  /** From the first due slot of the window to the end of the last. */
  ask: TimeRange;
  /** Due slots inside `ask`. */
  slots: number;
}

/** The window of `windowBars` slots that holds the slot starting at `t`, cut where the slot number is a multiple of it. */
export function windowAround(t: number, grid: Grid, windowBars: number): TimeRange {
  const index = Math.floor(slotOf(t, grid) / windowBars);
  return [slotStart(index * windowBars, grid), slotStart((index + 1) * windowBars, grid)];
}

/** The range widened to whole windows: what a planner has to look at. */
export function widenToWindows([start, end]: TimeRange, grid: Grid, windowBars: number): TimeRange {
  if (!(start < end)) return [start, start];
  const lastSlot = slotStart(slotOf(end, grid) - 1, grid);
  return [windowAround(start, grid, windowBars)[0], windowAround(lastSlot, grid, windowBars)[1]];
}

/** Throws `RANGE_TOO_LARGE` for a range that no exchange has: planning it would keep the process busy for hours. */
export function checkFillRange(nodeId: string, range: TimeRange, grid: Grid): void {
  const slots = slotCount(range, grid);
  if (slots <= FILL_MAX_SLOTS) return;
  throw new HistoryError("RANGE_TOO_LARGE", `Cannot fill ${nodeId}: the range has ${slots} slots`, {
    hint: `Give a later start: at most ${FILL_MAX_SLOTS} slots are filled at once`,
    ranges: [range],
  });
}

/** The lease key of a window, opaque to whoever keeps leases. */
export function windowKey(nodeId: string, window: { start: number; end: number }): string {
  return `${nodeId}|${window.start}|${window.end}`;
}

/**
 * Windows that hold a wanted due slot, in order. `due` (flat, sorted, on the grid) reaches over whole windows around
 * `wanted`; slots of it outside `wanted` are asked along, but make no window by themselves.
 */
export function planWindows(
  input: { due: Ranges; wanted: TimeRange; grid: Grid; windowBars: number; order: "oldest" | "newest" },
): Window[] {
  const windows: Window[] = [];
  for (let i = 0; i < input.due.length; i += 2) collect(windows, [input.due[i], input.due[i + 1]], input);
  const wantedOnly = windows.filter((window) => touchesWanted(window, input));
  return input.order === "newest" ? wantedOnly.reverse() : wantedOnly;
}

/** Cuts one due range at window borders and joins its parts with what the last window holds already. */
function collect(
  windows: Window[],
  [start, end]: TimeRange,
  input: { grid: Grid; windowBars: number },
): void {
  for (let at = start; at < end;) {
    const [windowStart, windowEnd] = windowAround(at, input.grid, input.windowBars);
    const until = Math.min(end, windowEnd);
    const slots = slotOf(until, input.grid) - slotOf(at, input.grid);
    const last = windows.at(-1);
    if (last !== undefined && last.start === windowStart) {
      last.ask = [last.ask[0], until];
      last.slots += slots;
    } else {
      windows.push({ start: windowStart, end: windowEnd, ask: [at, until], slots });
    }
    at = until;
  }
}

function touchesWanted(window: Window, input: { due: Ranges; wanted: TimeRange }): boolean {
  const start = Math.max(window.start, input.wanted[0]);
  const end = Math.min(window.end, input.wanted[1]);
  if (start >= end) return false;
  for (let i = firstDueEndingAfter(input.due, start); i < input.due.length; i += 2) {
    return input.due[i] < end;
  }
  return false;
}

/** Index (even) of the first due range that ends after `t`. */
function firstDueEndingAfter(due: Ranges, t: number): number {
  let low = 0;
  let high = due.length / 2;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (due[2 * middle + 1] <= t) low = middle + 1;
    else high = middle;
  }
  return 2 * low;
}
