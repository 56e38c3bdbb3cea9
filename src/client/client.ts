/** The typed client: the questions of the library, asked of a service elsewhere, its answers verified here. */

import { type Bars, barsBetween, concatBars, emptyBars } from "../core/bar_frame.ts";
import { HistoryError } from "../core/errors.ts";
import type { Metadata } from "../core/metadata.ts";
import type { FetchRequest } from "../core/request.ts";
import type { CoverageReport } from "../core/service.ts";
import { decodeRows } from "../core/stored_chunk.ts";
import type { TimeRange } from "../core/time_range.ts";
import { type Compute, load, type WasmSource } from "../compute/mod.ts";
import { openArrowBars } from "./arrow_reader.ts";
import { call, callJson, type HttpTarget, piecesOf } from "./calls.ts";
import { fetchQuery } from "./request_query.ts";
import { type ClientEvent, listen, type Listening, type Pause } from "./event_stream.ts";

const ARROW = "application/vnd.apache.arrow.stream";

/** How to reach a service. */
export interface ClientOptions {
  apiKey?: string;
  /** Whether `answer_fingerprint` is computed again from the rows that came; default true. */
  verify?: boolean;
  /** Where the compute core is to be had, for hosts where `load()` does not find it: browsers pass `fetch(…)`. */
  wasm?: WasmSource;
  /** Instead of the host's own. */
  fetch?: typeof fetch;
  /** How to wait before an event stream is opened again; default: a timer. */
  pause?: Pause;
}

/** A service elsewhere. Every method rejects with `HistoryError`. */
export interface Client {
  /** Bars of a series. `VERIFY_FAILED` when the rows are not those that the service fingerprinted. */
  fetch(request: FetchRequest, o?: { signal?: AbortSignal }): Promise<{ frame: Bars; metadata: Metadata }>;
  /** What is covered of a series. */
  coverage(
    nodeId: string,
    o?: { range?: TimeRange; asOf?: string; signal?: AbortSignal },
  ): Promise<CoverageReport>;
  /** What happens from now on; broken connections are taken up again where they broke. */
  events(o?: Listening): AsyncIterable<ClientEvent>;
}

/**
 * A client of the service at `url`. Nothing is sent before the first question.
 *
 * ```ts
 * const client = connect("http://127.0.0.1:8420");
 * const { frame, metadata } = await client.fetch({ nodeId: "ohlcv:binance:BTC/USDT:1m", last: 100, executionDomain: "live" });
 * ```
 *
 * Throws `TypeError` for what is no HTTP address.
 */
export function connect(url: string, o: ClientOptions = {}): Client {
  if (!/^https?:$/.test(new URL(url).protocol)) {
    throw new TypeError(`Cannot connect to "${url}": it is no http:// or https:// address`);
  }
  const target: HttpTarget = {
    url: url.replace(/\/+$/, ""),
    apiKey: o.apiKey,
    fetch: o.fetch ?? ((input, init) => fetch(input, init)),
  };
  return new HttpClient(target, o);
}

class HttpClient implements Client {
  readonly #target: HttpTarget;
  readonly #o: ClientOptions;
  #compute: Promise<Compute> | null = null;

  constructor(target: HttpTarget, o: ClientOptions) {
    this.#target = target;
    this.#o = o;
  }

  async fetch(request: FetchRequest, o: { signal?: AbortSignal } = {}) {
    const query = fetchQuery(request);
    const response = await call(this.#target, { path: "/v1/bars", query, accept: ARROW, signal: o.signal });
    const { metadataText, slices } = await openArrowBars(piecesOf(response, this.#target, o.signal));
    const metadata = JSON.parse(metadataText) as Metadata;
    const frames: Bars[] = [];
    for await (const { bytes } of slices) frames.push(decodeRows(bytes));
    const frame = frames.length === 0 ? emptyBars() : concatBars(frames);
    if (frame.ts.length !== metadata.rows) {
      throw unverified(metadata, `${metadata.rows} rows were announced and ${frame.ts.length} came`);
    }
    if (this.#o.verify !== false) await this.#verify(frame, metadata);
    return { frame, metadata };
  }

  coverage(
    nodeId: string,
    o: { range?: TimeRange; asOf?: string; signal?: AbortSignal } = {},
  ): Promise<CoverageReport> {
    const query = { node_id: nodeId, start: o.range?.[0], end: o.range?.[1], as_of: o.asOf };
    return callJson(this.#target, { path: "/v1/coverage", query, signal: o.signal });
  }

  events(o: Listening = {}): AsyncIterable<ClientEvent> {
    return listen(this.#target, o, this.#o.pause ?? timer);
  }

  /** Spec §7: the fingerprint of the final rows, over the effective range cut at `final_until`. */
  async #verify(bars: Bars, metadata: Metadata): Promise<void> {
    const { answer_fingerprint, effective_range: [start, end], final_until } = metadata;
    if (answer_fingerprint === null) {
      if (start === end) return;
      throw unverified(metadata, "it carries no fingerprint");
    }
    this.#compute ??= load(this.#o.wasm);
    const compute = await this.#compute;
    const { fingerprint } = compute.fingerprint(barsBetween(bars, -Infinity, final_until), {
      nodeId: metadata.node_id,
      grid: metadata.grid,
      range: [start, final_until],
      conformanceVersion: metadata.conformance_version,
    });
    if (fingerprint !== answer_fingerprint) {
      throw unverified(metadata, `its rows have the fingerprint ${fingerprint}, not ${answer_fingerprint}`);
    }
  }
}

function unverified(metadata: Metadata, why: string): HistoryError {
  return new HistoryError("VERIFY_FAILED", `Cannot trust the answer for ${metadata.node_id}: ${why}`, {
    hint: "Ask again; if it stays so, run `seamless verify` where the service runs",
  });
}

function timer(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(pending);
      signal.removeEventListener("abort", wake);
      resolve();
    };
    const pending = setTimeout(wake, ms);
    signal.addEventListener("abort", wake, { once: true });
  });
}
