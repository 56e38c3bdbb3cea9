import { deepEqual, equal, notDeepEqual, ok } from "node:assert/strict";
import { FORMING, HOUR, klines, MINUTE, NOW, opens, withExchange } from "./asking.ts";

Deno.test("the forming bar changes with the clock, keeps its open, and is final once it is over", async () => {
  await withExchange({}, async (exchange, clock) => {
    const seen = [];
    for (const second of [0, 15, 30, 59, 60, 3_600]) {
      clock.set(FORMING + second * 1_000);
      seen.push((await klines(exchange, { startTime: FORMING, limit: 1 }))[0]);
    }
    const [born, , half, late, final, later] = seen;
    equal(new Set(seen.map((row) => row[1])).size, 1);
    deepEqual([born[2], born[3], born[4], Number(born[5])], [born[1], born[1], born[1], 0]);
    ok(Number(half[5]) < Number(late[5]) && Number(late[5]) < Number(final[5]));
    ok(Number(half[2]) <= Number(final[2]) && Number(half[3]) >= Number(final[3]));
    notDeepEqual(late, final);
    deepEqual(later, final);
  });
});

Deno.test("no bar is served before it opens, and the next one opens on time", async () => {
  await withExchange({}, async (exchange, clock) => {
    equal(opens(await klines(exchange)).at(-1), FORMING);
    clock.set(FORMING + MINUTE - 1);
    equal(opens(await klines(exchange)).at(-1), FORMING);
    clock.advance(1);
    equal(opens(await klines(exchange)).at(-1), FORMING + MINUTE);
    deepEqual(await klines(exchange, { startTime: FORMING + HOUR }), []);
  });
});

Deno.test("a late bar is absent until so long after its close, while its neighbours are there", async () => {
  const late = { startMs: FORMING - 3 * MINUTE, endMs: FORMING - 2 * MINUTE };
  await withExchange({ faults: [{ kind: "late_bars", afterCloseMs: 5 * MINUTE, span: late }] }, async (
    exchange,
    clock,
  ) => {
    const ask = { startTime: FORMING - 4 * MINUTE, endTime: FORMING - 1 };
    deepEqual(opens(await klines(exchange, ask)).map((ms) => (ms - FORMING) / MINUTE), [-4, -2, -1]);
    clock.set(late.endMs + 5 * MINUTE - 1);
    equal((await klines(exchange, ask)).length, 3);
    clock.advance(1);
    deepEqual(opens(await klines(exchange, ask)).map((ms) => (ms - FORMING) / MINUTE), [-4, -3, -2, -1]);
  });
});

Deno.test("late bars do not make a page short: it is filled from what follows", async () => {
  const late = { startMs: FORMING - 90 * MINUTE, endMs: FORMING - 60 * MINUTE };
  await withExchange(
    { faults: [{ kind: "late_bars", afterCloseMs: 24 * HOUR, span: late }] },
    async (exchange) => {
      const rows = opens(await klines(exchange, { startTime: FORMING - 100 * MINUTE, limit: 20 }));
      deepEqual(rows.map((ms) => (ms - FORMING) / MINUTE).slice(8, 12), [-92, -91, -60, -59]);
      equal(rows.length, 20);
      const newest = opens(await klines(exchange, { endTime: FORMING - 58 * MINUTE, limit: 5 }));
      deepEqual(newest.map((ms) => (ms - FORMING) / MINUTE), [-92, -91, -60, -59, -58]);
    },
  );
});

Deno.test("history is restated from a time on: prices and volumes change, the bar stays plausible", async () => {
  const span = { startMs: FORMING - 10 * MINUTE, endMs: FORMING - 8 * MINUTE };
  const faults = [{
    kind: "restated",
    fromMs: NOW + HOUR,
    span,
    priceFactor: 1.01,
    volumeFactor: 2,
  }] as const;
  await withExchange({ faults }, async (exchange, clock) => {
    const ask = { startTime: FORMING - 11 * MINUTE, endTime: FORMING - 7 * MINUTE };
    const before = await klines(exchange, ask);
    clock.advance(HOUR);
    const after = await klines(exchange, ask);
    const changed = after.map((row, index) => JSON.stringify(row) !== JSON.stringify(before[index]));
    deepEqual(changed, [false, true, true, false, false]);
    ok(Math.abs(Number(after[1][4]) / Number(before[1][4]) - 1.01) < 1e-6);
    ok(Math.abs(Number(after[1][5]) / Number(before[1][5]) - 2) < 1e-6);
  });
});

Deno.test("bars are withdrawn from a time on", async () => {
  const span = { startMs: FORMING - 10 * MINUTE, endMs: FORMING - 8 * MINUTE };
  await withExchange(
    { faults: [{ kind: "withdrawn", fromMs: NOW + HOUR, span }] },
    async (exchange, clock) => {
      const ask = { startTime: FORMING - 11 * MINUTE, endTime: FORMING - 7 * MINUTE };
      equal((await klines(exchange, ask)).length, 5);
      clock.advance(HOUR);
      deepEqual(opens(await klines(exchange, ask)).map((ms) => (ms - FORMING) / MINUTE), [-11, -8, -7]);
    },
  );
});

Deno.test("a venue can leave the forming bar out", async () => {
  await withExchange({ faults: [{ kind: "no_forming_bar" }] }, async (exchange) => {
    equal(opens(await klines(exchange, { limit: 3 })).at(-1), FORMING - MINUTE);
  });
});

Deno.test("a listing and a delisting inside the range bound the bars", async () => {
  const markets = [{ symbol: "BTC/USDT", listedMs: FORMING - 5 * HOUR, delistedMs: FORMING - 3 * HOUR }];
  await withExchange({ markets }, async (exchange) => {
    const rows = opens(await klines(exchange, { startTime: FORMING - 10 * HOUR, limit: 1_000 }));
    deepEqual([rows.length, rows[0], rows.at(-1)], [120, FORMING - 5 * HOUR, FORMING - 3 * HOUR - MINUTE]);
    deepEqual(await klines(exchange, { startTime: FORMING - 2 * HOUR }), []);
    const info = await (await fetch(`${exchange.url}/binance/api/v3/exchangeInfo`)).json();
    equal(info.symbols[0].status, "BREAK");
  });
});
