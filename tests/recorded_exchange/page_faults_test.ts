import { deepEqual, equal, notDeepEqual, ok } from "node:assert/strict";
import type { Fault } from "../../scripts/recorded_exchange/mod.ts";
import { FORMING, HOUR, type Kline, klines, type KlinesAsk, MINUTE, opens, withExchange } from "./asking.ts";

const START = FORMING - 10 * HOUR;
const PAGE: KlinesAsk = { startTime: START, limit: 10 };

/** A page with the fault in force, beside the page without it. */
async function struck(fault: Fault, ask: KlinesAsk = PAGE): Promise<{ rows: Kline[]; clean: Kline[] }> {
  let rows: Kline[] = [];
  let clean: Kline[] = [];
  await withExchange({}, async (exchange) => {
    clean = await klines(exchange, ask);
    exchange.inject(fault);
    rows = await klines(exchange, ask);
  });
  return { rows, clean };
}

/** Opens in minutes after START. */
function minutes(rows: Kline[]): number[] {
  return opens(rows).map((ms) => (ms - START) / MINUTE);
}

Deno.test("an empty page comes amid data, and only when it strikes", async () => {
  await withExchange({ faults: [{ kind: "empty_page", match: { nth: 2 } }] }, async (exchange) => {
    deepEqual(
      [await klines(exchange, PAGE), await klines(exchange, PAGE), await klines(exchange, PAGE)].map((rows) =>
        rows.length
      ),
      [10, 0, 10],
    );
    deepEqual(exchange.calls.map((call) => call.rows), [10, 0, 10]);
  });
});

Deno.test("newest first turns a page round; shuffled mixes it; both hold the same rows", async () => {
  const turned = await struck({ kind: "newest_first" });
  deepEqual(turned.rows, [...turned.clean].reverse());
  const mixed = await struck({ kind: "shuffled" });
  notDeepEqual(mixed.rows, mixed.clean);
  deepEqual([...mixed.rows].sort((a, b) => a[0] - b[0]), mixed.clean);
});

Deno.test("an ignored since gives the newest rows whatever is asked", async () => {
  const { rows } = await struck({ kind: "ignore_since" });
  equal(rows.at(-1)?.[0], FORMING);
  equal(rows.length, 10);
});

Deno.test("only the last bars are known: older questions begin at the oldest of them", async () => {
  const { rows } = await struck({ kind: "last_only", bars: 720 }, {
    startTime: FORMING - 24 * HOUR,
    limit: 1_000,
  });
  equal(rows.length, 720);
  equal(rows[0][0], FORMING - 719 * MINUTE);
  const old = await struck({ kind: "last_only", bars: 720 }, {
    startTime: FORMING - 24 * HOUR,
    endTime: FORMING - 23 * HOUR,
  });
  equal(old.clean.length, 61);
  equal(old.rows.length, 0);
});

Deno.test("a short page holds fewer rows than the limit, from the asked start", async () => {
  const { rows } = await struck({ kind: "short_page", rows: 4 });
  deepEqual(minutes(rows), [0, 1, 2, 3]);
});

Deno.test("an overlapping page begins before its start, or ends after its end", async () => {
  deepEqual(minutes((await struck({ kind: "overlap", bars: 1 })).rows), [-1, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
  const range = { startTime: START, endTime: START + 2 * MINUTE - 1 };
  deepEqual(minutes((await struck({ kind: "overlap", bars: 3, side: "end" }, range)).rows), [0, 1, 2, 3, 4]);
});

Deno.test("the last bar of each page is cut: partial values, the others whole", async () => {
  const { rows, clean } = await struck({ kind: "cut_last_bar" });
  deepEqual(rows.slice(0, -1), clean.slice(0, -1));
  const [cut, whole] = [rows[9], clean[9]];
  deepEqual([cut[0], cut[1], cut[6]], [whole[0], whole[1], whole[6]]);
  ok(Number(cut[5]) < Number(whole[5]));
  ok(Number(cut[2]) <= Number(whole[2]) && Number(cut[3]) >= Number(whole[3]));
});

Deno.test("on a venue that sends newest first, the cut bar is still the newest of the page", async () => {
  await withExchange({}, async (exchange) => {
    const path = `/okx/api/v5/market/history-candles?instId=BTC-USDT&limit=3`;
    const read = async () => (await (await fetch(exchange.url + path)).json()).data as string[][];
    const clean = await read();
    exchange.inject({ kind: "cut_last_bar" });
    const cut = await read();
    deepEqual(cut.slice(1), clean.slice(1));
    ok(Number(cut[0][5]) < Number(clean[0][5]));
  });
});

Deno.test("rows are doubled at a seam or everywhere, equal or in conflict", async () => {
  deepEqual(minutes((await struck({ kind: "doubled_rows", where: "first" })).rows).slice(0, 3), [0, 0, 1]);
  deepEqual(minutes((await struck({ kind: "doubled_rows", where: "last" })).rows).slice(-3), [8, 9, 9]);
  const { rows, clean } = await struck({ kind: "doubled_rows", where: "all", conflicting: true });
  equal(rows.length, 20);
  deepEqual(rows.filter((_, index) => index % 2 === 1), clean);
  ok(rows.every((row, index) => index % 2 === 1 || Number(row[5]) < Number(clean[index / 2][5])));
});

Deno.test("fields are null in every so-manieth row", async () => {
  const { rows, clean } = await struck({ kind: "null_fields", fields: ["close", "volume"], everyNth: 5 });
  deepEqual(rows.map((row) => row[4] === null && row[5] === null), clean.map((_, index) => index % 5 === 4));
  equal(rows[4][1], clean[4][1]);
});

Deno.test("rows are moved off the grid, or off-grid rows are added beside them", async () => {
  const moved = await struck({ kind: "off_grid", shiftMs: 14_789, everyNth: 10 });
  deepEqual(opens(moved.rows), [...opens(moved.clean).slice(0, 9), START + 9 * MINUTE + 14_789]);
  const added = await struck({ kind: "off_grid", shiftMs: 500, everyNth: 5, add: true });
  deepEqual(minutes(added.rows).filter((minute) => !Number.isInteger(minute)).length, 2);
  equal(added.rows.length, 12);
});

Deno.test("future rows open after the venue's now", async () => {
  const { rows } = await struck({ kind: "future_rows", count: 2 }, { startTime: FORMING - 2 * MINUTE });
  deepEqual(opens(rows), [-2, -1, 0, 1, 2].map((n) => FORMING + n * MINUTE));
});

Deno.test("a test can change rows as it likes", async () => {
  const { rows } = await struck({
    kind: "rows",
    change: (rows) => rows.map((row) => ({ ...row, volume: -1 })),
  });
  ok(rows.every((row) => row[5] === "-1"));
});

Deno.test("page faults leave calls alone that are not for bars", async () => {
  await withExchange({ faults: [{ kind: "empty_page" }] }, async (exchange) => {
    const response = await fetch(`${exchange.url}/binance/api/v3/exchangeInfo`);
    equal((await response.json()).symbols.length, 3);
    deepEqual(exchange.calls[0].faults, []);
  });
});

Deno.test("page faults strike every dialect: kraken, bitfinex and okx send what they were made to", async () => {
  await withExchange({
    faults: [{ kind: "short_page", rows: 2 }, { kind: "null_fields", fields: ["close"] }],
  }, async (
    exchange,
  ) => {
    const json = async (path: string) => await (await fetch(exchange.url + path)).json();
    const kraken = (await json("/kraken/0/public/OHLC?pair=XBTUSDT")).result.XBTUSDT;
    const bitfinex = await json("/bitfinex/v2/candles/trade:1m:tBTCUSD/hist");
    const okx = (await json("/okx/api/v5/market/candles?instId=BTC-USDT")).data;
    for (const [rows, close] of [[kraken, 4], [bitfinex, 2], [okx, 4]]) {
      deepEqual(rows.map((row: unknown[]) => row[close]), [null, null]);
    }
  });
});
