/**
 * Where conformance found what it counted: one finding per slot and flag, so that an answer can sum those inside its
 * range (spec §5). The sum over a reply's findings equals the report's count of each flag.
 */

import { BAR_COLUMNS } from "../core/bar_frame.ts";
import type { BarsReply, Finding } from "../core/ports.ts";
import { slotOf, slotStart } from "../core/timeframe.ts";
import type { Grid } from "../core/timeframe.ts";
import type { TimeRange } from "../core/time_range.ts";

/** Rows as conformance gets them. */
export interface Rows {
  columns: BarsReply["columns"];
  observedAt: BarsReply["observedAt"];
}

export interface FindingsInput {
  /** What conformance counted in all rows. */
  flags: Record<string, number>;
  rows: Rows;
  grid: Grid;
  window: { start: number; end: number; ask: TimeRange };
  /** What conformance counts in some of the rows. */
  recount: (rows: Rows) => Record<string, number>;
}

/** Flags that are counted slot by slot: what they say of a slot depends on its own rows alone. */
const OF_SLOTS = ["non_finite", "misaligned_ts", "duplicate_ts", "conflict", "ohlc_invariant"] as const;
/** A hole is no fault of a reply: `gap` is counted when an answer is made. */
const OF_ANSWERS = "gap";

/** The findings of one report. What has no slot of its own stands at the first asked slot. */
export function findingsOf(input: FindingsInput): Omit<Finding, "seenAtMs">[] {
  const { flags, window } = input;
  const found: Omit<Finding, "seenAtMs">[] = [];
  const left = { ...flags };
  const find = (ts: number, flag: string, count: number) => {
    left[flag] -= count;
    found.push({ ts, flag, count, window: [window.start, window.end] });
  };
  if (OF_SLOTS.some((flag) => flags[flag] > 0)) {
    for (const [slot, rows] of suspectSlots(input)) {
      const counted = input.recount(rowsAt(input.rows, rows));
      for (const flag of OF_SLOTS) {
        const count = Math.min(counted[flag] ?? 0, left[flag] ?? 0);
        if (count > 0) find(slot, flag, count);
      }
    }
  }
  for (const [flag, count] of Object.entries(left)) {
    if (count > 0 && flag !== OF_ANSWERS) find(window.ask[0], flag, count);
  }
  return joined(found).sort((a, b) => a.ts - b.ts);
}

/** Slots with something to find, and their rows: two rows, a row off the grid, or values that no bar should have. */
function suspectSlots({ rows: { columns }, grid }: FindingsInput): [number, number[]][] {
  const rowsOf = new Map<number, number[]>();
  const suspects = new Set<number>();
  columns.ts.forEach((cell, row) => {
    const ts = cell === null ? NaN : Number(cell);
    if (!Number.isFinite(ts)) return;
    const slot = slotStart(slotOf(ts, grid), grid);
    const others = rowsOf.get(slot);
    if (others === undefined) rowsOf.set(slot, [row]);
    else others.push(row);
    if (others !== undefined || slot !== ts || isOdd(columns, row)) suspects.add(slot);
  });
  return [...suspects].map((slot) => [slot, rowsOf.get(slot)!]);
}

/** A value that is not finite, high < max(open, close), low > min(open, close), a price ≤ 0, negative volume (spec §5). */
function isOdd(columns: BarsReply["columns"], row: number): boolean {
  const [open, high, low, close, volume] = BAR_COLUMNS.slice(1).map((name) => {
    const cell = columns[name][row];
    return cell === null ? NaN : Number(cell);
  });
  return !Number.isFinite(open + high + low + close + volume) || high < open || high < close || low > open ||
    low > close || Math.min(open, high, low, close) <= 0 || volume < 0;
}

function rowsAt({ columns, observedAt }: Rows, rows: number[]): Rows {
  const some = Object.entries(columns).map(([name, cells]) => [name, rows.map((row) => cells[row])]);
  return { columns: Object.fromEntries(some), observedAt: rows.map((row) => observedAt[row]) };
}

/** What stands at the same slot twice, as one. */
function joined(found: Omit<Finding, "seenAtMs">[]): Omit<Finding, "seenAtMs">[] {
  const bySlot = new Map<string, Omit<Finding, "seenAtMs">>();
  for (const finding of found) {
    const key = `${finding.ts} ${finding.flag}`;
    const same = bySlot.get(key);
    bySlot.set(key, same === undefined ? finding : { ...same, count: same.count + finding.count });
  }
  return [...bySlot.values()];
}
