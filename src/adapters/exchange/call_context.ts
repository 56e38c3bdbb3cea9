/**
 * What one call carries through ccxt: who asks, when to give up, and what went over the wire.
 *
 * ccxt hands neither a priority nor a signal on, and keeps what it last received on a shared object. An async
 * context keeps calls that run side by side apart.
 */

import { AsyncLocalStorage } from "node:async_hooks";
import type { Priority } from "../../core/ports.ts";
import type { CcxtRow } from "./ccxt_client.ts";

/** One call in flight, with everything that came of it. */
export interface CallContext {
  /** For messages: `bars of BTC/USDT 1m`. */
  readonly what: string;
  /** A reply of bars must be a JSON object or list; others may be any JSON. */
  readonly isBars: boolean;
  readonly priority: Priority;
  readonly signal: AbortSignal;
  /** Cost units that the limiter granted. */
  cost: number;
  requests: number;
  /** Local wall clock when the first request of the call was sent, and when the last reply was whole. */
  sentAtMs: number;
  receivedAtMs: number;
  /** Path of the last request. */
  path: string;
  /** Raw bodies in order; kept for bars alone. */
  bodies: Uint8Array[];
  /** Status and parsed JSON of the last reply, with the text it was parsed from. */
  status: number;
  text: string;
  json: unknown;
  headers: Headers | null;
  /** Rows as ccxt read them, in the venue's order, before ccxt sorts and cuts. */
  rows: CcxtRow[];
}

const store = new AsyncLocalStorage<CallContext>();

/** The context of the call that runs now; undefined outside of one. */
export function currentCall(): CallContext | undefined {
  return store.getStore();
}

/** Runs `work` as a call of its own. */
export function runCall<T>(context: CallContext, work: () => Promise<T>): Promise<T> {
  return store.run(context, work);
}

/** A call that has not been sent yet. */
export function newCall(
  of: { what: string; isBars: boolean; priority: Priority; signal: AbortSignal },
): CallContext {
  return {
    ...of,
    cost: 0,
    requests: 0,
    sentAtMs: 0,
    receivedAtMs: 0,
    path: "",
    bodies: [],
    status: 0,
    text: "",
    json: undefined,
    headers: null,
    rows: [],
  };
}
