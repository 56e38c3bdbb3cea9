/** `snapshots`: what has been published of a node. */

import { DEFAULT_PAGE_ROWS, MAX_PAGE_ROWS } from "../../core/limits.ts";
import type { SnapshotPage } from "../../core/service.ts";
import type { Call, Verb } from "../call.ts";
import { asOfOption, nameOption, numberOption, OPTIONS, sameService } from "../options.ts";
import { nodesOf } from "../request.ts";
import { count, instant, shellWord, table } from "../texts.ts";

export const snapshotsVerb: Verb = {
  name: "snapshots",
  summary: "what has been published of a node, newest first",
  usage: "snapshots NODE",
  about: "Lists the published datasets of a node: when, what range, and the fingerprint that names the data.",
  options: [OPTIONS.asOf, OPTIONS.fingerprint, { name: "limit", value: "N", doc: "only the newest N" }],
  examples: ["seamless snapshots ohlcv:binance:BTC/USDT:1m"],
  takes: { min: 1, max: 1, what: "NODE" },
  run: snapshots,
};

async function snapshots(call: Call): Promise<number> {
  const [nodeId] = nodesOf(call.args);
  const asOf = asOfOption(call.args);
  const fingerprint = nameOption(call.args, "fingerprint");
  const isFiltered = asOf !== undefined || fingerprint !== undefined;
  const limit = numberOption(call.args, "limit", { min: 1, max: MAX_PAGE_ROWS, whole: true }) ??
    DEFAULT_PAGE_ROWS;
  const service = await call.service();
  const page = await service.snapshots(nodeId, { asOf, fingerprint, limit });
  const next = page.next === null ? null : String(page.next);
  await call.out.result(
    { ...page, next },
    () => snapshotLines(page, { nodeId, isFiltered, service: sameService(call.args) }),
  );
  return 0;
}

function snapshotLines(
  page: SnapshotPage,
  { nodeId, isFiltered, service }: { nodeId: string; isFiltered: boolean; service: string },
): string[] {
  const again = `${shellWord(nodeId)}${service}`;
  if (page.snapshots.length === 0 && isFiltered) {
    return [`${nodeId}: no snapshot is selected by that`, `all of them: seamless snapshots ${again}`];
  }
  if (page.snapshots.length === 0) {
    return [`${nodeId}: nothing published`, `publish what is stored: seamless publish ${again}`];
  }
  const rows = page.snapshots.map((row) => [
    String(row.seq),
    row.as_of,
    row.operation,
    instant(row.range[0]),
    instant(row.range[1]),
    count(row.row_count),
    row.dataset_fingerprint,
  ]);
  return [
    nodeId,
    ...table(["seq", "as of", "operation", "from", "to", "bars", "dataset fingerprint"], rows, [0, 5]),
    ...(page.next === null ? [] : ["… older ones (--limit)"]),
  ];
}
