import assert from "node:assert/strict";
import { loadCcxt, makeClient } from "../../../src/adapters/exchange/ccxt_client.ts";
import { Venue } from "../../../src/adapters/exchange/venue.ts";
import { FakeClock, SeededDice } from "../../fake_clock.ts";
import { KeptLog, OpenLimiter } from "./stand.ts";

const ODD: unknown[] = [
  0,
  -0,
  1,
  -1.5,
  1e-8,
  1e21,
  5e-324,
  2 ** 53 + 2,
  NaN,
  Infinity,
  "0",
  "-0",
  "1.50",
  "1e-8",
  "1E-8",
  "1e21",
  "0x10",
  " 5 ",
  "",
  " ",
  "12345678901234567890.123456789",
  "abc",
  "1,5",
  "NaN",
  "Infinity",
  null,
  undefined,
  true,
  false,
  {},
  [],
  [7],
];

Deno.test("numbers come out of our faster reading as they come out of ccxt's", async () => {
  const ccxt = await loadCcxt();
  const settings = {
    sandbox: false,
    urls: null,
    options: null,
    timeoutMs: 1,
    batchLimit: null,
    budgetKey: "k",
    msPerUnit: null,
    localSemaphore: 10,
    penaltyBackoffMs: 1,
  };
  const input = {
    settings: () => settings,
    limiter: new OpenLimiter(),
    clock: new FakeClock(),
    dice: new SeededDice(1),
    log: new KeptLog(),
    marketsDir: null,
  };
  const venue = new Venue("binance", { ccxt, settings, input });
  try {
    const plain = makeClient(ccxt, "binance", {});
    const dice = new SeededDice(7);
    const random = Array.from(
      { length: 2000 },
      () => (dice.random() - 0.5) * 10 ** Math.floor(dice.random() * 30 - 15),
    );
    for (const value of [...ODD, ...random, ...random.map(String), ...random.map((n) => n.toFixed(8))]) {
      for (const cells of [[value], { a: value }, null, undefined, 5, "text"]) {
        for (const key of [0, "a", "b"]) {
          const told = `${String(value)} ${typeof value} at ${key}`;
          assert.ok(
            Object.is(venue.client.safeNumber(cells, key, 3), plain.safeNumber(cells, key, 3)),
            told,
          );
          assert.ok(
            Object.is(venue.client.safeNumber2(cells, key, "a", 3), plain.safeNumber2(cells, key, "a", 3)),
            told,
          );
        }
      }
      if (typeof value === "string" || typeof value === "number") {
        assert.ok(Object.is(venue.client.parseNumber(value, 3), plain.parseNumber(value, 3)), String(value));
      }
    }
  } finally {
    venue.close();
  }
});
