/** What a caller of the library hands over, before anything is made of it: an edge without a parser of its own. */

import { checkBounds } from "./effective_range.ts";
import { HistoryError } from "./errors.ts";
import { parseSeconds } from "./instant.ts";
import { nearestName } from "./nearest_name.ts";
import type { FetchRequest } from "./request.ts";
import { shown } from "./shown.ts";
import type { TimeRange } from "./time_range.ts";

/** Every field of a request, and what it may be; null: what is no time is refused as a time. */
const FIELDS: Readonly<Record<keyof FetchRequest, readonly string[] | null>> = {
  nodeId: ["string"],
  start: null,
  end: null,
  last: ["number"],
  asOf: null,
  fingerprint: ["string"],
  worldId: ["string"],
  executionDomain: ["string"],
  strategy: ["string"],
  maxLag: ["number"],
  minCoverage: ["number"],
  sla: ["object", "string"],
  features: ["object"],
};

/**
 * Refuses what is no request. A name that is not known is not passed over: with one letter wrong a backtest would be
 * answered as live. Throws `BAD_REQUEST`.
 */
export function checkRequest(request: unknown): asserts request is FetchRequest {
  if (request === null || typeof request !== "object" || Array.isArray(request)) {
    throw refused("use this as a request", `it is ${request === null ? "null" : `no object`}`, {
      hint: `Give an object with nodeId, and start or last`,
    });
  }
  for (const [name, value] of Object.entries(request)) {
    if (value === undefined) continue;
    const kinds = Object.hasOwn(FIELDS, name) ? FIELDS[name as keyof FetchRequest] : undefined;
    if (kinds === undefined) throw unknownField(name);
    const isFit = kinds === null || (value !== null && kinds.includes(typeof value) && !Array.isArray(value));
    if (isFit) continue;
    throw refused(
      `use ${name} = ${shown(value)}`,
      `it is no ${kinds.join(" and no ")}`,
      { hint: "Leave out what is not wished for" },
    );
  }
  if (typeof (request as Partial<FetchRequest>).nodeId !== "string") {
    throw refused("answer a request", "nodeId is missing", {
      hint: "Give a node id, such as ohlcv:binance:BTC/USDT:1m",
    });
  }
}

/** A range of whole seconds. Throws `BAD_REQUEST` for what is no pair, `BAD_TIME` for what are no times in order. */
export function checkedRange(range: unknown): TimeRange {
  if (!Array.isArray(range) || range.length !== 2) {
    throw refused("use this as a range", "it is no pair [start, end]", {
      hint: "Give [start, end) in epoch seconds",
    });
  }
  const [start, end] = [parseSeconds(range[0], "start"), parseSeconds(range[1], "end")];
  checkBounds({ start, end, last: null });
  return [start, end];
}

function unknownField(name: string): HistoryError {
  const near = nearestName(name, Object.keys(FIELDS));
  return refused(`use ${JSON.stringify(name.slice(0, 60))} in a request`, "it is no field of one", {
    hint: near === null ? `Fields: ${Object.keys(FIELDS).join(", ")}` : `Did you mean ${near}?`,
  });
}

function refused(what: string, why: string, o: { hint: string }): HistoryError {
  return new HistoryError("BAD_REQUEST", `Cannot ${what}: ${why}`, o);
}
