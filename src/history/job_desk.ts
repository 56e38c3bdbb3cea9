/** Backfill jobs of the service: started, looked at, cancelled, resumed after a restart (surface §4). */

import type { JobRunner, RunOptions } from "../backfill/jobs.ts";
import { underSignals } from "../core/cancellation.ts";
import { parseSeconds } from "../core/instant.ts";
import { HistoryError } from "../core/errors.ts";
import { JOB_KEPT_MS, JOB_NODES_MAX, JOB_STORE_EVERY_MS } from "../core/limits.ts";
import { parseNodeId } from "../core/node_id.ts";
import type { Clock, Dice, JobRecord, JobStore } from "../core/ports.ts";
import type { BackfillSpec, JobReport } from "../core/service.ts";

export interface JobDeskParts {
  runner: JobRunner;
  jobs: JobStore;
  clock: Clock;
  dice: Dice;
  workers: number;
  hooks: Pick<RunOptions, "onNodeDone" | "firstBar">;
  /** Work that goes on after a call; waited for at close. */
  background: (work: Promise<unknown>) => void;
  lifetime: AbortSignal;
}

export class JobDesk {
  readonly #parts: JobDeskParts;
  readonly #running = new Map<string, { abort: AbortController; job: JobRecord }>();

  constructor(parts: JobDeskParts) {
    this.#parts = parts;
  }

  /** Starts a job, or finds the one with the same idempotency key. */
  async start(spec: BackfillSpec): Promise<JobReport> {
    const { jobs, clock } = this.#parts;
    await jobs.prune(clock.nowMs() - JOB_KEPT_MS);
    const made = this.#record(spec);
    const job = await jobs.create(made);
    if (job.id === made.id) this.#run(job);
    return reportOf(job);
  }

  async report(id: string): Promise<JobReport> {
    const running = this.#running.get(id);
    if (running !== undefined) return reportOf(running.job);
    return reportOf(await this.#stored(id));
  }

  /**
   * Ends a job; finished windows stay. The last state of one that ended already. What was answered stands, also when this
   * process is killed before the job has come to rest, and where another process runs it.
   */
  async cancel(id: string): Promise<JobReport> {
    const running = this.#running.get(id);
    running?.abort.abort(jobCancelled(id));
    const job = running?.job ?? await this.#stored(id);
    if (job.state !== "queued" && job.state !== "running") return reportOf(job);
    const updatedAtMs = this.#parts.clock.nowMs();
    const cancelled: JobRecord = { ...job, state: "cancelled", etaSeconds: null, updatedAtMs };
    await this.#parts.jobs.update(cancelled);
    return reportOf(cancelled);
  }

  /** Goes on with what a killed process left behind. */
  async resume(): Promise<number> {
    const left = await this.#parts.jobs.unfinished();
    for (const job of left) this.#run(job);
    return left.length;
  }

  /** Runs a job in this call, unknown to the job store: what the CLI's `fill` does. */
  async runNow(
    spec: BackfillSpec,
    o: { signal?: AbortSignal; onProgress?: (job: JobReport) => void; workers?: number },
  ): Promise<JobReport> {
    const { lifetime, runner, hooks, workers } = this.#parts;
    const job = await underSignals(
      [lifetime, o.signal],
      "The fill",
      (signal) =>
        runner.run(this.#record(spec), {
          ...hooks,
          signal,
          workers: o.workers ?? workers,
          onProgress: (now) => o.onProgress?.(reportOf(now)),
        }),
    );
    return reportOf(job);
  }

  #run(job: JobRecord): void {
    const abort = new AbortController();
    const entry = { abort, job };
    this.#running.set(job.id, entry);
    const { jobs, clock, runner, hooks, workers, lifetime } = this.#parts;
    let stored = { atMs: -Infinity, total: -1 };
    const work = runner.run(job, {
      ...hooks,
      workers,
      signal: AbortSignal.any([abort.signal, lifetime]),
      onProgress: async (now) => {
        entry.job = now;
        const ended = now.state !== "running";
        const isNews = now.windows.total !== stored.total;
        if (!ended && !isNews && clock.monotonicMs() - stored.atMs < JOB_STORE_EVERY_MS) return;
        stored = { atMs: clock.monotonicMs(), total: now.windows.total };
        // Another process may have been told to end it.
        if (now.state !== "cancelled" && (await jobs.get(now.id))?.state === "cancelled") {
          entry.job = { ...now, state: "cancelled", etaSeconds: null };
          return abort.abort(jobCancelled(now.id));
        }
        // At the end of the service a job stays "running" in the store: the next start goes on with it.
        const isLeft = lifetime.aborted && !abort.signal.aborted;
        await jobs.update(isLeft ? { ...now, state: "running" } : now);
      },
    }).finally(() => this.#running.delete(job.id));
    this.#parts.background(work);
  }

  async #stored(id: string): Promise<JobRecord> {
    const job = await this.#parts.jobs.get(id);
    if (job !== null) return job;
    throw new HistoryError("JOB_UNKNOWN", `Cannot find backfill ${JSON.stringify(id.slice(0, 60))}`, {
      hint: "Jobs are kept for 7 days; start one with POST /v1/backfills",
    });
  }

  #record(spec: BackfillSpec): JobRecord {
    const { clock, dice } = this.#parts;
    const nowMs = clock.nowMs();
    return {
      id: dice.id(),
      ...checkedSpec(spec),
      priority: spec.priority ?? "backfill",
      refetch: spec.refetch ?? false,
      idempotencyKey: spec.idempotency_key ?? null,
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
      state: "queued",
      windows: { total: 0, complete: 0, failed: 0, deduplicated: 0 },
      rows: 0,
      etaSeconds: null,
      errors: [],
    };
  }
}

/** Nodes and bounds of a spec, checked before anything runs. `BAD_REQUEST`, `BAD_NODE_ID`, `BAD_TIME`, `NOT_AVAILABLE`. */
export function checkedSpec(
  spec: BackfillSpec,
): { nodes: string[]; start: number | null; end: number | null } {
  const nodes = [...new Set(spec.nodes)];
  if (nodes.length === 0 || nodes.length > JOB_NODES_MAX) {
    throw new HistoryError("BAD_REQUEST", `Cannot fill ${nodes.length} nodes`, {
      hint: `Name 1 to ${JOB_NODES_MAX} nodes`,
    });
  }
  for (const nodeId of nodes) {
    const { kind, origin } = parseNodeId(nodeId);
    if (kind === "ohlcv" && origin === undefined) continue;
    throw new HistoryError(
      "NOT_AVAILABLE",
      `Cannot fill ${nodeId}: trades and derived series are not built yet`,
      {
        hint: "Fill the exchange's own bars: ohlcv:{exchange}:{symbol}:{timeframe}",
      },
    );
  }
  const start = spec.start === null ? null : parseSeconds(spec.start, "start");
  const end = spec.end === null ? null : parseSeconds(spec.end, "end");
  if (start !== null && end !== null && start > end) {
    throw new HistoryError("BAD_TIME", `Cannot fill [${start}, ${end}): it ends before it starts`, {
      hint: "Ranges are half-open [start, end) with start ≤ end",
    });
  }
  return { nodes, start, end };
}

/** A job as `GET /v1/backfills/{id}` shows it. */
export function reportOf(job: JobRecord): JobReport {
  const { total, complete } = job.windows;
  return {
    id: job.id,
    state: job.state,
    windows: job.windows,
    rows: job.rows,
    completion_ratio: total === 0 ? (job.state === "complete" ? 1 : 0) : complete / total,
    eta_seconds: job.etaSeconds,
    errors: job.errors,
    created_at: Math.floor(job.createdAtMs / 1000),
  };
}

function jobCancelled(id: string): HistoryError {
  return new HistoryError("CANCELLED", `Backfill ${id} was cancelled`, {
    hint: "Finished windows are kept; start it again to go on from there",
  });
}
