/** What a route is: one row of the table that dispatches requests and writes `/openapi.json`. */

import type { ErrorCode } from "../core/errors.ts";
import type { AnswersByHeart } from "./answers_by_heart.ts";
import type { AppParts, Role } from "./settings.ts";
import type { Cursors } from "./cursors.ts";
import type { EventHub } from "./event_hub.ts";
import type { Query } from "./query.ts";
import type { Rehearsals } from "./rehearsals.ts";

/** A JSON Schema (2020-12), as OpenAPI 3.1 holds it. */
export type JsonSchema = { [key: string]: unknown };

/** One name of a query string. */
export interface QueryParam {
  name: string;
  description: string;
  schema: JsonSchema;
  required?: boolean;
}

/** One way in which a route answers when all is well. */
export interface RouteAnswer {
  description: string;
  /** Media type → schema; none: no body. */
  content?: Record<string, JsonSchema>;
  headers?: Record<string, string>;
}

/** One route. Paths hold `{name}` for one segment; a last segment `*` takes the rest. */
export interface Route {
  method: "GET" | "POST" | "DELETE" | "PATCH";
  path: string;
  /** `open` needs no key even where keys are set. */
  role: Role | "open";
  summary: string;
  query: readonly QueryParam[];
  /**
   * The query is told in the summary alone: tools that try the documented parameters one by one would open an endless
   * stream for each.
   */
  unlistedQuery?: boolean;
  body?: JsonSchema;
  answers: Readonly<Record<number, RouteAnswer>>;
  /** Codes beyond those that any route can give. */
  errors: readonly ErrorCode[];
  /** Left out of `/openapi.json`: not built yet. */
  unlisted?: boolean;
  /** Does not count against the bound on concurrent requests. */
  uncounted?: boolean;
  handle(call: Call): Promise<Response> | Response;
}

/** What stands behind all routes of one app. */
export interface Standing extends AppParts {
  cursors: Cursors;
  events: EventHub;
  byHeart: AnswersByHeart;
  rehearsals: Rehearsals;
  /** The OpenAPI document as JSON text. */
  openApi: string;
}

/** One request on its way through a route. */
export interface Call {
  readonly standing: Standing;
  readonly request: Request;
  /** As it was sent, without the query. */
  readonly path: string;
  /** As it was sent, without the question mark. */
  readonly search: string;
  readonly requestId: string;
  /** Segments that stood for `{name}` (decoded once) or `*` (as sent). */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  /** Fires when the client goes away. */
  readonly signal: AbortSignal;
  /** Keeps the request counted until the given-back function is called: for bodies that are sent after the handler. */
  hold(): () => void;
}

/** A JSON answer, never stored by caches. */
export function jsonResponse(body: unknown, init: { status?: number; headers?: HeadersInit } = {}): Response {
  const headers = new Headers(init.headers);
  headers.set("content-type", "application/json");
  if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
  return new Response(`${JSON.stringify(body)}\n`, { status: init.status ?? 200, headers });
}
