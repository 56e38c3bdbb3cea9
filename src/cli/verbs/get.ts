/** `get`: bars of nodes, fetched where they lack. */

import { exitCodeOf, HistoryError } from "../../core/errors.ts";
import { UNPINNED_MAX_ROWS } from "../../core/limits.ts";
import type { Metadata } from "../../core/metadata.ts";
import type { FetchRequest } from "../../core/request.ts";
import type { Answer, HistoryService, LocalService } from "../../core/service.ts";
import { FORMAT_NAMES } from "../../formats/format.ts";
import { BarsWriter, targetOf } from "../bars_output.ts";
import { summaryLines } from "../bars_view.ts";
import type { Call, Verb } from "../call.ts";
import { failedFetch } from "../failed_fetch.ts";
import { asHistoryError, reportFailure, worstOf } from "../failure.ts";
import { withFetchProgress } from "../fetch_progress.ts";
import { timedOut } from "../timed_out.ts";
import { checkOutputPlace } from "../output_file.ts";
import { COMMON, numberOption, textOption } from "../options.ts";
import { jobRange, nodesOf, questionOf, rangeFor } from "../request.ts";
import { planLines } from "./plan.ts";

/** Everything about the question that holds for each of its nodes. */
interface Question {
  nodes: string[];
  request: Omit<FetchRequest, "nodeId">;
  limit: number | undefined;
}

export const getVerb: Verb = {
  name: "get",
  summary: "bars of a node; what storage lacks is fetched first",
  usage: "get NODE…",
  about:
    "Answers with the bars of each node. On a terminal it shows the first and last rows, in a pipe it writes CSV, with\n" +
    "-o FILE it writes the format of the file's name. It waits until what is missing has been fetched.",
  options: [
    ...COMMON,
    { name: "format", value: FORMAT_NAMES.join("|"), doc: "instead of what place or file name say" },
    { name: "output", short: "o", value: "FILE", doc: "write there; {node} in the name: one file each" },
    { name: "limit", value: "N", doc: "only the first N bars" },
    { name: "locked", value: "FILE", doc: "the datasets of a lock file (not built yet)" },
  ],
  examples: [
    "seamless get ohlcv:binance:BTC/USDT:1m --start 2024-01-01 --end 2024-01-02",
    "seamless get ohlcv:kraken:BTC/USD:1h --last 500 -o btc.parquet",
    "seamless get ohlcv:binance:BTC/USDT:1m --start 2024-01-01 --end 2024-02-01 --as-of 2024-03-01T00:00:00.000Z",
  ],
  takes: { min: 1, max: Infinity, what: "NODE" },
  resumable: true,
  ownsTimeout: true,
  run: get,
};

async function get(call: Call): Promise<number> {
  if (textOption(call.args, "locked") !== undefined) {
    throw new HistoryError("NOT_AVAILABLE", "Cannot use --locked: lock files are not built yet", {
      hint: "Name the dataset itself: --fingerprint, which `seamless snapshots NODE` lists",
    });
  }
  const question: Question = {
    nodes: nodesOf(call.args),
    request: questionOf(call.args),
    limit: numberOption(call.args, "limit", { min: 1, max: Number.MAX_SAFE_INTEGER, whole: true }),
  };
  const target = targetOf(call, question.nodes.length);
  if (target.file !== null) await checkOutputPlace(target.file, call.s.cwd);
  const service = await call.service();
  refuseInvalid(call, service, question);
  if (call.dryRun) return await sayPlan(call, service, question);
  const writer = new BarsWriter(call, target);
  const codes: number[] = [];
  try {
    for (const nodeId of question.nodes) {
      codes.push(await oneNode(call, { service, question, nodeId, writer }));
    }
  } catch (error) {
    await writer.discard();
    throw error;
  }
  await writer.finish();
  if (codes.includes(3)) await goOn(call, service, question);
  return worstOf(codes);
}

/**
 * What PARTIAL_FILL started would end with this process: it gets the time that a service gives a request, so that the
 * next run finds more.
 */
async function goOn(call: Call, service: HistoryService, { request }: Question): Promise<void> {
  const { config } = await call.config();
  const strategy = request.strategy ?? config.seamless.strategy;
  if (strategy !== "PARTIAL_FILL" || !("rest" in service)) return;
  try {
    await (service as LocalService).rest(config.seamless.sla.total_deadline_ms, call.signal);
  } catch (error) {
    // The answer was in time: what --timeout ends here is only the rest.
    if (!(error instanceof HistoryError) || error.code !== "SLA_EXCEEDED") throw error;
  }
}

/**
 * What the service finds wrong with any of the questions ends the run before the first of them is asked. How far it is
 * up to now, the answer itself judges: it asks the venue what time it is. A page is never too large.
 */
function refuseInvalid(call: Call, service: HistoryService, { nodes, request, limit }: Question): void {
  const problems = service.validate(nodes.map((nodeId) => ({ request: { ...request, nodeId } })));
  const { end } = rangeFor(nodes[0], request, call.s.nowMs());
  const isPast = end !== null && request.end !== undefined && end * 1000 <= call.s.nowMs();
  const isTooLarge = isPast && limit === undefined;
  const problem = problems.find(({ code }) => code !== "RANGE_TOO_LARGE" || isTooLarge);
  if (problem !== undefined) throw new HistoryError(problem.code, problem.detail, { hint: problem.hint });
}

/** Says what would be fetched. */
async function sayPlan(call: Call, service: HistoryService, { nodes, request }: Question): Promise<number> {
  const range = jobRange(rangeFor(nodes[0], request, call.s.nowMs()));
  const plan = await service.plan({ nodes, ...range }, call.signal, { offline: true });
  await call.out.result(plan, () => ["Nothing is fetched. To answer this:", ...planLines(plan)]);
  return 0;
}

interface OneNode {
  service: HistoryService;
  question: Question;
  nodeId: string;
  writer: BarsWriter;
}

/** One node's answer, written. Its failure, when there are other nodes, is told and they go on. */
async function oneNode(call: Call, one: OneNode): Promise<number> {
  const others = one.question.nodes.length > 1;
  let answer: Answer;
  try {
    answer = await ask(call, one);
  } catch (error) {
    if (!others || call.signal.aborted) throw error;
    const failure = asHistoryError(error);
    await reportFailure(`get ${one.nodeId}`, failure, call.out);
    return exitCodeOf(failure.code);
  }
  answer = pageOf(answer, one.question.limit);
  // Half of an answer may stand in the stream by the time that writing breaks off: then nothing follows it.
  const file = await one.writer.write(answer, one.question.limit);
  await tell(call, answer, file);
  return answer.metadata.complete ? 0 : await incompleteCode(call, one.service, answer.metadata);
}

/** Of a page, everything describes the whole answer but its rows (surface.md §3). */
function pageOf(answer: Answer, limit: number | undefined): Answer {
  const rows = Math.min(answer.metadata.rows, limit ?? Infinity);
  return { ...answer, metadata: { ...answer.metadata, rows } };
}

/** 3; but 75 of an answer without a single bar because the venue is down: there is nothing yet to go on with. */
async function incompleteCode(call: Call, service: HistoryService, metadata: Metadata): Promise<number> {
  const failure = await failedFetch(service, metadata);
  if (failure === null) return 3;
  const code = exitCodeOf(failure.code);
  if (metadata.rows === 0 && code === 75) return await reportFailure("get", failure, call.out);
  await call.out.note(`  the venue: ${failure.message} [${failure.code}]`);
  return 3;
}

async function tell(
  call: Call,
  answer: Answer,
  file: { file: string; format: string } | null,
): Promise<void> {
  const { metadata } = answer;
  if (call.out.mode.json) {
    if (file !== null) await call.out.json({ metadata, ...file });
    return;
  }
  await call.out.note(summaryLines(metadata).join("\n"));
  if (file !== null) await call.out.note(`  written to ${file.file}`);
}

async function ask(call: Call, { service, question, nodeId }: OneNode): Promise<Answer> {
  const { request, limit } = question;
  const { timeout } = call;
  const timeoutMs = timeout === null ? null : Math.max(0, timeout.budgetMs - timeout.elapsedMs());
  const spec = { nodes: [nodeId], ...jobRange(rangeFor(nodeId, request, call.s.nowMs())) };
  const late = ({ budgetMs, elapsedMs } = timeout!) => timedOut("get", { budgetMs, elapsedMs: elapsedMs() });
  const answer = await withFetchProgress(call, { service, spec }, () =>
    service.bars({ ...request, nodeId }, {
      signal: call.signal,
      patient: { timeoutMs },
      ...(limit === undefined
        ? { maxSlots: UNPINNED_MAX_ROWS }
        : { maxSlots: Infinity, page: { limit, after: null } }),
    })).catch((error: unknown) => {
      const isLate = timeoutMs !== null && error instanceof HistoryError && error.code === "SLA_EXCEEDED";
      throw isLate ? late() : error;
    });
  // The time-out is the caller's own: it ends the run, whatever the configuration makes of late answers.
  const violation = answer.metadata.sla?.violation ?? null;
  if (timeoutMs !== null && violation !== null && violation.phase !== "sync_gap") {
    throw late();
  }
  return answer;
}
