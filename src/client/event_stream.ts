/** Reads Server-Sent Events, comes back where it left off when the connection breaks, and parses what arrives. */

import { HistoryError } from "../core/errors.ts";
import type { ServiceEvent } from "../core/service.ts";
import { call, type HttpTarget, piecesOf } from "./calls.ts";

/** An event of the service; `reset` says that events were lost, and why. */
export type ClientEvent = ServiceEvent | { type: "reset"; reason: string };

/** What to listen for, and for how long. */
export interface Listening {
  /** Default: all types. */
  types?: string[];
  /** Default: all series. */
  nodeId?: string;
  /** Ends the listening: the iteration just ends. */
  signal?: AbortSignal;
}

/** Waits between two tries; rejects or resolves early when the signal fires. */
export type Pause = (ms: number, signal: AbortSignal) => Promise<void>;

/** Tries that fail one after the other before the failure is told: with the pauses, about four minutes. */
const TRIES_MAX = 12;
const PAUSE_MIN_MS = 500;
const PAUSE_MAX_MS = 30_000;
/** Codes after which coming back makes sense. */
const PASSING = new Set(["STORE_UNAVAILABLE", "OVERLOADED", "RATE_LIMITED", "INTERNAL"]);

/** Events from now on, over broken connections too. Throws what the service refuses, or what does not pass. */
export async function* listen(target: HttpTarget, o: Listening, pause: Pause): AsyncIterable<ClientEvent> {
  const left = new AbortController();
  const leave = () => left.abort();
  o.signal?.addEventListener("abort", leave, { once: true });
  if (o.signal?.aborted) leave();
  const place: Place = { lastId: null };
  try {
    for (let failed = 0; !left.signal.aborted;) {
      try {
        for await (const event of connection(target, o, place, left.signal)) {
          failed = 0;
          yield event;
        }
      } catch (error) {
        if (left.signal.aborted) return;
        if (!isPassing(error) || ++failed >= TRIES_MAX) throw error;
      }
      if (!left.signal.aborted) await pause(Math.min(PAUSE_MAX_MS, PAUSE_MIN_MS * 2 ** failed), left.signal);
    }
  } finally {
    leave();
    o.signal?.removeEventListener("abort", leave);
  }
}

/** Where to go on after a break. */
interface Place {
  lastId: string | null;
}

function isPassing(error: unknown): boolean {
  return error instanceof HistoryError && PASSING.has(error.code);
}

/** One connection, until it ends or breaks. */
async function* connection(
  target: HttpTarget,
  o: Listening,
  place: Place,
  signal: AbortSignal,
): AsyncIterable<ClientEvent> {
  const response = await call(target, {
    path: "/v1/events",
    query: { types: o.types?.join(","), node_id: o.nodeId },
    accept: "text/event-stream",
    headers: place.lastId === null ? {} : { "last-event-id": place.lastId },
    signal,
  });
  for await (const block of blocksOf(piecesOf(response, target, signal))) {
    const { id, event } = readBlock(block);
    if (id !== null) place.lastId = id;
    if (event !== null) yield event;
  }
}

/** Blocks of lines, each ended by an empty line. */
async function* blocksOf(pieces: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const piece of pieces) {
    text += decoder.decode(piece, { stream: true });
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      yield text.slice(0, end);
      text = text.slice(end + 2);
    }
  }
}

/** The id and the event of a block; comments have neither. */
function readBlock(block: string): { id: string | null; event: ClientEvent | null } {
  let [id, type, data]: (string | null)[] = [null, null, null];
  for (const line of block.split("\n")) {
    if (line.startsWith("id: ")) id = line.slice(4);
    else if (line.startsWith("event: ")) type = line.slice(7);
    else if (line.startsWith("data: ")) data = line.slice(6);
  }
  return { id, event: type === null || data === null ? null : { type, ...JSON.parse(data) } };
}
