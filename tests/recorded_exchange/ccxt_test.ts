import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import ccxt, { type Exchange } from "ccxt";
import {
  type RecordedExchange,
  type RecordedExchangeOptions,
  type SettableClock,
  type VenueId,
  VENUES,
} from "../../scripts/recorded_exchange/mod.ts";
import { FORMING, HOUR, MINUTE, NOW, withExchange } from "./asking.ts";

/** A real ccxt client whose every call goes to the recorded exchange. */
function client(exchange: RecordedExchange, venue: VenueId): Exchange {
  return new ccxt[venue]({
    urls: exchange.urls(venue),
    options: exchange.options(venue),
    enableRateLimit: false,
  });
}

function onEachVenue(
  behaviour: string,
  options: RecordedExchangeOptions,
  test: (
    client: Exchange,
    seen: { exchange: RecordedExchange; clock: SettableClock; venue: VenueId },
  ) => Promise<void>,
  venues = VENUES,
): void {
  for (const venue of venues) {
    Deno.test(`ccxt's ${venue} client ${behaviour}`, async () => {
      await withExchange(
        options,
        (exchange, clock) => test(client(exchange, venue), { exchange, clock, venue }),
      );
    });
  }
}

onEachVenue("loads the markets with their precision and calls no other host", {
  markets: [{ symbol: "BTC/USDT" }, { symbol: "ETH/BTC", priceDecimals: 5 }, { symbol: "BTC/USD" }],
}, async (ccxtClient, { exchange, venue }) => {
  const markets = await ccxtClient.loadMarkets();
  deepEqual(Object.keys(markets).sort(), ["BTC/USD", "BTC/USDT", "ETH/BTC"]);
  ok(Object.values(markets).every((market) => market?.active === true && market.spot === true));
  if (venue !== "bitfinex") equal(markets["ETH/BTC"]?.precision.price, 0.00001);
  ok(exchange.calls.every((call) => call.venue === venue && call.status === 200));
});

onEachVenue(
  "reads the same bars with since and limit, the forming one marked by the clock",
  {},
  async (c, { exchange }) => {
    await c.loadMarkets();
    const since = FORMING - 2 * MINUTE;
    const rows = await c.fetchOHLCV("BTC/USDT", "1m", since, 2);
    deepEqual(rows.map((row) => row[0]), [since, since + MINUTE]);
    const [before, last] = rows;
    equal(before[4], last[1]);
    for (const [, open, high, low, close] of rows as number[][]) {
      ok(
        low <= Math.min(open, close) && high >= close,
      );
    }
    const direct = client(exchange, "binance");
    deepEqual(rows, await direct.fetchOHLCV("BTC/USDT", "1m", since, 2));
  },
);

onEachVenue("reads the newest bars without since, the forming one last", {}, async (c) => {
  const rows = await c.fetchOHLCV("BTC/USDT", "1m", undefined, 3);
  deepEqual(rows.map((row) => row[0]).at(-1), FORMING);
  ok(rows.length >= 3);
});

onEachVenue("reads hours, days and weeks on their grids", {}, async (c, { venue }) => {
  const day = 24 * HOUR;
  for (const [timeframe, stepMs] of [["1h", HOUR], ["1d", day], ["1w", 7 * day]] as const) {
    const rows = await c.fetchOHLCV("BTC/USDT", timeframe, NOW - 5 * stepMs, 4);
    const monday = venue === "kraken" ? 0 : 4 * day;
    const anchor = timeframe === "1w" ? monday : 0;
    equal(rows.length, 4, timeframe);
    ok(rows.every((row) => (row[0]! - anchor) % stepMs === 0), timeframe);
  }
});

onEachVenue(
  "knows the venue's time from its endpoint or the Date header",
  {},
  async (c, { exchange, venue }) => {
    if (venue === "bitfinex") {
      const response = await fetch(`${exchange.url}/bitfinex/v2/platform/status`);
      deepEqual(await response.json(), [1]);
      equal(Date.parse(response.headers.get("date") ?? ""), NOW);
    } else {
      equal(await c.fetchTime(), NOW);
    }
  },
);

onEachVenue("pages through a day by time and finds each bar once", {}, async (c) => {
  const start = FORMING - 24 * HOUR;
  const seen: number[] = [];
  for (let since = start, calls = 0; since < FORMING && calls < 20; calls++) {
    const rows = await c.fetchOHLCV("BTC/USDT", "1m", since, 300);
    seen.push(...rows.map((row) => row[0]!));
    since = rows.at(-1)![0]! + MINUTE;
  }
  const expected = Array.from({ length: 1_440 }, (_, i) => start + i * MINUTE);
  deepEqual(seen.filter((ms) => ms < FORMING), expected);
}, VENUES.filter((venue) => venue !== "kraken"));

Deno.test("kraken keeps only its newest 720 bars, and the forming one is there whatever since says", async () => {
  await withExchange({}, async (exchange) => {
    const kraken = client(exchange, "kraken");
    const all = await kraken.fetchOHLCV("BTC/USD", "1m", undefined, 1_000);
    equal(all.length, 720);
    equal(all[0][0], FORMING - 719 * MINUTE);
    await kraken.fetchOHLCV("BTC/USD", "1m", FORMING - 10 * 24 * HOUR, 10);
    equal(exchange.calls.at(-1)?.rows, 720);
    equal(exchange.calls.at(-1)?.firstOpenMs, FORMING - 719 * MINUTE);
    await kraken.fetchOHLCV("BTC/USD", "1m", FORMING + 10 * HOUR, 10);
    equal(exchange.calls.at(-1)?.rows, 1);
    equal(exchange.calls.at(-1)?.firstOpenMs, FORMING);
  });
});

Deno.test("okx serves old bars from history-candles without the forming one, newest first", async () => {
  await withExchange({}, async (exchange) => {
    const read = async (path: string) => {
      const response = await fetch(`${exchange.url}/okx/api/v5/market/${path}`);
      return (await response.json()).data as string[][];
    };
    const ask = `instId=BTC-USDT&bar=1m&limit=3`;
    const recent = await read(`candles?${ask}`);
    deepEqual(recent.map((row) => [Number(row[0]), row[8]]), [
      [FORMING, "0"],
      [FORMING - MINUTE, "1"],
      [FORMING - 2 * MINUTE, "1"],
    ]);
    const old = await read(`history-candles?${ask}`);
    deepEqual(old.map((row) => Number(row[0])), [1, 2, 3].map((n) => FORMING - n * MINUTE));
    deepEqual(await read(`candles?${ask}&after=${FORMING - 1_500 * MINUTE}`), []);
    const hongKong = await read("candles?instId=BTC-USDT&bar=1D&limit=1");
    equal(Number(hongKong[0][0]), Date.UTC(2024, 0, 31, 16));
  });
});

Deno.test("bitfinex sorts and limits from the end that was asked for, both edges included", async () => {
  await withExchange({}, async (exchange) => {
    const read = async (query: string) => {
      const response = await fetch(`${exchange.url}/bitfinex/v2/candles/trade:1m:tBTCUSD/hist?${query}`);
      return (await response.json() as number[][]).map((row) => (row[0] - FORMING) / MINUTE);
    };
    const range = `start=${FORMING - 5 * MINUTE}&end=${FORMING - 2 * MINUTE}`;
    deepEqual(await read(`${range}&sort=1`), [-5, -4, -3, -2]);
    deepEqual(await read(`${range}&sort=1&limit=2`), [-5, -4]);
    deepEqual(await read(`${range}&limit=2`), [-2, -3]);
    deepEqual(await read(`limit=2`), [0, -1]);
  });
});

onEachVenue("hears which symbol is unknown", {}, async (c) => {
  const markets = await c.loadMarkets();
  markets["BTC/USDT"]!.id = "NOTHERE";
  await rejects(c.fetchOHLCV("BTC/USDT", "1m"), (error: Error) => {
    ok(error instanceof ccxt.ExchangeError, String(error));
    ok(/nvalid|Unknown|doesn't exist/.test(error.message), error.message);
    return true;
  });
});

onEachVenue("does not see a market before its listing", {
  markets: [{ symbol: "BTC/USDT" }, { symbol: "NEW/USDT", listedMs: NOW + 1 }],
}, async (c, { clock }) => {
  deepEqual(Object.keys(await c.loadMarkets()), ["BTC/USDT"]);
  clock.advance(HOUR);
  deepEqual(Object.keys(await c.loadMarkets(true)).sort(), ["BTC/USDT", "NEW/USDT"]);
  const rows = await c.fetchOHLCV("NEW/USDT", "1m", NOW - HOUR, 100);
  equal(rows[0][0], FORMING + MINUTE);
});

onEachVenue("sees a delisted market as inactive, with its bars up to the end, or not at all", {
  markets: [
    { symbol: "BTC/USDT" },
    { symbol: "OLD/USDT", delistedMs: FORMING - HOUR },
    { symbol: "GONE/USDT", delistedMs: FORMING - HOUR, afterDelisting: "dropped" },
  ],
}, async (c, { venue }) => {
  const markets = await c.loadMarkets();
  deepEqual(Object.keys(markets).sort(), ["BTC/USDT", "OLD/USDT"]);
  // Bitfinex has no word for an inactive market; ccxt calls all of its active.
  equal(markets["OLD/USDT"]?.active, venue === "bitfinex");
  const rows = await c.fetchOHLCV("OLD/USDT", "1m", FORMING - 2 * HOUR, 100);
  equal(rows.at(-1)![0], FORMING - HOUR - MINUTE);
});
