/** `explain`: everything that is known of one slot. */

import { parseSeconds } from "../../core/instant.ts";
import type { ExplainReport } from "../../core/service.ts";
import type { Call, Verb } from "../call.ts";
import { parseNodeId } from "../../core/node_id.ts";
import { instant } from "../texts.ts";

export const explainVerb: Verb = {
  name: "explain",
  summary: "where one bar came from, or why there is none",
  usage: "explain NODE TS",
  about:
    "Tells of the slot that holds TS: its bar or the reason of its gap, who was asked when, every value it ever had,\n" +
    "and the snapshots that hold it.",
  options: [],
  examples: ["seamless explain ohlcv:binance:BTC/USDT:1m 2023-03-24T12:45:00Z"],
  takes: { min: 2, max: 2, what: "NODE or TS" },
  notOverHttp: "it reads the ledger of the local store",
  run: explain,
};

async function explain(call: Call): Promise<number> {
  const [nodeId, time] = call.args.positional;
  parseNodeId(nodeId);
  const ts = parseSeconds(time, "TS");
  const service = await call.service();
  const report = await service.explain(nodeId, ts);
  await call.out.result(report, () => explainLines(report));
  return 0;
}

function explainLines(report: ExplainReport): string[] {
  const lines = [`${report.node_id}  ${instant(report.ts)}`];
  if (report.bar !== null) {
    const { open, high, low, close, volume } = report.bar;
    lines.push(`  bar: open ${open} high ${high} low ${low} close ${close} volume ${volume}`);
    lines.push(`  ${report.final ? "final" : "provisional: the source may still change it"}`);
  } else {
    lines.push(`  gap: ${report.reason ?? "never asked"}`);
  }
  if (report.source !== null) lines.push(`  from ${report.source}`);
  if (report.fetched_at !== null) lines.push(`  asked at ${instant(report.fetched_at)}`);
  if (report.window !== null) {
    lines.push(`  window ${instant(report.window[0])} … ${instant(report.window[1])}`);
  }
  for (const [flag, times] of Object.entries(report.flags)) lines.push(`  flag ${flag}: ${times}`);
  for (const { seen_at, values, cause, kept } of report.revisions) {
    const value = values === null ? "withdrawn" : Object.values(values).join(" ");
    lines.push(`  ${kept ? "kept" : "lost"} at ${instant(seen_at)} (${cause}): ${value}`);
  }
  for (const { seq, as_of, chunk } of report.snapshots) {
    lines.push(`  snapshot ${seq} as of ${as_of}, chunk ${chunk.slice(0, 16)}…`);
  }
  return lines;
}
