/** Failures as HTTP: the one place where an error becomes a status and a problem document (RFC 9457). */

import { HistoryError, problemOf } from "../core/errors.ts";
import type { ErrorCode } from "../core/errors.ts";
import type { Log } from "../core/ports.ts";

/** A refusal that belongs to HTTP, with the headers that its status calls for. */
export class HttpRefusal extends HistoryError {
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: ErrorCode,
    message: string,
    details: { hint: string; headers?: Record<string, string>; retryAfter?: number },
  ) {
    super(code, message, details);
    this.headers = details.headers ?? {};
  }
}

/** The response of a failure. What nobody expected is logged whole and told to nobody. */
export function errorResponse(error: unknown, request: { id: string; log: Log }): Response {
  const expected = error instanceof HistoryError ? error : internal(error, request);
  const problem = problemOf(expected);
  const headers = new Headers({ "content-type": "application/problem+json", "cache-control": "no-store" });
  headers.set("seamless-request-id", request.id);
  if (problem.retry_after !== undefined) {
    headers.set("retry-after", String(Math.max(1, Math.ceil(problem.retry_after))));
  }
  if (expected instanceof HttpRefusal) {
    for (const [name, value] of Object.entries(expected.headers)) headers.set(name, value);
  }
  return new Response(`${JSON.stringify(problem)}\n`, { status: problem.status, headers });
}

function internal(error: unknown, request: { id: string; log: Log }): HistoryError {
  request.log.emit("error", "seamless.http.fault", {
    request_id: request.id,
    error: error instanceof Error ? error.stack ?? error.message : String(error),
  });
  return new HistoryError("INTERNAL", `Cannot answer: request ${request.id} met a fault of the service`, {
    hint: "Look for this request id in the service's log, and report what stands there",
  });
}
