/**
 * The only way out to a venue. It promises: one deadline over the whole reply, body included; a size cap; the
 * caller's cancellation; whole, well-formed JSON or a fault, never half a body; redirects are not followed; and
 * nothing of a request but its host and path shows in a message (queries may hold signatures, headers keys).
 *
 * It is handed to ccxt as `fetchImplementation`. What ccxt drops of a reply (status, headers, raw bytes, time of
 * sending) it leaves in the call's context.
 */

import { cancelled, HistoryError } from "../../core/errors.ts";
import type { ExchangeFault } from "../../core/exchange_fault.ts";
import { fault } from "./fault.ts";
import type { Clock } from "../../core/ports.ts";
import { scanCandles } from "./candle_json.ts";
import { type CallContext, currentCall, newCall } from "./call_context.ts";
import type { CcxtReply, CcxtRequest } from "./ccxt_client.ts";

/** Stands for the text of a page of candles that was read from its bytes: nothing looks into it any more. */
export const CANDLES_TEXT = "[[]]";

/** How the guard behaves, and whom it tells. */
export interface GuardOptions {
  /** Of the exchange, for messages. */
  exchange: string;
  clock: Clock;
  timeoutMs: number;
  maxBytes: number;
  /** Connections; the caller closes it. */
  httpClient: Deno.HttpClient;
  /** Called with every whole reply, before its status is judged. Throws what must not reach ccxt. */
  onReply(call: CallContext): void;
}

/** Where a request went, for messages. */
interface Target {
  what: string;
  place: string;
}

/** Makes ccxt's `fetchImplementation`. */
export function guardedFetch(guard: GuardOptions): (url: string, request: CcxtRequest) => Promise<CcxtReply> {
  return async (url, request) => {
    const call = currentCall() ?? strayCall();
    const { host, pathname } = new URL(url);
    call.path = pathname;
    const target = { what: call.what, place: `${host}${pathname}` };
    if (call.requests++ === 0) call.sentAtMs = guard.clock.nowMs();
    const { response, bytes } = await receive({ url, request, signal: call.signal, target, guard });
    call.receivedAtMs = guard.clock.nowMs();
    call.status = response.status;
    call.headers = response.headers;
    if (call.isBars) call.bodies.push(bytes);
    const candles = call.isBars && response.status === 200 ? scanCandles(bytes) : null;
    call.text = candles === null ? decode(bytes) ?? "" : CANDLES_TEXT;
    call.json = candles ?? parse(call.text);
    guard.onReply(call);
    checkBody(call, { target, exchange: guard.exchange });
    return {
      status: response.status,
      statusText: response.statusText,
      headers: response.headers,
      text: () => Promise.resolve(call.text),
    };
  };
}

/** ccxt calls on its own account only where we asked it to; should that ever change, it is guarded all the same. */
function strayCall(): CallContext {
  return newCall({
    what: "a reply",
    isBars: false,
    priority: "backfill",
    signal: new AbortController().signal,
  });
}

interface Receiving {
  url: string;
  request: CcxtRequest;
  signal: AbortSignal;
  target: Target;
  guard: GuardOptions;
}

/** Why a controller of `receive` fired; made once, because to make an error costs more than to abort. */
const GIVEN_UP = new Error("given up");
const RECEIVED = new Error("received");

/** Sends the request and takes the whole body in, under one deadline. */
async function receive(asked: Receiving): Promise<{ response: Response; bytes: Uint8Array }> {
  const { url, request, signal, target, guard } = asked;
  if (signal.aborted) throw cancelOf(signal, target);
  const stop = new AbortController();
  const done = new AbortController();
  const giveUp = () => stop.abort(GIVEN_UP);
  signal.addEventListener("abort", giveUp, { once: true });
  let isLate = false;
  const deadline = guard.clock.sleep(guard.timeoutMs, done.signal).then(
    () => {
      isLate = true;
      stop.abort(GIVEN_UP);
    },
    () => {}, // The sleep is called off when the reply is there first.
  );
  try {
    const response = await fetch(url, {
      method: request.method,
      headers: request.headers,
      body: request.body,
      redirect: "manual",
      signal: stop.signal,
      client: guard.httpClient,
    });
    return { response, bytes: await readBody(response, { target, guard }) };
  } catch (error) {
    if (error instanceof HistoryError) throw error;
    if (signal.aborted) throw cancelOf(signal, target);
    if (isLate) throw lateFault(target, guard);
    throw networkFault(error, target, guard);
  } finally {
    signal.removeEventListener("abort", giveUp);
    done.abort(RECEIVED);
    await deadline;
  }
}

/** The body up to the cap; what is longer is given up unread. */
async function readBody(
  response: Response,
  { target, guard }: { target: Target; guard: GuardOptions },
): Promise<Uint8Array> {
  const declared = Number(response.headers.get("content-length") ?? 0);
  if (declared > guard.maxBytes) {
    await response.body?.cancel();
    throw largeFault(declared, target, guard);
  }
  if (response.body === null) return new Uint8Array(0);
  // A length that was told bounds the body, unless that is unpacked on the way.
  if (declared > 0 && !response.headers.has("content-encoding")) return await response.bytes();
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body) {
    length += part.length;
    if (length > guard.maxBytes) throw largeFault(length, target, guard); // leaving the loop cancels the body
    parts.push(part);
  }
  return parts.length === 1 ? parts[0] : joined(parts, length);
}

function joined(parts: Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const UTF8 = new TextDecoder("utf-8", { fatal: true });

/** The text without surrounding space; null where the bytes are no UTF-8. */
function decode(bytes: Uint8Array): string | null {
  try {
    return UTF8.decode(bytes).trim();
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

/** The JSON value; undefined where the text is none. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Lets through to ccxt what it can judge: JSON, of a shape that can be an answer or a venue's error. */
function checkBody(call: CallContext, { target, exchange }: { target: Target; exchange: string }): void {
  const { status, json, text } = call;
  const isBroken = json === undefined || (call.isBars && (json === null || typeof json !== "object"));
  if (status >= 300 && status < 400) {
    throw fault("passing", `${exchange} redirected ${target.what} elsewhere (${target.place})`, {
      status,
      hint: "Redirects are not followed; if a gateway stands in between, set `exchanges.{id}.urls` past it",
    });
  }
  if (!isBroken) return;
  const kind = text === "" ? "an empty body" : text.startsWith("<") ? "an HTML page" : "broken JSON";
  const message = `${exchange} answered ${target.what} with ${kind} and status ${status} (${target.place})`;
  throw fault(canPass(status) ? "passing" : "refused", message, {
    status,
    hint: canPass(status)
      ? "Usually a gateway or the venue in trouble; it is tried again"
      : "Check `exchanges.{id}.urls`: something else than the venue's API seems to answer there",
  });
}

/** Whether a status is one that may be gone at the next try. */
export function canPass(status: number): boolean {
  return status < 400 || status >= 500 || status === 408 || status === 425;
}

function cancelOf(signal: AbortSignal, target: Target): HistoryError {
  return signal.reason instanceof HistoryError ? signal.reason : cancelled(`Fetching ${target.what}`);
}

function lateFault({ what, place }: Target, { exchange, timeoutMs }: GuardOptions): ExchangeFault {
  const message = `${exchange} did not finish ${what} within ${timeoutMs} ms (${place})`;
  return fault("passing", message, {
    hint: "Tried again; if the venue is far away, raise `exchanges.{id}.timeout_ms`",
  });
}

function largeFault(bytes: number, { what, place }: Target, guard: GuardOptions): ExchangeFault {
  const message =
    `${guard.exchange} answered ${what} with ${bytes} bytes or more; at most ${guard.maxBytes} are read (${place})`;
  return fault("refused", message, { hint: "Lower `exchanges.{id}.batch_limit`" });
}

function networkFault(error: unknown, { what, place }: Target, { exchange }: GuardOptions): ExchangeFault {
  const message = `Cannot reach ${exchange} for ${what}: ${causeOf(error)} (${place})`;
  return fault("passing", message, {
    hint: "Check the network and `exchanges.{id}.urls`; `seamless doctor` tries each venue",
  });
}

/** The innermost reason, without URLs: they may hold a signature. */
function causeOf(error: unknown): string {
  let inner = error;
  for (let depth = 0; depth < 5 && inner instanceof Error && inner.cause !== undefined; depth++) {
    inner = inner.cause;
  }
  const text = inner instanceof Error ? inner.message : String(inner);
  return text.replace(/\s*\(?[a-z]+:\/\/\S+/gi, "").slice(0, 200);
}
