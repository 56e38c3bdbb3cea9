/** From command lines to questions: node ids, ranges and contexts, refused before anything runs. */

import { checkBounds, formingStart } from "../core/effective_range.ts";
import { HistoryError } from "../core/errors.ts";
import { parseSeconds, writeSeconds } from "../core/instant.ts";
import { parseNodeId } from "../core/node_id.ts";
import type { FetchRequest } from "../core/request.ts";
import { STRATEGIES } from "../core/strategy.ts";
import { gridOf, slotStart } from "../core/timeframe.ts";
import { slotOf } from "../core/timeframe.ts";
import type { TimeRange } from "../core/time_range.ts";
import type { StrategyName } from "../core/metadata.ts";
import { type ParsedArguments, usageError } from "./arguments.ts";
import { asOfOption, choiceOption, domainOption, nameOption, numberOption, timeOption } from "./options.ts";

/** Most nodes of one command line. */
const NODES_MAX = 1_000;

/** The node ids that stand alone on the command line, each checked; `BAD_NODE_ID`, `BAD_TIMEFRAME`. */
export function nodesOf(args: ParsedArguments): string[] {
  if (args.positional.length > NODES_MAX) {
    throw new HistoryError("BAD_REQUEST", `Cannot take ${args.positional.length} nodes at once`, {
      hint: `Give at most ${NODES_MAX}, in several runs`,
    });
  }
  for (const text of args.positional) parseNodeId(text);
  return [...new Set(args.positional)];
}

/** `--start`, `--end`, `--last`; reversed ranges and both of start and last are refused. */
export function boundsOf(args: ParsedArguments): { start?: number; end?: number; last?: number } {
  const start = timeOption(args, "start");
  const end = timeOption(args, "end");
  const last = numberOption(args, "last", { min: 1, max: 2 ** 31, whole: true });
  checkBounds({
    start: start ?? (last === undefined ? end ?? 0 : null),
    end: end ?? null,
    last: last ?? null,
  });
  return {
    ...(start !== undefined && { start }),
    ...(end !== undefined && { end }),
    ...(last !== undefined && { last }),
  };
}

/** The question of a `get`, but for its node: everything checked that can be checked without a service. */
export function questionOf(args: ParsedArguments): Omit<FetchRequest, "nodeId"> {
  const bounds = boundsOf(args);
  if (bounds.start === undefined && bounds.last === undefined) {
    checkBounds({ start: null, end: bounds.end ?? null, last: null });
  }
  const question = {
    ...bounds,
    start: written(bounds.start),
    end: written(bounds.end),
    asOf: asOfOption(args),
    fingerprint: nameOption(args, "fingerprint"),
    executionDomain: domainOption(args),
    worldId: nameOption(args, "world"),
    strategy: choiceOption(args, "strategy", Object.keys(STRATEGIES) as StrategyName[]),
    maxLag: numberOption(args, "max-lag", { min: 0, max: 1e9 }),
    minCoverage: numberOption(args, "min-coverage", { min: 0, max: 1 }),
  };
  return Object.fromEntries(Object.entries(question).filter(([, value]) => value !== undefined));
}

/** The range of a job as the service takes it: what is far away is no number there. */
export function jobRange(
  { start, end }: { start?: number | null; end?: number | null },
): { start: number | string | null; end: number | string | null } {
  return { start: written(start) ?? null, end: written(end) ?? null };
}

function written(seconds: number | null | undefined): number | string | undefined {
  return seconds === undefined || seconds === null ? undefined : writeSeconds(seconds);
}

/** The range that bounds mean for a node, seen from now: for plans and lists, which know no `last`. */
export function rangeFor(
  nodeId: string,
  bounds: Pick<FetchRequest, "start" | "end" | "last">,
  nowMs: number,
): { start: number | null; end: number | null } {
  const { timeframe } = parseNodeId(nodeId);
  const start = read(bounds.start, "start");
  const given = read(bounds.end, "end");
  if (bounds.last === undefined || timeframe === undefined) {
    return { start, end: given };
  }
  const grid = gridOf(timeframe);
  const end = Math.min(given ?? Infinity, formingStart(nowMs / 1000, grid));
  return { start: slotStart(slotOf(end, grid) - bounds.last, grid), end };
}

/** Numbers were checked when the command line was read. */
function read(given: number | string | undefined, name: string): number | null {
  return typeof given === "string" ? parseSeconds(given, name) : given ?? null;
}

/** The range of a report: up to now where only its start is given, null where nothing is. An end alone is refused. */
export function reportRange(nodeId: string, args: ParsedArguments, nowMs: number): TimeRange | null {
  const { start, end } = rangeFor(nodeId, boundsOf(args), nowMs);
  if (start === null && end !== null) {
    throw usageError(
      "Cannot tell where to begin: --end stands without --start",
      "Add --start, or leave both out",
    );
  }
  return start === null ? null : [start, end ?? Math.max(start, Math.floor(nowMs / 1000))];
}
