/** The parts of an answer's metadata that every domain fills the same way (surface.md §3). */

import type { FoundGap } from "../core/gaps.ts";
import { isSettled } from "../core/gap_reason.ts";
import { formatAsOf } from "../core/instant.ts";
import { METADATA_MAX_GAPS } from "../core/limits.ts";
import { CONFORMANCE_VERSION, type Gap, type Metadata } from "../core/metadata.ts";
import type { Clock } from "../core/ports.ts";
import { gridRecord, intervalOf, slotCount, slotOf, slotStart } from "../core/timeframe.ts";
import type { Grid } from "../core/timeframe.ts";
import type { TimeRange } from "../core/time_range.ts";
import { boundsOf, type Piece } from "./pieces.ts";
import type { Question } from "./question.ts";

/** Fields known from the question and the rows; what the domain decides is null, empty or harmless here. */
export function baseMetadata(
  o: { question: Question; grid: Grid; requested: TimeRange; effective: TimeRange; pieces: Piece[] },
): Metadata {
  return {
    node_id: o.question.nodeId,
    interval: intervalOf(o.grid),
    grid: gridRecord(o.grid),
    requested_range: o.requested,
    effective_range: o.effective,
    rows: o.pieces.reduce((rows, piece) => rows + piece.rows, 0),
    coverage_bounds: coverageBounds(o.pieces, o.grid),
    coverage_ratio: 1,
    explained_ratio: 1,
    complete: true,
    gaps: [],
    gaps_total: 0,
    conformance_version: CONFORMANCE_VERSION,
    conformance_flags: {},
    conformance_warnings: [],
    final_until: o.effective[1],
    dataset_fingerprint: null,
    fingerprint_scope: "answer",
    answer_fingerprint: null,
    preview_fingerprint: null,
    as_of: null,
    requested_as_of: o.question.asOfMs === null ? null : formatAsOf(o.question.asOfMs),
    snapshot: null,
    world_id: o.question.worldId,
    execution_domain: o.question.domain,
    session_id: null,
    strategy: o.question.strategy,
    features: o.question.features,
    verdict: { mode: "PASS", reasons: [] },
    sla: null,
    sources: null,
    staleness_seconds: null,
    retry_after: null,
  };
}

/** First `ts` and end of the last bar; null without rows. */
function coverageBounds(pieces: Piece[], grid: Grid): TimeRange | null {
  if (pieces.length === 0) return null;
  const { last } = boundsOf(pieces[pieces.length - 1]);
  return [boundsOf(pieces[0]).first, slotStart(slotOf(last, grid) + 1, grid)];
}

/** Seconds since the end of the last bar; null without rows. */
export function ageOf(bounds: TimeRange | null, clock: Clock): number | null {
  return bounds === null ? null : clock.nowMs() / 1000 - bounds[1];
}

/** An age as metadata tell it. */
export function wholeSeconds(age: number | null): number | null {
  return age === null ? null : Math.max(0, Math.floor(age));
}

/** The first gaps, and how many there are. */
export function gapList(gaps: readonly FoundGap[], grid: Grid): { gaps: Gap[]; gaps_total: number } {
  const shown = gaps.slice(0, METADATA_MAX_GAPS).map(({ start, end, reason }): Gap => ({
    start,
    end,
    bars: slotCount([start, end], grid),
    reason,
    settled: isSettled(reason),
    alternative: null,
  }));
  return { gaps: shown, gaps_total: gaps.length };
}

const WARNING = "warning: ";

/** Flags summed over the findings inside the range, `gap` counted now; warnings without repetition. Names ascend. */
export function flagsOf(
  findings: readonly { ts: number; flag: string; count: number }[],
  [start, end]: TimeRange,
  missing: number,
): { flags: Record<string, number>; warnings: string[] } {
  const sums = new Map<string, number>();
  const warnings = new Set<string>();
  for (const { ts, flag, count } of findings) {
    if (ts < start || ts >= end) continue;
    if (flag.startsWith(WARNING)) warnings.add(flag.slice(WARNING.length));
    else sums.set(flag, (sums.get(flag) ?? 0) + count);
  }
  if (missing > 0) sums.set("gap", missing);
  const names = [...sums.keys()].sort();
  return { flags: Object.fromEntries(names.map((name) => [name, sums.get(name)!])), warnings: [...warnings] };
}
