/** `gaps`: every hole of a node, with its reason. */

import { GAP_REASONS } from "../../core/gap_reason.ts";
import { MAX_PAGE_ROWS } from "../../core/limits.ts";
import type { GapPage, GapRow, HistoryService } from "../../core/service.ts";
import type { TimeRange } from "../../core/time_range.ts";
import type { Call, Verb } from "../call.ts";
import { asOfOption, choiceOption, numberOption, OPTIONS, sameService } from "../options.ts";
import { nodesOf, reportRange } from "../request.ts";
import { count, counted, instant, shellWord, table } from "../texts.ts";

/** Pages of gaps that one run reads; a node has at most so many times MAX_PAGE_ROWS gaps. */
const PAGES_MAX = 1_000;

/** Letters of an error that the table shows; `--json` has all. */
const ERROR_SHOWN = 100;

export const gapsVerb: Verb = {
  name: "gaps",
  summary: "every hole of a node, with its reason",
  usage: "gaps NODE",
  about:
    "Lists the slots without a bar and why there is none: settled reasons stay, the others are asked again.\n" +
    "Without a range it looks over all that is known of the node.",
  options: [
    OPTIONS.start,
    OPTIONS.end,
    OPTIONS.last,
    OPTIONS.asOf,
    { name: "reason", value: "NAME", doc: `only these: ${GAP_REASONS.join(", ")}` },
    { name: "limit", value: "N", doc: "only the first N gaps" },
  ],
  examples: ["seamless gaps ohlcv:binance:BTC/USDT:1m --start 2023-03-24 --end 2023-03-25"],
  takes: { min: 1, max: 1, what: "NODE" },
  run: gaps,
};

async function gaps(call: Call): Promise<number> {
  const [nodeId] = nodesOf(call.args);
  const asked = reportRange(nodeId, call.args, call.s.nowMs());
  const asOf = asOfOption(call.args);
  const reason = choiceOption(call.args, "reason", GAP_REASONS);
  const limit = numberOption(call.args, "limit", { min: 1, max: MAX_PAGE_ROWS * PAGES_MAX, whole: true });
  const service = await call.service();
  const range = asked ?? await knownRange(service, nodeId, asOf);
  const page = range === null
    ? { node_id: nodeId, gaps: [], gaps_total: 0, next: null }
    : await allGaps(service, { nodeId, range, reason, asOf, limit: limit ?? Infinity });
  // A cursor is HTTP's; here the next page begins at a time.
  const next = page.next === null ? null : String(page.next);
  await call.out.result({ ...page, next }, () => gapLines(page, sameService(call.args)));
  return 0;
}

/** From the first to the last covered slot, or null when nothing is. */
async function knownRange(
  service: HistoryService,
  nodeId: string,
  asOf: string | undefined,
): Promise<TimeRange | null> {
  const { covered } = await service.coverage(nodeId, { asOf });
  return covered.length === 0 ? null : [covered[0][0], covered.at(-1)![1]];
}

interface Wanted {
  nodeId: string;
  range: TimeRange;
  reason?: string;
  asOf?: string;
  limit: number;
}

/** Pages through the list up to the limit. */
async function allGaps(service: HistoryService, wanted: Wanted): Promise<GapPage> {
  const { nodeId, range, reason, asOf, limit } = wanted;
  const found: GapRow[] = [];
  let after: number | undefined;
  for (let pages = 0; pages < PAGES_MAX; pages++) {
    const pageLimit = Math.min(MAX_PAGE_ROWS, limit - found.length);
    const page = await service.gaps(nodeId, { range, reason, asOf, limit: pageLimit, after });
    found.push(...page.gaps);
    if (page.next === null || found.length >= limit) return { ...page, gaps: found };
    after = page.next;
  }
  return { node_id: nodeId, gaps: found, gaps_total: found.length, next: after ?? null };
}

function gapLines(page: GapPage, service: string): string[] {
  if (page.gaps_total === 0) return [`${page.node_id}: no gaps`];
  const rows = page.gaps.map((gap) => [
    instant(gap.start),
    instant(gap.end),
    count(gap.bars),
    gap.reason,
    gap.settled ? "settled" : "open",
    gap.next_ask === null ? "" : instant(gap.next_ask),
    (gap.error ?? gap.alternative ?? "").slice(0, ERROR_SHOWN),
  ]);
  const hidden = page.gaps_total - page.gaps.length;
  return [
    page.node_id,
    ...table(["from", "to", "bars", "reason", "state", "asked again", ""], rows, [2]),
    hidden > 0 ? `… ${counted(hidden, "more gap")} (--limit)` : counted(page.gaps_total, "gap"),
    `why: seamless explain ${shellWord(page.node_id)} ${page.gaps[0]?.start ?? ""}`.trimEnd() + service,
  ];
}
