/** A request as the query of `GET /v1/bars`. */

import { HistoryError } from "../core/errors.ts";
import type { FetchRequest } from "../core/request.ts";
import type { QueryValues } from "./calls.ts";

/** What a query says of a request; `sla` and `features` are not in it. */
export function requestQuery(request: FetchRequest): QueryValues {
  return {
    node_id: request.nodeId,
    start: request.start,
    end: request.end,
    last: request.last,
    as_of: request.asOf,
    fingerprint: request.fingerprint,
    world_id: request.worldId,
    execution_domain: request.executionDomain,
    strategy: request.strategy,
    max_lag: request.maxLag,
    min_coverage: request.minCoverage,
  };
}

/** The whole request as a query. `NOT_AVAILABLE` for what only the library can say. */
export function fetchQuery(request: FetchRequest): QueryValues {
  const { sla, features } = request;
  const others = typeof sla === "object" ? Object.keys(sla).filter((key) => key !== "total_deadline_ms") : [];
  const unsaid = typeof sla === "string" ? `sla "${sla}"` : others[0] ?? Object.keys(features ?? {})[0];
  if (unsaid !== undefined) {
    throw new HistoryError("NOT_AVAILABLE", `Cannot ask for ${unsaid} over HTTP`, {
      hint:
        "Of the SLA one request can set total_deadline_ms alone; the rest comes from the service's configuration",
    });
  }
  const deadline = typeof sla === "object" ? sla.total_deadline_ms : undefined;
  return { ...requestQuery(request), total_deadline_ms: deadline };
}
