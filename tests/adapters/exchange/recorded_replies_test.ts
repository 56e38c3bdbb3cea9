/** Replies recorded by others, through ccxt and our client, against a reading of our own; then through conformance. */

import assert from "node:assert/strict";
import { load } from "../../../src/compute/mod.ts";
import { gridOf } from "../../../src/core/timeframe.ts";
import { find, testNeeding } from "../../needs.ts";
import { at, onVenue } from "./stand.ts";
import { replay } from "./replayed.ts";
import { seriesByName } from "../../../scripts/recorded_exchange/mod.ts";
import { bitfinexPages, seriesFromBitfinexPages } from "../../../scripts/recorded_exchange/recorded_files.ts";
import type { CcxtMarket } from "../../../src/adapters/exchange/ccxt_client.ts";

/** `[ms, open, high, low, close, volume]` */
type Row = number[];

function market(id: string, symbol: string, more: Record<string, unknown> = {}): CcxtMarket {
  const [base, rest] = symbol.split("/");
  const quote = rest.split(":")[0];
  const isSpot = !symbol.includes(":");
  return {
    id,
    symbol,
    base,
    quote,
    type: isSpot ? "spot" : "swap",
    spot: isSpot,
    swap: !isSpot,
    contract: !isSpot,
    linear: isSpot ? undefined : true,
    info: {},
    ...more,
  };
}

/** Cells of a list row, by index; numbers whatever they were. */
function listRows(rows: unknown, indices: number[], scale = 1): Row[] {
  return (rows as unknown[][]).map((row) =>
    indices.map((index, i) => Number(row[index]) * (i === 0 ? scale : 1))
  );
}

/** Cells of an object row, by name; the time in ms. */
function objectRows(rows: unknown, names: string[], scale = 1): Row[] {
  return (rows as Record<string, unknown>[]).map((row) =>
    names.map((name, i) => {
      const cell = row[name];
      if (i > 0) return Number(cell);
      return typeof cell === "string" && cell.includes("T") ? Date.parse(cell) : Number(cell) * scale;
    })
  );
}

interface Recorded {
  file: string;
  id: string;
  markets: CcxtMarket[];
  timeframe: string;
  /** The venue's body inside the file, and the rows in it. */
  body?: (file: unknown) => unknown;
  rows: (body: unknown) => Row[];
}

const BINANCE = [market("BTCUSDT", "BTC/USDT")];

/** What stands at a path of names inside a JSON value. */
function inside(value: unknown, ...path: string[]): unknown {
  return path.reduce<unknown>((found, name) => (found as Record<string, unknown>)[name], value);
}

const RECORDED: Recorded[] = [
  {
    file: "nautilus/binance/http_spot_market_klines.json",
    id: "binance",
    markets: BINANCE,
    timeframe: "1m",
    rows: (body) => listRows(body, [0, 1, 2, 3, 4, 5]),
  },
  {
    file: "nautilus/binance/klines_response.json",
    id: "binance",
    markets: BINANCE,
    timeframe: "1w",
    rows: (body) => listRows(body, [0, 1, 2, 3, 4, 5]),
  },
  {
    file: "nautilus/binance/http_futures_market_klines.json",
    id: "binanceusdm",
    markets: [market("BTCUSDT", "BTC/USDT:USDT")],
    timeframe: "1w",
    rows: (body) => listRows(body, [0, 1, 2, 3, 4, 5]),
  },
  {
    file: "nautilus/okx/http_get_candlesticks.json",
    id: "okx",
    markets: [market("BTC-USDT", "BTC/USDT")],
    timeframe: "1m",
    rows: (body) => listRows(inside(body, "data"), [0, 1, 2, 3, 4, 5]),
  },
  {
    file: "nautilus/okx/http_get_candlesticks_full.json",
    id: "okx",
    markets: [market("BTC-USDT-SWAP", "BTC/USDT:USDT")],
    timeframe: "1m",
    rows: (body) => listRows(inside(body, "data"), [0, 1, 2, 3, 4, 6]),
  },
  {
    file: "nautilus/bybit/http_get_klines_linear.json",
    id: "bybit",
    markets: [market("BTCUSDT", "BTC/USDT:USDT")],
    timeframe: "1m",
    rows: (body) => listRows(inside(body, "result", "list"), [0, 1, 2, 3, 4, 5]),
  },
  {
    file: "nautilus/kraken/http_futures_candles_trade.json",
    id: "krakenfutures",
    markets: [market("PI_XBTUSD", "BTC/USD:BTC", { linear: false, inverse: true })],
    timeframe: "1h",
    rows: (body) => objectRows(inside(body, "candles"), ["time", "open", "high", "low", "close", "volume"]),
  },
  {
    file: "nautilus/coinbase/http_candles.json",
    id: "coinbase",
    markets: [market("BTC-USD", "BTC/USD")],
    timeframe: "1h",
    rows: (body) =>
      objectRows(inside(body, "candles"), ["start", "open", "high", "low", "close", "volume"], 1000),
  },
  ...["binance", "okx", "bybit"].map((id): Recorded => ({
    file: `ccxt-rs/${id}_fetch_ohlcv_BTC_USDT.json`,
    id,
    markets: [market(id === "okx" ? "BTC-USDT" : "BTCUSDT", "BTC/USDT")],
    timeframe: "1h",
    body: (file) => inside(file, "http_response"),
    rows: (body) =>
      listRows(id === "okx" ? inside(body, "data") : id === "bybit" ? inside(body, "result", "list") : body, [
        0,
        1,
        2,
        3,
        4,
        5,
      ]),
  })),
];

async function jsonOf(path: string): Promise<unknown> {
  if (!path.endsWith(".gz")) return JSON.parse(await Deno.readTextFile(path));
  const file = await Deno.open(path);
  const unpacked = file.readable.pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse((await new Response(unpacked).text()).replace(/^\uFEFF/, ""));
}

/** Replays a reply, compares rows in the order sent, and lets conformance see them. */
async function check(
  { id, markets, timeframe, body, rows }: Omit<Recorded, "rows" | "file" | "body"> & {
    body: unknown;
    rows: Row[];
  },
  told: string,
): Promise<void> {
  const compute = await load();
  const seen = await replay({ id, markets, input: [markets[0].symbol, timeframe, null, 2000], body });
  assert.deepEqual(seen.rows, rows, told);
  const columns = Object.fromEntries(
    ["ts", "open", "high", "low", "close", "volume"].map((
      name,
      i,
    ) => [name, seen.rows.map((row) => i === 0 ? row[0] as number / 1000 : row[i] as number)]),
  );
  const { frame, blocked, flags } = compute.conform({ kind: "ohlcv", columns }, { grid: gridOf(timeframe) });
  assert.equal(blocked, false, told);
  const setAside = (flags.misaligned_ts ?? 0) + (flags.duplicate_ts ?? 0) + (flags.invalid_timestamp ?? 0);
  assert.equal("ts" in frame ? frame.ts.length : -1, rows.length - setAside, told);
}

for (const { file, body = (whole: unknown) => whole, rows, ...venue } of RECORDED) {
  testNeeding(["../shared"], `${venue.id}: the reply in ${file} comes out as it reads`, async () => {
    const sent = body(await jsonOf(`${find("../shared")}data/rest/${file}`));
    await check({ ...venue, body: sent, rows: rows(sent) }, file);
  });
}

/** gocryptotrader keeps many replies a file, by path and query. */
const MANY: { file: string; id: string; path: string; markets: (query: URLSearchParams) => CcxtMarket[] }[] =
  [
    {
      file: "binance_http_klines_trades",
      id: "binance",
      path: "/api/v3/klines",
      markets: (query) => query.get("symbol") === "ETHBTC" ? [market("ETHBTC", "ETH/BTC")] : BINANCE,
    },
    {
      file: "binance_http_klines_trades",
      id: "binance",
      path: "/fapi/v1/klines",
      markets: (query) => {
        const id = query.get("symbol")!;
        return [market(id, `${id.slice(0, -4)}/USDT:USDT`)];
      },
    },
  ];

for (const { file, id, path, markets } of MANY) {
  testNeeding(["../shared"], `${id}: every recorded reply of ${path} comes out as it reads`, async () => {
    const whole = await jsonOf(`${find("../shared")}data/rest/gocryptotrader/${file}.json.gz`);
    let replies = 0;
    for (
      const { data, queryString } of inside(whole, path, "GET") as { data: unknown; queryString: string }[]
    ) {
      const query = new URLSearchParams(queryString);
      const timeframe = query.get("interval")!;
      const rows = listRows(data, [0, 1, 2, 3, 4, 5]);
      await check({ id, markets: markets(query), timeframe, body: data, rows }, `${file} ${queryString}`);
      replies++;
    }
    assert.ok(replies >= 5, `${replies} replies`);
  });
}

testNeeding(["../shared"], "bitstamp: recorded replies come out as they read", async () => {
  const whole = await jsonOf(
    `${find("../shared")}data/rest/gocryptotrader/bitstamp_http_klines_trades.json.gz`,
  );
  const replies = inside(whole, "/api/v2/ohlc/btcusd/", "GET") as { data: unknown; queryString: string }[];
  for (const { data, queryString } of replies) {
    const timeframe = new URLSearchParams(queryString).get("step") === "60" ? "1m" : "1d";
    const names = ["timestamp", "open", "high", "low", "close", "volume"];
    const rows = objectRows(inside(data, "data", "ohlc"), names, 1000);
    const markets = [market("btcusd", "BTC/USD")];
    await check({ id: "bitstamp", markets, timeframe, body: data, rows }, queryString);
  }
});

testNeeding(["../shared"], "bithumb: a byte order mark before the JSON does no harm", async () => {
  const path = `${find("../shared")}data/rest/ccxt-net/bithumb_fetchOHLCVs.json.gz`;
  const rows = await jsonOf(path) as number[][];
  const body = "\uFEFF" + JSON.stringify(rows.slice(0, 5));
  const { id, markets } = { id: "binance", markets: BINANCE };
  const seen = await replay({ id, markets, input: ["BTC/USDT", "1d", null, 5], body });
  assert.deepEqual(seen.rows.map(([ms]) => ms), rows.slice(0, 5).map(([ms]) => ms));
});

testNeeding(["../shared"], "lighter: an answer of null is no bars, and no rows of null", async () => {
  const body = await jsonOf(`${find("../shared")}data/rest/nautilus/lighter/http_candles_null.json`);
  const markets = [market("0", "ETH/USDC:USDC")];
  const seen = await replay({ id: "lighter", markets, input: ["ETH/USDC:USDC", "1m", null, 5], body });
  assert.deepEqual(seen.rows, []);
});

for (const file of ["BTCUSD_2016-06", "XRPUSD_2018-10"]) {
  testNeeding(["../shared"], `bitfinex: the pages of ${file} come out as they read`, async () => {
    const pages = await bitfinexPages(`${find("../shared")}data/bitfinex-pages/pages_${file}.jsonl.gz`);
    const markets = [market("tBTCUSD", "BTC/USD")];
    for (const { body } of pages.filter((_, i) => i % 12 === 0 || pages[i].body.length === 0)) {
      const seen = await replay({ id: "bitfinex", markets, input: ["BTC/USD", "1m", null, 120], body });
      assert.deepEqual(seen.rows, listRows(body, [0, 1, 3, 4, 2, 5]));
    }
  });
}

testNeeding(["../shared"], "bitfinex: June 2016 by pages of 120 has its 38,623 bars, each once", async () => {
  const series = await seriesFromBitfinexPages(
    `${find("../shared")}data/bitfinex-pages/pages_BTCUSD_2016-06.jsonl.gz`,
  );
  const options = {
    now: "2016-07-10T00:00:30Z",
    markets: [{ symbol: "BTC/USD" }],
    series: seriesByName({ "BTC/USD 1m": series }),
    settings: { batchLimit: 120 },
  };
  await onVenue("bitfinex", options, async ({ exchange, ask, barCalls }) => {
    const seen: number[] = [];
    const end = at("2016-07-01T00:00:00Z");
    for (let start = at("2016-06-01T00:00:00Z"); start < end; start += 54_000) {
      const range = [start, Math.min(end, start + 54_000)] as const;
      const reply = await exchange.fetchBars(ask({ symbol: "BTC/USD", range }));
      seen.push(...reply.columns.ts as number[]);
      assert.deepEqual(reply.answered, [[...range]]);
      assert.deepEqual(reply.absent, []);
    }
    assert.equal(seen.length, 38_623);
    assert.equal(new Set(seen).size, 38_623);
    assert.ok(barCalls().length <= 400, `${barCalls().length} calls`);
  });
});
