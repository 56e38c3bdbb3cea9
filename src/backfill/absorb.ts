/**
 * What becomes of a venue's reply: conformed rows, split into final and provisional, and ledger rows that give every
 * asked slot without a bar its reason (spec §4, §5, §6). Pure but for the core: the same reply gives the same write.
 */

import type { Bars } from "../core/bar_frame.ts";
import { barsBetween, emptyBars } from "../core/bar_frame.ts";
import type { AnsweredReason } from "../core/gap_reason.ts";
import type { Span } from "../core/gaps.ts";
import { ABSENT_REASK_SEC, NOT_LISTED_REASK_SEC } from "../core/limits.ts";
import type { BarsReply, Finding, LedgerRow, Revision, WindowWrite } from "../core/ports.ts";
import { intervalOf, slotOf, slotStart } from "../core/timeframe.ts";
import type { Grid } from "../core/timeframe.ts";
import { clipRange, type Ranges, type TimeRange, toPairs, toRanges } from "../core/time_range.ts";
import type { Compute } from "../compute/mod.ts";
import { findingsOf } from "./findings.ts";
import type { Window } from "./plan.ts";

/** How replies are conformed (blueprint: `seamless.conformance`, `artifact.stabilization_bars`). */
export interface ConformancePolicy {
  align: "reject" | "floor";
  invariant: "flag" | "quarantine";
  dtypePolicy: "strict" | "lenient";
  blocking: string[];
  stabilizationBars: number;
}

export interface AbsorbInput {
  nodeId: string;
  grid: Grid;
  window: Window;
  reply: BarsReply;
  policy: ConformancePolicy;
  /** What the ledger said before, for counting attempts. */
  spans: readonly Span[];
  source: string;
  seenAtMs: number;
  fence: WindowWrite["fence"];
}

/** `blocked` names what conformance refused: the write then holds the raw reply and a quarantined window. */
export interface Absorbed {
  write: WindowWrite;
  rows: number;
  blocked: string | null;
  misalignedMost: boolean;
}

/** Turns a reply into what is to be written. */
export function absorb(input: AbsorbInput, compute: Compute): Absorbed {
  const kept = keepAskedRows(input);
  const report = compute.conform(
    { kind: "ohlcv", columns: kept.columns, observedAt: kept.observedAt },
    {
      grid: input.grid,
      align: input.policy.align,
      invariant: input.policy.invariant,
      dtypePolicy: input.policy.dtypePolicy,
      timeUnit: "s",
      // Holes are no fault of a reply: `gap` is judged when an answer is made.
      blocking: input.policy.blocking.filter((flag) => flag !== "gap"),
    },
  );
  const misalignedMost = (report.flags.misaligned_ts ?? 0) * 2 > kept.observedAt.length;
  if (report.blocked || misalignedMost) {
    const found = Object.entries(report.flags).filter(([flag]) => flag !== "gap").map(([flag, n]) =>
      `${flag}=${n}`
    );
    return { write: quarantineOf(input), rows: 0, blocked: found.join(", ") || "blocked", misalignedMost };
  }
  const frame = report.frame as Bars;
  const finalUntil = finalBorder(input.reply.askedAt, input.grid, input.policy.stabilizationBars);
  const setAsideTs = report.setAside.map(({ row }) => Number(kept.columns.ts[row]));
  const findings = findingsOf({ report, columns: kept.columns, grid: input.grid, window: input.window });
  const warnings = warningFindings(input, [...kept.warnings, ...input.reply.warnings]);
  const write: WindowWrite = {
    ...emptyWrite(input),
    final: barsBetween(frame, -Infinity, finalUntil),
    provisional: barsBetween(frame, finalUntil, Infinity),
    answered: input.reply.answered,
    ledger: ledgerOf(input, { frame, finalUntil, setAsideTs }, compute),
    findings: [...findings, ...warnings].map((finding) => ({ ...finding, seenAtMs: input.seenAtMs })),
    conflicts: report.conflicts.flatMap((conflict) => conflictRows(conflict, kept.columns, input)),
  };
  return { write, rows: frame.ts.length, blocked: null, misalignedMost: false };
}

/** The write of a window that could not be fetched: one failed ledger row, nothing covered. */
export function failedWrite(
  input: Omit<AbsorbInput, "reply" | "policy">,
  failure: { askedAt: number; attempts: number; error: string },
): WindowWrite {
  const [start, end] = input.window.ask;
  const row = {
    ...failure,
    firstAskedAt: failure.askedAt,
    start,
    end,
    bars: 0,
    reason: null,
    nextAsk: null,
    replySha256: null,
  };
  return { ...blankWrite(input), ledger: [{ ...row, source: input.source, window: borders(input.window) }] };
}

/** Start of the first slot that is not final at venue time `observedAt`: final ⇔ slot + stabilization < slot(observed). */
export function finalBorder(observedAt: number, grid: Grid, stabilizationBars: number): number {
  return slotStart(slotOf(observedAt, grid) - stabilizationBars, grid);
}

type Columns = BarsReply["columns"];

/**
 * Rows that answer the question. Rows before or after it are none; the forming bar is left out in silence, rows
 * beyond it (a venue's clock or data are off) with a warning. Rows whose time cannot be read stay, to be counted.
 */
function keepAskedRows(input: AbsorbInput): { columns: Columns; observedAt: number[]; warnings: string[] } {
  const { reply, grid, window } = input;
  const forming = slotStart(slotOf(reply.askedAt, grid), grid);
  const beyondForming = slotStart(slotOf(reply.askedAt, grid) + 1, grid);
  const keep: number[] = [];
  let future = 0;
  for (let row = 0; row < reply.columns.ts.length; row++) {
    const ts = reply.columns.ts[row];
    if (typeof ts !== "number" || !Number.isFinite(ts)) keep.push(row);
    else if (ts >= beyondForming) future++;
    else if (ts < forming && ts >= window.ask[0] && ts < window.ask[1]) keep.push(row);
  }
  const warnings = future === 0 ? [] : [`${future} rows after the forming bar were dropped`];
  if (keep.length === reply.columns.ts.length) {
    return { columns: reply.columns, observedAt: reply.observedAt, warnings };
  }
  const pick = <T>(column: T[]) => keep.map((row) => column[row]);
  const { ts, open, high, low, close, volume } = reply.columns;
  const columns = {
    ts: pick(ts),
    open: pick(open),
    high: pick(high),
    low: pick(low),
    close: pick(close),
    volume: pick(volume),
  };
  return { columns, observedAt: pick(reply.observedAt), warnings };
}

/** Ledger rows, later ones speaking over earlier ones: what was answered, then the known reasons, then quarantine. */
function ledgerOf(
  input: AbsorbInput,
  found: { frame: Bars; finalUntil: number; setAsideTs: number[] },
  compute: Compute,
): LedgerRow[] {
  const { grid, reply, window } = input;
  const answered = reply.answered.map((range) => clipRange(range, window.ask)).filter((range) =>
    range !== null
  );
  const held = compute.segmentsOf(found.frame.ts, grid);
  const rows: LedgerRow[] = [];
  for (const range of answered) {
    const past = clipRange(range, [-Infinity, found.finalUntil]);
    const recent = clipRange(range, [found.finalUntil, Infinity]);
    if (past !== null) {
      rows.push(
        answeredRow(
          input,
          past,
          found.frame,
          absentIn(past, held, grid, compute) ? "absent_at_source" : null,
        ),
      );
    }
    if (recent !== null) {
      rows.push(
        answeredRow(input, recent, found.frame, absentIn(recent, held, grid, compute) ? "pending" : null),
      );
    }
  }
  for (const span of reply.absent) {
    const range = clipRange([span.start, span.end], window.ask);
    if (range !== null) rows.push(answeredRow(input, range, found.frame, span.reason));
  }
  for (const range of quarantinedSlots(found.setAsideTs, { held, window, grid }, compute)) {
    rows.push(answeredRow(input, range, found.frame, "quarantined"));
  }
  return [...rows, ...unanswered(input, toRanges(answered), compute)];
}

function absentIn(range: TimeRange, held: Ranges, grid: Grid, compute: Compute): boolean {
  return compute.missingRanges(range, held, grid).length > 0;
}

/** Slots whose only row was set aside: a reply came for them and was refused. */
function quarantinedSlots(
  setAsideTs: number[],
  o: { held: Ranges; window: Window; grid: Grid },
  compute: Compute,
): TimeRange[] {
  const slots = setAsideTs.filter(Number.isFinite).map((ts): TimeRange => {
    const slot = slotOf(ts, o.grid);
    return [slotStart(slot, o.grid), slotStart(slot + 1, o.grid)];
  });
  if (slots.length === 0) return [];
  const alone = compute.subtractRanges(compute.mergeRanges(toRanges(slots), o.grid), o.held, o.grid);
  return toPairs(compute.intersectRanges(alone, toRanges([o.window.ask]), o.grid));
}

/** Parts of the ask that the venue said nothing about: they stay open, with the reason why. */
function unanswered(input: AbsorbInput, answered: Ranges, compute: Compute): LedgerRow[] {
  return toPairs(compute.missingRanges(input.window.ask, answered, input.grid)).map((range) => ({
    ...answeredRow(input, range, emptyBars(), null),
    error: "EXCHANGE_UNAVAILABLE: the venue's pages ended before this part",
    nextAsk: null,
  }));
}

function answeredRow(
  input: AbsorbInput,
  [start, end]: TimeRange,
  frame: Bars,
  reason: AnsweredReason | null,
): LedgerRow {
  const attempts = 1 + attemptsBefore(input.spans, [start, end], reason);
  return {
    start,
    end,
    source: input.source,
    askedAt: input.reply.askedAt,
    firstAskedAt: input.reply.askedAt,
    bars: barsBetween(frame, start, end).ts.length,
    attempts,
    reason,
    error: null,
    nextAsk: nextAskOf(reason, attempts, input),
    replySha256: input.reply.replySha256,
    window: borders(input.window),
  };
}

/** How often the same was said of this stretch before. */
function attemptsBefore(
  spans: readonly Span[],
  [start, end]: TimeRange,
  reason: AnsweredReason | null,
): number {
  if (reason === null) return 0;
  let most = 0;
  for (const span of spans) {
    if (span.start < end && span.end > start && span.row.reason === reason) {
      most = Math.max(most, span.row.attempts);
    }
  }
  return most;
}

/** When a slot without a bar is due again, epoch seconds (spec §4). Pure. */
function nextAskOf(reason: AnsweredReason | null, attempts: number, input: AbsorbInput): number | null {
  const { askedAt } = input.reply;
  switch (reason) {
    case "absent_at_source":
    case "exchange_outage":
      return askedAt + ABSENT_REASK_SEC[Math.min(attempts, ABSENT_REASK_SEC.length) - 1];
    case "not_listed":
      return askedAt + NOT_LISTED_REASK_SEC;
    case "pending":
      return askedAt + Math.min(intervalOf(input.grid), 2 ** Math.min(attempts, 40));
    default:
      return null;
  }
}

/** A survivor and a loser of one duplicate, as revisions. */
function conflictRows(
  conflict: { ts: number; keptRow: number; droppedRow: number },
  columns: Columns,
  input: AbsorbInput,
): Revision[] {
  return [{ row: conflict.droppedRow, kept: false }, { row: conflict.keptRow, kept: true }].map((
    { row, kept },
  ) => ({
    ts: conflict.ts,
    values: [columns.open, columns.high, columns.low, columns.close, columns.volume].map((column) =>
      column[row] === null ? NaN : Number(column[row])
    ) as Revision["values"],
    source: input.source,
    observedAtMs: Math.round(input.reply.observedAt[row] * 1000),
    seenAtMs: input.seenAtMs,
    cause: "duplicate",
    kept,
    replySha256: input.reply.replySha256,
  }));
}

/** Warnings are kept beside the findings, at the last asked slot, so that they are told with the rows they concern. */
function warningFindings(input: AbsorbInput, warnings: string[]): Omit<Finding, "seenAtMs">[] {
  const last = slotStart(slotOf(input.window.ask[1], input.grid) - 1, input.grid);
  return warnings.map((text) => ({
    ts: last,
    flag: `warning: ${text}`,
    count: 1,
    window: borders(input.window),
  }));
}

function quarantineOf(input: AbsorbInput): WindowWrite {
  const row = answeredRow(input, input.window.ask, emptyBars(), "quarantined");
  return { ...emptyWrite(input), ledger: [row], quarantine: input.reply.rawBodies };
}

function emptyWrite(input: AbsorbInput): WindowWrite {
  return {
    ...blankWrite(input),
    observedAtMs: Math.round(input.reply.askedAt * 1000),
    replySha256: input.reply.replySha256,
  };
}

function blankWrite(input: Omit<AbsorbInput, "reply" | "policy">): WindowWrite {
  return {
    nodeId: input.nodeId,
    window: borders(input.window),
    final: emptyBars(),
    provisional: emptyBars(),
    answered: [],
    observedAtMs: input.seenAtMs,
    seenAtMs: input.seenAtMs,
    source: input.source,
    cause: "refetch",
    replySha256: null,
    ledger: [],
    findings: [],
    conflicts: [],
    quarantine: [],
    fence: input.fence,
  };
}

function borders(window: Window): TimeRange {
  return [window.start, window.end];
}
