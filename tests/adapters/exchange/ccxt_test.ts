import assert from "node:assert/strict";
import { HistoryError } from "../../../src/core/errors.ts";
import { at, onVenue, type VenueId } from "./stand.ts";

const NOW = "2024-01-02T00:00:30Z";
/** What one page holds, and how many calls a window of 900 bars takes. */
const CALLS: Record<VenueId, number> = { binance: 1, kraken: 1, bitfinex: 1, okx: 4 };

for (const venue of ["binance", "kraken", "bitfinex", "okx"] as const) {
  Deno.test(`${venue}: each bar of a window comes once, with its numbers, in as few calls as pages allow`, async () => {
    await onVenue(venue, { now: NOW }, async ({ exchange, ask, barCalls }) => {
      const range = [at("2024-01-01T13:00:00Z"), at("2024-01-02T00:00:00Z")] as const;
      const reply = await exchange.fetchBars(ask({ range }));
      const expected = Array.from({ length: 660 }, (_, i) => range[0] + 60 * i);
      assert.deepEqual([...reply.columns.ts].sort(), expected);
      assert.ok(reply.columns.close.every((price) => typeof price === "number" && price > 0));
      assert.deepEqual(reply.answered, [[...range]]);
      assert.deepEqual([reply.absent, reply.warnings], [[], []]);
      assert.equal(barCalls().length, Math.min(reply.calls, CALLS[venue]));
      assert.equal(reply.observedAt.length, 660);
      assert.ok(reply.observedAt.every((sec) => sec === at(NOW)));
      assert.match(reply.replySha256, /^[0-9a-f]{64}$/);
      assert.equal(reply.bytes, reply.rawBodies.reduce((sum, body) => sum + body.length, 0));
    });
  });

  Deno.test(`${venue}: the forming bar is never delivered`, async () => {
    await onVenue(venue, { now: NOW }, async ({ exchange, ask }) => {
      const range = [at("2024-01-01T23:50:00Z"), at("2024-01-02T00:10:00Z")] as const;
      const reply = await exchange.fetchBars(ask({ range }));
      assert.equal(Math.max(...reply.columns.ts as number[]), at("2024-01-01T23:59:00Z"));
      assert.deepEqual(reply.answered, [[range[0], at("2024-01-02T00:00:00Z")]]);
    });
  });
}

Deno.test("an exchange that CCXT lacks is EXCHANGE_UNKNOWN with the nearest one named", async () => {
  await onVenue("binance", { now: NOW }, async ({ exchanges }) => {
    await assert.rejects(exchanges.get("binanse"), (error) => {
      assert.ok(error instanceof HistoryError);
      assert.equal(error.code, "EXCHANGE_UNKNOWN");
      assert.match(error.hint, /binance/);
      return true;
    });
    assert.equal(exchanges.peek("binanse"), null);
    assert.equal(exchanges.peek("binance")?.id, "binance");
  });
});

Deno.test("a timeframe that the venue lacks is BAD_TIMEFRAME with those it has", async () => {
  await onVenue("binance", { now: NOW }, async ({ exchange, ask, server }) => {
    const wanted = ask({ timeframe: "7m", range: [0, 420] });
    await assert.rejects(exchange.fetchBars(wanted), (error) => {
      assert.ok(error instanceof HistoryError);
      assert.equal(error.code, "BAD_TIMEFRAME");
      assert.match(error.hint, /1m, 3m, 5m/);
      return true;
    });
    assert.equal(server.calls.length, 0);
  });
});

Deno.test("the tariff is what ccxt charges for a full page", async () => {
  await onVenue("binance", { now: NOW }, ({ exchange }) => {
    assert.deepEqual(exchange.tariff("1m"), { cost: 0.4, pageRows: 1000, msPerUnit: 50 });
    assert.throws(() => exchange.tariff("7m"), { code: "BAD_TIMEFRAME" });
    return Promise.resolve();
  });
});
