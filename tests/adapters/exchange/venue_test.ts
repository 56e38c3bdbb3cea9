/** One client under our rules: its budget, its clock, its secrets. */

import assert from "node:assert/strict";
import type { Fault } from "../../../scripts/recorded_exchange/mod.ts";
import { ExchangeFault } from "../../../src/core/exchange_fault.ts";
import { HistoryError } from "../../../src/core/errors.ts";
import { at, onVenue, type VenueId } from "./stand.ts";

const NOW = "2024-01-02T00:00:30Z";
const RANGE = [at("2024-01-01T20:00:00Z"), at("2024-01-01T21:00:00Z")] as const;

Deno.test("each call takes its endpoint's cost from the budget, in the name of who asks", async () => {
  await onVenue("binance", { now: NOW }, async ({ exchange, ask, limiter }) => {
    await exchange.fetchBars({ ...ask({ range: RANGE }), priority: "dryrun" });
    assert.deepEqual(limiter.acquired, [
      { key: "ccxt:binance", cost: 4, priority: "live" },
      { key: "ccxt:binance", cost: 0.2, priority: "live" },
      { key: "ccxt:binance", cost: 0.4, priority: "dryrun" },
    ]);
  });
});

Deno.test("calls that run side by side keep their own priority and signal", async () => {
  await onVenue("binance", { now: NOW }, async ({ exchange, ask, limiter }) => {
    await exchange.fetchBars(ask({ range: RANGE }));
    limiter.acquired = [];
    const stop = new AbortController();
    const first = exchange.fetchBars({ ...ask({ range: RANGE, signal: stop.signal }), priority: "backfill" });
    const second = exchange.fetchBars({ ...ask({ range: RANGE }), priority: "live" });
    stop.abort();
    await assert.rejects(first, (error) => error instanceof HistoryError && error.code === "CANCELLED");
    assert.equal((await second).columns.ts.length, 60);
    assert.ok(limiter.acquired.some(({ priority }) => priority === "live"));
  });
});

Deno.test("a limiter that refuses ends the call before anything is sent", async () => {
  await onVenue("binance", { now: NOW }, async ({ exchange, ask, limiter, server }) => {
    limiter.acquire = () =>
      Promise.reject(new HistoryError("OVERLOADED", "too many wait", { hint: "come later" }));
    await assert.rejects(
      exchange.fetchBars(ask({ range: RANGE })),
      (error) => error instanceof HistoryError && error.code === "OVERLOADED",
    );
    assert.equal(server.calls.length, 0);
  });
});

Deno.test("the budget is corrected to the weight that Binance reports, five to a token", async () => {
  await onVenue("binance", { now: NOW, budget: "venue" }, async ({ exchange, ask, limiter, server }) => {
    await exchange.fetchBars(ask({ range: RANGE }));
    const costs = server.calls.map(({ cost }) => cost);
    const used = costs.map((_, i) => costs.slice(0, i + 1).reduce((sum, cost) => sum + cost, 0));
    assert.deepEqual(limiter.corrected, used.map((weight) => ({ key: "ccxt:binance", tokens: weight / 5 })));
  });
});

Deno.test("the venue's pace is declared before its first call", async () => {
  const declared: unknown[] = [];
  await onVenue("kraken", {
    now: NOW,
    declareBudget: (id, venue) => void declared.push([id, venue]),
  }, ({ exchange }) => {
    assert.deepEqual(declared, [["kraken", { budgetKey: "ccxt:kraken", rateLimitMs: 1000 }]]);
    assert.equal(exchange.budgetKey, "ccxt:kraken");
    return Promise.resolve();
  });
});

for (
  const [venue, tolerance] of [["binance", 0], ["kraken", 1000], ["okx", 0], ["bitfinex", 1000]] as [
    VenueId,
    number,
  ][]
) {
  Deno.test(`${venue}: a local clock that is off is noticed, told, and corrected for`, async () => {
    await onVenue(venue, { now: NOW }, async ({ exchange, ask, clock, log }) => {
      clock.setWall(Date.parse(NOW) + 3_600_000);
      assert.equal(exchange.skewMs(), 0);
      const range = [at("2024-01-01T23:00:00Z"), at("2024-01-02T01:00:00Z")] as const;
      const reply = await exchange.fetchBars(ask({ range }));
      assert.ok(Math.abs(exchange.skewMs() - 3_600_000) <= tolerance, `skew ${exchange.skewMs()}`);
      assert.equal(Math.max(...reply.columns.ts as number[]), at("2024-01-01T23:59:00Z"));
      assert.deepEqual(reply.answered, [[range[0], at("2024-01-02T00:00:00Z")]]);
      assert.ok(reply.observedAt.every((sec) => Math.abs(sec - at(NOW)) <= tolerance / 1000));
      const warnings = log.events.filter(({ event }) => event === "seamless.exchange.clock_skew");
      assert.deepEqual(warnings.map(({ level }) => level), ["warn"]);
    });
  });
}

Deno.test("the clock is measured at first use and hourly, and not warned about within five seconds", async () => {
  await onVenue("binance", { now: NOW }, async ({ exchange, clock, log, server }) => {
    clock.setWall(Date.parse(NOW) + 4_000);
    const asked = () => server.calls.filter(({ endpoint }) => endpoint === "time").length;
    await exchange.syncClock();
    await exchange.syncClock();
    assert.deepEqual([asked(), exchange.skewMs()], [1, 4_000]);
    await clock.advance(3_600_000);
    await exchange.syncClock();
    assert.equal(asked(), 2);
    assert.equal(log.events.filter(({ fields }) => fields.skew_ms === 4_000).length, 0);
  });
});

Deno.test("a time endpoint that is down does not fail the bars: the Date header tells the time", async () => {
  const faults: Fault[] = [{ kind: "status", status: 500, match: { endpoint: "time" } }];
  await onVenue("binance", { now: NOW, faults }, async ({ exchange, ask, clock, log }) => {
    clock.setWall(Date.parse(NOW) - 60_000);
    const reply = await exchange.fetchBars(ask({ range: RANGE }));
    assert.equal(reply.columns.ts.length, 60);
    assert.ok(Math.abs(exchange.skewMs() + 60_000) <= 1_000);
    assert.ok(log.events.some(({ event }) => event === "seamless.exchange.clock_unknown"));
  });
});

Deno.test("keys show nowhere: not in errors, not in what is logged, not in what is sent for public bars", async () => {
  const credentials = { apiKey: "KEY-5f2a9c", secret: "SECRET-77b1d0", password: "PASS-3e3e3e" };
  const secrets = /KEY-5f2a9c|SECRET-77b1d0|PASS-3e3e3e/;
  for (const venue of ["binance", "okx"] as const) {
    const faults: Fault[] = [{ kind: "status", status: 401 }];
    await onVenue(
      venue,
      { now: NOW, faults, settings: { credentials } },
      async ({ exchange, ask, log, server }) => {
        await assert.rejects(exchange.fetchBars(ask({ range: RANGE })), (error) => {
          assert.ok(error instanceof ExchangeFault);
          const shown = `${error.message} ${error.hint} ${error.stack} ${Deno.inspect(error)}`;
          assert.doesNotMatch(shown, secrets);
          return true;
        });
        assert.doesNotMatch(JSON.stringify(log.events), secrets);
        assert.doesNotMatch(JSON.stringify(server.calls), secrets);
      },
    );
  }
});

Deno.test("a sandbox that a venue lacks is a mistake of the configuration", async () => {
  await assert.rejects(
    onVenue("kraken", { now: NOW, settings: { sandbox: true } }, () => Promise.resolve()),
    (error) => error instanceof HistoryError && error.code === "CONFIG_INVALID",
  );
});

Deno.test("a sandbox keeps the URLs that were configured", async () => {
  await onVenue("binance", { now: NOW, settings: { sandbox: true } }, async ({ exchange, ask }) => {
    assert.equal((await exchange.fetchBars(ask({ range: RANGE }))).columns.ts.length, 60);
  });
});
