/** What is held of a series, what is missing and why: `/v1/coverage`, `/v1/gaps`, `/v1/condition`. */

import { checkBounds, formingStart } from "../core/effective_range.ts";
import { HistoryError } from "../core/errors.ts";
import { GAP_REASONS } from "../core/gap_reason.ts";
import { MAX_PAGE_ROWS } from "../core/limits.ts";
import { parseNodeId } from "../core/node_id.ts";
import type { TimeRange } from "../core/time_range.ts";
import { gridOf } from "../core/timeframe.ts";
import { listResponse, readListPage } from "./list_page.ts";
import { asOfOf, badRequest, choiceOf, nodeIdOf, type Query, secondsOf } from "./query.ts";
import { type Call, jsonResponse } from "./route.ts";

const DAY_SEC = 86_400;

/** `GET /v1/coverage`. */
export async function handleCoverage(call: Call): Promise<Response> {
  const { query } = call;
  const nodeId = nodeIdOf(query);
  const bounded = query.start !== undefined || query.end !== undefined;
  const range = bounded ? rangeOf(call, query, nodeId) : undefined;
  return jsonResponse(await call.standing.service.coverage(nodeId, { range, asOf: asOfOf(query) }));
}

/** `GET /v1/gaps`. */
export async function handleGaps(call: Call): Promise<Response> {
  const page = readListPage<{ gap: number; range: TimeRange }>(call);
  const nodeId = nodeIdOf(page.query);
  // A later page keeps the range of page one: `end` may have come from the clock.
  const range = page.after?.range ?? rangeOf(call, page.query, nodeId);
  const report = await call.standing.service.gaps(nodeId, {
    range,
    reason: choiceOf(page.query, "reason", GAP_REASONS),
    limit: page.limit,
    after: page.after?.gap,
    asOf: asOfOf(page.query),
  });
  const { next, ...body } = report;
  return listResponse(call, { page, body, next: next === null ? null : { gap: next, range } });
}

/** `GET /v1/condition`. */
export async function handleCondition(call: Call): Promise<Response> {
  const nodeId = nodeIdOf(call.query);
  const range = rangeOf(call, call.query, nodeId);
  const days = Math.ceil((range[1] - range[0]) / DAY_SEC);
  if (days > MAX_PAGE_ROWS) {
    throw new HistoryError("RANGE_TOO_LARGE", `Cannot judge ${days} days at once`, {
      hint: `Ask for at most ${MAX_PAGE_ROWS} days`,
    });
  }
  return jsonResponse(await call.standing.service.condition(nodeId, range));
}

/** The range asked for; `end` defaults to the start of the forming bar. */
function rangeOf(call: Call, query: Query, nodeId: string): TimeRange {
  const start = secondsOf(query, "start");
  const end = secondsOf(query, "end");
  if (start === undefined) {
    throw badRequest(
      "Cannot tell where to begin: start is missing",
      "Give start (epoch seconds or RFC 3339)",
    );
  }
  checkBounds({ start, end: end ?? null, last: null });
  return [start, end ?? Math.max(start, formingNow(call, nodeId))];
}

function formingNow(call: Call, nodeId: string): number {
  const { timeframe } = parseNodeId(nodeId);
  const nowSec = Math.floor(call.standing.clock.nowMs() / 1000);
  return timeframe === undefined ? nowSec : formingStart(nowSec, gridOf(timeframe));
}
