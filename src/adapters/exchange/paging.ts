/**
 * Paging as pure decisions: which page to ask next, and what a page that came says about the question.
 *
 * What must hold, whatever the venue does: paging goes on from the last row, never by the limit; the last bar of a
 * page is not believed unless another one follows it, or none can; rows outside the question are no answer to it;
 * an empty page is an answer about the span that was asked, not the end.
 */

import { isMonthGrid, slotOf, slotStart } from "../../core/timeframe.ts";
import type { Grid } from "../../core/timeframe.ts";
import type { TimeRange } from "../../core/time_range.ts";
import type { CcxtRow } from "./ccxt_client.ts";

/** The question as slots. */
export interface Question {
  grid: Grid;
  /** Slots wanted, `[start, end)`. */
  start: number;
  end: number;
  /** The slot that is forming by venue time; nothing from here on is asked for. */
  forming: number;
  /** Most rows of one call. */
  pageRows: number;
}

/** One page to ask: `limit` bars from the slot `from` on. */
export interface Page {
  from: number;
  limit: number;
}

/** What a page says. Slots are half-open. */
export interface PageReading {
  /** Indices of the rows to deliver, in the venue's order. */
  kept: number[];
  /** Slots that are answered now; empty when `start >= end`. */
  answered: { start: number; end: number };
  /** Where paging goes on; at or after the question's end when all is answered. */
  next: number;
  /** The first slot at or after the page's start that has a row, in the question or behind it; null: none. */
  first: number | null;
  /** The last such slot, at most the forming one. */
  last: number | null;
  /** Slot of the newest row before the page's start, or null; and how many slots before it came. */
  before: number | null;
  early: number;
  /** Slots that came, wherever they lie: rows less their doubles. */
  distinct: number;
  /** Rows after the forming bar, which nobody can know yet. */
  future: number;
}

/** A day has so many milliseconds, a month at least so many: what a limit spans where months are asked. */
const SHORT_MONTH_DAYS = 28;
/** Venues that take `since` as exclusive, or a bar off, are asked a bar or two early; such rows are no surprise. */
const EARLY_SLOTS = 2;

/** The question of a range, clamped to what can be closed at `venueNowSec`. */
export function questionOf(
  { range, grid, venueNowSec, pageRows }: {
    range: TimeRange;
    grid: Grid;
    venueNowSec: number;
    pageRows: number;
  },
): Question {
  const forming = slotOf(venueNowSec, grid);
  return {
    grid,
    start: slotOf(range[0], grid),
    end: Math.min(slotOf(range[1], grid), forming),
    forming,
    pageRows,
  };
}

/**
 * The page that starts at `from`: one bar more than is kept, but never the forming one. `lead` bars are added for a
 * venue that begins its pages so many bars early and counts them.
 */
export function pageAt(from: number, { end, forming, pageRows }: Question, lead = 0): Page {
  return { from, limit: Math.max(1, Math.min(pageRows, Math.min(end - from + 1, forming - from) + lead)) };
}

/** Slots that a page asks about when the venue takes its limit as a span of time. */
export function spanOf({ from, limit }: Page, grid: Grid): { start: number; end: number } {
  return { start: from, end: from + (isMonthGrid(grid) ? spanOfMonths(limit) : limit) };
}

/** ccxt takes a month for 30 days; a span of them may end sooner than the calendar's. */
function spanOfMonths(limit: number): number {
  return Math.max(1, Math.floor(limit * SHORT_MONTH_DAYS / 31));
}

/** Reads a page. `rows` are as ccxt read them, in the venue's order, times in ms. */
export function readPage(rows: readonly CcxtRow[], page: Page, question: Question): PageReading {
  const slots = slotsOf(rows, question.grid);
  const extent = extentOf(slots, page, question);
  const { first, last } = extent;
  const reading = { ...extent, kept: [], answered: { start: page.from, end: page.from } };
  if (first === null || last === null) return readEmpty(reading, { slots, page, question });
  const isLastSure = last >= question.end || last >= question.forming - 1 || last === page.from;
  const reach = last >= question.end || last >= question.forming - 1
    ? question.end
    : isLastSure
    ? last + 1
    : last;
  return {
    ...reading,
    kept: keptRows(slots, { question, unsure: isLastSure ? null : last }),
    answered: { start: page.from, end: Math.min(reach, question.end) },
    next: reach,
  };
}

/** No row at or after the page's start: nothing is there, unless the rows that came are about something else. */
function readEmpty(
  reading: Omit<PageReading, "next">,
  { slots, page, question }: { slots: Float64Array; page: Page; question: Question },
): PageReading {
  if (reading.before !== null && reading.before < page.from - EARLY_SLOTS) {
    return { ...reading, next: page.from };
  }
  const end = Math.min(spanOf(page, question.grid).end, question.end);
  return {
    ...reading,
    kept: keptRows(slots, { question, unsure: null }),
    answered: { start: page.from, end },
    next: end,
  };
}

/** Slot of each row; NaN where it has no usable time. */
function slotsOf(rows: readonly CcxtRow[], grid: Grid): Float64Array {
  const slots = new Float64Array(rows.length);
  for (let i = 0; i < rows.length; i++) {
    const ms = rows[i][0];
    slots[i] = typeof ms === "number" && Number.isFinite(ms) ? slotOf(ms / 1000, grid) : NaN;
  }
  return slots;
}

/** Which slots came, as seen from the page's start. */
function extentOf(slots: Float64Array, page: Page, { forming }: Question) {
  let first: number | null = null;
  let last: number | null = null;
  let before: number | null = null;
  let future = 0;
  let early = 0;
  let distinct = 0;
  const isNew = newSlots(slots);
  for (const slot of slots) {
    if (slot > forming) future++;
    if (!(slot <= forming) || !isNew(slot)) continue;
    distinct++;
    if (slot >= page.from) {
      if (first === null || slot < first) first = slot;
      if (last === null || slot > last) last = slot;
    } else {
      early++;
      if (before === null || slot > before) before = slot;
    }
  }
  return { first, last, before, early, distinct, future };
}

/** Tells a slot from its doubles; where the slots ascend without any, as they nearly always do, nothing is kept. */
function newSlots(slots: Float64Array): (slot: number) => boolean {
  let at = 1;
  while (at < slots.length && slots[at] > slots[at - 1]) at++;
  if (at >= slots.length) return () => true;
  const seen = new Set<number>();
  return (slot) => seen.size < seen.add(slot).size;
}

/** Rows inside the question without those of an unsure last bar. Rows without a usable time are conformance's to judge. */
function keptRows(
  slots: Float64Array,
  { question, unsure }: { question: Question; unsure: number | null },
): number[] {
  const kept: number[] = [];
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i];
    if (slot < question.start || slot >= question.end || slot === unsure) continue;
    kept.push(i);
  }
  return kept;
}

/** Slots as a range of epoch seconds. */
export function rangeOf({ start, end }: { start: number; end: number }, grid: Grid): TimeRange {
  return [slotStart(start, grid), slotStart(end, grid)];
}
