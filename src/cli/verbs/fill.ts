/** `fill`: fetches what storage lacks of nodes, as one job, and publishes it. */

import type { BackfillSpec, HistoryService, JobReport } from "../../core/service.ts";
import { usageError } from "../arguments.ts";
import type { Call, Verb } from "../call.ts";
import { type ErrorCode, errorCodes, exitCodeOf, HistoryError } from "../../core/errors.ts";
import { adviceFor, reportFailure, worstOf } from "../failure.ts";
import { flagOption, numberOption, OPTIONS, sameService } from "../options.ts";
import { Progress } from "../progress.ts";
import { boundsOf, jobRange, nodesOf } from "../request.ts";
import { count, counted, duration, instant, shellWord } from "../texts.ts";
import { planLines } from "./plan.ts";

/** Most fetchers of one job side by side. */
const WORKERS_MAX = 256;
/** Errors shown; the job keeps them all. */
const ERRORS_SHOWN = 10;

export const fillVerb: Verb = {
  name: "fill",
  summary: "fetch what is missing of nodes, and publish it",
  usage: "fill NODE…",
  about:
    "Fetches every bar of the range that storage lacks, as one job, checks and stores it, and publishes a snapshot.\n" +
    "Without --start it begins at the venue's first bar. Finished windows are kept whatever happens.",
  options: [
    OPTIONS.start,
    OPTIONS.end,
    { name: "workers", value: "N", doc: "requests in flight; default: backfill.max_concurrent_requests" },
    { name: "refetch", doc: "ask again for what is there already, and for refused replies" },
    { name: "no-wait", doc: "with --server: leave the job to the service and say its id" },
  ],
  examples: [
    "seamless fill ohlcv:binance:BTC/USDT:1m --start 2024-01-01 --end 2024-02-01",
    "seamless fill ohlcv:kraken:BTC/USD:1d ohlcv:kraken:ETH/USD:1d",
  ],
  takes: { min: 1, max: Infinity, what: "NODE" },
  resumable: true,
  run: fill,
};

async function fill(call: Call): Promise<number> {
  const nodes = nodesOf(call.args);
  const { start, end } = jobRange(boundsOf(call.args));
  const workers = numberOption(call.args, "workers", { min: 1, max: WORKERS_MAX, whole: true });
  const noWait = flagOption(call.args, "no-wait");
  if (noWait && call.server === undefined) {
    throw usageError(
      "Cannot use --no-wait without --server: the job ends with this process",
      "Add --server URL, or wait",
    );
  }
  const spec: BackfillSpec = { nodes, start, end, refetch: flagOption(call.args, "refetch") };
  const service = await call.service();
  if (call.dryRun) {
    const plan = await service.plan(spec, call.signal, { offline: true });
    await call.out.result(plan, () => ["Nothing is fetched. This would be:", ...planLines(plan)]);
    return 0;
  }
  if (noWait) return await startOnly(call, service, spec);
  return await fillNow(call, service, spec, workers);
}

async function startOnly(call: Call, service: HistoryService, spec: BackfillSpec): Promise<number> {
  const job = await service.startBackfill(spec);
  await call.out.result(job, () => [
    `job ${job.id} is ${job.state}`,
    `look: curl ${call.server}/v1/backfills/${job.id}`,
  ]);
  return 0;
}

async function fillNow(
  call: Call,
  service: HistoryService,
  spec: BackfillSpec,
  workers: number | undefined,
): Promise<number> {
  const progress = new Progress(call.s, call.out.mode.quiet, call.signal);
  const startedMs = call.s.monotonicMs();
  const label = spec.nodes.length === 1 ? spec.nodes[0] : counted(spec.nodes.length, "node");
  let job: JobReport;
  try {
    job = await service.fill(spec, {
      signal: call.signal,
      workers,
      onProgress: ({ windows, rows, eta_seconds }) =>
        progress.show({
          label,
          done: windows.complete + windows.failed,
          // Nothing is planned yet: that is no whole.
          total: windows.total === 0 ? null : windows.total,
          rows,
          etaSeconds: eta_seconds,
        }),
    });
  } finally {
    await progress.clear();
  }
  // A job that was cancelled ends with what cancelled it: Ctrl-C, or the time-out.
  if (call.signal.aborted) throw call.signal.reason;
  const seconds = (call.s.monotonicMs() - startedMs) / 1000;
  const snapshots = job.state === "failed" || call.out.mode.json
    ? []
    : await snapshotLines(service, spec.nodes);
  await call.out.result(job, () => [...jobLines(job, seconds), ...snapshots]);
  const code = exitOf(job);
  await tellErrors(call, job, code);
  if (job.state === "complete") {
    await call.out.note(`next: seamless get ${shellWord(spec.nodes[0])} --last 100${sameService(call.args)}`);
  }
  return code;
}

/** For people every error with its way out; for programs the one that decides how the run ends, as a problem. */
async function tellErrors(call: Call, job: JobReport, code: number): Promise<void> {
  if (!call.out.mode.json) {
    for (const line of errorLines(job)) await call.out.complain(line);
    return;
  }
  const decisive = job.errors.find((error) => codeOf(error) === code);
  if (decisive === undefined || code === 3) return;
  const { start, end, message } = decisive;
  const problem = new HistoryError(decisive.code as ErrorCode, message, {
    hint: adviceFor(decisive.code),
    ...(start < end ? { ranges: [[start, end]] } : {}),
  });
  await reportFailure("fill", problem, call.out);
}

function jobLines(job: JobReport, seconds: number): string[] {
  const { total, complete, failed, deduplicated } = job.windows;
  const shared = deduplicated > 0 ? `, ${count(deduplicated)} fetched by others` : "";
  const broken = failed > 0 ? `, ${count(failed)} FAILED` : "";
  return [
    `${job.state}: ${count(complete)} of ${counted(total, "window")}${shared}${broken}; ${
      counted(job.rows, "bar")
    } in ${duration(seconds)}`,
  ];
}

/** The newest snapshot of each node: what a backtest would now read. */
async function snapshotLines(service: HistoryService, nodes: string[]): Promise<string[]> {
  const lines: string[] = [];
  for (const nodeId of nodes) {
    const { snapshots: [newest] } = await service.snapshots(nodeId, { limit: 1 });
    if (newest === undefined) lines.push(`${nodeId}  no snapshot`);
    else {lines.push(
        `${nodeId}  snapshot ${newest.seq} as of ${newest.as_of}`,
        `  ${newest.dataset_fingerprint}`,
      );}
  }
  return lines;
}

function errorLines(job: JobReport): string[] {
  const shown = job.errors.slice(0, ERRORS_SHOWN).map(({ node_id, start, end, code, message }) => {
    const range = start < end ? ` ${instant(start)} … ${instant(end)}` : "";
    return `  ${node_id}${range}: ${message} [${code}]`;
  });
  if (job.errors.length > ERRORS_SHOWN) shown.push(`  … and ${job.errors.length - ERRORS_SHOWN} more`);
  const advice = [...new Set(job.errors.map((error) => adviceFor(error.code)))];
  return [...shown, ...advice.map((text) => `  → ${text}`)];
}

/**
 * What ends a window and leaves its node to go on: of a job that got somewhere it says that slots are open (3), and
 * not how the run ended.
 */
const PASSING: ReadonlySet<string> = new Set(["EXCHANGE_UNAVAILABLE", "RATE_LIMITED", "CONFORMANCE_BLOCKED"]);

/** 0 complete, 3 incomplete; a failed job ends as its errors do, and so does one of which a node or a store failed. */
function exitOf(job: JobReport): number {
  switch (job.state) {
    case "complete":
      return 0;
    case "failed":
      return worstOf(job.errors.map(codeOf)) || 1;
    case "cancelled":
      return 130;
    default:
      return worstOf([3, ...job.errors.filter(({ code }) => !PASSING.has(code)).map(codeOf)]);
  }
}

/** The exit code of a job's error; 0 for a code that this program does not know. */
function codeOf({ code }: { code: string }): number {
  return errorCodes().includes(code as ErrorCode) ? exitCodeOf(code as ErrorCode) : 0;
}
