/**
 * The library: history and live bars of crypto markets, with every gap explained and every answer named by a
 * fingerprint.
 *
 * ```ts
 * import { open } from "@seamless/seamless";
 * const seamless = await open({ storage: { bars: "memory:" } });
 * const { frame, metadata } = await seamless.fetch({ nodeId: "ohlcv:kraken:BTC/USD:1h", last: 100 });
 * await seamless.close();
 * ```
 *
 * @module
 */

import type { Bars, Trades } from "./core/bar_frame.ts";
import { underSignals } from "./core/cancellation.ts";
import { cancelled, HistoryError, throwIfCancelled } from "./core/errors.ts";
import { ENSURE_POLL_MS, FETCH_MANY_CONCURRENCY } from "./core/limits.ts";
import { JoinedRows } from "./core/joined_rows.ts";
import type { Metadata } from "./core/metadata.ts";
import type { FetchRequest } from "./core/request.ts";
import { checkedRange, checkRequest } from "./core/request_check.ts";
import type { CoverageReport, HistoryService, JobReport } from "./core/service.ts";
import type { TimeRange } from "./core/time_range.ts";
import { type ConfigInput, loadConfig, systemClock, wire } from "./wire.ts";

export { HistoryError } from "./core/errors.ts";
export type { ErrorCode } from "./core/errors.ts";
export { nodeId, parseNodeId } from "./core/node_id.ts";
export type { ParsedNode } from "./core/node_id.ts";
export type { ConfigInput } from "./wire.ts";
export type { Bars, Trades } from "./core/bar_frame.ts";
export type { CoverageReport } from "./core/service.ts";
export type { Features, Gap, Metadata, SLAPolicy, Verdict } from "./core/metadata.ts";
export type { FetchRequest } from "./core/request.ts";
export type { TimeRange } from "./core/time_range.ts";

/** One question answered: the rows as columns, and everything that is known of them. */
export interface Fetched {
  frame: Bars | Trades;
  metadata: Metadata;
}

/** How far `ensureCoverage` is: windows and rows of the running fill, and seconds left at its pace. */
export type Progress = Pick<JobReport, "windows" | "rows" | "completion_ratio" | "eta_seconds">;

/** An open service. Every call after `close` rejects with `CANCELLED`; so does one whose signal fires. */
export interface Seamless {
  /** Answers one request under the configured SLA. Errors: `HistoryError` with a code of surface.md §5. */
  fetch(request: FetchRequest, o?: { signal?: AbortSignal }): Promise<Fetched>;
  /** Answers many, a few at a time, in the order asked; the failure of one does not end the others. */
  fetchMany(
    requests: FetchRequest[],
    o?: { signal?: AbortSignal },
  ): AsyncIterable<(Fetched & { request: FetchRequest }) | { request: FetchRequest; error: HistoryError }>;
  /** What is covered, as `GET /v1/coverage`. */
  coverage(nodeId: string, o?: { range?: TimeRange; asOf?: string }): Promise<CoverageReport>;
  /** Fetches until no slot of the range is open; rejects with the failure that stands in the way. */
  ensureCoverage(
    nodeId: string,
    range: TimeRange,
    o?: { signal?: AbortSignal; onProgress?: (progress: Progress) => void },
  ): Promise<CoverageReport>;
  /** Ends what is under way and closes the stores; finished windows are kept. */
  close(): Promise<void>;
}

/**
 * Opens the service in this process: a path of a YAML file, an object in the shape of blueprint.yaml, or nothing for
 * the defaults (bars in `./data/bars.db`, artifacts in `./data/artifacts`). `CONFIG_INVALID` lists all mistakes.
 */
export async function open(config?: string | ConfigInput): Promise<Seamless> {
  const source = typeof config === "string" ? { path: config } : { input: config ?? {} };
  const loaded = loadConfig({ ...source, env: Deno.env.toObject(), cwd: Deno.cwd() });
  return new Library(await wire(loaded, { verbosity: "quiet" }));
}

class Library implements Seamless {
  readonly #service: HistoryService;
  readonly #ending = new AbortController();

  constructor(service: HistoryService) {
    this.#service = service;
  }

  async fetch(request: FetchRequest, o: { signal?: AbortSignal } = {}): Promise<Fetched> {
    checkRequest(request);
    throwIfCancelled(o.signal, `Fetching ${request.nodeId}`);
    const { metadata, slices } = await this.#service.bars(request, { signal: o.signal });
    // The frame belongs to the caller, who may write into it: rows of stored chunks are copied.
    const joined = new JoinedRows(metadata.rows, metadata.grid);
    for await (const { bytes } of slices({ signal: o.signal })) joined.add(bytes);
    throwIfCancelled(o.signal, `Fetching ${request.nodeId}`);
    return { frame: joined.end(), metadata };
  }

  async *fetchMany(requests: FetchRequest[], o: { signal?: AbortSignal } = {}) {
    const underWay: Promise<
      (Fetched & { request: FetchRequest }) | { request: FetchRequest; error: HistoryError }
    >[] = [];
    const answer = async (request: FetchRequest) => {
      try {
        return { request, ...await this.fetch(request, o) };
      } catch (error) {
        if (!(error instanceof HistoryError)) throw error;
        return { request, error };
      }
    };
    for (let next = 0, done = 0; done < requests.length; done++) {
      while (next < requests.length && next - done < FETCH_MANY_CONCURRENCY) {
        underWay.push(answer(requests[next++]));
      }
      yield await underWay.shift()!;
    }
  }

  async coverage(nodeId: string, o: { range?: TimeRange; asOf?: string } = {}): Promise<CoverageReport> {
    const range = o.range === undefined ? undefined : checkedRange(o.range);
    return await this.#service.coverage(nodeId, { ...o, range });
  }

  async ensureCoverage(
    nodeId: string,
    range: TimeRange,
    o: { signal?: AbortSignal; onProgress?: (progress: Progress) => void } = {},
  ): Promise<CoverageReport> {
    const act = `Covering ${nodeId}`;
    const asked = checkedRange(range);
    const [start, end] = asked;
    return await underSignals([this.#ending.signal, o.signal], act, async (signal) => {
      while (true) {
        throwIfCancelled(signal, act);
        const spec = { nodes: [nodeId], start, end };
        const job = await this.#service.fill(spec, { signal, onProgress: o.onProgress });
        throwIfCancelled(signal, act);
        if (job.state === "complete") return await this.#service.coverage(nodeId, { range: asked });
        refuseFailed(nodeId, job);
        await this.#refuseQuarantined(nodeId, asked);
        // Bars that the venue has not shown yet: they come, or become final gaps, within a few intervals.
        await systemClock.sleep(ENSURE_POLL_MS, signal);
      }
    });
  }

  /** Waiting helps with bars that are late, never with replies that were refused. */
  async #refuseQuarantined(nodeId: string, range: TimeRange): Promise<void> {
    const { gaps } = await this.#service.gaps(nodeId, { range, reason: "quarantined", limit: 100 });
    if (gaps.length === 0) return;
    throw new HistoryError(
      "CONFORMANCE_BLOCKED",
      `Cannot cover ${nodeId}: ${gaps.length} ranges are quarantined`,
      {
        hint: "Look at them with `seamless explain`, then fetch them again with `seamless fill --refetch`",
        ranges: gaps.map(({ start, end }): TimeRange => [start, end]),
      },
    );
  }

  close(): Promise<void> {
    this.#ending.abort(cancelled("The call: the service is closed; it"));
    return this.#service.close();
  }
}

/** The first failure of a fill is the reason why it covers less than it was asked to. */
function refuseFailed(nodeId: string, { errors }: JobReport): void {
  const [first] = errors;
  if (first === undefined) return;
  throw new HistoryError(first.code as HistoryError["code"], `Cannot cover ${nodeId}: ${first.message}`, {
    hint: "Finished windows are kept; ask again to go on from there",
    ranges: errors.map(({ start, end }): TimeRange => [start, end]),
  });
}
