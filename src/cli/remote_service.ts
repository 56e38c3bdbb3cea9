/**
 * A service that runs elsewhere, behind the same interface as one of this process: verbs do not know the
 * difference. What HTTP does not offer is refused by name.
 */

import { HistoryError } from "../core/errors.ts";
import { writeSeconds } from "../core/instant.ts";
import { DEFAULT_PAGE_ROWS } from "../core/limits.ts";
import type { FetchRequest, RequestContext } from "../core/request.ts";
import type {
  Answer,
  BackfillSpec,
  Check,
  ConditionReport,
  CoverageReport,
  ExplainReport,
  GapPage,
  HistoryService,
  JobReport,
  NodePage,
  PlanReport,
  SnapshotPage,
  SnapshotRow,
  ValidationProblem,
  VerifyReport,
} from "../core/service.ts";
import type { TimeRange } from "../core/time_range.ts";
import {
  call,
  callJson,
  type HttpCall,
  type HttpTarget,
  type QueryValues,
  received,
} from "../client/calls.ts";
import { requestQuery } from "../client/request_query.ts";
import { arrowAnswer } from "./remote_answer.ts";
import type { Surroundings } from "./surroundings.ts";

/** A `get` without --timeout waits for a fill as long as this. */
const PATIENT_MS = 86_400_000;
/** A job is looked at this often while it runs. */
const JOB_POLL_MS = 500;

/** The context that a run without one has here too: the service need not ask for it, nor warn of it. */
function inContext(request: FetchRequest): FetchRequest {
  const isPinned = request.asOf !== undefined || request.fingerprint !== undefined;
  return {
    ...request,
    worldId: request.worldId ?? "default",
    executionDomain: request.executionDomain ?? (isPinned ? "backtest" : "live"),
  };
}

/** Seamless over HTTP. */
export class RemoteService implements HistoryService {
  readonly #target: HttpTarget;

  constructor(readonly o: HttpTarget & { s: Pick<Surroundings, "after"> }) {
    this.#target = { url: o.url, apiKey: o.apiKey, fetch: o.fetch };
  }

  #json<T>(o: HttpCall): Promise<T> {
    return callJson<T>(this.#target, o);
  }

  async bars(request: FetchRequest, context: RequestContext = {}): Promise<Answer> {
    const query: QueryValues = {
      ...requestQuery(inContext(request)),
      limit: context.page?.limit,
      total_deadline_ms: context.patient && Math.round(context.patient.timeoutMs ?? PATIENT_MS),
    };
    const response = await call(this.#target, {
      path: "/v1/bars",
      query,
      accept: "application/vnd.apache.arrow.stream",
      signal: context.signal,
    });
    return await arrowAnswer(response, { target: this.#target, signal: context.signal });
  }

  coverage(nodeId: string, o: { range?: TimeRange; asOf?: string } = {}): Promise<CoverageReport> {
    const query = { node_id: nodeId, ...(o.range && rangeQuery(o.range)), as_of: o.asOf };
    return this.#json({ path: "/v1/coverage", query });
  }

  /** One list from its cursor's pages, up to the limit: over HTTP `after` is the cursor's own work. */
  async gaps(
    nodeId: string,
    o: { range: TimeRange; reason?: string; limit: number; after?: number; asOf?: string },
  ): Promise<GapPage> {
    const page = await this.#json<Omit<GapPage, "next"> & { next: string | null }>({
      path: "/v1/gaps",
      query: {
        node_id: nodeId,
        ...rangeQuery([o.after ?? o.range[0], o.range[1]]),
        reason: o.reason,
        limit: o.limit,
        as_of: o.asOf,
      },
    });
    const last = page.gaps.at(-1);
    return { ...page, next: page.next === null || last === undefined ? null : last.end };
  }

  condition(nodeId: string, range: TimeRange): Promise<ConditionReport> {
    return this.#json({ path: "/v1/condition", query: { node_id: nodeId, ...rangeQuery(range) } });
  }

  async nodes(o: { exchange?: string; limit: number }): Promise<NodePage> {
    const page = await this.#json<NodePage>({
      path: "/v1/nodes",
      query: { exchange: o.exchange, limit: o.limit },
    });
    return { ...page, next: page.next === null ? null : page.nodes.at(-1)?.node_id ?? null };
  }

  async snapshots(
    nodeId: string,
    o: { asOf?: string; fingerprint?: string; limit?: number },
  ): Promise<SnapshotPage> {
    const page = await this.#json<Omit<SnapshotPage, "next"> & { next: string | null }>({
      path: "/v1/snapshots",
      query: {
        node_id: nodeId,
        as_of: o.asOf,
        fingerprint: o.fingerprint,
        limit: o.limit ?? DEFAULT_PAGE_ROWS,
      },
    });
    return { ...page, next: page.next === null ? null : page.snapshots.at(-1)?.seq ?? null };
  }

  plan(spec: BackfillSpec, signal?: AbortSignal): Promise<PlanReport> {
    return this.#json({ path: "/v1/plan", body: bodyOf(spec), signal });
  }

  /** The service validates each request as it comes; nothing is known of it before. */
  validate(): ValidationProblem[] {
    return [];
  }

  startBackfill(spec: BackfillSpec): Promise<JobReport> {
    return this.#json({ path: "/v1/backfills", body: bodyOf(spec) });
  }

  backfill(id: string): Promise<JobReport> {
    return this.#json({ path: `/v1/backfills/${encodeURIComponent(id)}` });
  }

  cancelBackfill(id: string): Promise<JobReport> {
    return this.#json({ path: `/v1/backfills/${encodeURIComponent(id)}`, method: "DELETE" });
  }

  /** Starts a job there and looks at it until it ends. The job goes on when nobody waits for it any more. */
  async fill(
    spec: BackfillSpec,
    o: { signal?: AbortSignal; onProgress?: (job: JobReport) => void },
  ): Promise<JobReport> {
    let job = await this.startBackfill(spec);
    job = await this.backfill(job.id);
    while (job.state === "queued" || job.state === "running") {
      o.onProgress?.(job);
      await this.#pause(o.signal);
      if (o.signal?.aborted) return job;
      job = await this.backfill(job.id);
    }
    return job;
  }

  #pause(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const undo = this.o.s.after(JOB_POLL_MS, () => {
        signal?.removeEventListener("abort", wake);
        resolve();
      });
      const wake = () => {
        undo();
        resolve();
      };
      signal?.addEventListener("abort", wake, { once: true });
    });
  }

  publish(): Promise<{ published: SnapshotRow[]; unchanged: SnapshotRow[] }> {
    return Promise.reject(notOverHttp("publish"));
  }

  verify(): Promise<VerifyReport> {
    return Promise.reject(notOverHttp("verify"));
  }

  explain(): Promise<ExplainReport> {
    return Promise.reject(notOverHttp("explain"));
  }

  async artifact(key: string): Promise<Uint8Array | null> {
    const path = `/artifacts/${key.split("/").map(encodeURIComponent).join("/")}`;
    return new Uint8Array(await (await call(this.#target, { path, accept: "*/*" })).arrayBuffer());
  }

  artifactSize(): Promise<number | null> {
    return Promise.reject(notOverHttp("artifactSize"));
  }

  /** Progress of a `get` is not told over HTTP. */
  events(): () => void {
    return () => {};
  }

  async ready(): Promise<{ ready: boolean; checks: Check[] }> {
    // Not ready is 503, and an answer all the same.
    const response = await received(this.#target.fetch(`${this.#target.url}/readyz`), this.#target);
    return await response.json() as { ready: boolean; checks: Check[] };
  }

  async doctor(): Promise<{ ok: boolean; checks: Check[] }> {
    const { ready, checks } = await this.ready();
    return { ok: ready, checks };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function rangeQuery([start, end]: TimeRange): QueryValues {
  return { start: writeSeconds(start), end: writeSeconds(end) };
}

function bodyOf(spec: BackfillSpec): Record<string, unknown> {
  const { nodes, start, end, refetch, priority } = spec;
  const given = { nodes, start, end, refetch: refetch || undefined, priority };
  return Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined && value !== null),
  );
}

function notOverHttp(act: string): HistoryError {
  return new HistoryError("NOT_AVAILABLE", `Cannot ${act} over HTTP`, {
    hint: "Run it where the stores are, without --server",
  });
}
