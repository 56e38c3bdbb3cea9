/**
 * Every failure that a user can meet has a stable code here, with the HTTP status and the exit code that it
 * becomes (surface.md §5). Messages name the act and the value; hints say the way out.
 */

import type { TimeRange } from "./time_range.ts";

/** `[HTTP status, exit code]` of each code. 0 stands for "never sent over HTTP". */
const CODES = {
  BAD_REQUEST: [400, 2],
  BAD_NODE_ID: [400, 2],
  BAD_TIMEFRAME: [400, 2],
  BAD_TIME: [400, 2],
  CURSOR_INVALID: [400, 2],
  UNKNOWN_DOMAIN: [400, 2],
  CONTEXT_REQUIRED: [400, 2],
  AS_OF_REQUIRED: [400, 2],
  AS_OF_NOT_SETTLED: [400, 2],
  CONFIG_INVALID: [0, 2],
  DOMAIN_DISABLED: [400, 2],
  UNAUTHENTICATED: [401, 1],
  FORBIDDEN: [403, 1],
  NODE_UNKNOWN: [404, 1],
  SYMBOL_UNKNOWN: [404, 1],
  EXCHANGE_UNKNOWN: [404, 1],
  SNAPSHOT_UNKNOWN: [404, 1],
  SESSION_UNKNOWN: [404, 1],
  LEASE_UNKNOWN: [404, 1],
  JOB_UNKNOWN: [404, 1],
  PIN_UNKNOWN: [404, 1],
  NOT_FOUND: [404, 1],
  METHOD_NOT_ALLOWED: [405, 1],
  UNSUPPORTED_MEDIA: [415, 2],
  RANGE_NOT_SATISFIABLE: [416, 1],
  ARTIFACT_MISSING: [404, 3],
  NOT_ACCEPTABLE: [406, 2],
  COVERAGE_INCOMPLETE: [409, 3],
  LEASE_HELD: [409, 1],
  LEASE_LOST: [409, 1],
  PUBLISH_CONFLICT: [409, 1],
  ARTIFACT_COLLECTED: [410, 1],
  CURSOR_EXPIRED: [410, 1],
  RANGE_TOO_LARGE: [413, 2],
  BODY_TOO_LARGE: [413, 2],
  CONFORMANCE_BLOCKED: [422, 1],
  RATE_LIMITED: [429, 75],
  OVERLOADED: [429, 75],
  INTERNAL: [500, 1],
  VERIFY_FAILED: [500, 4],
  EXCHANGE_REFUSED: [502, 1],
  NOT_AVAILABLE: [501, 1],
  EXCHANGE_UNAVAILABLE: [503, 75],
  STORE_UNAVAILABLE: [503, 75],
  ARTIFACT_STORE_UNAVAILABLE: [503, 75],
  CLOCK_SKEW: [503, 75],
  SLA_EXCEEDED: [504, 5],
  CANCELLED: [499, 130],
} as const;

/** The stable name of a failure. */
export type ErrorCode = keyof typeof CODES;

/** What an error can carry besides its code and message. */
export interface ErrorDetails {
  hint: string;
  /** Seconds after which another try makes sense. */
  retryAfter?: number;
  /** The ranges that are missing or refused, half-open, epoch seconds. */
  ranges?: TimeRange[];
  phase?: string;
  budgetMs?: number;
  elapsedMs?: number;
  cause?: unknown;
}

/** An expected failure: stable `code`, a message naming the act and the value, and a `hint` that says the way out. */
export class HistoryError extends Error {
  override readonly name = "HistoryError";
  readonly code: ErrorCode;
  readonly hint: string;
  readonly retryAfter?: number;
  readonly ranges?: TimeRange[];
  readonly phase?: string;
  readonly budgetMs?: number;
  readonly elapsedMs?: number;

  constructor(code: ErrorCode, message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
    this.retryAfter = details.retryAfter;
    this.ranges = details.ranges;
    this.phase = details.phase;
    this.budgetMs = details.budgetMs;
    this.elapsedMs = details.elapsedMs;
  }
}

/** Whether something that was published is gone or damaged. */
export function isArtifactFault(error: unknown): boolean {
  return error instanceof HistoryError &&
    (error.code === "ARTIFACT_MISSING" || error.code === "VERIFY_FAILED");
}

/** The HTTP status of a code; `CONFIG_INVALID`, which HTTP never sees, is 500. */
export function statusOf(code: ErrorCode): number {
  return CODES[code][0] || 500;
}

/** The exit code of a code. */
export function exitCodeOf(code: ErrorCode): number {
  return CODES[code][1];
}

/** Every stable code, for documents and schemas. */
export function errorCodes(): ErrorCode[] {
  return Object.keys(CODES) as ErrorCode[];
}

/** The RFC 9457 body of an error, one shape for HTTP and for the CLI's `--json`. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: ErrorCode;
  hint: string;
  retry_after?: number;
  ranges?: TimeRange[];
  phase?: string;
  budget_ms?: number;
  elapsed_ms?: number;
}

/** Exit code of what passes by itself (`EX_TEMPFAIL`). */
const TRY_LATER = 75;
/** Seconds to wait where the failure itself knows no better. */
const TRY_LATER_SEC = 5;

/**
 * Renders an expected failure as problem JSON (RFC 9457); absent details are left out. What passes by itself always says
 * when to come back.
 */
export function problemOf(error: HistoryError): Problem {
  const problem: Problem = {
    type: `urn:seamless:error:${error.code}`,
    title: error.code.toLowerCase().replaceAll("_", " "),
    status: statusOf(error.code),
    detail: error.message,
    code: error.code,
    hint: error.hint,
  };
  const passes = exitCodeOf(error.code) === TRY_LATER;
  const retryAfter = error.retryAfter ?? (passes ? TRY_LATER_SEC : undefined);
  if (retryAfter !== undefined) problem.retry_after = retryAfter;
  if (error.ranges !== undefined) problem.ranges = error.ranges;
  if (error.phase !== undefined) problem.phase = error.phase;
  if (error.budgetMs !== undefined) problem.budget_ms = error.budgetMs;
  if (error.elapsedMs !== undefined) problem.elapsed_ms = error.elapsedMs;
  return problem;
}

/** The failure of work that its caller gave up. */
export function cancelled(act: string): HistoryError {
  return new HistoryError("CANCELLED", `${act} was cancelled`, {
    hint: "What was finished before is kept; ask again to go on from there",
  });
}

/** Throws `CANCELLED` when `signal` has fired: called at every await that may have waited long. */
export function throwIfCancelled(signal: AbortSignal | undefined, act: string): void {
  if (signal?.aborted) {
    if (signal.reason instanceof HistoryError) throw signal.reason;
    throw cancelled(act);
  }
}
