/**
 * Faults on the wire: what becomes of a finished reply on its way to the client.
 */

import { htmlPage } from "./dialects/dialect.ts";
import type { WireFault } from "./faults.ts";
import type { Served } from "./answering.ts";

/** Latency is real time; more than this would hang a test run. */
const MAX_LATENCY_MS = 30_000;

/** Replies that hang until their client leaves or the server closes. */
export class Stalls {
  #held = new Set<() => void>();

  /** Registers how to break one off; the function returned forgets it. */
  hold(breakOff: () => void): () => void {
    this.#held.add(breakOff);
    return () => this.#held.delete(breakOff);
  }

  /** Breaks all off. */
  release(): void {
    const held = [...this.#held];
    this.#held.clear();
    for (const breakOff of held) breakOff();
  }
}

interface Wire {
  wire: readonly WireFault[];
  stalls: Stalls;
}

/** Turns a finished reply into a response, spoiled by the first wire fault that changes it. */
export function spoiledResponse(
  served: Served,
  { wire, stalls }: Wire,
): Response | Promise<Response> {
  if (wire.length === 0) return plainResponse(served);
  const lateMs = wire.reduce((sum, fault) => fault.kind === "latency" ? sum + fault.ms : sum, 0);
  const spoiler = wire.find((fault) =>
    fault.kind !== "latency" && fault.kind !== "status" && fault.kind !== "ban"
  );
  const respond = () => spoiler === undefined ? plainResponse(served) : spoil(served, { spoiler, stalls });
  return lateMs === 0 ? respond() : pause(lateMs, stalls).then(respond);
}

/** The status that the client sees, faults included. */
export function sentStatus(served: Served, wire: readonly WireFault[]): number {
  const spoiler = wire.find((fault) => fault.kind === "html" || fault.kind === "empty_body");
  return spoiler === undefined ? served.status : spoiler.status ?? 200;
}

function plainResponse({ status, body, contentType, headers }: Served): Response {
  const type = contentType ?? "application/json;charset=utf-8";
  return new Response(body, { status, headers: { "content-type": type, ...headers } });
}

function spoil(
  served: Served,
  { spoiler, stalls }: { spoiler: WireFault; stalls: Stalls },
): Response | Promise<Response> {
  switch (spoiler.kind) {
    case "empty_body":
      return plainResponse({ ...served, status: spoiler.status ?? 200, body: "" });
    case "html":
      return plainResponse({ ...served, ...htmlPage(spoiler.status ?? 200) });
    case "cut_body":
      return plainResponse({ ...served, body: head(served.body, spoiler.atShare) });
    case "reset":
      return brokenResponse(served, spoiler.atShare);
    case "stall":
      return spoiler.after === "nothing"
        ? pause(Infinity, stalls).then(() => plainResponse({ ...served, status: 503, body: "" }))
        : stalledResponse(served, { share: spoiler.after === "half" ? 0.5 : 0, stalls });
    default:
      return plainResponse(served);
  }
}

function head(body: Served["body"], share = 0.5): Uint8Array<ArrayBuffer> {
  const bytes = bytesOf(body);
  return bytes.slice(0, Math.floor(bytes.length * share));
}

function bytesOf(body: Served["body"]): Uint8Array<ArrayBuffer> {
  return typeof body === "string" ? new TextEncoder().encode(body) : body;
}

/** Promises more bytes than it sends: the server then breaks the connection inside the body. */
function brokenResponse(served: Served, share: number | undefined): Response {
  const sent = head(served.body, share);
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.enqueue(sent);
      controller.close();
    },
  });
  return promisedResponse(served, body);
}

/** A body that stops and never ends; the client's leaving or the server's close breaks it off. */
function stalledResponse(served: Served, { share, stalls }: { share: number; stalls: Stalls }): Response {
  const sent = head(served.body, share);
  let forget = () => {};
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      if (sent.length > 0) controller.enqueue(sent);
      forget = stalls.hold(() => controller.close());
    },
    cancel() {
      forget();
    },
  });
  return promisedResponse(served, body);
}

/** A response that announces the length of the whole body, however much of it comes. */
function promisedResponse(served: Served, body: ReadableStream<Uint8Array>): Response {
  const type = served.contentType ?? "application/json;charset=utf-8";
  const length = String(bytesOf(served.body).length);
  const headers = { "content-type": type, "content-length": length, ...served.headers };
  return new Response(body, { status: served.status, headers });
}

/**
 * Waits a bounded real time, or for ever; ends early when the server closes. It does not watch the client:
 * a reply to one that left goes nowhere.
 */
function pause(ms: number, stalls: Stalls): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      forget();
      resolve();
    };
    const timer = ms === Infinity ? undefined : setTimeout(end, Math.min(ms, MAX_LATENCY_MS));
    const forget = stalls.hold(end);
  });
}
