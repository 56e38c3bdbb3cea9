/** The route table: what is dispatched, and what `/openapi.json` documents. */

import { BATCH_MAX_ITEMS } from "../core/limits.ts";
import type { ErrorCode } from "../core/errors.ts";
import { GAP_REASONS } from "../core/gap_reason.ts";
import { MEDIA_TYPES } from "../formats/format.ts";
import { handleArtifact } from "./artifacts_route.ts";
import { handleBackfill, handleCancelBackfill, handlePlan, handleStartBackfill } from "./backfill_routes.ts";
import { handleValidate } from "./backfill_routes.ts";
import { BARS_PARAMS } from "./bars_query.ts";
import { handleBars } from "./bars_route.ts";
import { handleNodes, handleSnapshots } from "./catalog_routes.ts";
import { handleCondition, handleCoverage, handleGaps } from "./coverage_routes.ts";
import { EVENT_TYPES } from "./event_hub.ts";
import { handleEvents } from "./events_route.ts";
import { handleHealth, handleOpenApi, handleReady, handleRoot } from "./own_routes.ts";
import {
  AS_OF,
  CURSOR,
  END,
  FINGERPRINT,
  LIMIT,
  NODE_ID,
  NODE_ID_SCHEMA,
  START,
  TIME_SCHEMA,
  WORLD_ID,
} from "./parameters.ts";
import type { JsonSchema, QueryParam, Route, RouteAnswer } from "./route.ts";
import { schemaRef, type SCHEMAS } from "./schemas.ts";
import { UNBUILT_ROUTES } from "./unbuilt_routes.ts";

const TIMES: readonly ErrorCode[] = ["BAD_NODE_ID", "BAD_TIME"];
const STORES: readonly ErrorCode[] = ["STORE_UNAVAILABLE", "CANCELLED"];
const PUBLISHED: readonly ErrorCode[] = [
  "SNAPSHOT_UNKNOWN",
  "AS_OF_NOT_SETTLED",
  "ARTIFACT_STORE_UNAVAILABLE",
];
const PAGED: readonly ErrorCode[] = ["CURSOR_INVALID", "CURSOR_EXPIRED"];
const VENUES: readonly ErrorCode[] = [
  "BAD_TIMEFRAME",
  "EXCHANGE_UNKNOWN",
  "SYMBOL_UNKNOWN",
  "EXCHANGE_REFUSED",
  "EXCHANGE_UNAVAILABLE",
  "RATE_LIMITED",
];
const BARS_ERRORS: readonly ErrorCode[] = [
  ...TIMES,
  ...STORES,
  ...PUBLISHED,
  ...PAGED,
  ...VENUES,
  "UNKNOWN_DOMAIN",
  "CONTEXT_REQUIRED",
  "AS_OF_REQUIRED",
  "DOMAIN_DISABLED",
  "NOT_ACCEPTABLE",
  "ARTIFACT_MISSING",
  "ARTIFACT_COLLECTED",
  "COVERAGE_INCOMPLETE",
  "RANGE_TOO_LARGE",
  "CONFORMANCE_BLOCKED",
  "VERIFY_FAILED",
  "NOT_AVAILABLE",
  "CLOCK_SKEW",
  "SLA_EXCEEDED",
];
const PAGE_LINK = { Link: 'The next page: <…>; rel="next"' };
const BINARY: JsonSchema = {};

function answersJson(name: keyof typeof SCHEMAS, description: string, headers?: Record<string, string>) {
  return { description, content: { "application/json": schemaRef(name) }, headers } as RouteAnswer;
}

const BARS_ANSWER: RouteAnswer = {
  description: "The bars, complete or not, with their metadata",
  content: {
    [MEDIA_TYPES.json]: schemaRef("Bars"),
    [MEDIA_TYPES.arrow]: BINARY,
    [MEDIA_TYPES.parquet]: BINARY,
    [MEDIA_TYPES.csv]: { type: "string" },
    [MEDIA_TYPES.ndjson]: { type: "string" },
  },
  headers: {
    "Seamless-Fingerprint": "dataset_fingerprint",
    "Seamless-Answer-Fingerprint": "answer_fingerprint",
    "Seamless-As-Of": "as_of",
    "Seamless-Coverage": "ratio=…;explained=…;complete=…;gaps=…",
    "Seamless-Flags": "conformance_flags",
    "Seamless-Verdict": "mode, then reasons",
    ...PAGE_LINK,
  },
};
const UNCHANGED: RouteAnswer = { description: "What If-None-Match names is still right" };

const BACKFILL_BODY: JsonSchema = {
  type: "object",
  required: ["nodes", "start"],
  additionalProperties: false,
  properties: {
    nodes: { type: "array", items: NODE_ID_SCHEMA, minItems: 1, maxItems: BATCH_MAX_ITEMS },
    start: { anyOf: [TIME_SCHEMA, { type: "null" }], description: "Null: the venue's first bar" },
    end: { anyOf: [TIME_SCHEMA, { type: "null" }], description: "Default: the last closed bar" },
    priority: { type: "string", enum: ["live", "dryrun", "backfill"] },
    refetch: { type: "boolean" },
    idempotency_key: { type: "string", minLength: 1, maxLength: 200 },
  },
};

const VALIDATE_BODY: JsonSchema = {
  type: "object",
  required: ["requests"],
  additionalProperties: false,
  properties: {
    requests: {
      type: "array",
      minItems: 1,
      maxItems: BATCH_MAX_ITEMS,
      // What is wrong with one request is the answer, not a reason to refuse the question.
      items: { description: "The names of GET /v1/bars" },
    },
  },
};

const EVENT_PARAMS: readonly QueryParam[] = [
  { name: "types", description: `Comma-separated: ${EVENT_TYPES.join(",")}`, schema: { type: "string" } },
  { ...NODE_ID, required: false },
  WORLD_ID,
];

const REASON = {
  name: "reason",
  description: "Gaps with this reason alone",
  schema: { type: "string", enum: [...GAP_REASONS] },
};

const BUILT: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/bars",
    role: "read",
    summary: "Bars of a series from here to there",
    query: BARS_PARAMS,
    answers: { 200: BARS_ANSWER, 304: UNCHANGED },
    errors: BARS_ERRORS,
    handle: handleBars,
  },
  {
    method: "GET",
    path: "/v1/coverage",
    role: "read",
    summary: "What is covered of a series",
    query: [NODE_ID, START, END, AS_OF],
    answers: { 200: answersJson("Coverage", "The covered ranges and the runs of bars") },
    errors: [...TIMES, ...STORES, ...PUBLISHED, "BAD_TIMEFRAME", "RANGE_TOO_LARGE"],
    handle: handleCoverage,
  },
  {
    method: "GET",
    path: "/v1/gaps",
    role: "read",
    summary: "Slots without a bar, each with its reason",
    query: [NODE_ID, { ...START, required: true }, END, REASON, AS_OF, LIMIT, CURSOR],
    answers: { 200: answersJson("Gaps", "One page of gaps, ascending", PAGE_LINK) },
    errors: [...TIMES, ...STORES, ...PUBLISHED, ...PAGED, "BAD_TIMEFRAME", "RANGE_TOO_LARGE"],
    handle: handleGaps,
  },
  {
    method: "GET",
    path: "/v1/condition",
    role: "read",
    summary: "How each day stands",
    query: [NODE_ID, { ...START, required: true }, END],
    answers: { 200: answersJson("Condition", "One entry a day") },
    errors: [...TIMES, ...STORES, "BAD_TIMEFRAME", "RANGE_TOO_LARGE"],
    handle: handleCondition,
  },
  {
    method: "GET",
    path: "/v1/nodes",
    role: "read",
    summary: "The series that are known here",
    query: [
      {
        name: "exchange",
        description: "Series of this exchange alone",
        schema: { type: "string", pattern: "^[a-z0-9_]+$" },
      },
      LIMIT,
      CURSOR,
    ],
    answers: { 200: answersJson("Nodes", "One page of series", PAGE_LINK) },
    errors: [...STORES, ...PAGED],
    handle: handleNodes,
  },
  {
    method: "GET",
    path: "/v1/snapshots",
    role: "read",
    summary: "Published snapshots of a series, newest first",
    query: [NODE_ID, AS_OF, FINGERPRINT, LIMIT, CURSOR],
    answers: { 200: answersJson("Snapshots", "One page of snapshots", PAGE_LINK) },
    errors: [...TIMES, ...STORES, ...PUBLISHED, ...PAGED, "BAD_TIMEFRAME"],
    handle: handleSnapshots,
  },
  {
    method: "POST",
    path: "/v1/plan",
    role: "read",
    summary: "What a backfill would ask, without asking it",
    query: [],
    body: BACKFILL_BODY,
    answers: { 200: answersJson("Plan", "Calls, weight and time") },
    errors: [...TIMES, ...STORES, ...VENUES, "RANGE_TOO_LARGE"],
    handle: handlePlan,
  },
  {
    method: "POST",
    path: "/v1/backfills",
    role: "operate",
    summary: "Starts a backfill job",
    query: [],
    body: BACKFILL_BODY,
    answers: {
      202: answersJson("JobStarted", "The job, under way", { Location: "Where the job reports" }),
    },
    errors: [...TIMES, ...STORES, ...VENUES, "RANGE_TOO_LARGE"],
    handle: handleStartBackfill,
  },
  {
    method: "GET",
    path: "/v1/backfills/{id}",
    role: "read",
    summary: "How a backfill job stands",
    query: [],
    answers: { 200: answersJson("Job", "The job") },
    errors: [...STORES, "JOB_UNKNOWN"],
    handle: handleBackfill,
  },
  {
    method: "DELETE",
    path: "/v1/backfills/{id}",
    role: "operate",
    summary: "Cancels a backfill job; what is finished is kept",
    query: [],
    answers: { 200: answersJson("Job", "Its last state") },
    errors: [...STORES, "JOB_UNKNOWN"],
    handle: handleCancelBackfill,
  },
  {
    method: "POST",
    path: "/v1/validate",
    role: "read",
    summary: "Checks requests without asking them",
    query: [],
    body: VALIDATE_BODY,
    answers: { 200: answersJson("Validation", "What is wrong with which") },
    errors: [],
    handle: handleValidate,
  },
  {
    method: "GET",
    path: "/v1/events",
    role: "read",
    summary: `What happens, as Server-Sent Events; ?types=${
      EVENT_TYPES.join(",")
    } &node_id= &world_id= choose`,
    query: EVENT_PARAMS,
    unlistedQuery: true,
    answers: {
      200: { description: "An endless stream", content: { "text/event-stream": schemaRef("Event") } },
    },
    errors: ["BAD_NODE_ID"],
    uncounted: true,
    handle: handleEvents,
  },
  {
    method: "GET",
    path: "/artifacts/*",
    role: "read",
    summary: "An object of the artifact store",
    query: [],
    answers: {
      200: { description: "The whole object", content: { "*/*": BINARY } },
      206: { description: "The part that Range asked for", content: { "*/*": BINARY } },
      304: UNCHANGED,
    },
    errors: ["RANGE_NOT_SATISFIABLE", "ARTIFACT_STORE_UNAVAILABLE", "CANCELLED"],
    handle: handleArtifact,
  },
  {
    method: "GET",
    path: "/healthz",
    role: "open",
    summary: "The process answers",
    query: [],
    answers: { 200: answersJson("Health", "It does") },
    errors: [],
    uncounted: true,
    handle: handleHealth,
  },
  {
    method: "GET",
    path: "/readyz",
    role: "open",
    summary: "Every part works",
    query: [],
    answers: { 200: answersJson("Readiness", "All do"), 503: answersJson("Readiness", "One does not") },
    errors: [],
    uncounted: true,
    handle: handleReady,
  },
  {
    method: "GET",
    path: "/openapi.json",
    role: "read",
    summary: "This document",
    query: [],
    answers: { 200: { description: "OpenAPI 3.1", content: { "application/json": { type: "object" } } } },
    errors: [],
    handle: handleOpenApi,
  },
  {
    method: "GET",
    path: "/",
    role: "read",
    summary: "What this is",
    query: [],
    answers: {
      200: {
        description: "A page for people, JSON for programs",
        content: { "application/json": { type: "object" }, "text/html": { type: "string" } },
      },
    },
    errors: [],
    handle: handleRoot,
  },
];

/** All routes. */
export const ROUTES: readonly Route[] = [...BUILT, ...UNBUILT_ROUTES];
