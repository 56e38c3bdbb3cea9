import assert from "node:assert/strict";
import { ClockBook } from "../../../src/adapters/exchange/clock_book.ts";
import type { Fault } from "../../../scripts/recorded_exchange/mod.ts";
import { FakeClock, SeededDice } from "../../fake_clock.ts";
import { KeptLog, onVenue, OpenLimiter } from "./stand.ts";

const NOW = "2024-01-03T00:00:00Z";
const AN_HOUR_MS = 3_600_000;

async function inFolder(test: (folder: string) => Promise<void> | void): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const SETTINGS = {
  sandbox: false,
  options: null,
  timeoutMs: 10_000,
  batchLimit: null,
  budgetKey: "ccxt:binance",
  msPerUnit: null,
  localSemaphore: 10,
  penaltyBackoffMs: 30_000,
};

function bookIn(clocksDir: string | null, o: { clock?: FakeClock; urls?: Record<string, unknown> } = {}) {
  const log = new KeptLog();
  const clock = o.clock ?? new FakeClock(Date.parse(NOW));
  const settings = () => ({ ...SETTINGS, urls: o.urls ?? null });
  const parts = { limiter: new OpenLimiter(), clock, dice: new SeededDice(1), log };
  return { book: new ClockBook({ ...parts, settings, marketsDir: null, clocksDir }), log, clock };
}

Deno.test("a clock that one process measured the next one knows, for a day, as another's word", () =>
  inFolder((folder) => {
    const measured = { skewMs: 112_237_365, measuredAtMs: Date.parse(NOW) };
    bookIn(`${folder}/deep/clocks`).book.keep("binance", measured);
    const at = (ms: number) =>
      bookIn(`${folder}/deep/clocks`, { clock: new FakeClock(Date.parse(NOW) + ms) }).book.earlier("binance");
    assert.deepEqual(at(0), { ...measured, isOwn: false });
    assert.deepEqual(at(24 * AN_HOUR_MS - 1), { ...measured, isOwn: false });
    assert.equal(at(24 * AN_HOUR_MS), null);
    assert.equal(at(-1), null);
    assert.deepEqual([...Deno.readDirSync(`${folder}/deep/clocks`)].length, 1);
  }));

Deno.test("another address is another clock, and so is another venue", () =>
  inFolder((folder) => {
    bookIn(folder).book.keep("binance", { skewMs: 5, measuredAtMs: Date.parse(NOW) });
    assert.equal(
      bookIn(folder, { urls: { api: { public: "http://127.0.0.1:1" } } }).book.earlier("binance"),
      null,
    );
    assert.equal(bookIn(folder).book.earlier("kraken"), null);
  }));

Deno.test("a file that is not whole, and a folder that cannot be had, are as good as none", () =>
  inFolder(async (folder) => {
    const clocks = `${folder}/clocks`;
    bookIn(clocks).book.keep("binance", { skewMs: 5, measuredAtMs: Date.parse(NOW) });
    const [{ name }] = [...Deno.readDirSync(clocks)];
    for (
      const text of [
        "",
        "{",
        "null",
        "[]",
        '{"format":1,"exchange":"binance","skewMs":null,"measuredAtMs":1}',
      ]
    ) {
      await Deno.writeTextFile(`${clocks}/${name}`, text);
      assert.equal(bookIn(clocks).book.earlier("binance"), null, text);
    }
    const { book, log } = bookIn(`${clocks}/${name}/inside`);
    book.keep("binance", { skewMs: 5, measuredAtMs: Date.parse(NOW) });
    assert.deepEqual(log.events.map(({ event }) => event), ["seamless.exchange.clock_not_kept"]);
    assert.equal(book.earlier("binance"), null);
    const nowhere = bookIn(null).book;
    nowhere.keep("binance", { skewMs: 5, measuredAtMs: Date.parse(NOW) });
    assert.equal(nowhere.earlier("binance"), null);
  }));

Deno.test("the venues give a measurement of their own before what an earlier process left", () =>
  inFolder((clocksDir) =>
    onVenue("binance", { now: NOW, clocksDir }, async ({ exchanges, exchange, clock }) => {
      assert.equal(exchanges.clock("binance"), null);
      clock.setWall(Date.parse(NOW) + AN_HOUR_MS);
      await exchange.syncClock();
      const own = { skewMs: AN_HOUR_MS, measuredAtMs: Date.parse(NOW) + AN_HOUR_MS, isOwn: true };
      assert.deepEqual(exchanges.clock("binance"), own);
      assert.equal([...Deno.readDirSync(clocksDir)].length, 1);
    })
  ));

Deno.test("a venue that cannot be asked for the time fails where that is the question, and nowhere else", async () => {
  const faults: Fault[] = [{ kind: "status", status: 503, match: { endpoint: "time" } }];
  await onVenue("binance", { now: NOW, faults }, async ({ exchange }) => {
    await exchange.syncClock();
    const failed = { code: "EXCHANGE_UNAVAILABLE" };
    await assert.rejects(exchange.syncClock(undefined, { strict: true }), failed);
  });
});

Deno.test("a venue without a time endpoint tells the time with its markets, when that is the question", async () => {
  for (const venue of ["bitfinex", "kraken"] as const) {
    await onVenue(venue, { now: NOW }, async ({ exchanges, exchange, clock }) => {
      clock.setWall(Date.parse(NOW) + AN_HOUR_MS);
      await exchange.syncClock(undefined, { strict: true });
      const known = exchanges.clock(venue);
      assert.ok(known !== null && Math.abs(known.skewMs - AN_HOUR_MS) <= 1_000, `${venue} ${known?.skewMs}`);
    });
  }
});
