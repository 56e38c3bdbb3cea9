/**
 * Bitfinex, `v2`: bare arrays of numbers, close before high, `sort` decides the order and from which end the
 * limit counts, both edges inclusive. It has no time endpoint: the Date header is its clock.
 */

import { gridOf } from "../grid.ts";
import { listedAt, type Market, partsOf } from "../market.ts";
import type { Row } from "../row.ts";
import {
  type Answer,
  type Cost,
  type Dialect,
  type DialectCall,
  htmlPage,
  json,
  secondsUntil,
  wholeParam,
} from "./dialect.ts";

const ROOT = "/v2/";
const DEFAULT_ROWS = 100;
const MAX_ROWS = 10_000;
/** Bitfinex's names; its weeks open on Monday like everybody's. */
const TIMEFRAMES: Record<string, string> = {
  "1m": "1m",
  "5m": "5m",
  "15m": "15m",
  "30m": "30m",
  "1h": "1h",
  "3h": "3h",
  "4h": "4h",
  "6h": "6h",
  "12h": "12h",
  "1D": "1d",
  "1W": "1w",
  "7D": "1w",
  "14D": "2w",
  "1M": "1M",
};
const CURRENCY_IDS: Record<string, string> = {
  USDT: "UST",
  USDC: "UDC",
  ALGO: "ALG",
  ATOM: "ATO",
  DASH: "DSH",
  MANA: "MNA",
  STORJ: "STJ",
  TUSD: "TSD",
};

/** Bitfinex's spot market. */
export const bitfinex: Dialect = {
  venue: "bitfinex",
  root: ROOT,
  budget: { "*": { kind: "sliding_window", limit: 90, windowMs: 60_000, blockMs: 60_000 } },
  costOf(path) {
    return { endpoint: endpointOf(path.slice(ROOT.length)), bucket: path.split("/")[2] ?? "", cost: 1 };
  },
  answer(call) {
    const below = call.path.slice(ROOT.length);
    if (below === "platform/status") return json([1]);
    if (below.startsWith("conf/")) return conf(call, below.slice("conf/".length));
    const candles = /^candles\/trade:([^:/]+):([^/]+)\/(hist|last)$/.exec(below);
    if (candles === null) return failed("not found", 404);
    return history(call, { timeframe: candles[1], id: candles[2], isLast: candles[3] === "last" });
  },
  refusal(charge, nowMs) {
    const headers = { "retry-after": secondsUntil(charge.untilMs, nowMs) };
    return { ...json({ error: "ERR_RATE_LIMIT" }, 429), headers };
  },
  failure({ status }) {
    if (status === 429 || status === 418) return json(["error", 11010, "ratelimit: error"], status);
    if (status === 401) return json(["error", 10100, "apikey: invalid"], status);
    if (status === 503) return json(["error", 20060, "maintenance"], status);
    if (status >= 500) return json(["error", 10000, "internal: error"], status);
    return htmlPage(status);
  },
  urls: (base) => ({ api: { public: base } }),
  options: {},
};

function endpointOf(below: string): Cost["endpoint"] {
  if (below.startsWith("candles/")) return "bars";
  return below.startsWith("conf/pub:info:pair") ? "markets" : "other";
}

function failed(text: string, status = 500): Answer {
  return json(["error", 10020, text], status);
}

function currencyId(code: string): string {
  return CURRENCY_IDS[code] ?? code;
}

/** Six letters run together; longer ids are parted by a colon. */
function pairId(market: Market): string {
  const { base, quote } = partsOf(market);
  const ids = [currencyId(base), currencyId(quote)];
  return ids.join(ids.every((id) => id.length === 3) ? "" : ":");
}

/** One list for each label asked for; what is not known here is empty, as it is for Bitfinex itself. */
function conf(call: DialectCall, labels: string): Answer {
  return json(labels.split(",").map((label) => confList(call, label)));
}

function confList(call: DialectCall, label: string): unknown[] {
  const codes = () => [
    ...new Set(listedAt(call.markets, call.nowMs).flatMap((market) => Object.values(partsOf(market)))),
  ];
  switch (label) {
    case "pub:info:pair":
      return listedAt(call.markets, call.nowMs).map((market) => [pairId(market), pairInfo()]);
    case "pub:list:pair:exchange":
      return listedAt(call.markets, call.nowMs).map(pairId);
    case "pub:list:currency":
      return codes().map(currencyId);
    case "pub:map:currency:sym":
      return codes().filter((code) => code in CURRENCY_IDS).map((code) => [CURRENCY_IDS[code], code]);
    default:
      return [];
  }
}

function pairInfo(): unknown[] {
  return [null, null, null, "0.00004", "2000.0", null, null, null, 0.1, 0.05, null, null];
}

function history(
  call: DialectCall,
  { timeframe, id, isLast }: { timeframe: string; id: string; isLast: boolean },
): Answer {
  const market = listedAt(call.markets, call.nowMs).find((one) => `t${pairId(one)}` === id);
  if (market === undefined) return failed("symbol: invalid");
  const own = TIMEFRAMES[timeframe];
  if (own === undefined) return failed("timeframe: invalid");
  const limit = wholeParam(call.params, "limit") ?? DEFAULT_ROWS;
  if (!(limit >= 1 && limit <= MAX_ROWS)) return failed("limit: invalid");
  const startMs = wholeParam(call.params, "start") ?? -Infinity;
  const endMs = wholeParam(call.params, "end") ?? Infinity;
  if (Number.isNaN(startMs) || Number.isNaN(endMs)) return failed("time_interval: invalid");
  const isAscending = call.params.get("sort") === "1";
  const rows = call.rows({
    market,
    grid: gridOf(own),
    startMs,
    endMs: endMs + 1,
    limit: isLast ? 1 : limit,
    from: isAscending ? "start" : "end",
    newestFirst: !isAscending,
  });
  return json(isLast ? candleRow(rows[0]) : rows.map(candleRow));
}

function candleRow(row: Row | undefined): unknown[] {
  if (row === undefined) return [];
  return [row.openMs, row.open, row.close, row.high, row.low, row.volume];
}
