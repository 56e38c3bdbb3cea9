/**
 * OKX, `api/v5`: newest first, `after` means older and `before` newer (both exclusive), every number a string,
 * errors as codes with HTTP 200. `market/candles` knows the newest 1,440 bars, `history-candles` all that are
 * over. Bars without `utc` in their name open by Hong Kong's clock.
 */

import { gridOf } from "../grid.ts";
import { decimal, listedAt, type Market, partsOf, statusAt, tickText } from "../market.ts";
import type { Row } from "../row.ts";
import {
  type Answer,
  type Cost,
  type Dialect,
  type DialectCall,
  htmlPage,
  json,
  wholeParam,
} from "./dialect.ts";

const ROOT = "/api/v5/";
const DEFAULT_ROWS = 100;
const MAX_ROWS = 300;
const NEWEST_BARS = 1_440;
const HOUR_MS = 3_600_000;
/** Midnight in Hong Kong, as UTC. */
const HONG_KONG_MS = 16 * HOUR_MS;
/** Monday's midnight in Hong Kong; the epoch was a Thursday. */
const HONG_KONG_MONDAY_MS = 3 * 24 * HOUR_MS + HONG_KONG_MS;
const ENDPOINTS: Record<string, Cost["endpoint"]> = {
  "market/candles": "bars",
  "market/history-candles": "bars",
  "public/instruments": "markets",
  "public/time": "time",
};

/** OKX's spot market. */
export const okx: Dialect = {
  venue: "okx",
  root: ROOT,
  budget: {
    "market/candles": { kind: "sliding_window", limit: 40, windowMs: 2_000 },
    "market/history-candles": { kind: "sliding_window", limit: 20, windowMs: 2_000 },
    "public/time": { kind: "sliding_window", limit: 10, windowMs: 2_000 },
    "*": { kind: "sliding_window", limit: 20, windowMs: 2_000 },
  },
  costOf(path) {
    const name = path.slice(ROOT.length);
    return { endpoint: ENDPOINTS[name] ?? "other", bucket: name, cost: 1 };
  },
  answer(call) {
    switch (call.path.slice(ROOT.length)) {
      case "public/time":
        return data([{ ts: String(call.nowMs) }]);
      case "public/instruments":
        return instruments(call);
      case "market/candles":
        return candles(call, { isHistory: false });
      case "market/history-candles":
        return candles(call, { isHistory: true });
      default:
        return failed("50404", "Not Found", 404);
    }
  },
  refusal: () => ({ ...failed("50011", "Too Many Requests", 429), headers: {} }),
  failure({ status }) {
    if (status === 429 || status === 418) return failed("50011", "Too Many Requests", status);
    if (status === 401) return failed("50113", "Invalid Sign", status);
    if (status === 503) {
      return failed("50001", "Service temporarily unavailable. Please try again later.", status);
    }
    if (status >= 500) return failed("50026", "System error. Try again later", status);
    return htmlPage(status);
  },
  urls: (base) => ({ api: { rest: base } }),
  options: { fetchMarkets: { types: ["spot"] } },
};

function data(rows: unknown[]): Answer {
  return json({ code: "0", msg: "", data: rows });
}

function failed(code: string, msg: string, status = 200): Answer {
  return json({ code, msg, data: [] }, status);
}

function idOf(market: Market): string {
  return market.symbol.replace("/", "-");
}

function instruments(call: DialectCall): Answer {
  const type = call.params.get("instType");
  if (type === null) return failed("50014", "Parameter instType can not be empty");
  if (type !== "SPOT") return data([]);
  return data(listedAt(call.markets, call.nowMs).map((market) => instrument(market, call.nowMs)));
}

function instrument(market: Market, nowMs: number): Record<string, string> {
  const { base, quote } = partsOf(market);
  return {
    alias: "",
    baseCcy: base,
    category: "1",
    contTdSwTime: "",
    ctMult: "",
    ctType: "",
    ctVal: "",
    ctValCcy: "",
    expTime: "",
    instFamily: "",
    instId: idOf(market),
    instType: "SPOT",
    lever: "10",
    listTime: String(market.listedMs ?? 1_611_907_686_000),
    lotSz: tickText(market.amountDecimals ?? 8),
    maxLmtSz: "9999999999",
    maxMktSz: "1000000",
    minSz: "0.00001",
    optType: "",
    quoteCcy: quote,
    settleCcy: "",
    state: statusAt(market, nowMs) === "trading" ? "live" : "suspend",
    stk: "",
    tickSz: tickText(market.priceDecimals ?? 2),
    uly: "",
  };
}

/** A bar's name in OKX's spelling, as a timeframe and where it is anchored. */
function timeframeOf(bar: string): { timeframe: string; anchorMs?: number } | undefined {
  const match = /^(1|2|3|4|5|6|12|15|30)(m|H|D|W|M)(utc)?$/.exec(bar);
  if (match === null) return undefined;
  const [, count, unit, utc] = match;
  const timeframe = count + (unit === "m" || unit === "M" ? unit : unit.toLowerCase());
  if (utc !== undefined || unit === "m" || (unit === "H" && Number(count) < 6)) return { timeframe };
  /** Months by Hong Kong's clock are not spoken here; ccxt never asks for them. */
  if (unit === "M") return undefined;
  return { timeframe, anchorMs: unit === "W" ? HONG_KONG_MONDAY_MS : HONG_KONG_MS };
}

function candles(call: DialectCall, { isHistory }: { isHistory: boolean }): Answer {
  const { params, nowMs } = call;
  const market = listedAt(call.markets, call.nowMs).find((one) => idOf(one) === params.get("instId"));
  if (market === undefined) return failed("51001", "Instrument ID doesn't exist.");
  const bar = timeframeOf(params.get("bar") ?? "1m");
  if (bar === undefined) return failed("51000", "Parameter bar error");
  const limit = wholeParam(params, "limit") ?? DEFAULT_ROWS;
  const olderThanMs = wholeParam(params, "after") ?? Infinity;
  const newerThanMs = wholeParam(params, "before") ?? -Infinity;
  if (!(limit >= 1)) return failed("51000", "Parameter limit error");
  if (Number.isNaN(olderThanMs)) return failed("51000", "Parameter after error");
  if (Number.isNaN(newerThanMs)) return failed("51000", "Parameter before error");
  const grid = gridOf(bar.timeframe, bar.anchorMs);
  const formingMs = grid.floor(nowMs);
  const rows = call.rows({
    market,
    grid,
    anchorMs: bar.anchorMs,
    startMs: Math.max(newerThanMs + 1, isHistory ? -Infinity : grid.step(formingMs, 1 - NEWEST_BARS)),
    endMs: Math.min(olderThanMs, isHistory ? formingMs : Infinity),
    limit: Math.min(limit, MAX_ROWS),
    from: "end",
    newestFirst: true,
  });
  return data(rows.map(candleRow));
}

function candleRow({ openMs, open, high, low, close, volume, isForming }: Row): unknown[] {
  const fields = [open, high, low, close, volume].map((field) => field === null ? null : decimal(field));
  const value = String(Math.round((volume ?? 0) * (close ?? 0)));
  return [String(openMs), ...fields, value, value, isForming ? "0" : "1"];
}
