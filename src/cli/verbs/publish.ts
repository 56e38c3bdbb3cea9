/** `publish`: makes snapshots of what is stored. */

import type { SnapshotRow } from "../../core/service.ts";
import type { Call, Verb } from "../call.ts";
import { OPTIONS } from "../options.ts";
import { boundsOf, nodesOf } from "../request.ts";
import { counted, instant } from "../texts.ts";

export const publishVerb: Verb = {
  name: "publish",
  summary: "make an immutable snapshot of what is stored",
  usage: "publish NODE…",
  about:
    "Publishes the final bars of each node as a snapshot. Publishing the same data again writes nothing.",
  options: [OPTIONS.start, OPTIONS.end],
  examples: ["seamless publish ohlcv:binance:BTC/USDT:1m"],
  takes: { min: 1, max: Infinity, what: "NODE" },
  notOverHttp: "a service publishes by itself, after each fill",
  run: publish,
};

async function publish(call: Call): Promise<number> {
  const nodes = nodesOf(call.args);
  const { start, end } = boundsOf(call.args);
  if (call.dryRun) {
    const plan = { would_publish: nodes, start: start ?? null, end: end ?? null };
    await call.out.result(plan, () => nodes.map((node) => `would publish what is stored of ${node}`));
    return 0;
  }
  const service = await call.service();
  const done = await service.publish(nodes, { start, end });
  await call.out.result(done, () => [
    ...done.published.map((row) => `published ${rowText(row)}`),
    ...done.unchanged.map((row) => `unchanged ${rowText(row)}`),
  ]);
  return 0;
}

function rowText(row: SnapshotRow): string {
  return `snapshot ${row.seq} as of ${row.as_of}: ${counted(row.row_count, "bar")}, ${
    instant(row.range[0])
  } … ${instant(row.range[1])}\n  ${row.dataset_fingerprint}\n  ${row.manifest_uri}`;
}
