/** Calls of a running service over HTTP: its errors come back as what they were there. */

import { type ErrorCode, errorCodes, HistoryError, type Problem } from "../core/errors.ts";

/** Where the service is, and with which key. */
export interface HttpTarget {
  /** Without a slash at its end. */
  url: string;
  apiKey: string | undefined;
  fetch: typeof fetch;
}

/** A query: what is undefined or null is left out. */
export type QueryValues = Record<string, string | number | null | undefined>;

/** One call. `body` makes it a POST unless `method` says otherwise. */
export interface HttpCall {
  path: string;
  query?: QueryValues;
  body?: unknown;
  method?: string;
  accept?: string;
  signal?: AbortSignal;
}

/** An answer whose status says that it is one; any other is thrown as the `HistoryError` that it carries. */
export async function call(target: HttpTarget, o: HttpCall): Promise<Response> {
  const headers = new Headers({ accept: o.accept ?? "application/json" });
  if (target.apiKey) headers.set("authorization", `Bearer ${target.apiKey}`);
  if (o.body !== undefined) headers.set("content-type", "application/json");
  const response = await reached(target, o, {
    method: o.method ?? (o.body === undefined ? "GET" : "POST"),
    headers,
    body: o.body === undefined ? undefined : JSON.stringify(o.body),
    signal: o.signal,
  });
  if (response.ok) return response;
  throw await failureOf(target, o, response);
}

/** The JSON of an answer. */
export async function callJson<T>(target: HttpTarget, o: HttpCall): Promise<T> {
  return await (await call(target, o)).json() as T;
}

async function reached(target: HttpTarget, o: HttpCall, init: RequestInit): Promise<Response> {
  try {
    return await target.fetch(addressOf(target.url, o), init);
  } catch (error) {
    if (o.signal?.aborted) throw o.signal.reason;
    if (!(error instanceof TypeError)) throw error;
    throw new HistoryError(
      "STORE_UNAVAILABLE",
      `Cannot reach the service at ${target.url}: ${error.message}`,
      {
        hint: "Is it running there? Start one with `seamless serve`, or leave out --server",
        cause: error,
      },
    );
  }
}

function addressOf(url: string, { path, query = {} }: HttpCall): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
  const parameters = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
  return `${url}${path}${given.length === 0 ? "" : `?${parameters}`}`;
}

/** The problem that a body tells of; a body that is none is a fault of whatever answers there. */
async function failureOf(target: HttpTarget, o: HttpCall, response: Response): Promise<HistoryError> {
  const text = await response.text();
  const problem = problemIn(text);
  if (problem === null) {
    return new HistoryError(
      "STORE_UNAVAILABLE",
      `Cannot use ${target.url}${o.path}: it answers ${response.status} and is no Seamless service`,
      { hint: "Check the address of --server against what `seamless serve` printed" },
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
