/** Calls of a running service over HTTP: its errors come back as what they were there. */

import { type ErrorCode, errorCodes, HistoryError, type Problem, throwIfCancelled } from "../core/errors.ts";

/** Where the service is, and with which key. */
export interface HttpTarget {
  /** Without a slash at its end. */
  url: string;
  apiKey: string | undefined;
  fetch: typeof fetch;
}

/** A query: what is undefined or null is left out. */
export type QueryValues = Record<string, string | number | null | undefined>;

/** One call. `body` (JSON) makes it a POST unless `method` says otherwise. */
export interface HttpCall {
  path: string;
  query?: QueryValues;
  body?: unknown;
  method?: string;
  /** Default: JSON. */
  accept?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** An answer whose status says that it is one; any other is thrown as the `HistoryError` that it carries. */
export async function call(target: HttpTarget, o: HttpCall): Promise<Response> {
  throwIfCancelled(o.signal, `The call of ${target.url}`);
  const headers = new Headers({ accept: o.accept ?? "application/json", ...o.headers });
  if (target.apiKey) headers.set("authorization", `Bearer ${target.apiKey}`);
  if (o.body !== undefined) headers.set("content-type", "application/json");
  const response = await received(
    target.fetch(addressOf(target.url, o), {
      method: o.method ?? (o.body === undefined ? "GET" : "POST"),
      headers,
      body: o.body === undefined ? undefined : JSON.stringify(o.body),
      signal: o.signal ?? null,
    }),
    target,
    o.signal,
  );
  if (response.ok) return response;
  throw await failureOf(target, o, response);
}

/** The JSON of an answer. */
export async function callJson<T>(target: HttpTarget, o: HttpCall): Promise<T> {
  const response = await call(target, o);
  return JSON.parse(await received(response.text(), target, o.signal)) as T;
}

/** The body of an answer as it arrives; what the network does to it becomes a `HistoryError`. */
export async function* piecesOf(
  response: Response,
  target: HttpTarget,
  signal?: AbortSignal,
): AsyncIterable<Uint8Array> {
  const reader = response.body!.getReader();
  try {
    for (;;) {
      const { done, value } = await received(reader.read(), target, signal);
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {/* It broke: there is nothing left to cancel. */});
  }
}

/** Awaits a part of a call; what the network does to it becomes a `HistoryError`. */
export async function received<T>(part: Promise<T>, target: HttpTarget, signal?: AbortSignal): Promise<T> {
  try {
    return await part;
  } catch (error) {
    throwIfCancelled(signal, `The call of ${target.url}`);
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

function addressOf(url: string, { path, query = {} }: HttpCall): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
  const parameters = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
  return `${url}${path}${given.length === 0 ? "" : `?${parameters}`}`;
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
