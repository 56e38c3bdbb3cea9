import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import ccxt from "ccxt";
import { ask, FORMING, MINUTE, NOW, withExchange } from "./asking.ts";

const BARS = "/binance/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=1";

Deno.test("binance tells the weight used, refuses with 429 at 6,000, bans those who go on, and forgives", async () => {
  await withExchange({ budget: "venue" }, async (exchange, clock) => {
    const first = await ask(exchange, BARS);
    equal(first.headers.get("x-mbx-used-weight-1m"), "2");
    const info = await ask(exchange, "/binance/api/v3/exchangeInfo");
    equal(info.headers.get("x-mbx-used-weight-1m"), "22");
    let calls = 0;
    while ((await ask(exchange, BARS)).status === 200) calls++;
    equal(22 + calls * 2, 6_000);
    const refused = await ask(exchange, BARS);
    deepEqual([refused.status, refused.headers.get("retry-after")], [429, "30"]);
    equal(refused.headers.get("x-mbx-used-weight-1m"), "6004");
    const statuses = [];
    for (let call = 0; call < 10; call++) statuses.push((await ask(exchange, BARS)).status);
    deepEqual(statuses.slice(-2), [418, 418]);
    clock.advance(MINUTE);
    const banned = await ask(exchange, BARS);
    equal(banned.status, 418);
    ok(banned.text.includes(`IP banned until ${NOW + 120_000}`), banned.text);
    clock.advance(MINUTE);
    equal((await ask(exchange, BARS)).status, 200);
    const meter = exchange.meter("binance");
    equal(meter.bans, 1);
    deepEqual(
      meter.windows.map((window) => window.startMs),
      [0, 1, 2].map((n) => Math.floor(NOW / MINUTE) * MINUTE + n * MINUTE),
    );
  });
});

Deno.test("kraken's counter refuses the sixteenth call at once and takes one more each second", async () => {
  await withExchange({ budget: "venue" }, async (exchange, clock) => {
    const path = "/kraken/0/public/Time";
    const isRefused = async () => (await ask(exchange, path)).text.includes("EAPI:Rate limit exceeded");
    const refused = [];
    for (let call = 0; call < 16; call++) refused.push(await isRefused());
    deepEqual(refused, [...Array(15).fill(false), true]);
    clock.advance(2_000);
    equal(await isRefused(), false);
    equal(exchange.calls.at(-2)?.status, 200);
  });
});

Deno.test("bitfinex refuses the ninety-first call of a minute and blocks for a minute", async () => {
  await withExchange({ budget: "venue" }, async (exchange, clock) => {
    const path = "/bitfinex/v2/candles/trade:1m:tBTCUSD/hist?limit=1";
    for (let call = 0; call < 90; call++) equal((await ask(exchange, path)).status, 200);
    const reply = await ask(exchange, path);
    deepEqual([reply.status, reply.text], [429, '{"error":"ERR_RATE_LIMIT"}']);
    clock.advance(59_000);
    equal((await ask(exchange, path)).status, 429);
    clock.advance(62_000);
    equal((await ask(exchange, path)).status, 200);
  });
});

Deno.test("okx refuses by endpoint with code 50011, which ccxt knows", async () => {
  await withExchange({ budget: "venue" }, async (exchange, clock) => {
    const okx = new ccxt.okx({
      urls: exchange.urls("okx"),
      options: exchange.options("okx"),
      enableRateLimit: false,
    });
    await okx.loadMarkets();
    const read = () => okx.fetchOHLCV("BTC/USDT", "1m", NOW - 10 * MINUTE, 5);
    for (let call = 0; call < 20; call++) await read();
    await rejects(read(), ccxt.RateLimitExceeded);
    ok(await okx.fetchTime());
    clock.advance(2_001);
    equal((await read()).length, 5);
  });
});

Deno.test("3,000 pages spread over a minute use binance's budget to the last unit and are never refused", async () => {
  await withExchange({ budget: "venue" }, async (exchange, clock) => {
    clock.set(FORMING + MINUTE);
    for (let call = 0; call < 3_000; call++) {
      equal((await ask(exchange, BARS)).status, 200);
      clock.advance(20);
    }
    const { refused, peak, windows } = exchange.meter("binance");
    deepEqual({ refused, peak, used: windows[0].used }, { refused: 0, peak: 6_000, used: 6_000 });
  });
});

Deno.test("without a budget nothing is refused, no usage is told, and everything is still counted", async () => {
  await withExchange({}, async (exchange) => {
    for (let call = 0; call < 50; call++) {
      const reply = await ask(exchange, "/kraken/0/public/Time");
      ok(reply.text.includes('"error":[]'));
    }
    equal((await ask(exchange, BARS)).headers.get("x-mbx-used-weight-1m"), null);
    equal(exchange.meter("kraken").used, 50);
    equal(exchange.meter("binance").used, 2);
  });
});

Deno.test("a test can give a venue a budget of its own", async () => {
  const budget = { binance: { "*": { kind: "fixed_window", limit: 4, windowMs: MINUTE } } } as const;
  await withExchange({ budget }, async (exchange) => {
    const statuses = [];
    for (let call = 0; call < 3; call++) statuses.push((await ask(exchange, BARS)).status);
    deepEqual(statuses, [200, 200, 429]);
  });
});
