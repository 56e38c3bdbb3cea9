/**
 * Where conformance found what it counted: one finding per slot and flag, so that an answer can sum those inside its
 * range (spec §5). The sum over a reply's findings equals the report's count of each flag.
 */

import { BAR_COLUMNS } from "../core/bar_frame.ts";
import type { BarsReply, Finding } from "../core/ports.ts";
import { slotOf, slotStart } from "../core/timeframe.ts";
import type { Grid } from "../core/timeframe.ts";
import type { TimeRange } from "../core/time_range.ts";
import type { Compute } from "../compute/mod.ts";

export interface FindingsInput {
  report: ReturnType<Compute["conform"]>;
  columns: BarsReply["columns"];
  grid: Grid;
  window: { start: number; end: number; ask: TimeRange };
}

/** The findings of one report. What cannot be traced to a row stands at the first asked slot. */
export function findingsOf(input: FindingsInput): Omit<Finding, "seenAtMs">[] {
  const { report, columns, grid, window } = input;
  const found: Omit<Finding, "seenAtMs">[] = [];
  for (const [flag, count] of Object.entries(report.flags)) {
    if (flag === "gap") continue;
    const perSlot = new Map<number, number>();
    let left = count;
    for (const row of suspectRows(flag, input)) {
      const ts = Number(columns.ts[row]);
      if (!Number.isFinite(ts) || left === 0) continue;
      const slot = slotStart(slotOf(ts, grid), grid);
      perSlot.set(slot, (perSlot.get(slot) ?? 0) + 1);
      left--;
    }
    if (left > 0) perSlot.set(window.ask[0], (perSlot.get(window.ask[0]) ?? 0) + left);
    for (const [ts, slotCount] of perSlot) {
      found.push({ ts, flag, count: slotCount, window: [window.start, window.end] });
    }
  }
  return found.sort((a, b) => a.ts - b.ts);
}

/** Rows that a flag was counted for, one entry a count. */
function suspectRows(flag: string, input: FindingsInput): number[] {
  const { columns, report } = input;
  const all = columns.ts.map((_, row) => row);
  const number = (name: typeof BAR_COLUMNS[number], row: number) =>
    columns[name][row] === null ? NaN : Number(columns[name][row]);
  switch (flag) {
    case "misaligned_ts":
      return all.filter((row) => {
        const ts = Number(columns.ts[row]);
        return slotStart(slotOf(ts, input.grid), input.grid) !== ts;
      });
    case "duplicate_ts":
      return repeatedRows(all, columns.ts);
    case "conflict":
      return report.conflicts.map((conflict) => conflict.droppedRow);
    case "non_finite":
      return all.flatMap((row) =>
        BAR_COLUMNS.slice(1).filter((name) => !Number.isFinite(number(name, row))).map(() => row)
      );
    case "ohlc_invariant":
      return all.filter((row) =>
        breaksInvariant(...BAR_COLUMNS.slice(1).map((name) => number(name, row)) as Five)
      );
    default:
      return [];
  }
}

type Five = [number, number, number, number, number];

/** high < max(open, close), low > min(open, close), a price ≤ 0, negative volume; NaN finds nothing (spec §5). */
function breaksInvariant(open: number, high: number, low: number, close: number, volume: number): boolean {
  return high < open || high < close || low > open || low > close || open <= 0 || high <= 0 || low <= 0 ||
    close <= 0 || volume < 0;
}

/** Every further row of a time that came before. */
function repeatedRows(rows: number[], ts: BarsReply["columns"]["ts"]): number[] {
  const seen = new Set<number>();
  return rows.filter((row) => {
    const time = Number(ts[row]);
    if (seen.has(time)) return true;
    seen.add(time);
    return false;
  });
}
