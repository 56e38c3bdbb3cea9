/**
 * Backfill jobs: many windows of one or more nodes, with progress that survives the process (spec §14). A job is
 * planned from the ledger each time it runs, so one that was killed goes on where it stood.
 */

import { HistoryError, throwIfCancelled } from "../core/errors.ts";
import { formingStart } from "../core/effective_range.ts";
import { JOB_MAX_ERRORS, PLAN_AHEAD_WINDOWS } from "../core/limits.ts";
import type { Clock, JobRecord, Log } from "../core/ports.ts";
import { snapOutward } from "../core/timeframe.ts";
import type { TimeRange } from "../core/time_range.ts";
import type { Backfiller, NodeSite } from "./backfiller.ts";
import type { Window } from "./plan.ts";

/** What a run needs besides the job. */
export interface RunOptions {
  signal: AbortSignal;
  /** Windows fetched side by side. */
  workers: number;
  /** Called after each window, with the job as it stands. */
  onProgress: (job: JobRecord) => Promise<void> | void;
  /** Called when a node's windows are done, also when some failed: publication. Tells how many slots are still open. */
  onNodeDone: (nodeId: string, range: TimeRange) => Promise<{ open: number }>;
  /** The first bar of a node without a start. */
  firstBar: (site: NodeSite, signal: AbortSignal) => Promise<number | null>;
}

interface NodePlan {
  site: NodeSite;
  range: TimeRange | null;
  windows: Window[];
}

/** Runs jobs over a backfiller. */
export class JobRunner {
  readonly #backfiller: Backfiller;
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(parts: { backfiller: Backfiller; clock: Clock; log: Log }) {
    this.#backfiller = parts.backfiller;
    this.#clock = parts.clock;
    this.#log = parts.log;
  }

  /** Runs a job to its end and resolves with its last state; never rejects for what a venue or a cancellation does. */
  async run(job: JobRecord, o: RunOptions): Promise<JobRecord> {
    const run = new Run(job, this.#clock);
    try {
      run.begin();
      await o.onProgress(run.job);
      const plans: NodePlan[] = [];
      for (const nodeId of job.nodes) plans.push(await this.#planNode(nodeId, run, o));
      run.scheduled(plans.reduce((total, plan) => total + plan.windows.length, 0));
      await o.onProgress(run.job);
      for (const plan of plans) {
        await this.#fillNode(plan, run, o);
        if (plan.range === null || o.signal.aborted) continue;
        run.leftOpen((await o.onNodeDone(plan.site.nodeId, plan.range)).open);
      }
      run.end(o.signal.aborted ? "cancelled" : null);
    } catch (error) {
      if (!(error instanceof HistoryError)) throw error;
      if (error.code === "CANCELLED" || o.signal.aborted) run.end("cancelled");
      else {
        run.failed({ node_id: job.nodes[0], start: job.start ?? 0, end: job.end ?? 0 }, error);
        run.end("failed");
      }
    }
    await o.onProgress(run.job);
    this.#log.emit("info", "seamless.backfill.job", { id: job.id, state: run.job.state, ...run.job.windows });
    return run.job;
  }

  async #planNode(nodeId: string, run: Run, o: RunOptions): Promise<NodePlan> {
    const site = await this.#backfiller.site(nodeId);
    const range = await this.#rangeOf(site, run.job, o);
    const scope = run.job.refetch ? "all" : "due";
    const order = run.job.priority === "live" ? "newest" : "oldest";
    return {
      site,
      range,
      windows: range === null ? [] : this.#backfiller.plan(site, range, { scope, order }),
    };
  }

  /** From the first bar to the last closed one, unless the job says otherwise; null when nothing lies between. */
  async #rangeOf(site: NodeSite, job: JobRecord, o: RunOptions): Promise<TimeRange | null> {
    const end = job.end ?? formingStart(this.#backfiller.venueNow(site.parsed.exchange), site.grid);
    const start = job.start ?? await o.firstBar(site, o.signal);
    throwIfCancelled(o.signal, "Planning");
    return start === null || !(start < end) ? null : snapOutward([start, end], site.grid);
  }

  /** Keeps `workers` windows under way; a refusal ends the node, because every further call would be refused too. */
  async #fillNode(plan: NodePlan, run: Run, o: RunOptions): Promise<void> {
    let next = 0;
    let refused = false;
    const work = async () => {
      while (next < plan.windows.length && !refused && !o.signal.aborted) {
        const window = plan.windows[next++];
        try {
          const result = await this.#backfiller.fillWindow(plan.site.nodeId, window, {
            batchId: run.job.id,
            priority: run.job.priority,
            scope: run.job.refetch ? "all" : "due",
            grid: plan.site.grid,
            signal: o.signal,
          });
          run.completed(result);
        } catch (error) {
          if (!(error instanceof HistoryError)) throw error;
          if (error.code === "CANCELLED") return;
          refused = REFUSALS.has(error.code);
          run.failed({ node_id: plan.site.nodeId, start: window.ask[0], end: window.ask[1] }, error);
        }
        await o.onProgress(run.job);
      }
    };
    const workers = Math.min(o.workers, PLAN_AHEAD_WINDOWS, plan.windows.length);
    await Promise.all(Array.from({ length: workers }, work));
  }
}

/** Refusals that one more window would only meet again. */
const REFUSALS: ReadonlySet<string> = new Set([
  "EXCHANGE_REFUSED",
  "EXCHANGE_UNKNOWN",
  "SYMBOL_UNKNOWN",
  "BAD_TIMEFRAME",
  "STORE_UNAVAILABLE",
]);

/** A job while it runs: the record is replaced, never changed, so that whoever holds one sees one moment. */
class Run {
  job: JobRecord;
  readonly #clock: Clock;
  #startedMs = 0;
  #open = 0;

  constructor(job: JobRecord, clock: Clock) {
    this.job = job;
    this.#clock = clock;
  }

  begin(): void {
    this.#startedMs = this.#clock.monotonicMs();
    // A resumed job counts what is left: what was finished before stands in the ledger.
    const windows = { total: 0, complete: 0, failed: 0, deduplicated: 0 };
    this.#set({ state: "running", windows, errors: [], etaSeconds: null });
  }

  scheduled(total: number): void {
    this.#set({ windows: { ...this.job.windows, total } });
  }

  completed(result: { rows: number; deduplicated: boolean }): void {
    const { windows, rows } = this.job;
    this.#set({
      rows: rows + result.rows,
      windows: {
        ...windows,
        complete: windows.complete + 1,
        deduplicated: windows.deduplicated + (result.deduplicated ? 1 : 0),
      },
    });
    this.#set({ etaSeconds: this.#eta() });
  }

  failed(where: { node_id: string; start: number; end: number }, error: HistoryError): void {
    const { windows, errors } = this.job;
    const entry = { ...where, code: error.code, message: `${error.message}. ${error.hint}` };
    this.#set({
      windows: { ...windows, failed: windows.failed + 1 },
      errors: errors.length < JOB_MAX_ERRORS ? [...errors, entry] : errors,
    });
  }

  /** Slots that no fetch could settle: the job is not complete, whatever its windows say. */
  leftOpen(slots: number): void {
    this.#open += slots;
  }

  end(state: "cancelled" | "failed" | null): void {
    const { windows } = this.job;
    const outcome = windows.failed > 0 && windows.complete === 0
      ? "failed"
      : windows.failed > 0 || this.#open > 0
      ? "incomplete"
      : "complete";
    this.#set({ state: state ?? outcome, etaSeconds: null });
  }

  /** Seconds left at the pace so far. */
  #eta(): number | null {
    const { total, complete, failed } = this.job.windows;
    const done = complete + failed;
    if (done === 0) return null;
    const perWindowMs = (this.#clock.monotonicMs() - this.#startedMs) / done;
    return Math.round(perWindowMs * (total - done) / 1000);
  }

  #set(change: Partial<JobRecord>): void {
    this.job = { ...this.job, ...change, updatedAtMs: this.#clock.nowMs() };
  }
}
