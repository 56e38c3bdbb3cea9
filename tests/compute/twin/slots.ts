/** Slots, slow and obvious: months through `Date`, shifted by whole 400-year cycles where `Date` ends. */
import type { Grid } from "../../../src/compute/mod.ts";

/** 400 Gregorian years, after which the calendar repeats. */
const CYCLE_SEC = 146_097 * 86_400;
const CYCLE_MONTHS = 4800;

/** The second at which a slot starts. */
export function slotBegin(slot: number, grid: Grid): number {
  if ("step" in grid) return (grid.anchor ?? 0) + slot * grid.step;
  const cycles = Math.floor(slot / CYCLE_MONTHS);
  const date = new Date(0);
  date.setUTCFullYear(1970, slot - cycles * CYCLE_MONTHS, 1);
  return date.getTime() / 1000 + cycles * CYCLE_SEC;
}

/** The slot of an instant. */
export function slotAt(t: number, grid: Grid): number {
  const second = Math.floor(t);
  if ("step" in grid) {
    const offset = BigInt(second) - BigInt(grid.anchor ?? 0);
    const step = BigInt(grid.step);
    const rest = ((offset % step) + step) % step;
    return Number((offset - rest) / step);
  }
  const cycles = Math.floor(second / CYCLE_SEC);
  const date = new Date((second - cycles * CYCLE_SEC) * 1000);
  return (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth() + cycles * CYCLE_MONTHS;
}

/** Whether a slot starts exactly at `t`. */
export function opensAt(t: number, grid: Grid): boolean {
  return slotBegin(slotAt(t, grid), grid) === t;
}
