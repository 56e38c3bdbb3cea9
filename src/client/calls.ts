/** Calls of a running service over HTTP: its errors come back as what they were there. */

import { cancelled, type ErrorCode, errorCodes, HistoryError, type Problem } from "../core/errors.ts";

/** Where the service is, and with which key. */
export interface HttpTarget {
  /** Without a slash at its end. */
  url: string;
  apiKey: string | undefined;
  fetch: typeof fetch;
}

/** A query: what is undefined or null is left out. */
export type QueryValues = Record<string, string | number | null | undefined>;

/** One GET. */
export interface HttpCall {
  path: string;
  query?: QueryValues;
  accept: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** An answer whose status says that it is one; any other is thrown as the `HistoryError` that it carries. */
export async function call(target: HttpTarget, o: HttpCall): Promise<Response> {
  const headers = new Headers({ accept: o.accept, ...o.headers });
  if (target.apiKey !== undefined) headers.set("authorization", `Bearer ${target.apiKey}`);
  const response = await reach(target, o, headers);
  if (response.ok) return response;
  throw await failureOf(target, o, response);
}

/** Awaits a part of a call; what the network does to it becomes a `HistoryError`. */
export async function received<T>(part: Promise<T>, target: HttpTarget, signal?: AbortSignal): Promise<T> {
  try {
    return await part;
  } catch (error) {
    if (signal?.aborted) throw cancelled(`The call of ${target.url}`);
    if (error instanceof HistoryError) throw error;
    // What fetch and bodies reject with when the network fails differs from host to host.
    throw new HistoryError(
      "STORE_UNAVAILABLE",
      `Cannot reach the service at ${target.url}: ${messageOf(error)}`,
      {
        hint: "Is it running there? Start one with `seamless serve`",
        cause: error,
      },
    );
  }
}

function reach(target: HttpTarget, o: HttpCall, headers: Headers): Promise<Response> {
  const given = Object.entries(o.query ?? {}).filter(([, value]) => value !== undefined && value !== null);
  const parameters = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
  const address = `${target.url}${o.path}${given.length === 0 ? "" : `?${parameters}`}`;
  return received(target.fetch(address, { headers, signal: o.signal ?? null }), target, o.signal);
}

/** The problem that a body tells of; a body that tells of none is not from a service. */
async function failureOf(target: HttpTarget, o: HttpCall, response: Response): Promise<HistoryError> {
  const problem = problemIn(await received(response.text(), target, o.signal));
  if (problem === null) {
    return new HistoryError(
      "STORE_UNAVAILABLE",
      `Cannot use ${target.url}${o.path}: it answers ${response.status} and is no Seamless service`,
      { hint: "Check the address against the one that `seamless serve` printed" },
    );
  }
  return new HistoryError(problem.code, problem.detail, {
    hint: problem.hint,
    retryAfter: problem.retry_after,
    ranges: problem.ranges,
    phase: problem.phase,
    budgetMs: problem.budget_ms,
    elapsedMs: problem.elapsed_ms,
  });
}

function problemIn(text: string): Problem | null {
  try {
    const value = JSON.parse(text) as Partial<Problem> | null;
    return errorCodes().includes(value?.code as ErrorCode) ? value as Problem : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
