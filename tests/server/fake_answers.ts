/** What the fake service says of its answers: metadata of the shape of surface §3, and digests of rows. */

import type { Bars } from "../../src/core/bar_frame.ts";
import { parseDomain } from "../../src/core/domain.ts";
import { HistoryError } from "../../src/core/errors.ts";
import type { Gap, Metadata } from "../../src/core/metadata.ts";
import { parseNodeId } from "../../src/core/node_id.ts";
import type { FetchRequest, RequestContext } from "../../src/core/request.ts";
import type { GapRow, SnapshotRow } from "../../src/core/service.ts";
import type { TimeRange } from "../../src/core/time_range.ts";
import { gridOf, gridRecord, intervalOf } from "../../src/core/timeframe.ts";
import { encodeRows } from "../../src/core/stored_chunk.ts";

/** One answer, before it is described. */
export interface FakeAnswer {
  request: FetchRequest;
  domain: Metadata["execution_domain"];
  requested: TimeRange;
  effective: TimeRange;
  bars: Bars;
  snapshot: SnapshotRow | null;
  slots: number;
  answerFingerprint: string | null;
}

/** The metadata of an answer whose missing slots all stand at its end. */
export function describe(o: FakeAnswer): Metadata {
  const { request, effective, requested, snapshot, domain } = o;
  const grid = gridOf(parseNodeId(request.nodeId).timeframe!);
  return {
    node_id: request.nodeId,
    interval: intervalOf(grid),
    grid: gridRecord(grid),
    requested_range: requested,
    effective_range: effective,
    ...rowsOf(o, intervalOf(grid)),
    conformance_version: "v2",
    conformance_warnings: [],
    final_until: effective[1],
    dataset_fingerprint: snapshot?.dataset_fingerprint ?? null,
    fingerprint_scope: snapshot ? "snapshot" : "answer",
    answer_fingerprint: o.answerFingerprint,
    preview_fingerprint: null,
    as_of: snapshot?.as_of ?? null,
    requested_as_of: request.asOf ?? null,
    snapshot: snapshot
      ? { seq: snapshot.seq, manifest_uri: snapshot.manifest_uri, manifest_sha256: snapshot.manifest_sha256 }
      : null,
    world_id: request.worldId ?? "default",
    execution_domain: domain,
    session_id: null,
    strategy: "SEAMLESS",
    features: {},
    ...clockOf(domain, o.bars.ts.length),
    retry_after: null,
  };
}

function rowsOf({ bars, slots, effective }: FakeAnswer, step: number) {
  const rows = bars.ts.length;
  const missing = slots - rows;
  const gaps = missing > 0 ? [gapAt(effective, missing, step)] : [];
  const ratio = slots === 0 ? 1 : rows / slots;
  const bounds: TimeRange | null = rows > 0 ? [bars.ts[0], bars.ts[rows - 1] + step] : null;
  const verdict: Metadata["verdict"] = missing > 0
    ? { mode: "PARTIAL_FILL", reasons: ["open_gaps"] }
    : { mode: "PASS", reasons: [] };
  return {
    rows,
    coverage_bounds: bounds,
    coverage_ratio: ratio,
    explained_ratio: ratio,
    complete: missing === 0,
    gaps,
    gaps_total: gaps.length,
    conformance_flags: missing > 0 ? { gap: missing, non_finite: 3 } : {} as Record<string, number>,
    verdict,
  };
}

/** Bodies of pinned answers carry no clock. */
function clockOf(domain: Metadata["execution_domain"], rows: number) {
  if (domain !== "live") return { sla: null, sources: null, staleness_seconds: null };
  return {
    sla: { phases: { storage_wait: { ms: 1, budget_ms: 300 } }, violation: null },
    sources: { cache: 0, snapshot: 0, storage: rows, backfill: 0, live: 0 },
    staleness_seconds: 60,
  };
}

function gapAt(range: TimeRange, bars: number, step: number): Gap {
  const start = range[1] - bars * step;
  return { start, end: range[1], bars, reason: "pending", settled: false, alternative: null };
}

/** SHA-256 over the rows as they are sent, hex. */
export async function digestOf(bars: Bars): Promise<string> {
  const bytes = encodeRows(bars);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** Stands for a fingerprint where the core plays no part: of the right form, and a function of the rows. */
export async function plainFingerprint(bars: Bars): Promise<string> {
  return `sfp1:${await digestOf(bars)}`;
}

/** The domain that a request means. */
export function domainOf(request: FetchRequest, context: RequestContext): Metadata["execution_domain"] {
  const selects = request.asOf !== undefined || request.fingerprint !== undefined;
  if (request.executionDomain === undefined && context.requireContext) {
    throw new HistoryError("CONTEXT_REQUIRED", "Cannot answer without an execution domain", {
      hint: "Give execution_domain=live or backtest",
    });
  }
  const domain = request.executionDomain === undefined
    ? selects ? "backtest" : "live"
    : parseDomain(request.executionDomain);
  if (domain === "dryrun") {
    throw new HistoryError("NOT_AVAILABLE", "Cannot serve dryrun: it is not built yet", { hint: "Use live" });
  }
  if (domain === "backtest" && !selects) {
    throw new HistoryError("AS_OF_REQUIRED", "Cannot serve backtest: as_of is missing", {
      hint: "Give as_of",
    });
  }
  return request.fingerprint !== undefined ? "backtest" : domain;
}

/** `RANGE_TOO_LARGE`. */
export function tooLarge(slots: number, most: number): HistoryError {
  return new HistoryError("RANGE_TOO_LARGE", `Cannot answer ${slots} slots at once: at most ${most}`, {
    hint: "Give limit, or a shorter range",
  });
}

/** A settled gap of one slot. */
export function gapRow(start: number, step: number): GapRow {
  return {
    start,
    end: start + step,
    bars: 1,
    reason: "absent_at_source",
    settled: true,
    first_seen: 1_700_000_000,
    last_asked: 1_700_000_000,
    next_ask: null,
    attempts: 1,
    error: null,
    alternative: null,
  };
}

/** What of `held` lies inside `range`; null: nothing. */
export function clip(held: TimeRange, range: TimeRange | undefined): TimeRange | null {
  if (range === undefined) return held;
  const clipped: TimeRange = [Math.max(held[0], range[0]), Math.min(held[1], range[1])];
  return clipped[0] < clipped[1] ? clipped : null;
}
