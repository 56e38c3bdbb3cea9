/** Rows that are not what they should be: delivered as they came, for conformance to judge. */

import assert from "node:assert/strict";
import type { Fault } from "../../../scripts/recorded_exchange/mod.ts";
import { at, onVenue, type VenueId } from "./stand.ts";

const NOW = "2024-01-02T00:00:30Z";
const RANGE = [at("2024-01-01T20:00:00Z"), at("2024-01-01T21:00:00Z")] as const;
const VENUES: VenueId[] = ["binance", "kraken", "bitfinex", "okx"];
const BARS = { match: { endpoint: "bars" as const } };

for (const venue of VENUES) {
  Deno.test(`${venue}: null fields stay null, and their row is delivered`, async () => {
    const faults: Fault[] = [{ kind: "null_fields", fields: ["open", "volume"] }];
    await onVenue(venue, { now: NOW, faults }, async ({ exchange, ask }) => {
      const { columns } = await exchange.fetchBars(ask({ range: RANGE }));
      assert.equal(columns.ts.length, 60);
      assert.ok(columns.open.every((cell) => cell === null));
      assert.ok(columns.volume.every((cell) => cell === null));
      assert.ok(columns.close.every((cell) => typeof cell === "number"));
    });
  });

  Deno.test(`${venue}: rows off the grid are delivered with their own time, fraction and all`, async () => {
    const shiftMs = venue === "kraken" ? 7_000 : 7_789; // Kraken's times are whole seconds.
    const faults: Fault[] = [{ kind: "off_grid", shiftMs, add: true }];
    await onVenue(venue, { now: NOW, faults }, async ({ exchange, ask }) => {
      const { columns, answered } = await exchange.fetchBars(ask({ range: RANGE }));
      assert.equal(columns.ts.length, 120);
      const off = columns.ts.filter((sec) => (sec as number) % 60 !== 0);
      assert.deepEqual(off.map((sec) => Math.round((sec as number % 60) * 1000)), Array(60).fill(shiftMs));
      assert.deepEqual(answered, [[...RANGE]]);
    });
  });

  Deno.test(`${venue}: rows after the forming bar are dropped with a warning`, async () => {
    const faults: Fault[] = [{ kind: "future_rows", count: 3 }];
    await onVenue(venue, { now: NOW, faults }, async ({ exchange, ask }) => {
      const range = [at("2024-01-01T23:00:00Z"), at("2024-01-02T00:00:00Z")] as const;
      const reply = await exchange.fetchBars(ask({ range }));
      assert.equal(reply.columns.ts.length, 60);
      assert.deepEqual(reply.warnings, ["3 rows after the forming bar were dropped"]);
      assert.deepEqual(reply.answered, [[...range]]);
    });
  });

  Deno.test(`${venue}: broken JSON never becomes rows of null`, async () => {
    const faults: Fault[] = [{ kind: "cut_body", atShare: 0.7, ...BARS }];
    await onVenue(venue, { now: NOW, faults }, async ({ exchange, ask }) => {
      await assert.rejects(exchange.fetchBars(ask({ range: RANGE })), /broken JSON/);
    });
  });
}

Deno.test("days that open at 16:00 are delivered once each, whatever grid they are asked on", async () => {
  const options = { fetchMarkets: { types: ["spot"] }, fetchOHLCV: { timezone: "HK" } };
  await onVenue("okx", { now: "2024-03-01T00:00:30Z", settings: { options } }, async ({ exchange, ask }) => {
    const range = [at("2024-01-01T00:00:00Z"), at("2024-02-01T00:00:00Z")] as const;
    for (const anchor of [0, 57_600]) {
      const asked = { ...ask({ timeframe: "1d", range }), grid: { step: 86_400, anchor } };
      const { columns } = await exchange.fetchBars(asked);
      assert.ok(columns.ts.every((sec) => (sec as number) % 86_400 === 57_600));
      assert.equal(new Set(columns.ts).size, columns.ts.length);
      assert.equal(columns.ts.length, 31);
    }
  });
});

for (const timeframe of ["1M", "1w", "1d"]) {
  for (const venue of ["binance", "bitfinex", "okx"] as const) {
    Deno.test(`${venue}: ${timeframe} bars come whole, each once`, async () => {
      await onVenue(venue, { now: "2024-03-15T00:00:30Z" }, async ({ exchange, ask }) => {
        // Mondays; and the first of a month.
        const range = timeframe === "1w"
          ? [at("2021-01-04T00:00:00Z"), at("2023-01-02T00:00:00Z")] as const
          : [at("2021-01-01T00:00:00Z"), at("2023-01-01T00:00:00Z")] as const;
        const { columns, answered } = await exchange.fetchBars(ask({ timeframe, range }));
        assert.equal(new Set(columns.ts).size, columns.ts.length);
        assert.equal(columns.ts.length, { "1M": 24, "1w": 104, "1d": 730 }[timeframe]);
        assert.deepEqual(answered, [[...range]]);
      });
    });
  }
}
