/**
 * Backfill jobs of the service: started, looked at, cancelled, resumed after a restart (surface §4). However many
 * processes stand on one store, one of them runs a job, under a lease; when it ends, another one goes on.
 */

import { whileHeld } from "../backfill/held_lease.ts";
import type { JobRunner, RunOptions } from "../backfill/jobs.ts";
import { underSignals } from "../core/cancellation.ts";
import { parseSeconds } from "../core/instant.ts";
import { HistoryError } from "../core/errors.ts";
import {
  JOB_KEPT_MS,
  JOB_LEASE_MS,
  JOB_LOOK_EVERY_MS,
  JOB_NODES_MAX,
  JOB_STORE_EVERY_MS,
} from "../core/limits.ts";
import { parseNodeId } from "../core/node_id.ts";
import type { Clock, Dice, JobRecord, JobStore, Lease, Leases } from "../core/ports.ts";
import type { BackfillSpec, JobReport } from "../core/service.ts";

export interface JobDeskParts {
  runner: JobRunner;
  jobs: JobStore;
  leases: Leases;
  clock: Clock;
  dice: Dice;
  workers: number;
  hooks: Pick<RunOptions, "onNodeDone" | "firstBar">;
  /** Work that goes on after a call; waited for at close. */
  background: (work: Promise<unknown>) => void;
  lifetime: AbortSignal;
}

/** A job that this process runs. */
interface Running {
  job: JobRecord;
  abort: AbortController;
  /** Another process has taken it over: what comes of it is that one's to say. */
  isLost: boolean;
}

export class JobDesk {
  readonly #parts: JobDeskParts;
  readonly #running = new Map<string, Running>();

  constructor(parts: JobDeskParts) {
    this.#parts = parts;
  }

  /** Starts a job, or finds the one with the same idempotency key. */
  async start(spec: BackfillSpec): Promise<JobReport> {
    const { jobs, clock } = this.#parts;
    await jobs.prune(clock.nowMs() - JOB_KEPT_MS);
    const made = this.#record(spec);
    const job = await jobs.create(made);
    if (job.id === made.id) await this.#take(job.id);
    return await this.report(job.id);
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
    if (hasEnded(job)) return reportOf(job);
    const updatedAtMs = this.#parts.clock.nowMs();
    const cancelled: JobRecord = { ...job, state: "cancelled", etaSeconds: null, updatedAtMs };
    await this.#parts.jobs.update(cancelled);
    return reportOf(cancelled);
  }

  /** Goes on with what no process runs: what a killed one left behind, and from now on what others leave. */
  async resume(): Promise<void> {
    await this.#takeLeft();
    this.#parts.background(this.#watch());
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

  async #watch(): Promise<void> {
    const { clock, lifetime } = this.#parts;
    while (!lifetime.aborted) {
      try {
        await clock.sleep(JOB_LOOK_EVERY_MS, lifetime);
        await this.#takeLeft();
      } catch (error) {
        // A store that is away for the moment is looked at again; the service's end ends this.
        if (!lifetime.aborted && !(error instanceof HistoryError)) throw error;
      }
    }
  }

  async #takeLeft(): Promise<void> {
    for (const { id } of await this.#parts.jobs.unfinished()) await this.#take(id);
  }

  /** Runs the job, in the background, unless another process does. */
  async #take(id: string): Promise<void> {
    const { leases, jobs, background } = this.#parts;
    if (this.#running.has(id)) return;
    const claim = await leases.claim(`job|${id}`, JOB_LEASE_MS);
    if (!("lease" in claim)) return;
    // Who held the lease until now may have ended the job.
    const job = await jobs.get(id);
    if (job === null || hasEnded(job)) return await leases.complete(claim.lease);
    const running: Running = { job, abort: new AbortController(), isLost: false };
    this.#running.set(id, running);
    background(this.#run(running, claim.lease));
  }

  async #run(running: Running, lease: Lease): Promise<void> {
    const { clock, leases, runner, hooks, workers, lifetime } = this.#parts;
    const { job, abort } = running;
    const onLost = (error: HistoryError) => {
      running.isLost = true;
      abort.abort(error);
    };
    const run = () =>
      runner.run(job, {
        ...hooks,
        workers,
        signal: AbortSignal.any([abort.signal, lifetime]),
        onProgress: this.#keeper(running),
      });
    try {
      await whileHeld(lease, { leases, clock, ttlMs: JOB_LEASE_MS, onLost }, run);
    } finally {
      this.#running.delete(job.id);
    }
  }

  /** Writes a job's progress to the store, now and then. */
  #keeper(running: Running): (now: JobRecord) => Promise<void> {
    const { jobs, clock, lifetime } = this.#parts;
    const { abort } = running;
    let stored = { atMs: -Infinity, total: -1 };
    return async (now) => {
      if (running.isLost) return;
      running.job = now;
      const isNews = now.windows.total !== stored.total;
      if (!hasEnded(now) && !isNews && clock.monotonicMs() - stored.atMs < JOB_STORE_EVERY_MS) return;
      stored = { atMs: clock.monotonicMs(), total: now.windows.total };
      // Another process may have been told to end it.
      if (now.state !== "cancelled" && (await jobs.get(now.id))?.state === "cancelled") {
        running.job = { ...now, state: "cancelled", etaSeconds: null };
        return abort.abort(jobCancelled(now.id));
      }
      // At the end of the service a job stays "running" in the store: the next start goes on with it.
      const isLeft = lifetime.aborted && !abort.signal.aborted;
      await jobs.update(isLeft ? { ...now, state: "running" } : now);
    };
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

function hasEnded({ state }: JobRecord): boolean {
  return state !== "queued" && state !== "running";
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
