/** What is held of a series, what is missing and why: `/v1/coverage`, `/v1/gaps`, `/v1/condition`. */

import { createHash } from "node:crypto";
import { checkBounds } from "../core/effective_range.ts";
import { HistoryError } from "../core/errors.ts";
import { GAP_REASONS } from "../core/gap_reason.ts";
import { MAX_PAGE_ROWS } from "../core/limits.ts";
import type { GapRow } from "../core/service.ts";
import type { TimeRange } from "../core/time_range.ts";
import { expired } from "./cursors.ts";
import { listResponse, readListPage } from "./list_page.ts";
import { asOfOf, badRequest, choiceOf, nodeIdOf, type Query, secondsOf } from "./query.ts";
import { type Call, jsonResponse } from "./route.ts";

const DAY_SEC = 86_400;

/** `GET /v1/coverage`. */
export async function handleCoverage(call: Call): Promise<Response> {
  const { query } = call;
  const nodeId = nodeIdOf(query);
  const bounded = query.start !== undefined || query.end !== undefined;
  const range = bounded ? await rangeOf(call, query, nodeId) : undefined;
  return jsonResponse(await call.standing.service.coverage(nodeId, { range, asOf: asOfOf(query) }));
}

/** What a cursor of gaps holds: where it goes on, in which range, and a digest of the gaps still to come. */
interface GapsLeft {
  gap: number;
  range: TimeRange;
  digest: string;
}

/** `GET /v1/gaps`. */
export async function handleGaps(call: Call): Promise<Response> {
  const page = readListPage<GapsLeft>(call);
  const nodeId = nodeIdOf(page.query);
  // A later page keeps the range of page one: `end` may have come from the clock.
  const range = page.after?.range ?? await rangeOf(call, page.query, nodeId);
  const { gaps, gaps_total } = await call.standing.service.gaps(nodeId, {
    range,
    reason: choiceOf(page.query, "reason", GAP_REASONS),
    limit: Infinity,
    after: page.after?.gap,
    asOf: asOfOf(page.query),
  });
  if (page.after !== undefined && digestOf(gaps) !== page.after.digest) {
    throw expired("gaps that were still to come have changed");
  }
  const left = gaps.slice(page.limit);
  const next = left.length === 0 ? null : { gap: left[0].start, range, digest: digestOf(left) };
  const body = { node_id: nodeId, gaps: gaps.slice(0, page.limit), gaps_total };
  return listResponse(call, { page, body, next });
}

/** Which gaps there are, and why. How often they were asked is not their substance, and what has not closed only grows. */
function digestOf(gaps: readonly GapRow[]): string {
  const hash = createHash("sha256");
  for (const { start, end, reason } of gaps) {
    if (reason !== "not_yet_closed") hash.update(`${start} ${end} ${reason}\n`);
  }
  return hash.digest("base64url");
}

/** `GET /v1/condition`. */
export async function handleCondition(call: Call): Promise<Response> {
  const nodeId = nodeIdOf(call.query);
  const range = await rangeOf(call, call.query, nodeId);
  const days = Math.ceil((range[1] - range[0]) / DAY_SEC);
  if (days > MAX_PAGE_ROWS) {
    throw new HistoryError("RANGE_TOO_LARGE", `Cannot judge ${days} days at once`, {
      hint: `Ask for at most ${MAX_PAGE_ROWS} days`,
    });
  }
  return jsonResponse(await call.standing.service.condition(nodeId, range));
}

/** The range asked for; `end` defaults to the start of the forming bar. */
async function rangeOf(call: Call, query: Query, nodeId: string): Promise<TimeRange> {
  const start = secondsOf(query, "start");
  const end = secondsOf(query, "end");
  if (start === undefined) {
    throw badRequest(
      "Cannot tell where to begin: start is missing",
      "Give start (epoch seconds or RFC 3339)",
    );
  }
  checkBounds({ start, end: end ?? null, last: null });
  return [start, end ?? Math.max(start, await call.standing.service.forming(nodeId))];
}
