/**
 * From what a venue or ccxt says to what a caller must know: can it pass, must we wait, or is it no use.
 *
 * ccxt's classes alone do not tell: it reads 403 and 451 as "not available" (they are refusals), 400 and 404
 * without a known code too, and a 429 or 418 sometimes as one class, sometimes as another. So the status rules
 * where it is unmistakable, ccxt's class where the venue speaks through the body.
 */

import { HistoryError } from "../../core/errors.ts";
import type { ExchangeFault } from "../../core/exchange_fault.ts";
import { fault } from "./fault.ts";
import type { CallContext } from "./call_context.ts";
import type { CcxtModule } from "./ccxt_client.ts";
import { canPass } from "./guarded_fetch.ts";

/** What it takes to judge a failure. */
export interface FaultGround {
  exchange: string;
  ccxt: CcxtModule;
  call: CallContext;
  /** Local wall clock. */
  nowMs: number;
  /** Local − venue clock. */
  skewMs: number;
  penaltyBackoffMs: number;
}

type Passed = Omit<FaultGround, "ccxt">;

/** The fault of a reply whose status leaves no doubt, whatever its body says; null for every other. */
export function faultOfStatus(ground: Passed): ExchangeFault | null {
  const { status } = ground.call;
  if (status === 429 || status === 418) return rateLimited(ground, `status ${status}`);
  if (status === 401 || status === 403 || status === 451) return refused(ground);
  return null;
}

/** What a failure inside ccxt means. Faults and other expected failures come back as they are. */
export function faultOf(error: unknown, ground: FaultGround): HistoryError {
  if (error instanceof HistoryError) return error;
  const is = (name: string) => isA(error, ground.ccxt[name]);
  const { call, exchange } = ground;
  const said = `${exchange} answered ${call.what} with ${saidBy(error, exchange)}`;
  if (is("RateLimitExceeded") || is("DDoSProtection")) return rateLimited(ground, saidBy(error, exchange));
  if (is("BadSymbol")) return unknownSymbol(said);
  if (is("AuthenticationError")) return refused(ground, saidBy(error, exchange));
  const details = { status: call.status || undefined, cause: causeOf(error) };
  if (call.status >= 400 && !canPass(call.status)) {
    return is("OnMaintenance") ? passing(said, details) : rejected(said, details);
  }
  if (!is("BaseError") || call.status >= 500 || is("OperationFailed")) return passing(said, details);
  // A complaint that ccxt cannot name, under a good status, may be anything: a body cut short, a bad moment.
  return isExactly(error, ground.ccxt.ExchangeError) ? passing(said, details) : rejected(said, details);
}

/** The fault of a reply that ccxt took for good although its status was not. */
export function faultOfOddStatus({ call, exchange }: Passed): ExchangeFault | null {
  if (call.status === 0 || (call.status >= 200 && call.status < 300)) return null;
  const said = `${exchange} answered ${call.what} with status ${call.status}`;
  return canPass(call.status)
    ? passing(said, { status: call.status })
    : rejected(said, { status: call.status });
}

function isA(error: unknown, type: unknown): boolean {
  return typeof type === "function" && error instanceof type;
}

function isExactly(error: unknown, type: unknown): boolean {
  return error instanceof Error && error.constructor === type;
}

/** ccxt's messages begin with the id; what follows is the venue's own text, cut to a readable length. */
function saidBy(error: unknown, exchange: string): string {
  const text = error instanceof Error ? error.message : String(error);
  const own = text.startsWith(`${exchange} `) ? text.slice(exchange.length + 1) : text;
  return own.replace(/[a-z]+:\/\/\S+/gi, (url) => url.split("?")[0]).slice(0, 300);
}

/** Bugs and surprises keep their stack; ccxt's own errors say no more than their message. */
function causeOf(error: unknown): unknown {
  return error instanceof Error && error.constructor === TypeError ? error : undefined;
}

function passing(message: string, details: { status?: number; cause?: unknown }): ExchangeFault {
  return fault("passing", message, {
    ...details,
    hint: "It is tried again; if it goes on, look at the venue's status page",
  });
}

function rejected(message: string, details: { status?: number; cause?: unknown }): ExchangeFault {
  return fault("refused", message, {
    ...details,
    hint: "The venue does not take this question; check the symbol, the range and `exchanges.{id}`",
  });
}

function unknownSymbol(message: string): HistoryError {
  return new HistoryError("SYMBOL_UNKNOWN", message, {
    hint: "The venue may have dropped the symbol; check its list of markets",
  });
}

function refused({ exchange, call }: Passed, said = ""): ExchangeFault {
  const { status } = call;
  const how = said === "" ? `status ${status}` : said;
  return fault("refused", `${exchange} refused ${call.what}: ${how}`, {
    status: status || undefined,
    hint: refusalHint(exchange, status),
  });
}

function refusalHint(exchange: string, status: number): string {
  const upper = exchange.toUpperCase();
  if (status === 451) {
    const local = exchange === "binance" ? " (binanceus, for one)" : "";
    return `The venue does not serve this location: use another venue${local}, or a permitted proxy in exchanges.${exchange}.urls`;
  }
  if (status === 403) {
    return `The venue or its gateway blocks this address: wait, use another venue, or set exchanges.${exchange}.urls to a permitted proxy`;
  }
  return `Check CCXT_${upper}_APIKEY and CCXT_${upper}_SECRET; public bars need no keys, so unset them if they are stale`;
}

/** The gate stays closed for the longest of what the venue says and what is configured. */
function rateLimited(ground: Passed, said: string): ExchangeFault {
  const { exchange, call, nowMs } = ground;
  const retryAtMs = Math.max(
    nowMs + ground.penaltyBackoffMs,
    retryAfterMs(call.headers?.get("retry-after") ?? null, ground) ?? 0,
    bannedUntilMs(call.text, ground) ?? 0,
  );
  const message = `${exchange} wants a pause before ${call.what}: ${said}`;
  return fault("rate_limited", message, {
    status: call.status || undefined,
    retryAtMs,
    retryAfter: Math.ceil((retryAtMs - nowMs) / 1000),
    hint: "Asked again when the venue lets us in; lower `exchanges.{id}.rate_limit_rps` if it happens often",
  });
}

/** `Retry-After` in seconds, or as a date of the venue's clock; local wall clock. */
function retryAfterMs(text: string | null, { nowMs, skewMs }: Passed): number | null {
  if (text === null) return null;
  if (/^\d+(\.\d+)?$/.test(text.trim())) return nowMs + Number(text) * 1000;
  const dateMs = Date.parse(text);
  return Number.isNaN(dateMs) ? null : dateMs + skewMs;
}

/** Binance: "Way too many requests; IP(…) banned until 1700000000000." by its own clock. */
function bannedUntilMs(text: string, { skewMs }: Passed): number | null {
  const found = /banned until (\d{13})\b/.exec(text.slice(0, 2_000));
  return found === null ? null : Number(found[1]) + skewMs;
}
