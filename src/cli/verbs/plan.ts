/** `plan`: what filling would cost, before anything is fetched. */

import type { PlanReport } from "../../core/service.ts";
import type { Call, Verb } from "../call.ts";
import { OPTIONS } from "../options.ts";
import { boundsOf, jobRange, nodesOf } from "../request.ts";
import { bytesText, count, counted, duration, table } from "../texts.ts";

export const planVerb: Verb = {
  name: "plan",
  summary: "what a fill would ask: windows, calls, weight, time",
  usage: "plan NODE…",
  about: "Counts what a fill of these nodes would ask of their venues. Nothing is fetched.",
  options: [OPTIONS.start, OPTIONS.end],
  examples: ["seamless plan ohlcv:binance:BTC/USDT:1m --start 2024-01-01 --end 2024-02-01"],
  takes: { min: 1, max: Infinity, what: "NODE" },
  run: plan,
};

async function plan(call: Call): Promise<number> {
  const nodes = nodesOf(call.args);
  const { start, end } = jobRange(boundsOf(call.args));
  const service = await call.service();
  const report = await service.plan({ nodes, start, end }, call.signal, { offline: call.dryRun });
  await call.out.result(report, () => planLines(report));
  return 0;
}

/** A plan for people. */
export function planLines(report: PlanReport): string[] {
  if (report.windows === 0) {
    return ["nothing to fetch: all of it is there, or known to be missing at the source"];
  }
  const rows = report.nodes.map((node) => [
    node.node_id,
    count(node.windows),
    count(node.calls),
    count(node.weight),
    count(node.bars),
  ]);
  return [
    ...table(["node", "windows", "calls", "weight", "bars"], rows, [1, 2, 3, 4]),
    `${counted(report.calls, "call")} of weight ${count(report.weight)}, about ${
      duration(Math.ceil(report.seconds))
    } and ${bytesText(report.bytes)}`,
  ];
}
