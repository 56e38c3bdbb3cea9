/** `coverage`: which parts of a node are there. */

import type { CoverageReport } from "../../core/service.ts";
import type { Call, Verb } from "../call.ts";
import { asOfOption, OPTIONS } from "../options.ts";
import { nodesOf, reportRange } from "../request.ts";
import { count, instant, percent, table } from "../texts.ts";

/** Runs of bars shown to people; `--json` has all. */
const SEGMENTS_SHOWN = 40;

export const coverageVerb: Verb = {
  name: "coverage",
  summary: "which parts of a node are there",
  usage: "coverage NODE",
  about: "Shows the runs of bars that storage holds, and how much of the range they are. Asks no venue.",
  options: [OPTIONS.start, OPTIONS.end, OPTIONS.last, OPTIONS.asOf],
  examples: ["seamless coverage ohlcv:binance:BTC/USDT:1m --start 2024-01-01 --end 2024-02-01"],
  takes: { min: 1, max: 1, what: "NODE" },
  run: coverage,
};

async function coverage(call: Call): Promise<number> {
  const [nodeId] = nodesOf(call.args);
  const range = reportRange(nodeId, call.args, call.s.nowMs()) ?? undefined;
  const asOf = asOfOption(call.args);
  const service = await call.service();
  const report = await service.coverage(nodeId, { range, asOf });
  await call.out.result(report, () => coverageLines(report));
  return 0;
}

function coverageLines(report: CoverageReport): string[] {
  if (report.first_bar === null) {
    return [`${report.node_id}: no bars`, `fetch some: seamless fill ${report.node_id} --start 2024-01-01`];
  }
  const shown = report.segments.slice(0, SEGMENTS_SHOWN);
  const rows = shown.map(({ start, end, bars }) => [instant(start), instant(end), count(bars)]);
  const hidden = report.segments.length - shown.length;
  return [
    report.node_id,
    ...table(["from", "to", "bars"], rows, [2]),
    ...(hidden > 0 ? [`… ${count(hidden)} more runs (--json has all)`] : []),
    `coverage ${percent(report.coverage_ratio)}, explained ${percent(report.explained_ratio)}`,
  ];
}
