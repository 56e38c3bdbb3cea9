import { deepEqual, equal, ok } from "node:assert/strict";
import ccxt from "ccxt";
import {
  barsFromFile,
  bitfinexPages,
  seriesByName,
  seriesFromBarFile,
  seriesFromBitfinexPages,
  settableClock,
} from "../../scripts/recorded_exchange/mod.ts";
import { testNeeding } from "../needs.ts";
import { type Kline, klines, MINUTE, withExchange } from "./asking.ts";

const shared = (path: string) => new URL(`../../../shared/data/${path}`, import.meta.url);

testNeeding(
  ["../shared"],
  "the recorded day with Binance's halt is served bar for bar, with its hole",
  async () => {
    const file = shared("bars/binance_BTC-USDT_1m__2023-03.csv.gz");
    const series = seriesByName({ "BTC/USDT 1m": await seriesFromBarFile(file) });
    const [startMs, endMs] = [1_679_616_000_000, 1_679_702_400_000];
    const clock = settableClock(endMs + 5 * MINUTE);
    await withExchange({ series, clock, markets: [{ symbol: "BTC/USDT" }] }, async (exchange) => {
      const served: Kline[] = [];
      for (let since = startMs; since < endMs && exchange.calls.length < 10;) {
        const page = await klines(exchange, { startTime: since, endTime: endMs - 1, limit: 500 });
        served.push(...page);
        since = page.length === 0 ? endMs : page.at(-1)![0] + MINUTE;
      }
      equal(served.length, 1_360);
      equal(served.filter((row) => Number(row[5]) === 0).length, 72);
      const hole = served.findIndex((row, index) => index > 0 && row[0] - served[index - 1][0] > MINUTE);
      deepEqual([served[hole - 1][0] + MINUTE, served[hole][0]], [1_679_661_600_000, 1_679_666_400_000]);
      const recorded = (await barsFromFile(file)).filter((bar) =>
        bar.openMs >= startMs && bar.openMs < endMs
      );
      deepEqual(
        served.map((row) => [row[0], ...row.slice(1, 6).map(Number)]),
        recorded.map((bar) => [bar.openMs, bar.open, bar.high, bar.low, bar.close, bar.volume]),
      );
    });
  },
);

testNeeding(
  ["../shared"],
  "Bitfinex's June of 2016 is served as it was recorded: 360 replies, four of them empty",
  async () => {
    const file = shared("bitfinex-pages/pages_BTCUSD_2016-06.jsonl.gz");
    const series = seriesByName({ "BTC/USD 1m": await seriesFromBitfinexPages(file) });
    const pages = await bitfinexPages(file);
    const clock = settableClock(Date.UTC(2016, 6, 2));
    await withExchange({ series, clock, markets: [{ symbol: "BTC/USD" }] }, async (exchange) => {
      const path = `${exchange.url}/bitfinex/v2/candles/trade:1m:tBTCUSD/hist?limit=120&sort=1`;
      for (const page of pages) {
        const reply = await fetch(`${path}&start=${page.start}&end=${page.end - 1}`);
        const inside = page.body.filter(([openMs]) => openMs < page.end);
        deepEqual(await reply.json(), inside.sort((a, b) => a[0] - b[0]));
      }
      equal(exchange.calls.length, 360);
      equal(exchange.calls.filter((call) => call.rows === 0).length, 4);
      equal(exchange.calls.reduce((sum, call) => sum + (call.rows ?? 0), 0), 38_623);
    });
  },
);

testNeeding(["../shared"], "ccxt reads a recorded bar with the exact numbers of the recording", async () => {
  const file = shared("bars/binance_BTC-USDT_1h__asof2020-12-dups.csv.gz");
  const bars = await barsFromFile(file);
  const series = seriesByName({ "BTC/USDT 1h": await seriesFromBarFile(file) });
  const clock = settableClock(Date.UTC(2021, 0, 1));
  await withExchange({ series, clock, markets: [{ symbol: "BTC/USDT" }] }, async (exchange) => {
    const binance = new ccxt.binance({
      urls: exchange.urls("binance"),
      options: exchange.options("binance"),
      enableRateLimit: false,
    });
    const rows = await binance.fetchOHLCV("BTC/USDT", "1h", bars[5_000].openMs, 1_000);
    const known = new Map(bars.map((bar) => [bar.openMs, bar]));
    equal(rows.length, 1_000);
    for (const [openMs, open, high, low, close, volume] of rows as number[][]) {
      deepEqual({ openMs, open, high, low, close, volume }, known.get(openMs));
    }
    ok(rows.some((row) => String(row[5]).length > 8));
  });
});
