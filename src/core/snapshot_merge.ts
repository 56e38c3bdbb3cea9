/**
 * What a new snapshot says of the slots without rows: what the publisher knows, put over what the head says (spec §8:
 * a publisher that holds less adds, it never takes away).
 */

import { isExplained } from "./gap_reason.ts";
import type { FindingRecord, GapRecord } from "./manifest.ts";
import { slotCount } from "./timeframe.ts";
import type { Grid } from "./timeframe.ts";
import { firstEndingAfter, type Ranges, type TimeRange } from "./time_range.ts";

/** The parts of gaps that lie outside `cut`. Both ascend and are disjoint, on the grid. */
export function gapsOutside(gaps: readonly GapRecord[], cut: Ranges, grid: Grid): GapRecord[] {
  const left: GapRecord[] = [];
  let at = 0;
  for (const { start, end, reason } of gaps) {
    let from = start;
    while (at < cut.length && cut[at + 1] <= from) at += 2;
    for (let i = at; from < end; i += 2) {
      const until = i < cut.length ? Math.min(cut[i], end) : end;
      if (from < until) left.push(gapOf(from, until, reason, grid));
      from = i < cut.length ? Math.max(from, cut[i + 1]) : end;
    }
  }
  return left;
}

/** The parts of gaps that lie inside `held`. Both ascend and are disjoint, on the grid. */
export function gapsWithin(gaps: readonly GapRecord[], held: Ranges, grid: Grid): GapRecord[] {
  const inside: GapRecord[] = [];
  for (const { start, end, reason } of gaps) {
    for (let i = firstEndingAfter(held, start); i < held.length && held[i] < end; i += 2) {
      inside.push(gapOf(Math.max(start, held[i]), Math.min(end, held[i + 1]), reason, grid));
    }
  }
  return inside;
}

/** What a gap is before its slots are counted. */
export type GapSpan = Pick<GapRecord, "start" | "end" | "reason">;

/** Two ascending, disjoint lists of gaps as one, ascending; neighbours with the same reason become one gap. */
export function joinGaps(a: readonly GapSpan[], b: readonly GapSpan[], grid: Grid): GapRecord[] {
  const joined: GapRecord[] = [];
  for (let [i, j] = [0, 0]; i < a.length || j < b.length;) {
    const takeA = j === b.length || (i < a.length && a[i].start < b[j].start);
    const gap = takeA ? a[i++] : b[j++];
    const last = joined[joined.length - 1];
    if (last === undefined || last.end !== gap.start || last.reason !== gap.reason) {
      joined.push(gapOf(gap.start, gap.end, gap.reason, grid));
    } else joined[joined.length - 1] = gapOf(last.start, gap.end, gap.reason, grid);
  }
  return joined;
}

/** The ranges of gaps, flat; neighbours coalesce. They ascend and are disjoint. */
export function rangesOfGaps(gaps: readonly GapRecord[]): Ranges {
  const flat = new Float64Array(2 * gaps.length);
  let at = 0;
  for (const { start, end } of gaps) {
    if (at > 0 && flat[at - 1] === start) {
      flat[at - 1] = end;
      continue;
    }
    flat[at++] = start;
    flat[at++] = end;
  }
  return flat.slice(0, at);
}

function gapOf(start: number, end: number, reason: GapRecord["reason"], grid: Grid): GapRecord {
  return { start, end, bars: slotCount([start, end], grid), reason };
}

/**
 * Findings of the head outside what the publisher covers, and all of the publisher's; one entry for each time and
 * flag, ascending. Findings of one list with the same time and flag come from different windows and add up.
 */
export function mergeFindings(o: {
  head: readonly FindingRecord[];
  ours: readonly FindingRecord[];
  oursCovered: Ranges;
}): FindingRecord[] {
  const merged = new Map<string, FindingRecord>();
  for (const { ts, flag, count } of o.ours) {
    const key = `${ts} ${flag}`;
    merged.set(key, { ts, flag, count: count + (merged.get(key)?.count ?? 0) });
  }
  for (const finding of o.head) {
    const key = `${finding.ts} ${finding.flag}`;
    if (!merged.has(key) && !contains(o.oursCovered, finding.ts)) merged.set(key, finding);
  }
  return [...merged.values()].sort((a, b) => a.ts - b.ts || (a.flag < b.flag ? -1 : 1));
}

/** Sums findings by flag, and counts `gap` now (spec §5). Flags that count zero are left out. */
export function sumFlags(findings: readonly FindingRecord[], missingSlots: number): Record<string, number> {
  const flags: Record<string, number> = {};
  for (const { flag, count } of findings) flags[flag] = (flags[flag] ?? 0) + count;
  if (missingSlots > 0) flags.gap = missingSlots;
  return flags;
}

/** How much of a snapshot's range has bars, and how much is delivered or explained (spec §4). */
export function manifestCoverage(
  o: { range: TimeRange; rows: number; gaps: readonly GapRecord[]; grid: Grid },
): { ratio: number; explained_ratio: number } {
  const slots = slotCount(o.range, o.grid);
  const explained = o.gaps.reduce((sum, gap) => sum + (isExplained(gap.reason) ? gap.bars : 0), 0);
  return { ratio: o.rows / slots, explained_ratio: (o.rows + explained) / slots };
}

/** How many slots of `range` lie in `held` (flat, ascending, disjoint, on the grid). */
export function slotsWithin(held: Ranges, [start, end]: TimeRange, grid: Grid): number {
  let slots = 0;
  for (let i = firstEndingAfter(held, start); i < held.length && held[i] < end; i += 2) {
    slots += slotCount([Math.max(start, held[i]), Math.min(end, held[i + 1])], grid);
  }
  return slots;
}

/** Whether the instant lies in one of the ranges. */
export function contains(ranges: Ranges, t: number): boolean {
  const at = firstEndingAfter(ranges, t);
  return at < ranges.length && ranges[at] <= t;
}
