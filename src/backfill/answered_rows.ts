/**
 * What a reply says of the slots that were asked, as ledger rows (spec §4): a reason for every slot without a bar,
 * how often it was given, and when it is due again. Later rows speak over earlier ones. Pure but for the core.
 */

import type { Bars } from "../core/bar_frame.ts";
import { barsBetween, emptyBars } from "../core/bar_frame.ts";
import type { AnsweredReason } from "../core/gap_reason.ts";
import type { Span } from "../core/gaps.ts";
import { ABSENT_REASK_SEC, NOT_LISTED_REASK_SEC } from "../core/limits.ts";
import type { BarsReply, LedgerRow } from "../core/ports.ts";
import { intervalOf, slotOf, slotStart, snapInward } from "../core/timeframe.ts";
import type { Grid } from "../core/timeframe.ts";
import { clipRange, type Ranges, type TimeRange, toPairs, toRanges } from "../core/time_range.ts";
import type { Compute } from "../compute/mod.ts";
import type { Window } from "./plan.ts";

/** An ask and what came back. */
export interface Answered {
  grid: Grid;
  window: Window;
  reply: BarsReply;
  /** What the ledger said before, for counting attempts. */
  spans: readonly Span[];
  source: string;
}

/** What conformance left of the reply. */
export interface Found {
  frame: Bars;
  /** Start of the first slot that is not final. */
  finalUntil: number;
  /** Slots whose only row was set aside. */
  quarantined: TimeRange[];
}

/** Whole slots that the reply answered, inside the ask; the part without a reason of the venue's own comes as `plain`. */
export function answeredSlots(
  { grid, window, reply }: Answered,
  compute: Compute,
): { all: Ranges; plain: Ranges } {
  const ask = toRanges([window.ask]);
  const within = (held: Ranges) => compute.intersectRanges(compute.mergeRanges(held, grid), ask, grid);
  const absent = toRanges(reply.absent.map(({ start, end }): TimeRange => [start, end]));
  const all = within(toRanges([...reply.answered, ...toPairs(absent)]));
  return { all, plain: compute.subtractRanges(all, within(absent), grid) };
}

/** The rows of a reply: what was answered, then the venue's own reasons, then quarantine, then what stays unanswered. */
export function ledgerOf(answered: Answered, found: Found, compute: Compute): LedgerRow[] {
  const { grid, reply, window } = answered;
  const held = compute.segmentsOf(found.frame.ts, grid);
  const { all } = answeredSlots(answered, compute);
  const rows: LedgerRow[] = [];
  const speak = (range: TimeRange | null, reason: AnsweredReason) => {
    for (const part of range === null ? [] : partsByAttempts(answered.spans, range, reason)) {
      const isAbsent = compute.missingRanges(part, held, grid).length > 0;
      rows.push(answeredRow(answered, part, { frame: found.frame, reason: isAbsent ? reason : null }));
    }
  };
  for (const range of toPairs(all)) {
    speak(clipRange(range, [-Infinity, found.finalUntil]), "absent_at_source");
    speak(clipRange(range, [found.finalUntil, Infinity]), "pending");
  }
  for (const { start, end, reason } of reply.absent) {
    const range = clipToAsk([start, end], answered);
    if (range !== null) rows.push(answeredRow(answered, range, { frame: found.frame, reason }));
  }
  for (const range of found.quarantined) {
    rows.push(answeredRow(answered, range, { frame: found.frame, reason: "quarantined" }));
  }
  const whole = snapInward(window.ask, grid);
  const left = whole === null ? [] : toPairs(compute.missingRanges(whole, all, grid));
  return [...rows, ...left.map((range) => unansweredRow(answered, range))];
}

/** The row of a reply that was refused whole. */
export function refusedRow(answered: Answered): LedgerRow {
  return answeredRow(answered, answered.window.ask, { frame: emptyBars(), reason: "quarantined" });
}

/** Slots whose only row was set aside: a reply came for them and was refused. */
export function quarantinedSlots(
  { grid, window }: Answered,
  o: { setAsideTs: readonly number[]; frame: Bars },
  compute: Compute,
): TimeRange[] {
  const slots = o.setAsideTs.filter(Number.isFinite).map((ts): TimeRange => {
    const slot = slotOf(ts, grid);
    return [slotStart(slot, grid), slotStart(slot + 1, grid)];
  });
  if (slots.length === 0) return [];
  const alone = compute.subtractRanges(toRanges(slots), compute.segmentsOf(o.frame.ts, grid), grid);
  return toPairs(compute.intersectRanges(alone, toRanges([window.ask]), grid));
}

function clipToAsk(range: TimeRange, { grid, window }: Answered): TimeRange | null {
  const inside = clipRange(range, window.ask);
  return inside === null ? null : snapInward(inside, grid);
}

/** The range cut where the same reason was given a different number of times before: each slot has its own pause. */
function partsByAttempts(spans: readonly Span[], range: TimeRange, reason: AnsweredReason): TimeRange[] {
  const before = spans.filter((span) =>
    span.reason === reason && span.start < range[1] && span.end > range[0]
  );
  const parts: { start: number; end: number; attempts: number }[] = [];
  const add = (start: number, end: number, attempts: number) => {
    if (start >= end) return;
    const last = parts.at(-1);
    if (last !== undefined && last.attempts === attempts) last.end = end;
    else parts.push({ start, end, attempts });
  };
  let at = range[0];
  for (const span of before) {
    add(at, Math.max(at, span.start), 0);
    add(Math.max(at, span.start), Math.min(span.end, range[1]), span.row.attempts);
    at = Math.min(span.end, range[1]);
  }
  add(at, range[1], 0);
  return parts.map(({ start, end }): TimeRange => [start, end]);
}

function answeredRow(
  { reply, source, spans, window, grid }: Answered,
  [start, end]: TimeRange,
  o: { frame: Bars; reason: AnsweredReason | null },
): LedgerRow {
  const attempts = 1 + attemptsBefore(spans, [start, end], o.reason);
  return {
    start,
    end,
    source,
    askedAt: reply.askedAt,
    firstAskedAt: o.reason === null
      ? reply.askedAt
      : firstAsked(spans, { start, end, askedAt: reply.askedAt }),
    bars: barsBetween(o.frame, start, end).ts.length,
    attempts,
    reason: o.reason,
    error: null,
    nextAsk: nextAskOf(o.reason, { attempts, askedAt: reply.askedAt, grid }),
    replySha256: reply.replySha256,
    window: [window.start, window.end],
  };
}

/** A part of the ask that the venue said nothing about: it stays open, with the reason why. */
function unansweredRow(answered: Answered, range: TimeRange): LedgerRow {
  const row = answeredRow(answered, range, { frame: emptyBars(), reason: null });
  return { ...row, error: "EXCHANGE_UNAVAILABLE: the venue's pages ended before this part" };
}

/** How often the same was said of this stretch before. */
function attemptsBefore(
  spans: readonly Span[],
  [start, end]: TimeRange,
  reason: AnsweredReason | null,
): number {
  if (reason === null) return 0;
  const same = spans.filter((span) => span.start < end && span.end > start && span.reason === reason);
  return same.reduce((most, span) => Math.max(most, span.row.attempts), 0);
}

/** The first ask that left any of this stretch without a bar: an older row may reach beyond what is asked again. */
function firstAsked(spans: readonly Span[], o: { start: number; end: number; askedAt: number }): number {
  return spans.filter(({ start, end, row }) =>
    start < o.end && end > o.start && (row.reason !== null || row.error !== null)
  ).reduce((first, { row }) => Math.min(first, row.firstAskedAt), o.askedAt);
}

/** When a slot without a bar is due again, epoch seconds (spec §4). Pure. */
function nextAskOf(
  reason: AnsweredReason | null,
  { attempts, askedAt, grid }: { attempts: number; askedAt: number; grid: Grid },
): number | null {
  switch (reason) {
    case "absent_at_source":
    case "exchange_outage":
      return askedAt + ABSENT_REASK_SEC[Math.min(attempts, ABSENT_REASK_SEC.length) - 1];
    case "not_listed":
      return askedAt + NOT_LISTED_REASK_SEC;
    case "pending":
      return askedAt + Math.min(intervalOf(grid), 2 ** Math.min(attempts, 40));
    default:
      return null;
  }
}
