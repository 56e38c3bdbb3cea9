/**
 * What becomes of a venue's reply: conformed rows, split into final and provisional, what was found in them, and
 * ledger rows that say of every asked slot what came of it (spec §4, §5, §6). Pure but for the core: the same reply
 * gives the same write.
 */

import { type Bars, barsBetween, emptyBars } from "../core/bar_frame.ts";
import type { BarsReply, Finding, LedgerRow, Revision, WindowWrite } from "../core/ports.ts";
import { slotOf, slotStart } from "../core/timeframe.ts";
import type { Grid } from "../core/timeframe.ts";
import { type TimeRange, toPairs } from "../core/time_range.ts";
import type { Compute } from "../compute/mod.ts";
import { type Answered, answeredSlots, ledgerOf, quarantinedSlots, refusedRow } from "./answered_rows.ts";
import { findingsOf, type Rows } from "./findings.ts";
import type { Window } from "./plan.ts";

/** How replies are conformed (blueprint: `seamless.conformance`, `artifact.stabilization_bars`). */
export interface ConformancePolicy {
  align: "reject" | "floor";
  invariant: "flag" | "quarantine";
  dtypePolicy: "strict" | "lenient";
  blocking: string[];
  stabilizationBars: number;
}

/** A reply, and where it is to be written. */
export interface AbsorbInput extends Answered {
  nodeId: string;
  policy: ConformancePolicy;
  seenAtMs: number;
  fence: WindowWrite["fence"];
}

/**
 * `blocked` names what conformance refused: the write then holds the raw reply and a quarantined window.
 * `misalignedMost`: more than half of the rows are off the grid, so that the next windows' would be too.
 */
export interface Absorbed {
  write: WindowWrite;
  rows: number;
  blocked: string | null;
  misalignedMost: boolean;
}

/** Turns a reply into what is to be written. */
export function absorb(input: AbsorbInput, compute: Compute): Absorbed {
  const { grid, policy, reply, window } = input;
  const kept = keepAskedRows(input);
  const conform = ({ columns, observedAt }: Rows) =>
    compute.conform({ kind: "ohlcv", columns, observedAt }, {
      grid,
      align: policy.align,
      invariant: policy.invariant,
      dtypePolicy: policy.dtypePolicy,
      timeUnit: "s",
      // Holes are no fault of a reply: `gap` is judged when an answer is made.
      blocking: policy.blocking.filter((flag) => flag !== "gap"),
    });
  const report = conform(kept);
  // Rows that policy floors are on the grid: then it is no wrong anchor that is to be stopped.
  const misalignedMost = policy.align === "reject" &&
    (report.flags.misaligned_ts ?? 0) * 2 > kept.observedAt.length;
  if (report.blocked || misalignedMost) {
    return { write: quarantineOf(input), rows: 0, blocked: told(report.flags), misalignedMost };
  }
  // Times that came as text were no reason to drop a row above; here every row's time is known.
  const frame = barsBetween(report.frame as Bars, window.ask[0], Math.min(window.ask[1], formingOf(input)));
  const finalUntil = finalBorder(reply.askedAt, grid, policy.stabilizationBars);
  const setAsideTs = report.setAside.map(({ row }) => Number(kept.columns.ts[row]));
  const quarantined = quarantinedSlots(input, { setAsideTs, frame }, compute);
  const findings = findingsOf({
    flags: report.flags,
    rows: kept,
    grid,
    window,
    recount: (rows) => conform(rows).flags,
  });
  const warnings = warningFindings(input, [...kept.warnings, ...reply.warnings]);
  const write: WindowWrite = {
    ...emptyWrite(input),
    final: barsBetween(frame, -Infinity, finalUntil),
    provisional: barsBetween(frame, finalUntil, Infinity),
    // Where the venue cannot have a bar, or no longer shows it, a stored one is not withdrawn.
    answered: toPairs(answeredSlots(input, compute).plain),
    finalUntil,
    ledger: ledgerOf(input, { frame, finalUntil, quarantined }, compute),
    findings: [...findings, ...warnings].map((finding) => ({ ...finding, seenAtMs: input.seenAtMs })),
    conflicts: report.conflicts.flatMap((conflict) => conflictRows(conflict, kept, input)),
    quarantine: quarantined.length === 0 ? [] : reply.rawBodies,
  };
  return { write, rows: frame.ts.length, blocked: null, misalignedMost: false };
}

function told(flags: Record<string, number>): string {
  const found = Object.entries(flags).filter(([flag]) => flag !== "gap");
  return found.map(([flag, count]) => `${flag}=${count}`).join(", ") || "blocked";
}

/** The write of a window that could not be fetched: one failed ledger row, nothing covered. */
export function failedWrite(
  input: Pick<AbsorbInput, "nodeId" | "window" | "source" | "seenAtMs" | "fence">,
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

/** The write of a market that the venue lists no more: `range`, after its last bar, can have none, for ever (spec §4). */
export function delistedWrite(
  input: Pick<AbsorbInput, "nodeId" | "window" | "source" | "seenAtMs" | "fence">,
  { askedAt, range: [start, end], finalUntil }: { askedAt: number; range: TimeRange; finalUntil: number },
): WindowWrite {
  const row: LedgerRow = {
    start,
    end,
    source: input.source,
    askedAt,
    firstAskedAt: askedAt,
    bars: 0,
    attempts: 1,
    reason: "delisted",
    error: null,
    nextAsk: null,
    replySha256: null,
    window: borders(input.window),
  };
  return { ...blankWrite(input), answered: [[start, end]], finalUntil, ledger: [row] };
}

/** The write of final rows that were published and dropped here since. Rows alone cover their slots: nothing was asked. */
export function takenBack(
  final: Bars,
  { observedAtMs, ...input }:
    & Pick<AbsorbInput, "nodeId" | "window" | "source" | "seenAtMs" | "fence">
    & { observedAtMs: number },
): WindowWrite {
  return { ...blankWrite(input), final, observedAtMs };
}

/** Start of the first slot that is not final at venue time `observedAt`: final ⇔ slot + stabilization < slot(observed). */
export function finalBorder(observedAt: number, grid: Grid, stabilizationBars: number): number {
  return slotStart(slotOf(observedAt, grid) - stabilizationBars, grid);
}

/** Start of the bar that was forming when the venue was asked. */
function formingOf({ reply, grid }: AbsorbInput): number {
  return slotStart(slotOf(reply.askedAt, grid), grid);
}

interface Kept {
  columns: BarsReply["columns"];
  observedAt: number[];
  warnings: string[];
}

/**
 * Rows that answer the question. Rows before or after it are none; the forming bar is left out in silence, rows
 * beyond it (a venue's clock or data are off) with a warning. Rows whose time cannot be read stay, to be counted.
 */
function keepAskedRows(input: AbsorbInput): Kept {
  const { reply, grid, window } = input;
  const forming = formingOf(input);
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

/** A survivor and a loser of one duplicate, as revisions. */
function conflictRows(
  conflict: { ts: number; keptRow: number; droppedRow: number },
  { columns, observedAt }: Kept,
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
    observedAtMs: Math.round(observedAt[row] * 1000),
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
  return { ...emptyWrite(input), ledger: [refusedRow(input)], quarantine: input.reply.rawBodies };
}

function emptyWrite(input: AbsorbInput): WindowWrite {
  return {
    ...blankWrite(input),
    observedAtMs: Math.round(input.reply.askedAt * 1000),
    replySha256: input.reply.replySha256,
  };
}

function blankWrite(
  input: Pick<AbsorbInput, "nodeId" | "window" | "source" | "seenAtMs" | "fence">,
): WindowWrite {
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
