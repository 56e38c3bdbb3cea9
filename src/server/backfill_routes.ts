/** Work on demand: `/v1/plan`, `/v1/backfills`, and `/v1/validate`, which checks requests without asking them. */

import { checkBounds } from "../core/effective_range.ts";
import { HistoryError } from "../core/errors.ts";
import { BATCH_MAX_ITEMS } from "../core/limits.ts";
import { parseNodeId } from "../core/node_id.ts";
import type { BackfillSpec, ToValidate } from "../core/service.ts";
import { PRIORITIES } from "../core/urgency.ts";
import { BARS_NAMES, contextOf, limitOf, readFetchRequest } from "./bars_query.ts";
import { readJson } from "./body.ts";
import { checkSameQuery } from "./cursors.ts";
import { formatFor } from "./negotiation.ts";
import {
  badRequest,
  booleanOf,
  choiceOf,
  type Query,
  readObject,
  secondsOf,
  shown,
  textOf,
  timeOf,
} from "./query.ts";
import { type Call, jsonResponse } from "./route.ts";

const SPEC_NAMES: ReadonlySet<string> = new Set([
  "nodes",
  "start",
  "end",
  "priority",
  "refetch",
  "idempotency_key",
]);
const IDEMPOTENCY_KEY_MAX_CHARS = 200;

/** `POST /v1/plan`. */
export async function handlePlan(call: Call): Promise<Response> {
  const spec = readSpec(await readJson(call));
  return jsonResponse(await call.standing.service.plan(spec, call.signal));
}

/** `POST /v1/backfills`. */
export async function handleStartBackfill(call: Call): Promise<Response> {
  const job = await call.standing.service.startBackfill(readSpec(await readJson(call)));
  const { id, state, created_at } = job;
  return jsonResponse({ id, state, created_at }, {
    status: 202,
    headers: { location: `/v1/backfills/${encodeURIComponent(id)}` },
  });
}

/** `GET /v1/backfills/{id}`. */
export async function handleBackfill(call: Call): Promise<Response> {
  return jsonResponse(await call.standing.service.backfill(call.params.id));
}

/** `DELETE /v1/backfills/{id}`: the last state, also when the job had ended. */
export async function handleCancelBackfill(call: Call): Promise<Response> {
  return jsonResponse(await call.standing.service.cancelBackfill(call.params.id));
}

/** `POST /v1/validate`. */
export async function handleValidate(call: Call): Promise<Response> {
  const body = readObject(await readJson(call), new Set(["requests"]), "the body");
  const requests = listOf(body, "requests").map((value, index) => readRequest(value, index, call));
  const problems = call.standing.service.validate(requests);
  return jsonResponse({ ok: problems.length === 0, problems });
}

/** What cannot even be read goes on as a problem, beside a request that says nothing. */
function readRequest(value: unknown, index: number, { standing: { config, cursors } }: Call): ToValidate {
  try {
    const query = readObject(value, BARS_NAMES, `request ${index}`);
    const limit = limitOf(query);
    formatFor(query, null);
    const token = textOf(query, "cursor");
    const cursor = token === undefined ? null : cursors.open(token, "/v1/bars");
    if (cursor !== null) checkSameQuery(query, cursor.query);
    return {
      request: readFetchRequest(cursor?.query ?? query),
      context: contextOf(config, { unlimited: limit === undefined && cursor === null }),
    };
  } catch (error) {
    if (!(error instanceof HistoryError)) throw error;
    const { code, message, hint } = error;
    return { request: { nodeId: "" }, problem: { index, code, detail: message, hint } };
  }
}

function readSpec(value: unknown): BackfillSpec {
  const body = readObject(value, SPEC_NAMES, "the body");
  const start = secondsOf(body, "start") ?? null;
  const end = secondsOf(body, "end") ?? null;
  if (start !== null) checkBounds({ start, end, last: null });
  const spec: BackfillSpec = {
    nodes: listOf(body, "nodes").map(readNode),
    start: timeOf(body, "start") ?? null,
    end: timeOf(body, "end") ?? null,
  };
  // A whole history is meant only by those who say so: a name left out by mistake must not fetch years.
  if (body.start === undefined) {
    throw badRequest(
      "Cannot tell where to begin: start is missing",
      "Give start, or null for the venue's first bar",
    );
  }
  const priority = choiceOf(body, "priority", PRIORITIES);
  if (priority !== undefined) spec.priority = priority;
  const refetch = booleanOf(body, "refetch");
  if (refetch !== undefined) spec.refetch = refetch;
  const key = textOf(body, "idempotency_key");
  if (key !== undefined) spec.idempotency_key = checkKey(key);
  return spec;
}

function readNode(value: unknown): string {
  if (typeof value !== "string") {
    throw new HistoryError("BAD_NODE_ID", `Cannot read node id ${shown(value)}: it is no text`, {
      hint: "A node id looks like ohlcv:binance:BTC/USDT:1m",
    });
  }
  parseNodeId(value);
  return value;
}

function checkKey(key: string): string {
  if (key.length <= IDEMPOTENCY_KEY_MAX_CHARS) return key;
  throw badRequest(
    `Cannot use an idempotency_key of ${key.length} characters`,
    `Give at most ${IDEMPOTENCY_KEY_MAX_CHARS} characters`,
  );
}

function listOf(body: Query, name: string): unknown[] {
  const list = body[name];
  if (!Array.isArray(list) || list.length === 0) {
    throw badRequest(`Cannot read ${name}: it is no list with something in it`, `Give ${name} as a list`);
  }
  if (list.length > BATCH_MAX_ITEMS) {
    throw badRequest(`Cannot take ${list.length} ${name} at once`, `Give at most ${BATCH_MAX_ITEMS}`);
  }
  return list;
}
