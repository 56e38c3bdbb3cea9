/** Routes that are promised and not built yet: they say so, and what to use meanwhile. */

import { HistoryError } from "../core/errors.ts";
import type { Route } from "./route.ts";

const UNBUILT: readonly [method: Route["method"], path: string, meanwhile: string][] = [
  ["GET", "/v1/trades", "Bars are served by /v1/bars"],
  ["POST", "/v1/pins", "Published snapshots are kept as they are: name them by fingerprint="],
  ["DELETE", "/v1/pins/{name}", "There are no pins to remove"],
  ["GET", "/v1/diff", "Compare two answers by their answer_fingerprint"],
  ["POST", "/v1/sessions", "Give world_id, execution_domain and as_of with each request"],
  ["GET", "/v1/sessions/{id}", "Give world_id, execution_domain and as_of with each request"],
  ["PATCH", "/v1/sessions/{id}", "Give world_id, execution_domain and as_of with each request"],
  ["DELETE", "/v1/sessions/{id}", "There are no sessions to end"],
  ["POST", "/v1/leases/claim", "Processes on one data folder share their leases in it"],
  ["POST", "/v1/leases/renew", "Processes on one data folder share their leases in it"],
  ["POST", "/v1/leases/complete", "Processes on one data folder share their leases in it"],
  ["POST", "/v1/leases/fail", "Processes on one data folder share their leases in it"],
  ["GET", "/v1/leases", "Processes on one data folder share their leases in it"],
  ["GET", "/metrics", "Events are in the log and at /v1/events"],
];

/** Their rows of the route table: `NOT_AVAILABLE`, left out of `/openapi.json`. */
export const UNBUILT_ROUTES: readonly Route[] = UNBUILT.map(([method, path, meanwhile]) => ({
  method,
  path,
  role: method === "GET" ? "read" : "operate",
  summary: "Not built yet",
  query: [],
  answers: {},
  errors: ["NOT_AVAILABLE"],
  unlisted: true,
  handle() {
    throw new HistoryError("NOT_AVAILABLE", `Cannot ${method} ${path}: it is not built yet`, {
      hint: meanwhile,
    });
  },
}));
