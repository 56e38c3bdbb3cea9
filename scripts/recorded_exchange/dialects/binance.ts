/**
 * Binance spot, `api/v3`: weight per minute with its headers, 429 with Retry-After, 418 for those who go on.
 * Numbers in rows are decimal strings, and a page that names its start ascends from there.
 */

import { gridOf } from "../grid.ts";
import { listedAt, type Market, partsOf, statusAt, tickText } from "../market.ts";
import type { Charge } from "../meter.ts";
import { RowBytes } from "../row_bytes.ts";
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

const ROOT = "/api/v3/";
const DEFAULT_ROWS = 500;
const MAX_ROWS = 1_000;
const INTERVALS = new Set(
  ["1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M"],
);
/** Weights of the endpoints, as published. */
const WEIGHTS: Record<string, number> = { klines: 2, exchangeInfo: 20, time: 1, ping: 1 };
const ENDPOINTS: Record<string, Cost["endpoint"]> = { klines: "bars", exchangeInfo: "markets", time: "time" };
const HELD_ORDER_TYPES = ["LIMIT", "LIMIT_MAKER", "MARKET"];

/** Binance's spot market. */
export const binance: Dialect = {
  venue: "binance",
  root: ROOT,
  budget: {
    "*": { kind: "fixed_window", limit: 6_000, windowMs: 60_000, refusalsBeforeBan: 10, banMs: 120_000 },
  },
  costOf(path) {
    const name = path.slice(ROOT.length);
    return { endpoint: ENDPOINTS[name] ?? "other", bucket: "weight", cost: WEIGHTS[name] ?? 1 };
  },
  answer(call) {
    switch (call.path.slice(ROOT.length)) {
      case "ping":
        return json({});
      case "time":
        return json({ serverTime: call.nowMs });
      case "exchangeInfo":
        return exchangeInfo(call);
      case "klines":
        return klines(call);
      default:
        return {
          status: 404,
          body: "<html><body><h2>404 Not found</h2></body></html>",
          contentType: "text/html",
        };
    }
  },
  refusal(charge, nowMs) {
    const headers = { "retry-after": secondsUntil(charge.untilMs, nowMs) };
    const banned = charge.reason === "banned";
    const msg = banned ? bannedText(charge.untilMs ?? nowMs) : TOO_MUCH;
    return { ...failed({ status: banned ? 418 : 429, code: -1003, msg }), headers };
  },
  usageHeaders(charge: Charge) {
    const used = String(charge.usedNow);
    return { "x-mbx-used-weight": used, "x-mbx-used-weight-1m": used };
  },
  failure({ status, nowMs }) {
    if (status === 418) return failed({ status, code: -1003, msg: bannedText(nowMs + 120_000) });
    if (status === 429) return failed({ status, code: -1003, msg: TOO_MUCH });
    if (status === 401) {
      return failed({ status, code: -2015, msg: "Invalid API-key, IP, or permissions for action." });
    }
    if (status === 451) return failed({ status, code: 0, msg: RESTRICTED });
    if (status === 403) return htmlPage(status);
    return failed({
      status,
      code: -1001,
      msg: "Internal error; unable to process your request. Please try again.",
    });
  },
  urls: (base) => ({ api: { public: `${base}/api/v3` } }),
  options: { fetchMarkets: { types: ["spot"] }, fetchCurrencies: false, fetchMargins: false },
};

const TOO_MUCH = "Too much request weight used; current limit is 6000 request weight per 1 MINUTE. " +
  "Please use WebSocket Streams for live updates to avoid polling the API.";

const RESTRICTED = "Service unavailable from a restricted location according to 'b. Eligibility' in " +
  "https://www.binance.com/en/terms. Please contact customer service if you believe you received this message in error.";

function bannedText(untilMs: number): string {
  return `Way too much request weight used; IP banned until ${untilMs}. ` +
    "Please use WebSocket Streams for live updates to avoid bans.";
}

function failed({ status, code, msg }: { status: number; code: number; msg: string }): Answer {
  return json({ code, msg }, status);
}

function idOf(market: Market): string {
  const { base, quote } = partsOf(market);
  return base + quote;
}

function klines(call: DialectCall): Answer {
  const { params, nowMs, markets } = call;
  const symbol = params.get("symbol");
  if (!symbol) return refused(-1102, mandatory("symbol"));
  const interval = params.get("interval");
  if (!interval) return refused(-1102, mandatory("interval"));
  if (!INTERVALS.has(interval)) return refused(-1120, "Invalid interval.");
  const market = listedAt(markets, nowMs).find((one) => idOf(one) === symbol);
  if (market === undefined) return refused(-1121, "Invalid symbol.");
  const startMs = wholeParam(params, "startTime");
  const endMs = wholeParam(params, "endTime");
  const limit = wholeParam(params, "limit") ?? DEFAULT_ROWS;
  for (const [name, value] of Object.entries({ startTime: startMs, endTime: endMs, limit })) {
    if (value !== undefined && !(value >= 0)) {
      return refused(-1100, `Illegal characters found in parameter '${name}'.`);
    }
  }
  if (limit < 1) return refused(-1130, "Data sent for parameter 'limit' is not valid.");
  const rows = call.rows({
    market,
    grid: gridOf(interval),
    startMs: startMs ?? -Infinity,
    endMs: (endMs ?? Infinity) + 1,
    limit: Math.min(limit, MAX_ROWS),
    from: startMs === undefined ? "end" : "start",
  });
  return { status: 200, body: klinesBytes(rows) };
}

function refused(code: number, msg: string): Answer {
  return failed({ status: 400, code, msg });
}

function mandatory(name: string): string {
  return `Mandatory parameter '${name}' was not sent, was empty/null, or malformed.`;
}

const PAGE = new RowBytes();

/** Rows of twelve columns; what a bar does not know (trades, taker volumes) is made up from its volume. */
function klinesBytes(rows: Row[]): Uint8Array<ArrayBuffer> {
  PAGE.clear();
  rows.forEach((row, index) => {
    const value = Math.round((row.volume ?? 0) * (row.close ?? 0));
    PAGE.reserve();
    PAGE.text(index === 0 ? "[[" : ",[");
    PAGE.whole(row.openMs);
    for (const field of [row.open, row.high, row.low, row.close, row.volume]) {
      PAGE.text(",");
      PAGE.decimal(field, true);
    }
    PAGE.text(",");
    PAGE.whole(row.endMs - 1);
    PAGE.text(',"');
    PAGE.whole(value);
    PAGE.text('",');
    PAGE.whole(row.volume === 0 ? 0 : 1 + value % 1_000);
    PAGE.text(',"0","0","0"]');
  });
  PAGE.text(rows.length === 0 ? "[]" : "]");
  return PAGE.taken();
}

function exchangeInfo({ params, markets, nowMs }: DialectCall): Answer {
  const wanted = wantedSymbols(params);
  const listed = listedAt(markets, nowMs);
  if (wanted?.some((id) => !listed.some((market) => idOf(market) === id))) {
    return refused(-1121, "Invalid symbol.");
  }
  return json({
    timezone: "UTC",
    serverTime: nowMs,
    rateLimits: [{ rateLimitType: "REQUEST_WEIGHT", interval: "MINUTE", intervalNum: 1, limit: 6_000 }],
    exchangeFilters: [],
    symbols: listed.filter((market) => wanted === undefined || wanted.includes(idOf(market)))
      .map((market) => symbolInfo(market, nowMs)),
  });
}

function wantedSymbols(params: URLSearchParams): string[] | undefined {
  const one = params.get("symbol");
  if (one !== null) return [one];
  return params.get("symbols")?.replace(/[\[\]"\s]/g, "").split(",");
}

function symbolInfo(market: Market, nowMs: number): Record<string, unknown> {
  const { base, quote } = partsOf(market);
  const tickSize = tickText(market.priceDecimals ?? 2);
  const stepSize = tickText(market.amountDecimals ?? 5);
  return {
    symbol: idOf(market),
    status: statusAt(market, nowMs) === "trading" ? "TRADING" : "BREAK",
    baseAsset: base,
    baseAssetPrecision: 8,
    quoteAsset: quote,
    quotePrecision: 8,
    quoteAssetPrecision: 8,
    orderTypes: HELD_ORDER_TYPES,
    isSpotTradingAllowed: true,
    isMarginTradingAllowed: false,
    filters: [
      { filterType: "PRICE_FILTER", minPrice: tickSize, maxPrice: "1000000.00", tickSize },
      { filterType: "LOT_SIZE", minQty: stepSize, maxQty: "9000.00000000", stepSize },
    ],
    permissions: [],
    permissionSets: [["SPOT"]],
  };
}
