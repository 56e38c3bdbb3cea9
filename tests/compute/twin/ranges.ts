/** Range math, slow and obvious: every slot is asked alone whether it is held and whether it is wanted. */
import type { Grid, TimeRange } from "../../../src/compute/mod.ts";
import { opensAt, slotAt, slotBegin } from "./slots.ts";

/** Held: one of the ranges alone contains the whole slot. */
function holds(ranges: TimeRange[], slot: number, grid: Grid): boolean {
  const [start, end] = [slotBegin(slot, grid), slotBegin(slot + 1, grid)];
  return ranges.some(([from, to]) => from < to && from <= start && end <= to);
}

/** Wanted: one of the ranges touches the slot. */
function wants(ranges: TimeRange[], slot: number, grid: Grid): boolean {
  const [start, end] = [slotBegin(slot, grid), slotBegin(slot + 1, grid)];
  return ranges.some(([from, to]) => from < to && from < end && start < to);
}

/** The slots for which `keep` holds, among all that any range touches, as coalesced ranges. */
function collect(ranges: TimeRange[], grid: Grid, keep: (slot: number) => boolean): TimeRange[] {
  const bounds = ranges.flat();
  if (bounds.length === 0) return [];
  const slots: number[] = [];
  const last = slotAt(Math.max(...bounds), grid) + 1;
  for (let slot = slotAt(Math.min(...bounds), grid) - 1; slot <= last; slot++) {
    if (keep(slot)) slots.push(slot);
  }
  return runs(slots, grid);
}

/** Ascending slots as coalesced ranges of seconds. */
export function runs(slots: number[], grid: Grid): TimeRange[] {
  const found: [number, number][] = [];
  for (const slot of slots) {
    const start = slotBegin(slot, grid);
    if (found.length > 0 && found[found.length - 1][1] === start) {
      found[found.length - 1][1] = slotBegin(slot + 1, grid);
    } else found.push([start, slotBegin(slot + 1, grid)]);
  }
  return found;
}

/** What is held, on the grid. */
export function merge(held: TimeRange[], grid: Grid): TimeRange[] {
  return collect(held, grid, (slot) => holds(held, slot, grid));
}

/** What is wanted and not held. */
export function missing(wanted: TimeRange, held: TimeRange[], grid: Grid): TimeRange[] {
  return collect([wanted], grid, (slot) => wants([wanted], slot, grid) && !holds(held, slot, grid));
}

/** What is held and wanted. */
export function intersect(held: TimeRange[], wanted: TimeRange[], grid: Grid): TimeRange[] {
  return collect(held, grid, (slot) => holds(held, slot, grid) && wants(wanted, slot, grid));
}

/** What is held and not cut. */
export function subtract(held: TimeRange[], cut: TimeRange[], grid: Grid): TimeRange[] {
  return collect(held, grid, (slot) => holds(held, slot, grid) && !wants(cut, slot, grid));
}

/** The runs of slots that have a time of their own. */
export function segments(ts: number[], grid: Grid): TimeRange[] {
  const slots = new Set(ts.filter((t) => opensAt(t, grid)).map((t) => slotAt(t, grid)));
  return runs([...slots].sort((a, b) => a - b), grid);
}

/** Whether covered ranges hold a slot; for the twins of derived bars. */
export function covers(covered: TimeRange[], slot: number, grid: Grid): boolean {
  return holds(covered, slot, grid);
}
