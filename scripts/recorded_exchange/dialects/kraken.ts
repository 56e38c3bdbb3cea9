/**
 * Kraken, `0/public`: only the newest 720 bars whatever is asked, `since` in seconds and exclusive, the bar
 * that is forming always there, errors with HTTP 200, a call counter that time lowers.
 */

import { fixedGrid, type Grid, gridOf } from "../grid.ts";
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

const ROOT = "/0/public/";
const HELD_BARS = 720;
const WEEK_MS = 604_800_000;
/** Kraken's spelling is minutes. Its weeks begin on Thursday, its longest bar has 15 days. */
const INTERVALS: Record<string, string> = {
  1: "1m",
  5: "5m",
  15: "15m",
  30: "30m",
  60: "1h",
  240: "4h",
  1440: "1d",
  10080: "1w",
  21600: "15d",
};
const ENDPOINTS: Record<string, Cost["endpoint"]> = { OHLC: "bars", AssetPairs: "markets", Time: "time" };
/** Assets with the old four-letter ids. */
const OLD_IDS: Record<string, string> = {
  BTC: "XXBT",
  ETH: "XETH",
  LTC: "XLTC",
  XRP: "XXRP",
  ETC: "XETC",
  XLM: "XXLM",
  XMR: "XXMR",
  ZEC: "XZEC",
  DOGE: "XXDG",
  USD: "ZUSD",
  EUR: "ZEUR",
  GBP: "ZGBP",
  CAD: "ZCAD",
  JPY: "ZJPY",
};
const ALT_NAMES: Record<string, string> = { BTC: "XBT", DOGE: "XDG" };

/** Kraken's spot market. */
export const kraken: Dialect = {
  venue: "kraken",
  root: ROOT,
  budget: { "*": { kind: "leaky_counter", limit: 15, decayPerSec: 1 } },
  costOf(path) {
    return { endpoint: ENDPOINTS[path.slice(ROOT.length)] ?? "other", bucket: "calls", cost: 1 };
  },
  answer(call) {
    switch (call.path.slice(ROOT.length)) {
      case "Time":
        return result({
          unixtime: Math.floor(call.nowMs / 1000),
          rfc1123: new Date(call.nowMs).toUTCString().replace("GMT", "+0000"),
        });
      case "SystemStatus":
        return result({ status: "online", timestamp: new Date(call.nowMs).toISOString() });
      case "Assets":
        return result(assets(call));
      case "AssetPairs":
        return assetPairs(call);
      case "OHLC":
        return ohlc(call);
      default:
        return failed("EGeneral:Unknown method");
    }
  },
  refusal(charge) {
    const banned = charge.reason === "banned";
    return { ...failed(banned ? "EGeneral:Temporary lockout" : "EAPI:Rate limit exceeded"), headers: {} };
  },
  failure({ status }) {
    if (status === 429 || status === 418) return { ...failed("EAPI:Rate limit exceeded"), status };
    if (status === 401) return { ...failed("EAPI:Invalid key"), status };
    if (status >= 500) return { ...failed("EService:Unavailable"), status };
    return htmlPage(status);
  },
  urls: (base) => ({ api: { public: base } }),
  options: {},
};

function result(value: unknown): Answer {
  return json({ error: [], result: value });
}

function failed(error: string): Answer {
  return json({ error: [error] });
}

function assetId(code: string): string {
  return OLD_IDS[code] ?? code;
}

function altName(code: string): string {
  return ALT_NAMES[code] ?? code;
}

/** Two old ids make an old pair id (XXBTZUSD); else the alternative names do (XBTUSDT). */
function pairId(market: Market): string {
  const { base, quote } = partsOf(market);
  if (base in OLD_IDS && quote in OLD_IDS) return OLD_IDS[base] + OLD_IDS[quote];
  return altName(base) + altName(quote);
}

function named(call: DialectCall, name: string): Market | undefined {
  return listedAt(call.markets, call.nowMs).find((market) => {
    const { base, quote } = partsOf(market);
    return pairId(market) === name || altName(base) + altName(quote) === name || market.symbol === name;
  });
}

function assets(call: DialectCall): Record<string, unknown> {
  const codes = new Set(
    listedAt(call.markets, call.nowMs).flatMap((market) => Object.values(partsOf(market))),
  );
  return Object.fromEntries([...codes].map((code) => [assetId(code), {
    aclass: "currency",
    altname: altName(code),
    decimals: 10,
    display_decimals: 5,
    status: "enabled",
  }]));
}

function assetPairs(call: DialectCall): Answer {
  const wanted = call.params.get("pair")?.split(",");
  const found = wanted?.map((name) => named(call, name)) ?? listedAt(call.markets, call.nowMs);
  if (found.some((market) => market === undefined)) return failed("EQuery:Unknown asset pair");
  const markets = found.filter((market) => market !== undefined);
  return result(Object.fromEntries(markets.map((market) => [pairId(market), pairInfo(market, call.nowMs)])));
}

function pairInfo(market: Market, nowMs: number): Record<string, unknown> {
  const { base, quote } = partsOf(market);
  const priceDecimals = market.priceDecimals ?? 2;
  return {
    altname: altName(base) + altName(quote),
    wsname: `${altName(base)}/${altName(quote)}`,
    aclass_base: "currency",
    base: assetId(base),
    aclass_quote: "currency",
    quote: assetId(quote),
    lot: "unit",
    cost_decimals: 5,
    pair_decimals: priceDecimals,
    lot_decimals: market.amountDecimals ?? 8,
    lot_multiplier: 1,
    leverage_buy: [],
    leverage_sell: [],
    fees: [[0, 0.4], [10_000, 0.35]],
    fees_maker: [[0, 0.25], [10_000, 0.2]],
    fee_volume_currency: "ZUSD",
    margin_call: 80,
    margin_stop: 40,
    ordermin: "0.00005",
    costmin: "0.5",
    tick_size: tickText(priceDecimals),
    status: statusAt(market, nowMs) === "trading" ? "online" : "cancel_only",
  };
}

function gridFor(minutes: string): Grid | undefined {
  const timeframe = INTERVALS[minutes];
  if (timeframe === undefined) return undefined;
  return timeframe === "1w" ? fixedGrid("1w", WEEK_MS, 0) : gridOf(timeframe);
}

function ohlc(call: DialectCall): Answer {
  const { params } = call;
  const name = params.get("pair");
  if (!name) return failed("EGeneral:Invalid arguments");
  const market = named(call, name);
  if (market === undefined) return failed("EQuery:Unknown asset pair");
  const grid = gridFor(params.get("interval") ?? "1");
  const sinceSec = wholeParam(params, "since");
  if (grid === undefined || Number.isNaN(sinceSec)) return failed("EGeneral:Invalid arguments");
  const rows = call.rows({
    market,
    grid,
    anchorMs: grid.timeframe === "1w" ? 0 : undefined,
    startMs: sinceSec === undefined ? -Infinity : heldSince({ call, grid, sinceSec }),
    endMs: Infinity,
    limit: HELD_BARS,
    from: "end",
  });
  const last = rows.findLast((row) => !row.isForming)?.openMs ?? 0;
  return result({ [pairId(market)]: rows.map(ohlcRow), last: Math.floor(last / 1000) });
}

/** `since` is exclusive, and never keeps the forming bar away. */
function heldSince({ call, grid, sinceSec }: { call: DialectCall; grid: Grid; sinceSec: number }): number {
  return Math.min(sinceSec * 1000 + 1, grid.floor(call.nowMs));
}

function ohlcRow({ openMs, open, high, low, close, volume }: Row): unknown[] {
  const average = open === null || close === null ? null : (open + close) / 2;
  const prices = [open, high, low, close, average, volume].map((field) =>
    field === null ? null : decimal(field)
  );
  return [openMs / 1000, ...prices, volume === 0 ? 0 : 10];
}
