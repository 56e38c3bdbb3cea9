/** JSON Schemas of what leaves the service: the shapes of surface.md §3 and §4, for `/openapi.json`. */

import { errorCodes } from "../core/errors.ts";
import { GAP_REASONS } from "../core/gap_reason.ts";
import { EVENT_TYPES } from "./event_hub.ts";
import type { JsonSchema } from "./route.ts";

const INT: JsonSchema = { type: "integer" };
const COUNT: JsonSchema = { type: "integer", minimum: 0 };
const NUM: JsonSchema = { type: "number" };
const TEXT: JsonSchema = { type: "string" };
const BOOL: JsonSchema = { type: "boolean" };
const RATIO: JsonSchema = { type: "number", minimum: 0, maximum: 1 };
const RANGE: JsonSchema = { type: "array", items: INT, minItems: 2, maxItems: 2 };
const FINGERPRINT: JsonSchema = { type: "string", pattern: "^sfp1:[0-9a-f]{64}$" };
const AS_OF: JsonSchema = { type: "string", format: "date-time" };
const REASON: JsonSchema = { type: "string", enum: [...GAP_REASONS] };
const COUNTS: JsonSchema = { type: "object", additionalProperties: COUNT };

function orNull(schema: JsonSchema): JsonSchema {
  return { anyOf: [schema, { type: "null" }] };
}

function listOf(items: JsonSchema): JsonSchema {
  return { type: "array", items };
}

/** An object whose fields are all required; readers ignore further ones. */
function record(
  properties: Record<string, JsonSchema>,
  optional: Record<string, JsonSchema> = {},
): JsonSchema {
  return {
    type: "object",
    required: Object.keys(properties),
    properties: { ...properties, ...optional },
  };
}

/** A reference to one of `SCHEMAS`. */
export function schemaRef(name: keyof typeof SCHEMAS): JsonSchema {
  return { $ref: `#/components/schemas/${name}` };
}

const GRID: JsonSchema = {
  anyOf: [
    record({ step: { type: "integer", minimum: 1 }, anchor: INT }),
    record({ unit: { type: "string", const: "month" } }),
  ],
};

const GAP = record({
  start: INT,
  end: INT,
  bars: COUNT,
  reason: REASON,
  settled: BOOL,
  alternative: orNull(TEXT),
});

const METADATA = record({
  node_id: TEXT,
  interval: COUNT,
  grid: GRID,
  requested_range: RANGE,
  effective_range: RANGE,
  rows: COUNT,
  coverage_bounds: orNull(RANGE),
  coverage_ratio: RATIO,
  explained_ratio: RATIO,
  complete: BOOL,
  gaps: listOf(GAP),
  gaps_total: COUNT,
  conformance_version: TEXT,
  conformance_flags: COUNTS,
  conformance_warnings: listOf(TEXT),
  final_until: INT,
  dataset_fingerprint: orNull(FINGERPRINT),
  fingerprint_scope: { type: "string", enum: ["snapshot", "answer"] },
  answer_fingerprint: orNull(FINGERPRINT),
  preview_fingerprint: orNull(FINGERPRINT),
  as_of: orNull(AS_OF),
  requested_as_of: orNull(AS_OF),
  snapshot: orNull(record({ seq: COUNT, manifest_uri: TEXT, manifest_sha256: TEXT })),
  world_id: TEXT,
  execution_domain: { type: "string", enum: ["backtest", "dryrun", "live"] },
  session_id: orNull(TEXT),
  strategy: TEXT,
  features: { type: "object" },
  verdict: record({
    mode: { type: "string", enum: ["PASS", "PARTIAL_FILL", "HOLD"] },
    reasons: listOf(TEXT),
  }),
  sla: orNull(record({ phases: { type: "object" }, violation: orNull({ type: "object" }) })),
  sources: orNull(record({ cache: COUNT, snapshot: COUNT, storage: COUNT, backfill: COUNT, live: COUNT })),
  staleness_seconds: orNull(NUM),
  retry_after: orNull(NUM),
});

const JOB_STATE: JsonSchema = {
  type: "string",
  enum: ["queued", "running", "complete", "incomplete", "failed", "cancelled"],
};

const CHECK = record({ name: TEXT, ok: BOOL, message: TEXT });

/** Every named shape. */
export const SCHEMAS = {
  Problem: record({
    type: TEXT,
    title: TEXT,
    status: { type: "integer", minimum: 400, maximum: 599 },
    detail: TEXT,
    code: { type: "string", enum: errorCodes() },
    hint: TEXT,
  }, {
    retry_after: NUM,
    ranges: listOf(RANGE),
    phase: TEXT,
    budget_ms: NUM,
    elapsed_ms: NUM,
  }),
  Metadata: METADATA,
  Bars: record({
    metadata: { $ref: "#/components/schemas/Metadata" },
    columns: listOf(TEXT),
    rows: listOf({ type: "array", prefixItems: [INT], items: orNull(NUM) }),
    next: orNull(TEXT),
  }),
  Coverage: record({
    node_id: TEXT,
    interval: COUNT,
    grid: GRID,
    covered: listOf(RANGE),
    segments: listOf(record({ start: INT, end: INT, bars: COUNT, interval_seconds: COUNT })),
    coverage_ratio: RATIO,
    explained_ratio: RATIO,
    first_bar: orNull(INT),
    last_bar: orNull(INT),
    watermark: orNull(INT),
  }),
  Gaps: record({
    node_id: TEXT,
    gaps: listOf(record({
      start: INT,
      end: INT,
      bars: COUNT,
      reason: REASON,
      settled: BOOL,
      first_seen: orNull(NUM),
      last_asked: orNull(NUM),
      next_ask: orNull(NUM),
      attempts: COUNT,
      error: orNull(TEXT),
      alternative: orNull(TEXT),
    })),
    gaps_total: COUNT,
    next: orNull(TEXT),
  }),
  Condition: record({
    node_id: TEXT,
    days: listOf(record({
      // Years outside 0000…9999 take a sign and six digits, as ISO 8601 extends them.
      date: { type: "string", pattern: "^([0-9]{4}|[+-][0-9]{6})-[0-9]{2}-[0-9]{2}$" },
      condition: { type: "string", enum: ["pending", "available", "missing", "degraded"] },
      bars: COUNT,
      expected: COUNT,
      last_modified: orNull(NUM),
    })),
  }),
  Nodes: record({
    nodes: listOf(record({
      node_id: TEXT,
      interval: COUNT,
      grid: GRID,
      volume_unit: TEXT,
      first_bar: orNull(INT),
      last_bar: orNull(INT),
      snapshots: COUNT,
      last_as_of: orNull(AS_OF),
    })),
    next: orNull(TEXT),
  }),
  Snapshots: record({
    snapshots: listOf(record({
      seq: COUNT,
      as_of: AS_OF,
      dataset_fingerprint: FINGERPRINT,
      range: RANGE,
      row_count: COUNT,
      publication_watermark: INT,
      operation: TEXT,
      manifest_uri: TEXT,
      manifest_sha256: TEXT,
      pinned: BOOL,
    })),
    next: orNull(TEXT),
  }),
  Plan: record({
    windows: COUNT,
    calls: COUNT,
    weight: NUM,
    seconds: NUM,
    bars: COUNT,
    bytes: COUNT,
    nodes: listOf(record({ node_id: TEXT, windows: COUNT, calls: COUNT, weight: NUM, bars: COUNT })),
  }),
  JobStarted: record({ id: TEXT, state: JOB_STATE, created_at: INT }),
  Job: record({
    id: TEXT,
    state: JOB_STATE,
    windows: record({ total: COUNT, complete: COUNT, failed: COUNT, deduplicated: COUNT }),
    rows: COUNT,
    completion_ratio: RATIO,
    eta_seconds: orNull(NUM),
    errors: listOf(record({ node_id: TEXT, start: INT, end: INT, code: TEXT, message: TEXT })),
  }),
  Validation: record({
    ok: BOOL,
    problems: listOf(record({ index: COUNT, code: TEXT, detail: TEXT, hint: TEXT })),
  }),
  Event: record({}, {
    id: TEXT,
    event: { type: "string", enum: [...EVENT_TYPES] },
    data: TEXT,
    retry: COUNT,
  }),
  Health: record({ status: { type: "string", const: "ok" } }),
  Readiness: record({ ready: BOOL, checks: listOf(CHECK) }),
} satisfies Record<string, JsonSchema>;
