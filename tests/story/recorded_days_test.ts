/** Real days of real venues, recorded, filled through the real ccxt client: every figure is known beforehand. */

import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  seriesByName,
  seriesFromBarFile,
  seriesFromBitfinexPages,
} from "../../scripts/recorded_exchange/mod.ts";
import { testNeeding } from "../needs.ts";
import { at, onVenue, type VenueWorld } from "./venue_world.ts";

const shared = (path: string) => new URL(`../../../shared/data/${path}`, import.meta.url);
const NODE = "ohlcv:binance:BTC/USDT:1m";
const DAY = { nodeId: NODE, start: 1_679_616_000, end: 1_679_702_400 };
const HALT = { start: 1_679_661_600, end: 1_679_666_400 };
const FINGERPRINT = "sfp1:5e71397d8448f6db91b1b7ac032996600d9d67d4ffa0bd30971dc60dc07552ef";

async function onRecordedDay(story: (world: VenueWorld) => Promise<void>): Promise<void> {
  const file = shared("bars/binance_BTC-USDT_1m__2023-03.csv.gz");
  const series = seriesByName({ "BTC/USDT 1m": await seriesFromBarFile(file) });
  await onVenue({ now: "2023-03-26T00:00:00Z", series, markets: [{ symbol: "BTC/USDT" }] }, story);
}

testNeeding(
  ["../shared"],
  "the day of Binance's halt: 1,360 bars, one gap of 80 with its reason, and the fingerprint that is known",
  () =>
    onRecordedDay(async (world) => {
      const told = await world.ask(DAY);
      deepStrictEqual([told.rows, told.complete, told.coverage_ratio], [1_360, true, 0.9444444444444444]);
      strictEqual([...told.frame.volume].filter((volume) => volume === 0).length, 72);
      deepStrictEqual(told.gaps, [
        { ...HALT, bars: 80, reason: "absent_at_source", settled: true, alternative: null },
      ]);
      deepStrictEqual([told.gaps_total, told.conformance_flags, told.conformance_warnings], [
        1,
        { gap: 80 },
        [],
      ]);
      deepStrictEqual([told.explained_ratio, told.final_until, told.coverage_bounds], [
        0.9444444444444444,
        DAY.end,
        [DAY.start, DAY.end],
      ]);
      strictEqual(told.answer_fingerprint, FINGERPRINT);
      deepStrictEqual([told.dataset_fingerprint, told.fingerprint_scope, told.snapshot!.seq], [
        FINGERPRINT,
        "snapshot",
        1,
      ]);
      deepStrictEqual([told.verdict, told.sources], [
        { mode: "PASS", reasons: [] },
        { cache: 0, snapshot: 0, storage: 0, backfill: 1_360, live: 0 },
      ]);
      const calls = world.exchange.calls.length;
      const again = await world.ask(DAY);
      deepStrictEqual([again.answer_fingerprint, again.sources!.storage], [FINGERPRINT, 1_360]);
      strictEqual(world.exchange.calls.length, calls, "asked again at once: no call");
    }),
);

testNeeding(
  ["../shared"],
  "the day of Binance's halt, filled: the snapshot's range is what was filled, and its fingerprint the day's",
  () =>
    onRecordedDay(async (world) => {
      const job = await world.fill(NODE, DAY.start, DAY.end);
      deepStrictEqual([job.state, job.completion_ratio, job.errors], ["complete", 1, []]);
      const { snapshots: [snapshot] } = await world.service.snapshots(NODE, { limit: 5 });
      deepStrictEqual([snapshot.range, snapshot.row_count, snapshot.dataset_fingerprint], [
        [DAY.start, DAY.end],
        1_360,
        FINGERPRINT,
      ]);
      deepStrictEqual([snapshot.seq, snapshot.operation, snapshot.publication_watermark], [
        1,
        "publish",
        DAY.end,
      ]);
      const calls = world.exchange.calls.length;
      strictEqual((await world.fill(NODE, DAY.start, DAY.end)).state, "complete");
      strictEqual(world.exchange.calls.length, calls);
      strictEqual((await world.service.snapshots(NODE, { limit: 5 })).snapshots.length, 1);
      const pinned = await world.ask({ ...DAY, executionDomain: "backtest", asOf: snapshot.as_of });
      deepStrictEqual([pinned.answer_fingerprint, pinned.rows, pinned.gaps[0].bars], [
        FINGERPRINT,
        1_360,
        80,
      ]);
      const { days } = await world.service.condition(NODE, [DAY.start, DAY.end]);
      deepStrictEqual(days.map(({ date, condition, bars, expected }) => [date, condition, bars, expected]), [
        ["2023-03-24", "degraded", 1_360, 1_440],
      ]);
      const coverage = await world.service.coverage(NODE, { range: [DAY.start, DAY.end] });
      deepStrictEqual(coverage.segments.map(({ start, end, bars }) => [start, end, bars]), [
        [DAY.start, HALT.start, 760],
        [HALT.end, DAY.end, 600],
      ]);
    }),
);

testNeeding(
  ["../shared"],
  "Bitfinex's June of 2016: 38,623 of 43,200 bars, each once, every hole named, and asked once",
  async () => {
    const month = { start: at("2016-06-01T00:00:00Z"), end: at("2016-07-01T00:00:00Z") };
    const nodeId = "ohlcv:bitfinex:BTC/USD:1m";
    const file = shared("bitfinex-pages/pages_BTCUSD_2016-06.jsonl.gz");
    const series = seriesByName({ "BTC/USD 1m": await seriesFromBitfinexPages(file) });
    const config = { exchanges: { bitfinex: { batch_limit: 120 } } };
    const options = {
      venue: "bitfinex",
      now: "2016-07-02T00:00:00Z",
      markets: [{ symbol: "BTC/USD" }],
    } as const;
    await onVenue({ ...options, series, config }, async (world) => {
      const job = await world.fill(nodeId, month.start, month.end);
      deepStrictEqual([job.state, job.errors], ["complete", []]);
      const told = await world.ask({ nodeId, ...month });
      deepStrictEqual([told.rows, told.complete, told.coverage_ratio], [38_623, true, 38_623 / 43_200]);
      strictEqual(new Set(told.frame.ts).size, 38_623);
      const { gaps, gaps_total } = await world.service.gaps(nodeId, {
        range: [month.start, month.end],
        limit: 10_000,
      });
      strictEqual(gaps.length, gaps_total);
      strictEqual(gaps.reduce((slots, gap) => slots + gap.bars, 0), 43_200 - 38_623);
      deepStrictEqual([...new Set(gaps.map(({ reason }) => reason))], ["absent_at_source"]);
      deepStrictEqual(told.conformance_flags, { gap: 4_577 });
      const asked = world.barCalls().filter((call) => Number(call.params.start) >= month.start * 1_000);
      const windows = asked.map((call) => `${call.params.start}-${call.params.end}`);
      strictEqual(new Set(windows).size, windows.length);
      await world.fill(nodeId, month.start, month.end);
      strictEqual(world.barCalls().length, 0);
    });
  },
);
