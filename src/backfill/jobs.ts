/**
 * Backfill jobs: many windows of one or more nodes, with progress that survives the process (spec §14). A job is
 * planned from the ledger each time it runs, so one that was killed goes on where it stood.
 */

import { HistoryError, throwIfCancelled } from "../core/errors.ts";
import { formingStart } from "../core/effective_range.ts";
import { WORKERS_MAX } from "../core/limits.ts";
import type { Clock, JobRecord, LedgerRow, Log } from "../core/ports.ts";
import { parseNodeId } from "../core/node_id.ts";
import { snapOutward } from "../core/timeframe.ts";
import type { TimeRange } from "../core/time_range.ts";
import type { Backfiller, NodeSite } from "./backfiller.ts";
import { JobRun } from "./job_run.ts";
import { checkFillRange, type Window } from "./plan.ts";
import { isRefusal } from "./scout.ts";
import { OffGridReply } from "./window_fetch.ts";

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
  range: TimeRange;
  /** Windows that would be asked now, counted. */
  windows: number;
}

/** A node while its windows are asked. */
interface NodeFill {
  site: NodeSite;
  /** Nothing more of it is asked. */
  ended: boolean;
  /** Windows that were taken up. */
  asked: number;
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
    const run = new JobRun(job, this.#clock);
    run.begin();
    await o.onProgress(run.job);
    const plans: NodePlan[] = [];
    for (const nodeId of job.nodes) {
      await orNoted(nodeId, run, o, async () => {
        const { exchange } = parseNodeId(nodeId);
        const plan = await run.patience.during(exchange, () => this.#planNode(nodeId, run, o));
        if (plan === null) run.nodeDone({ open: 0, isWhole: true });
        else plans.push(plan);
      });
    }
    run.scheduled(plans.reduce((total, plan) => total + plan.windows, 0));
    await o.onProgress(run.job);
    for (const plan of plans) {
      await orNoted(plan.site.nodeId, run, o, async () => {
        const failedBefore = run.job.windows.failed;
        await this.#fillNode(plan, run, o);
        if (o.signal.aborted || run.cancelled) return;
        const { open } = await o.onNodeDone(plan.site.nodeId, plan.range);
        run.nodeDone({ open, isWhole: run.job.windows.failed === failedBefore });
      });
    }
    run.end(o.signal.aborted);
    await o.onProgress(run.job);
    this.#log.emit("info", "seamless.backfill.job", { id: job.id, state: run.job.state, ...run.job.windows });
    return run.job;
  }

  async #planNode(nodeId: string, run: JobRun, o: RunOptions): Promise<NodePlan | null> {
    throwIfCancelled(o.signal, "Planning");
    const site = await this.#backfiller.wholeSite(nodeId);
    if (run.isResumed) {
      const hot = await this.#backfiller.site(nodeId);
      run.found(rowsSince(hot, run.job, this.#venueTimeOf(hot, run.job.createdAtMs)));
    }
    if (run.job.start !== null) {
      const plan = await this.#planSite(site, run.job, o, this.#presumedNow(site, run.job));
      if (plan === null || plan.windows === 0) return plan;
    }
    // Something will be asked, so the venue's clock may be first: it may have other bars closed than ours says.
    await this.#backfiller.syncClock(site.parsed.exchange, o.signal);
    return await this.#planSite(site, run.job, o, this.#backfiller.venueNow(site.parsed.exchange));
  }

  /**
   * Venue time to plan by before the venue is asked. Of a range that was closed already by what an earlier process
   * measured, that is enough: filled again at once, it costs no call. A job up to now takes no such word: it would miss
   * the bars that it is for.
   */
  #presumedNow({ parsed: { exchange }, grid }: NodeSite, { end }: JobRecord): number {
    const lastKnown = this.#backfiller.lastKnownVenueNow(exchange);
    const isPast = end !== null && end <= formingStart(lastKnown, grid);
    return isPast ? lastKnown : this.#backfiller.venueNow(exchange);
  }

  /** Venue time at an instant of the local clock, as far as the venue's clock is known. */
  #venueTimeOf({ parsed: { exchange } }: NodeSite, localMs: number): number {
    return this.#backfiller.lastKnownVenueNow(exchange) - (this.#clock.nowMs() - localMs) / 1000;
  }

  async #planSite(
    site: NodeSite,
    job: JobRecord,
    o: RunOptions,
    now: number,
  ): Promise<NodePlan | null> {
    const range = await this.#rangeOf(site, job, o, now);
    if (range === null) return null;
    checkFillRange(site.nodeId, range, site.grid);
    let windows = 0;
    for (const block of this.#blocks(site, range, job, now)) windows += block.length;
    return { site, range, windows };
  }

  /** The windows of a job a block at a time, so that a plan over decades of seconds does not fill the memory. */
  #blocks(site: NodeSite, range: TimeRange, job: JobRecord, now?: number): Generator<Window[]> {
    return this.#backfiller.planBlocks(site, range, {
      now,
      scope: job.refetch ? "all" : "due",
      order: job.priority === "live" ? "newest" : "oldest",
    });
  }

  /** From the first bar to the last closed one, unless the job says otherwise; null when nothing lies between. */
  async #rangeOf(
    site: NodeSite,
    job: JobRecord,
    o: RunOptions,
    now: number,
  ): Promise<TimeRange | null> {
    // What closes while the job runs is another job's: a total that grows could never be reached.
    const forming = formingStart(now, site.grid);
    const end = Math.min(job.end ?? Infinity, forming);
    const start = job.start ?? await firstBar(site, o);
    throwIfCancelled(o.signal, "Planning");
    return start === null || !(start < end) ? null : snapOutward([start, end], site.grid);
  }

  /**
   * Keeps `workers` windows under way. A refusal ends the node, because every further call would be refused too; so
   * does a venue that answers nothing any more; so does a failure of our own, which is told once all workers have come
   * to rest.
   */
  async #fillNode(plan: NodePlan, run: JobRun, o: RunOptions): Promise<void> {
    const windows = oneByOne(this.#blocks(plan.site, plan.range, run.job));
    const node: NodeFill = { site: plan.site, ended: false, asked: 0 };
    const { exchange } = plan.site.parsed;
    const goesOn = () => !run.cancelled && !o.signal.aborted && run.patience.over(exchange) === null;
    const work = async () => {
      try {
        while (!node.ended && goesOn()) {
          const next = windows.next();
          if (next.done) return;
          await this.#fillWindow(node, next.value, run, o);
          await o.onProgress(run.job);
        }
      } catch (error) {
        node.ended = true;
        throw error;
      }
    };
    const workers = Math.min(o.workers, WORKERS_MAX, plan.windows);
    const settled = await Promise.allSettled(Array.from({ length: workers }, work));
    for (const result of settled) if (result.status === "rejected") throw result.reason;
    if (!node.ended && !run.cancelled && !o.signal.aborted) this.#leaveRest(plan, node, windows, run);
  }

  /** Counts what is left of a node whose venue was given up. */
  #leaveRest(plan: NodePlan, node: NodeFill, windows: Generator<Window, void>, run: JobRun): void {
    const { nodeId, parsed } = plan.site;
    const over = run.patience.over(parsed.exchange);
    const next = over === null ? undefined : windows.next().value;
    if (over === null || next === undefined) return;
    const [start, end] = run.job.priority === "live"
      ? [plan.range[0], next.ask[1]]
      : [next.ask[0], plan.range[1]];
    run.givenUp({ node_id: nodeId, start, end }, Math.max(1, plan.windows - node.asked), over);
  }

  /** Fills one window and counts it; ends the node where the next window would only fail likewise. */
  async #fillWindow(node: NodeFill, window: Window, run: JobRun, o: RunOptions): Promise<void> {
    const { nodeId, grid } = node.site;
    const scope = run.job.refetch ? "all" : "due";
    node.asked++;
    try {
      const { id, priority } = run.job;
      const ask = { batchId: id, priority, scope, grid, signal: o.signal, patience: run.patience } as const;
      run.completed(await this.#backfiller.fillWindow(nodeId, window, ask));
    } catch (error) {
      if (!(error instanceof HistoryError)) throw error;
      if (error.code === "CANCELLED") {
        run.cancelled = true;
        return;
      }
      // Windows that shared the failure which ended the node were not asked: it is told once.
      if (node.ended && endsNode(error)) return;
      node.ended ||= endsNode(error);
      run.failed({ node_id: nodeId, start: window.ask[0], end: window.ask[1] }, error);
    }
  }
}

/** The first bar that the venue has; of a market that it lists no more, the first one that was kept. */
async function firstBar(site: NodeSite, o: RunOptions): Promise<number | null> {
  try {
    return await o.firstBar(site, o.signal);
  } catch (error) {
    const kept = site.state?.final[0];
    if (kept === undefined || !(error instanceof HistoryError) || error.code !== "SYMBOL_UNKNOWN") {
      throw error;
    }
    return kept;
  }
}

/**
 * Bars that windows of a job have brought since venue time `since`, as the ledger has it. What was written in the last
 * moment before a process was killed stands there; what somebody else fetched of the same windows does too.
 */
function rowsSince({ state }: NodeSite, job: JobRecord, since: number): number {
  const isOfJob = ({ window: [start, end] }: LedgerRow) =>
    end > (job.start ?? -Infinity) && start < (job.end ?? Infinity);
  return (state?.ledger ?? []).filter((row) => row.askedAt >= since && isOfJob(row))
    .reduce((rows, row) => rows + row.bars, 0);
}

function* oneByOne(blocks: Iterable<Window[]>): Generator<Window, void> {
  for (const block of blocks) yield* block;
}

/** What fails for one node is noted for that node: the others of the job go on. */
async function orNoted(nodeId: string, run: JobRun, o: RunOptions, act: () => Promise<void>): Promise<void> {
  if (o.signal.aborted || run.cancelled) return;
  try {
    await act();
  } catch (error) {
    if (!(error instanceof HistoryError)) throw error;
    if (error.code === "CANCELLED") run.cancelled = true;
    else run.nodeFailed(nodeId, error);
  }
}

/** Whether the node's next window would fail in the same way. */
function endsNode(error: HistoryError): boolean {
  return isRefusal(error) || error.code === "STORE_UNAVAILABLE" || error instanceof OffGridReply;
}
