/** Where a venue's bars begin and end, and what is said of the slots beyond (spec §16's table, the rows about history). */

import assert from "node:assert/strict";
import {
  type Fault,
  generatedSource,
  type Market,
  seriesByName,
  type SeriesSource,
} from "../../../scripts/recorded_exchange/mod.ts";
import { LISTING_SEARCH_MAX_CALLS } from "../../../src/core/limits.ts";
import { at, onVenue, type VenueId } from "./stand.ts";

const NOW = "2024-01-20T00:00:30Z";
const LISTED = at("2024-01-10T07:23:00Z");

function listed(sec: number): Market[] {
  return [{ symbol: "BTC/USDT", listedMs: sec * 1000 }];
}

/** One minute only: no coarser bars to compare with. */
function minutesOnly(): SeriesSource {
  const source = generatedSource();
  const series = source({ venue: "binance", symbol: "BTC/USDT", timeframe: "1m" })!;
  return seriesByName({ "BTC/USDT 1m": series });
}

for (const venue of ["binance", "bitfinex", "okx"] as const) {
  Deno.test(`${venue}: a listing inside the range is found to the minute`, async () => {
    await onVenue(venue, { now: NOW, markets: listed(LISTED) }, async ({ exchange, ask, barCalls }) => {
      const range = [at("2024-01-10T00:00:00Z"), at("2024-01-10T15:00:00Z")] as const;
      const reply = await exchange.fetchBars(ask({ range }));
      assert.deepEqual(reply.absent, [{ start: range[0], end: LISTED, reason: "not_listed" }]);
      assert.deepEqual(reply.answered, [[...range]]);
      assert.equal(reply.columns.ts.length, (range[1] - LISTED) / 60);
      assert.equal(Math.min(...reply.columns.ts as number[]), LISTED);
      assert.ok(barCalls().length <= LISTING_SEARCH_MAX_CALLS, `${barCalls().length} calls`);
    });
  });

  for (const start of ["2009-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "2017-08-17T00:00:00Z"]) {
    Deno.test(`${venue}: a window of ${start} is not_listed after few calls, and the next one after none`, async () => {
      await onVenue(venue, { now: NOW, markets: listed(LISTED) }, async ({ exchange, ask, barCalls }) => {
        const first = [at(start), at(start) + 54_000] as const;
        const reply = await exchange.fetchBars(ask({ range: first }));
        assert.deepEqual(reply.absent, [{ start: first[0], end: first[1], reason: "not_listed" }]);
        assert.deepEqual(reply.answered, [[...first]]);
        const calls = barCalls().length;
        assert.ok(calls <= LISTING_SEARCH_MAX_CALLS, `${calls} calls`);
        const next = [first[1], first[1] + 54_000] as const;
        const again = await exchange.fetchBars(ask({ range: next }));
        assert.deepEqual(again.absent, [{ start: next[0], end: next[1], reason: "not_listed" }]);
        assert.equal(again.calls, 0);
        assert.equal(barCalls().length, calls);
      });
    });
  }

  Deno.test(`${venue}: before 1970 nothing is listed, and nobody is asked`, async () => {
    await onVenue(venue, { now: NOW, markets: listed(LISTED) }, async ({ exchange, ask, barCalls }) => {
      const reply = await exchange.fetchBars(ask({ range: [-108_000, -54_000] }));
      assert.deepEqual(reply.absent, [{ start: -108_000, end: -54_000, reason: "not_listed" }]);
      assert.deepEqual([reply.answered, reply.calls, barCalls().length], [[[-108_000, -54_000]], 0, 0]);
      const across = await exchange.fetchBars(ask({ range: [-27_000, 27_000] }));
      assert.deepEqual(across.absent, [{ start: -27_000, end: 27_000, reason: "not_listed" }]);
      assert.deepEqual(across.answered, [[-27_000, 27_000]]);
    });
  });

  Deno.test(`${venue}: firstBar() is the listing, to the minute`, async () => {
    await onVenue(venue, { now: NOW, markets: listed(LISTED) }, async ({ exchange, ask, barCalls }) => {
      assert.equal(await exchange.firstBar(ask({ range: [0, 0] })), LISTED);
      assert.ok(barCalls().length <= LISTING_SEARCH_MAX_CALLS, `${barCalls().length} calls`);
    });
  });

  Deno.test(`${venue}: a listing is found where only the minutes are to be had`, async () => {
    const options = { now: NOW, markets: listed(LISTED), series: minutesOnly() };
    await onVenue(venue, options, async ({ exchange, ask, barCalls }) => {
      assert.equal(await exchange.firstBar(ask({ range: [0, 0] })), LISTED);
      assert.ok(barCalls().length <= LISTING_SEARCH_MAX_CALLS, `${barCalls().length} calls`);
    });
  });
}

Deno.test("an outage at the start of a window is a hole, not a listing", async () => {
  const outage = { startMs: Date.parse("2024-01-12T00:00:00Z"), endMs: Date.parse("2024-01-12T06:00:00Z") };
  const faults: Fault[] = [{ kind: "withdrawn", fromMs: 0, span: outage }];
  for (const venue of ["binance", "okx"] as const) {
    await onVenue(venue, { now: NOW, faults }, async ({ exchange, ask }) => {
      const range = [at("2024-01-12T00:00:00Z"), at("2024-01-12T15:00:00Z")] as const;
      const reply = await exchange.fetchBars(ask({ range }));
      assert.deepEqual([reply.absent, reply.answered], [[], [[...range]]]);
      assert.equal(reply.columns.ts.length, 540);
    });
  }
});

for (const venue of ["binance", "kraken", "bitfinex", "okx"] as const) {
  Deno.test(`${venue}: an outage at the start of a window that reaches up to now is a hole, to a new client too`, async () => {
    const start = at("2024-01-19T20:00:00Z");
    const outage = { startMs: start * 1000 - 3_600_000, endMs: start * 1000 + 3_600_000 };
    const faults: Fault[] = [{ kind: "withdrawn", fromMs: 0, span: outage }];
    await onVenue(venue, { now: NOW, faults }, async ({ exchange, ask }) => {
      const range = [start, at("2024-01-20T00:00:00Z")] as const;
      for (let turn = 0; turn < 2; turn++) {
        const reply = await exchange.fetchBars(ask({ range }));
        assert.deepEqual([reply.absent, reply.answered], [[], [[...range]]]);
        assert.equal(reply.columns.ts.length, 180);
      }
      const older = [start - 14_400, start] as const;
      const before = await exchange.fetchBars(ask({ range: older }));
      assert.deepEqual([before.absent, before.answered], [[], [[...older]]]);
      assert.equal(before.columns.ts.length, 180);
    });
  });
}

Deno.test("a venue that ignores since loses no bar of a small window behind a large one", async () => {
  const faults: Fault[] = [{ kind: "ignore_since" }];
  await onVenue("binance", { now: NOW, faults }, async ({ exchange, ask }) => {
    const whole = [at("2024-01-19T10:00:00Z"), at("2024-01-20T00:00:00Z")] as const;
    assert.equal((await exchange.fetchBars(ask({ range: whole }))).columns.ts.length, 840);
    const part = [at("2024-01-19T12:00:00Z"), at("2024-01-19T13:00:00Z")] as const;
    const reply = await exchange.fetchBars(ask({ range: part }));
    assert.deepEqual([reply.columns.ts.length, reply.absent], [60, []]);
  });
});

Deno.test("a venue that looks at since for one timeframe and not for another loses no bar of either", async () => {
  const faults: Fault[] = [{ kind: "ignore_since", match: { params: { interval: "1h" } } }];
  await onVenue("binance", { now: NOW, faults }, async ({ exchange, ask }) => {
    const minutes = [at("2024-01-15T00:00:00Z"), at("2024-01-15T15:00:00Z")] as const;
    assert.equal((await exchange.fetchBars(ask({ range: minutes }))).columns.ts.length, 900);
    const hours = [at("2024-01-10T00:00:00Z"), at("2024-01-20T00:00:00Z")] as const;
    const part = [hours[0], at("2024-01-12T00:00:00Z")] as const;
    for (const [from, to] of [part, hours]) {
      const reply = await exchange.fetchBars(ask({ timeframe: "1h", range: [from, to] }));
      assert.deepEqual([reply.columns.ts.length, reply.absent], [(to - from) / 3_600, []]);
    }
  });
});

Deno.test("windows that are asked side by side find the listing once", async () => {
  await onVenue("okx", { now: NOW, markets: listed(LISTED) }, async ({ exchange, ask, barCalls }) => {
    const alone = await exchange.firstBar(ask({ range: [0, 0] }));
    const calls = barCalls().length;
    assert.equal(alone, LISTED);
    await onVenue("okx", { now: NOW, markets: listed(LISTED) }, async (second) => {
      const starts = Array.from({ length: 6 }, (_, i) => at("2020-01-01T00:00:00Z") + i * 54_000);
      const replies = await Promise.all(
        starts.map((start) => second.exchange.fetchBars(second.ask({ range: [start, start + 54_000] }))),
      );
      assert.ok(replies.every(({ absent }) => absent.length === 1 && absent[0].reason === "not_listed"));
      assert.ok(second.barCalls().length <= calls + starts.length, `${second.barCalls().length} calls`);
    });
  });
});

const KEEPS: [string, VenueId, Fault[], Market[] | undefined][] = [
  ["ignores since", "binance", [{ kind: "ignore_since" }], undefined],
  ["ignores since", "bitfinex", [{ kind: "ignore_since" }], undefined],
  ["serves its last 720 bars only", "binance", [{ kind: "last_only", bars: 720 }], undefined],
  ["serves its last 720 bars only", "bitfinex", [{ kind: "last_only", bars: 720 }], undefined],
  ["serves its last 5000 bars only", "binance", [{ kind: "last_only", bars: 5000 }], undefined],
  ["is Kraken, with its last 720 bars", "kraken", [], undefined],
];

for (const [ways, venue, faults, markets] of KEEPS) {
  for (const series of [undefined, minutesOnly()]) {
    const data = series === undefined ? "" : ", and no other timeframe";
    Deno.test(`${venue} that ${ways}${data}: older slots are beyond_source_history after at most three calls`, async () => {
      await onVenue(venue, { now: NOW, faults, markets, series }, async ({ exchange, ask, barCalls }) => {
        const range = [at("2024-01-10T00:00:00Z"), at("2024-01-10T15:00:00Z")] as const;
        const reply = await exchange.fetchBars(ask({ range }));
        assert.deepEqual(reply.absent, [{ start: range[0], end: range[1], reason: "beyond_source_history" }]);
        assert.deepEqual([reply.answered, reply.columns.ts], [[[...range]], []]);
        assert.ok(barCalls().length <= 3, `${barCalls().length} calls`);
        const calls = barCalls().length;
        const next = [range[1], range[1] + 54_000] as const;
        const again = await exchange.fetchBars(ask({ range: next }));
        assert.deepEqual(again.absent, [{ start: next[0], end: next[1], reason: "beyond_source_history" }]);
        assert.equal(barCalls().length, calls);
      });
    });
  }
}

for (
  const [venue, faults] of [["binance", [{ kind: "ignore_since" }]], ["kraken", []]] as [VenueId, Fault[]][]
) {
  Deno.test(`${venue} with its newest bars only: what it has of a window is delivered, the rest is beyond`, async () => {
    await onVenue(venue, { now: NOW, faults }, async ({ exchange, ask }) => {
      const range = [at("2024-01-19T06:00:00Z"), at("2024-01-19T21:00:00Z")] as const;
      const reply = await exchange.fetchBars(ask({ range }));
      const first = Math.min(...reply.columns.ts as number[]);
      assert.ok(first > range[0] && first < range[1], `first is ${first}`);
      assert.deepEqual(reply.absent, [{ start: range[0], end: first, reason: "beyond_source_history" }]);
      assert.equal(reply.columns.ts.length, (range[1] - first) / 60);
      assert.deepEqual(reply.answered, [[...range]]);
    });
  });
}

Deno.test("what a venue keeps moves on with time, and the head of a window with it", async () => {
  await onVenue("kraken", { now: NOW }, async ({ exchange, ask, setNow }) => {
    const range = [at("2024-01-19T11:00:00Z"), at("2024-01-20T00:00:00Z")] as const;
    const before = await exchange.fetchBars(ask({ range }));
    setNow("2024-01-20T02:00:30Z");
    const after = await exchange.fetchBars(ask({ range }));
    const firstOf = (reply: typeof before) => Math.min(...reply.columns.ts as number[]);
    assert.equal(firstOf(after) - firstOf(before), 7200);
    assert.deepEqual(after.absent, [{
      start: range[0],
      end: firstOf(after),
      reason: "beyond_source_history",
    }]);
  });
});

// Bitfinex marks no market as inactive: what it no longer trades is not listed at all.
for (const venue of ["binance", "kraken", "okx"] as const) {
  Deno.test(`${venue}: after the last bar of an inactive market slots are delisted`, async () => {
    const delisted = at("2024-01-12T05:17:00Z");
    const markets: Market[] = [{ symbol: "BTC/USDT", delistedMs: delisted * 1000 }];
    await onVenue(venue, { now: NOW, markets }, async ({ exchange, ask, barCalls }) => {
      assert.equal((await exchange.market("BTC/USDT")).active, false);
      const range = [at("2024-01-12T00:00:00Z"), at("2024-01-12T15:00:00Z")] as const;
      const reply = await exchange.fetchBars(ask({ range }));
      assert.deepEqual(reply.absent, [{ start: delisted, end: range[1], reason: "delisted" }]);
      assert.equal(reply.columns.ts.length, (delisted - range[0]) / 60);
      const calls = barCalls().length;
      const later = [range[1], range[1] + 54_000] as const;
      const again = await exchange.fetchBars(ask({ range: later }));
      assert.deepEqual(again.absent, [{ start: later[0], end: later[1], reason: "delisted" }]);
      assert.equal(barCalls().length, calls);
    });
  });
}

Deno.test("a bar that comes late is no bar yet, and is there when it comes", async () => {
  const faults: Fault[] = [{ kind: "late_bars", afterCloseMs: 90_000 }];
  await onVenue("binance", { now: NOW, faults }, async ({ exchange, ask, setNow }) => {
    const range = [at("2024-01-19T23:55:00Z"), at("2024-01-20T00:00:00Z")] as const;
    const early = await exchange.fetchBars(ask({ range }));
    assert.deepEqual(early.answered, [[...range]]);
    assert.equal(early.columns.ts.length, 4);
    setNow("2024-01-20T00:02:30Z");
    const late = await exchange.fetchBars(ask({ range }));
    assert.equal(late.columns.ts.length, 5);
  });
});

Deno.test("restated and withdrawn bars come out as the venue has them now", async () => {
  const fromMs = Date.parse("2024-01-20T01:00:00Z");
  const span = { startMs: Date.parse("2024-01-19T20:00:00Z"), endMs: Date.parse("2024-01-19T20:10:00Z") };
  const faults: Fault[] = [
    { kind: "restated", fromMs, span, priceFactor: 2 },
    { kind: "withdrawn", fromMs, span: { startMs: span.endMs, endMs: span.endMs + 300_000 } },
  ];
  await onVenue("binance", { now: NOW, faults }, async ({ exchange, ask, setNow }) => {
    const range = [at("2024-01-19T20:00:00Z"), at("2024-01-19T21:00:00Z")] as const;
    const before = await exchange.fetchBars(ask({ range }));
    setNow("2024-01-20T01:00:30Z");
    const after = await exchange.fetchBars(ask({ range }));
    assert.equal(before.columns.ts.length, 60);
    assert.equal(after.columns.ts.length, 55);
    assert.ok(Math.abs(Number(after.columns.open[0]) / Number(before.columns.open[0]) - 2) < 1e-6);
    assert.notEqual(after.replySha256, before.replySha256);
  });
});
