/**
 * The running service as its doors see it: HTTP routes, CLI verbs and the library all call this one interface.
 * `wire.ts` builds it. Shapes that outsiders see are those of surface.md §4 and §6, field for field.
 */

import type { Answer } from "./answer.ts";
import type { GapReason } from "./gap_reason.ts";
import type { Metadata } from "./metadata.ts";
import type { JobState, Priority } from "./ports.ts";
import type { FetchRequest, RequestContext } from "./request.ts";
import type { ErrorCode } from "./errors.ts";
import type { TimeRange } from "./time_range.ts";

export type { Answer, AnswerRows, BarSlice } from "./answer.ts";

/** Which parts of a node are there (`GET /v1/coverage`). Ranges half-open, epoch seconds; `segments` are runs of bars. */
export interface CoverageReport {
  node_id: string;
  interval: number;
  grid: Metadata["grid"];
  covered: TimeRange[];
  segments: { start: number; end: number; bars: number; interval_seconds: number }[];
  coverage_ratio: number;
  explained_ratio: number;
  first_bar: number | null;
  last_bar: number | null;
  watermark: number | null;
}

export interface GapRow {
  start: number;
  end: number;
  bars: number;
  reason: GapReason;
  settled: boolean;
  first_seen: number | null;
  last_asked: number | null;
  next_ask: number | null;
  attempts: number;
  error: string | null;
  alternative: string | null;
}

export interface GapPage {
  node_id: string;
  gaps: GapRow[];
  gaps_total: number;
  /** Start of the next gap, or null: doors wrap it into a cursor. */
  next: number | null;
}

export interface ConditionReport {
  node_id: string;
  days: {
    date: string;
    condition: "pending" | "available" | "missing" | "degraded";
    bars: number;
    expected: number;
    last_modified: number | null;
  }[];
}

export interface NodePage {
  nodes: {
    node_id: string;
    interval: number;
    grid: Metadata["grid"];
    volume_unit: string;
    first_bar: number | null;
    last_bar: number | null;
    snapshots: number;
    last_as_of: string | null;
  }[];
  /** Last node id of the page when more follow, or null. */
  next: string | null;
}

export interface SnapshotRow {
  seq: number;
  as_of: string;
  dataset_fingerprint: string;
  range: TimeRange;
  row_count: number;
  publication_watermark: number;
  operation: string;
  manifest_uri: string;
  manifest_sha256: string;
  pinned: boolean;
}

export interface SnapshotPage {
  snapshots: SnapshotRow[];
  /** The sequence number to go on below, or null. */
  next: number | null;
}

/** What is to be filled. Times as in `FetchRequest`; null start: the venue's first bar; null end: the last closed bar. */
export interface BackfillSpec {
  nodes: string[];
  start: number | string | null;
  end: number | string | null;
  priority?: Priority;
  refetch?: boolean;
  idempotency_key?: string;
}

export interface PlanReport {
  windows: number;
  calls: number;
  /** CCXT cost units. */
  weight: number;
  seconds: number;
  /** Slots that would be asked. */
  bars: number;
  bytes: number;
  nodes: { node_id: string; windows: number; calls: number; weight: number; bars: number }[];
}

/** The job of `GET /v1/backfills/{id}`. */
export interface JobReport {
  id: string;
  state: JobState;
  windows: { total: number; complete: number; failed: number; deduplicated: number };
  rows: number;
  completion_ratio: number;
  eta_seconds: number | null;
  errors: { node_id: string; start: number; end: number; code: string; message: string }[];
  created_at: number;
}

/** One request to look at; what its edge found wrong already comes along, and the terms under which it would be asked. */
export interface ToValidate {
  request: FetchRequest;
  problem?: ValidationProblem;
  context?: RequestContext;
}

/** One problem of `POST /v1/validate`. */
export interface ValidationProblem {
  index: number;
  code: ErrorCode;
  detail: string;
  hint: string;
}

/** How much was proven so far: files, and the bytes of their rows in canonical form (48 a bar), each hashed. */
export interface VerifyProgress {
  segments: number;
  bytes: number;
}

export interface VerifyReport {
  ok: boolean;
  checked: { manifests: number; segments: number; chunks: number; signatures: number };
  failures: { kind: string; where: string; expected: string; found: string }[];
  /** Nodes of which nothing is published: their stored chunks alone were verified. Left out when there are none. */
  unpublished?: string[];
}

export interface ExplainReport {
  node_id: string;
  ts: number;
  state: "bar" | "gap";
  reason: GapReason | null;
  bar: { open: number; high: number; low: number; close: number; volume: number } | null;
  final: boolean;
  source: string | null;
  fetched_at: number | null;
  window: TimeRange | null;
  flags: Record<string, number>;
  revisions: {
    seen_at: number;
    values: { open: number; high: number; low: number; close: number; volume: number } | null;
    cause: string;
    kept: boolean;
  }[];
  snapshots: { seq: number; as_of: string; chunk: string }[];
}

export interface Check {
  name: string;
  ok: boolean;
  message: string;
  hint?: string;
}

/** What happens while the service runs; sent over `/v1/events` and to progress displays. Events before `backfill.*` of spec §14. */
export type ServiceEvent =
  | {
    type: "backfill";
    phase: "attempt" | "complete" | "fail" | "retry";
    batch_id: string;
    attempt: number;
    node_id: string;
    interval: number;
    start: number;
    end: number;
    rows: number;
    source: string;
    error?: string;
  }
  | { type: "gap"; node_id: string; start: number; end: number; bars: number; reason: GapReason }
  | {
    type: "snapshot";
    node_id: string;
    seq: number;
    as_of: string;
    dataset_fingerprint: string;
    operation: string;
  };

/** The service. Every method rejects with `HistoryError` (surface §5) for what can be expected. */
export interface HistoryService {
  /** One question of domain live or backtest. */
  bars(request: FetchRequest, context?: RequestContext): Promise<Answer>;
  coverage(nodeId: string, o?: { range?: TimeRange; asOf?: string }): Promise<CoverageReport>;
  gaps(
    nodeId: string,
    o: { range: TimeRange; reason?: string; limit: number; after?: number; asOf?: string },
  ): Promise<GapPage>;
  condition(nodeId: string, range: TimeRange): Promise<ConditionReport>;
  nodes(o: { exchange?: string; limit: number; after?: string }): Promise<NodePage>;
  snapshots(
    nodeId: string,
    o: { asOf?: string; fingerprint?: string; limit: number; before?: number },
  ): Promise<SnapshotPage>;
  /** What a fill would ask. `offline`: not even whether the venue lists the symbol is asked. */
  plan(spec: BackfillSpec, signal?: AbortSignal, o?: { offline?: boolean }): Promise<PlanReport>;
  validate(requests: ToValidate[]): ValidationProblem[];
  /** Starts (or finds, by idempotency key) a job; it runs on after this resolves. */
  startBackfill(spec: BackfillSpec): Promise<JobReport>;
  backfill(id: string): Promise<JobReport>;
  cancelBackfill(id: string): Promise<JobReport>;
  /** Runs a job to its end in this call: what `fill` does. Cancelling keeps finished windows. */
  fill(
    spec: BackfillSpec,
    o: { signal?: AbortSignal; onProgress?: (job: JobReport) => void; workers?: number },
  ): Promise<
    JobReport
  >;
  publish(nodeIds: string[], range?: { start?: number; end?: number }): Promise<
    { published: SnapshotRow[]; unchanged: SnapshotRow[] }
  >;
  verify(
    o: {
      nodeIds: string[];
      asOf?: string;
      fingerprint?: string;
      hot?: boolean;
      keyPem?: string;
      signal?: AbortSignal;
      onProgress?: (done: VerifyProgress) => void;
    },
  ): Promise<
    VerifyReport
  >;
  explain(nodeId: string, ts: number): Promise<ExplainReport>;
  /** An object of the artifact store. */
  artifact(key: string, range?: { start: number; end: number }): Promise<Uint8Array | null>;
  artifactSize(key: string): Promise<number | null>;
  /** Events from now on; ends when the signal fires. */
  events(listener: (event: ServiceEvent & { id: number }) => void): () => void;
  /** Liveness of every part: stores, artifacts, golden frame. */
  ready(): Promise<{ ready: boolean; checks: Check[] }>;
  doctor(): Promise<{ ok: boolean; checks: Check[] }>;
  /** Rests what runs, flushes, releases leases and closes stores. Later calls give `CANCELLED`. */
  close(): Promise<void>;
}

/** The service of this process: it answers every question, and knows at once what the time is at a venue. */
export interface LocalService extends HistoryService {
  /** Start of the bar that is forming by the venue's clock, as far as that is known: where a range without end ends. */
  forming(nodeId: string): Promise<number>;
  /** Waits until the work that outlived its calls has ended, at most `ms`. `CANCELLED` when the signal fires. */
  rest(ms: number, signal?: AbortSignal): Promise<void>;
}
