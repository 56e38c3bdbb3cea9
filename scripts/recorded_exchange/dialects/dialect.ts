/**
 * What a venue's REST dialect must say to be spoken by the server. A dialect is pure: it turns a path and
 * parameters into a body, given the markets, the time and a way to get rows.
 */

import type { Market } from "../market.ts";
import type { Budget, Charge } from "../meter.ts";
import type { Row } from "../row.ts";
import type { PageAsk } from "../rows.ts";
import type { Endpoint, VenueId } from "../venue_id.ts";

/** A page in a dialect's terms; the server finds the series. */
export type DialectPage = Omit<PageAsk, "series"> & { anchorMs?: number };

/** One request, as a dialect sees it. */
export interface DialectCall {
  /** The path below the venue's own prefix, e.g. `/api/v3/klines`. */
  path: string;
  params: URLSearchParams;
  nowMs: number;
  /** The markets as configured, listed or not. */
  markets: readonly Market[];
  rows(page: DialectPage): Row[];
}

/** A reply before faults on the wire. */
export interface Answer {
  status: number;
  /** Text, or the bytes of it where speed counts. */
  body: string | Uint8Array<ArrayBuffer>;
  /** Set where the body is not JSON. */
  contentType?: string;
}

/** What a path asks for and what it costs. */
export interface Cost {
  endpoint: Endpoint;
  bucket: string;
  cost: number;
}

/** A failure with the venue's own kind of body. */
export interface Failure {
  status: number;
  nowMs: number;
}

/** One venue's REST dialect. */
export interface Dialect {
  readonly venue: VenueId;
  /** What the paths start with, e.g. `/api/v3/`. */
  readonly root: string;
  /** The budget that the venue publishes. */
  readonly budget: Budget;
  costOf(path: string, params: URLSearchParams): Cost;
  answer(call: DialectCall): Answer;
  /** The reply to a call over the budget, with the headers the venue sends. */
  refusal(charge: Charge, nowMs: number): Answer & { headers: Record<string, string> };
  /** An error reply with a status, as this venue words it; for faults. */
  failure(failure: Failure): Answer;
  /** Headers that tell the client how much is used; none by default. */
  usageHeaders?(charge: Charge): Record<string, string>;
  /** ccxt's `urls` that keep every call on this server. */
  urls(base: string): CcxtUrls;
  /** ccxt's `options` that keep it to public spot endpoints. */
  readonly options: Record<string, unknown>;
}

/** The part of ccxt's `urls` that must be overridden. */
export interface CcxtUrls {
  api: Record<string, string>;
}

/** A JSON reply. */
export function json(value: unknown, status = 200): Answer {
  return { status, body: JSON.stringify(value) };
}

/** What stands in front of a venue answers with HTML, not with the venue's own errors. */
export function htmlPage(status: number): Answer {
  const body = "<!DOCTYPE html><html><head><title>Attention Required!</title></head>" +
    `<body><h1>${status}</h1><p>Sorry, you have been blocked or the service is unavailable.</p></body></html>`;
  return { status, body, contentType: "text/html" };
}

/** A whole number parameter; undefined when absent, NaN when it is not one. */
export function wholeParam(params: URLSearchParams, name: string): number | undefined {
  const text = params.get(name);
  if (text === null || text === "") return undefined;
  return /^-?\d+$/.test(text) ? Number(text) : NaN;
}

/** Seconds until a time, for `Retry-After`; at least one. */
export function secondsUntil(untilMs: number | undefined, nowMs: number): string {
  return String(Math.max(1, Math.ceil(((untilMs ?? nowMs) - nowMs) / 1000)));
}
