/**
 * What every answer carries (surface.md §3): one shape for HTTP, the CLI and the library. All fields are always
 * present; seconds unless a name says otherwise; ranges are half-open.
 */

import type { GapReason } from "./gap_reason.ts";
import type { TimeRange } from "./time_range.ts";

export type ExecutionDomain = "backtest" | "dryrun" | "live";
export type StrategyName = "FAIL_FAST" | "AUTO_BACKFILL" | "PARTIAL_FILL" | "SEAMLESS";
export type OnViolation = "FAIL_FAST" | "PARTIAL_FILL" | "HOLD";

/** The SLA of a request (spec §10). Budgets in ms; `null`: not set. */
export interface SLAPolicy {
  max_wait_storage_ms: number;
  max_wait_backfill_ms: number;
  max_wait_live_ms: number;
  total_deadline_ms: number;
  retry_backoff_ms: number;
  max_sync_gap_bars: number | null;
  min_coverage: number | null;
  max_lag_seconds: number | null;
  on_violation: OnViolation;
}

/** Switches of one request (surface.md §3). */
export interface Features {
  publish_fingerprint?: boolean;
  early_fingerprint?: boolean;
  align?: "reject" | "floor";
  invariant?: "flag" | "quarantine";
}

export type Phase = "storage_wait" | "backfill_wait" | "live_wait" | "total" | "sync_gap";

/** One gap of an answer: slots of the effective range without a bar. */
export interface Gap {
  start: number;
  end: number;
  bars: number;
  reason: GapReason;
  settled: boolean;
  /** Node id of a derived series that could fill it, or null. */
  alternative: string | null;
}

/** A budget that was broken. `sync_gap` counts bars, the others milliseconds. */
export type SlaViolation =
  | { phase: Exclude<Phase, "sync_gap">; budget_ms: number; elapsed_ms: number }
  | { phase: "sync_gap"; budget_bars: number; bars: number };

/** Why an answer may not be traded on (spec §11). */
export type VerdictReason =
  | "freshness_breach"
  | "as_of_regression"
  | "conformance_blocked"
  | "fingerprint_drift"
  | "world_downgrade"
  | "sla_violation"
  | "coverage_breach"
  | "open_gaps";

/** Whether an answer may be traded on: `HOLD` means compute, do not trade. All reasons are named. */
export interface Verdict {
  mode: "PASS" | "PARTIAL_FILL" | "HOLD";
  reasons: VerdictReason[];
}

/** Rows by where they came from. */
export interface Sources {
  cache: number;
  snapshot: number;
  storage: number;
  backfill: number;
  live: number;
}

/** The metadata of one answer. */
export interface Metadata {
  node_id: string;
  interval: number;
  grid: { step: number; anchor: number } | { unit: "month" };
  requested_range: TimeRange;
  effective_range: TimeRange;
  rows: number;
  /** First `ts` and end of the last bar; null without rows. */
  coverage_bounds: TimeRange | null;
  coverage_ratio: number;
  explained_ratio: number;
  complete: boolean;
  /** The first 1,000. */
  gaps: Gap[];
  gaps_total: number;
  conformance_version: string;
  conformance_flags: Record<string, number>;
  conformance_warnings: string[];
  final_until: number;
  dataset_fingerprint: string | null;
  fingerprint_scope: "snapshot" | "answer";
  answer_fingerprint: string | null;
  preview_fingerprint: string | null;
  as_of: string | null;
  requested_as_of: string | null;
  snapshot: { seq: number; manifest_uri: string; manifest_sha256: string } | null;
  world_id: string;
  execution_domain: ExecutionDomain;
  session_id: string | null;
  strategy: StrategyName;
  features: Features;
  verdict: Verdict;
  /** Null in backtest and dryrun, whose bodies carry no clock. */
  sla: {
    phases: Partial<Record<Phase, { ms: number; budget_ms: number }>>;
    violation: SlaViolation | null;
  } | null;
  sources: Sources | null;
  staleness_seconds: number | null;
  retry_after: number | null;
}

/** The version of the conformance pipeline, as fingerprints claim it. */
export const CONFORMANCE_VERSION = "v2";
