/**
 * What the ledger says of slots without a bar (spec §4). Per slot, in this order: a bar → delivered; else the newest
 * answered row over it gives the reason; else `fetch_failed` where an ask failed, else `pending`.
 */

import { isExplained, isSettled } from "./gap_reason.ts";
import type { GapReason } from "./gap_reason.ts";
import type { LedgerRow } from "./ports.ts";
import { slotCount } from "./timeframe.ts";
import type { Grid } from "./timeframe.ts";
import type { Ranges, TimeRange } from "./time_range.ts";

/** A stretch over which the ledger says one thing; spans are disjoint and ascend. */
export interface Span {
  start: number;
  end: number;
  reason: GapReason;
  /** The row that speaks here. */
  row: LedgerRow;
}

/** A run of slots without a bar, with one reason. `row` is null where nothing was ever asked. */
export interface FoundGap {
  start: number;
  end: number;
  reason: GapReason;
  row: LedgerRow | null;
}

/** Flattens a ledger (oldest first) into spans: answered rows beat failed ones, newer rows beat older ones. */
export function resolveLedger(ledger: readonly LedgerRow[]): Span[] {
  const answered = ledger.filter((row) => row.error === null && row.start < row.end);
  const failed = ledger.filter((row) => row.error !== null && row.start < row.end);
  return paint([...failed, ...answered]);
}

/** What an answered or failed row says of a slot without a bar. */
function reasonOf(row: LedgerRow): GapReason {
  if (row.error !== null) return "fetch_failed";
  return row.reason ?? "pending";
}

/** Later rows cover earlier ones. Disjoint rows, the usual case, cost one sort. */
function paint(rows: LedgerRow[]): Span[] {
  const borders = [...new Set(rows.flatMap((row) => [row.start, row.end]))].sort((a, b) => a - b);
  const indexOf = new Map(borders.map((border, index) => [border, index]));
  const painted: (LedgerRow | undefined)[] = new Array(borders.length);
  // nextFree[i]: the first cell at or after i that no row covers yet, with paths shortened as they are walked.
  const nextFree = Int32Array.from({ length: borders.length + 1 }, (_, index) => index);
  const free = (cell: number): number => {
    let at = cell;
    while (nextFree[at] !== at) {
      nextFree[at] = nextFree[nextFree[at]];
      at = nextFree[at];
    }
    return at;
  };
  for (let i = rows.length - 1; i >= 0; i--) {
    const end = indexOf.get(rows[i].end)!;
    for (let cell = free(indexOf.get(rows[i].start)!); cell < end; cell = free(cell)) {
      painted[cell] = rows[i];
      nextFree[cell] = cell + 1;
    }
  }
  return joinCells(borders, painted);
}

function joinCells(borders: number[], painted: (LedgerRow | undefined)[]): Span[] {
  const spans: Span[] = [];
  for (let cell = 0; cell + 1 < borders.length; cell++) {
    const row = painted[cell];
    if (row === undefined) continue;
    const last = spans.at(-1);
    if (last !== undefined && last.row === row && last.end === borders[cell]) last.end = borders[cell + 1];
    else spans.push({ start: borders[cell], end: borders[cell + 1], reason: reasonOf(row), row });
  }
  return spans;
}

/**
 * The gaps among `missing` (flat, sorted, disjoint ranges without a bar), cut where the reason changes and joined
 * where it does not. `row` of a joined gap is that of its newest part.
 */
export function explainMissing(missing: Ranges, spans: readonly Span[]): FoundGap[] {
  const gaps: FoundGap[] = [];
  let at = 0;
  for (let i = 0; i < missing.length; i += 2) {
    let start = missing[i];
    const end = missing[i + 1];
    at = firstEndingAfter(spans, start, at);
    for (let s = at; start < end; s++) {
      const span = spans[s];
      const spanStart = span === undefined ? end : Math.min(Math.max(span.start, start), end);
      if (spanStart > start) pushGap(gaps, { start, end: spanStart, reason: "pending", row: null });
      if (span === undefined || spanStart === end) break;
      const spanEnd = Math.min(span.end, end);
      pushGap(gaps, { start: spanStart, end: spanEnd, reason: span.reason, row: span.row });
      start = spanEnd;
    }
  }
  return gaps;
}

/** Gaps of several sources, disjoint and in any order, as one list: ascending, joined as `explainMissing` joins them. */
export function joinFound(gaps: readonly FoundGap[]): FoundGap[] {
  const joined: FoundGap[] = [];
  for (const gap of gaps.toSorted((a, b) => a.start - b.start)) pushGap(joined, { ...gap });
  return joined;
}

function pushGap(gaps: FoundGap[], gap: FoundGap): void {
  const last = gaps.at(-1);
  if (last === undefined || last.end !== gap.start || last.reason !== gap.reason) {
    gaps.push(gap);
    return;
  }
  last.end = gap.end;
  if (last.row === null || (gap.row !== null && gap.row.askedAt > last.row.askedAt)) {
    last.row = gap.row ?? last.row;
  }
}

/** The first span at or after `from` that ends after `t`. Galloping is not needed: callers walk both lists forward. */
function firstEndingAfter(spans: readonly Span[], t: number, from: number): number {
  let low = from;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (spans[middle].end <= t) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What a list of gaps adds up to over a range. */
export interface GapSums {
  /** Slots of the range. */
  slots: number;
  missing: number;
  open: number;
  /** Missing slots that count as delivered in `explained_ratio`. */
  explained: number;
}

export function sumGaps(gaps: readonly FoundGap[], range: TimeRange, grid: Grid): GapSums {
  const sums = { slots: slotCount(range, grid), missing: 0, open: 0, explained: 0 };
  for (const gap of gaps) {
    const slots = slotCount([gap.start, gap.end], grid);
    sums.missing += slots;
    if (!isSettled(gap.reason)) sums.open += slots;
    if (isExplained(gap.reason)) sums.explained += slots;
  }
  return sums;
}

/** `coverage_ratio` and `explained_ratio` (spec §4): both 1 over a range without slots. */
export function ratiosOf(sums: GapSums): { coverage: number; explained: number } {
  if (sums.slots === 0) return { coverage: 1, explained: 1 };
  const bars = sums.slots - sums.missing;
  return { coverage: bars / sums.slots, explained: (bars + sums.explained) / sums.slots };
}
