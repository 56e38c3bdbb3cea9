import { deepEqual, equal, ok } from "node:assert/strict";
import {
  type Bar,
  generatedSeries,
  generatedSource,
  type GeneratorOptions,
  gridOf,
  partialBar,
  seriesOfBars,
} from "../../scripts/recorded_exchange/mod.ts";
import { HOUR, MINUTE } from "./asking.ts";
import { systemClock } from "../../src/adapters/system.ts";

const START = Date.UTC(2020, 0, 1);

function minutes(options: GeneratorOptions, { startMs = START, count = 1_000 } = {}): Bar[] {
  return generatedSeries({ ...options, grid: gridOf("1m") })
    .read({ startMs, endMs: startMs + count * MINUTE, limit: count, from: "start" });
}

function assertPlausible(bar: Bar): void {
  ok(bar.low > 0 && bar.low <= Math.min(bar.open, bar.close), JSON.stringify(bar));
  ok(bar.high >= Math.max(bar.open, bar.close), JSON.stringify(bar));
  ok(bar.volume >= 0, JSON.stringify(bar));
}

Deno.test("generated bars obey low <= open, close <= high in every timeframe, also for tiny prices", () => {
  for (const timeframe of ["1s", "1m", "15m", "1h", "1d", "1w", "1M"]) {
    for (const options of [{ seed: 1 }, { seed: 99, basePrice: 0.0002, priceDecimals: 8 }]) {
      const series = generatedSeries({ ...options, grid: gridOf(timeframe) });
      const bars = series.read({ startMs: START, endMs: Infinity, limit: 500, from: "start" });
      equal(bars.length, 500);
      bars.forEach(assertPlausible);
    }
  }
});

Deno.test("a generated bar opens where the one before it closed, and prices move", () => {
  const bars = minutes({ seed: 4 });
  for (let i = 1; i < bars.length; i++) equal(bars[i].open, bars[i - 1].close);
  ok(new Set(bars.map((bar) => bar.close)).size > 500);
});

Deno.test("the same seed gives the same bars on any page, another seed others", () => {
  const whole = minutes({ seed: 7 });
  const page = minutes({ seed: 7 }, { startMs: START + 400 * MINUTE, count: 100 });
  deepEqual(page, whole.slice(400, 500));
  ok(minutes({ seed: 8 })[0].open !== whole[0].open);
});

Deno.test("reading from the end gives the last bars of the range, ascending", () => {
  const series = generatedSeries({ grid: gridOf("1m"), outages: [{ startMs: START, endMs: START + HOUR }] });
  const range = { startMs: START - HOUR, endMs: START + 2 * HOUR };
  const all = series.read({ ...range, limit: 1_000, from: "start" });
  equal(all.length, 120);
  for (const limit of [1, 60, 61, 119, 120, 500]) {
    deepEqual(series.read({ ...range, limit, from: "end" }), all.slice(-limit));
  }
});

Deno.test("no bar opens in an outage, before the listing or from the delisting on", () => {
  const bars = minutes({
    listedMs: START + 10 * MINUTE,
    delistedMs: START + 100 * MINUTE,
    outages: [
      { startMs: START + 30 * MINUTE, endMs: START + 40 * MINUTE },
      { startMs: START + 35 * MINUTE, endMs: START + 50 * MINUTE },
    ],
  });
  const expected = [];
  for (let i = 10; i < 100; i++) if (i < 30 || i >= 50) expected.push(START + i * MINUTE);
  deepEqual(bars.map((bar) => bar.openMs), expected);
});

Deno.test("an outage of a century costs one step, not one for each bar", () => {
  const series = generatedSeries({
    grid: gridOf("1s"),
    outages: [{ startMs: 0, endMs: Date.UTC(2070, 0, 1) }],
  });
  const ends = { startMs: 0, endMs: Infinity, limit: 2 };
  const before = systemClock.monotonicMs();
  deepEqual(series.read({ ...ends, from: "start" }).map((bar) => bar.openMs), [
    3_155_760_000_000,
    3_155_760_001_000,
  ]);
  equal(series.read({ startMs: -60_000, endMs: 1_000_000, limit: 1, from: "end" })[0].openMs, -1_000);
  ok(systemClock.monotonicMs() - before < 500);
});

Deno.test("zero-volume bars are flat, by span and by share", () => {
  const span = { startMs: START + 5 * MINUTE, endMs: START + 9 * MINUTE };
  const bySpan = minutes({ zeroVolume: [span] }).filter((bar) => bar.volume === 0);
  deepEqual(bySpan.map((bar) => (bar.openMs - START) / MINUTE), [5, 6, 7, 8]);
  for (const bar of bySpan) ok(bar.open === bar.high && bar.open === bar.low && bar.open === bar.close);
  const share = minutes({ zeroVolumeRatio: 0.3 }).filter((bar) => bar.volume === 0).length / 1_000;
  ok(share > 0.25 && share < 0.35, String(share));
});

Deno.test("absentRatio leaves about that share of bars out", () => {
  const count = minutes({ absentRatio: 0.4 }).length;
  ok(count > 550 && count < 650, String(count));
});

Deno.test("a source gives each market prices of its own", () => {
  const source = generatedSource({ seed: 5 });
  const first = (symbol: string) =>
    source({ venue: "binance", symbol, timeframe: "1m" })
      ?.read({ startMs: START, endMs: Infinity, limit: 1, from: "start" })[0].open;
  ok(first("BTC/USDT") !== first("ETH/USDT"));
});

Deno.test("a partial bar moves from its open to its final values and stays plausible", () => {
  const bar = { openMs: 0, open: 100, high: 130, low: 90, close: 120, volume: 10 };
  deepEqual(partialBar(bar, 0), { openMs: 0, open: 100, high: 100, low: 100, close: 100, volume: 0 });
  deepEqual(partialBar(bar, 0.5), { openMs: 0, open: 100, high: 115, low: 95, close: 110, volume: 5 });
  deepEqual(partialBar(bar, 1), bar);
});

Deno.test("a series of bars sorts them and keeps the last row of each open", () => {
  const bar = (openMs: number, close: number) => ({ openMs, open: 1, high: 9, low: 1, close, volume: 1 });
  const series = seriesOfBars([bar(3, 3), bar(1, 1), bar(2, 2), bar(1, 7)]);
  const read = (from: "start" | "end", limit: number, startMs = -Infinity) =>
    series.read({ startMs, endMs: 3, limit, from }).map((one) => [one.openMs, one.close]);
  deepEqual(read("start", 5), [[1, 7], [2, 2]]);
  deepEqual(read("end", 1), [[2, 2]]);
  deepEqual(read("start", 5, 4), []);
});
