/** The common query of bars (surface §4): from names and texts to a `FetchRequest`. */

import { checkBounds } from "../core/effective_range.ts";
import { HistoryError } from "../core/errors.ts";
import { nodeId, parseNodeId } from "../core/node_id.ts";
import type { FetchRequest, RequestContext } from "../core/request.ts";
import { FORMAT_NAMES } from "../formats/format.ts";
import { MAX_PAGE_ROWS, UNPINNED_MAX_ROWS } from "../core/limits.ts";
import type { QueryParam } from "./route.ts";
import type { ServerConfig } from "./settings.ts";
import { asOfOf, badRequest, numberOf, type Query, secondsOf, textOf, timeOf } from "./query.ts";
import { AS_OF, CURSOR, END, FINGERPRINT, LIMIT, NODE_ID, START, WORLD_ID } from "./parameters.ts";

const text = (name: string, description: string, schema: object = {}): QueryParam => ({
  name,
  description,
  schema: { type: "string", ...schema },
});

/** Every name of the common query. `session` is known so that it can be refused by name. */
export const BARS_PARAMS: readonly QueryParam[] = [
  { ...NODE_ID, required: false },
  text("exchange", "With symbol and timeframe, instead of node_id: a CCXT id", { pattern: "^[a-z0-9_]+$" }),
  text("symbol", "A symbol as CCXT spells it: BTC/USDT", { minLength: 1 }),
  text("timeframe", "1m, 4h, 1d, 1w or 1M", { pattern: "^([1-9][0-9]*[smhdw]|1M)$" }),
  START,
  END,
  {
    name: "last",
    description: "Instead of start: the last N slots up to end",
    schema: { type: "integer", minimum: 1, maximum: 2 ** 31 },
  },
  AS_OF,
  FINGERPRINT,
  WORLD_ID,
  text("execution_domain", "backtest reads published snapshots only, live everything", {
    enum: ["backtest", "live"],
  }),
  text("strategy", "What to do with bars that storage lacks", {
    enum: ["FAIL_FAST", "AUTO_BACKFILL", "PARTIAL_FILL", "SEAMLESS"],
  }),
  {
    name: "max_lag",
    description: "Seconds that the newest bar may be overdue",
    schema: { type: "number", minimum: 0, maximum: 1e9 },
  },
  {
    name: "min_coverage",
    description: "The least explained_ratio that is not a breach",
    schema: { type: "number", minimum: 0, maximum: 1 },
  },
  {
    name: "total_deadline_ms",
    description: "Milliseconds until the answer leaves, complete or not",
    schema: { type: "integer", minimum: 0, maximum: 1e9 },
  },
  text("format", "Before Accept", { enum: [...FORMAT_NAMES] }),
  LIMIT,
  CURSOR,
];

/** Names of the common query, `session` among them. */
export const BARS_NAMES: ReadonlySet<string> = new Set([...BARS_PARAMS.map(({ name }) => name), "session"]);

/** Reads a request. Errors: `BAD_REQUEST`, `BAD_NODE_ID`, `BAD_TIMEFRAME`, `BAD_TIME`, `NOT_AVAILABLE` (sessions). */
export function readFetchRequest(query: Query): FetchRequest {
  if (query.session !== undefined) {
    throw new HistoryError("NOT_AVAILABLE", "Cannot use a session: sessions are not built yet", {
      hint: "Give world_id, execution_domain and as_of with each request",
    });
  }
  const nodeId = seriesOf(query);
  const { start, end, last } = boundsOf(query);
  const deadline = numberOf(query, "total_deadline_ms", { min: 0, max: 1e9 });
  return withoutAbsent({
    nodeId,
    start,
    end,
    last,
    asOf: asOfOf(query),
    fingerprint: fingerprintOf(query),
    worldId: textOf(query, "world_id"),
    executionDomain: textOf(query, "execution_domain"),
    strategy: textOf(query, "strategy"),
    maxLag: numberOf(query, "max_lag", { min: 0, max: 1e9, fraction: true }),
    minCoverage: numberOf(query, "min_coverage", { min: 0, max: 1, fraction: true }),
    sla: deadline === undefined ? undefined : { total_deadline_ms: deadline },
  });
}

/** What HTTP adds to a request. `unlimited`: nobody named a limit, so the answer may span fewer slots. */
export function contextOf(config: ServerConfig, { unlimited }: { unlimited: boolean }): RequestContext {
  const { requireContext, maxRangeBars } = config;
  return { requireContext, maxSlots: unlimited ? Math.min(UNPINNED_MAX_ROWS, maxRangeBars) : maxRangeBars };
}

/** `limit`, or `undefined`. */
export function limitOf(query: Query): number | undefined {
  return numberOf(query, "limit", { min: 1, max: MAX_PAGE_ROWS });
}

/** A dataset fingerprint by its form. */
export function fingerprintOf(query: Query): string | undefined {
  const fingerprint = textOf(query, "fingerprint");
  if (fingerprint === undefined || /^sfp1:[0-9a-f]{64}$/.test(fingerprint)) return fingerprint;
  throw badRequest(
    "Cannot use the fingerprint: it is none",
    "A fingerprint is sfp1: and 64 lower-case hex digits",
  );
}

/** The node id as one text, or put together from exchange, symbol and timeframe. Bars only. */
function seriesOf(query: Query): string {
  const whole = textOf(query, "node_id");
  const [exchange, symbol, timeframe] = ["exchange", "symbol", "timeframe"].map((name) =>
    textOf(query, name)
  );
  const parts = [exchange, symbol, timeframe].filter((part) => part !== undefined).length;
  if (whole !== undefined && parts > 0) {
    throw badRequest("Cannot use node_id together with exchange, symbol or timeframe", "Give node_id alone");
  }
  if (whole === undefined && (exchange === undefined || symbol === undefined || timeframe === undefined)) {
    throw badRequest(
      "Cannot tell which series is meant: node_id is missing",
      "Give node_id=ohlcv:binance:BTC/USDT:1m, or exchange, symbol and timeframe",
    );
  }
  const id = whole ?? nodeId({ exchange: exchange!, symbol: symbol!, timeframe });
  if (parseNodeId(id).kind === "ohlcv") return id;
  throw new HistoryError("BAD_NODE_ID", `Cannot read bars of ${id}: it names trades`, {
    hint: "Bars have ids like ohlcv:binance:BTC/USDT:1m",
  });
}

/** Where the range begins and ends. What needs the grid or the clock is decided further in. */
function boundsOf(query: Query): Pick<FetchRequest, "start" | "end" | "last"> {
  const start = secondsOf(query, "start");
  const end = secondsOf(query, "end");
  const last = numberOf(query, "last", { min: 1, max: 2 ** 31 });
  checkBounds({ start: start ?? null, end: end ?? null, last: last ?? null });
  return { start: timeOf(query, "start"), end: timeOf(query, "end"), last };
}

function withoutAbsent(request: FetchRequest): FetchRequest {
  const given = { ...request };
  for (const name of Object.keys(given) as (keyof FetchRequest)[]) {
    if (given[name] === undefined) delete given[name];
  }
  return given;
}
