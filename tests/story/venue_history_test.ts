/**
 * What venues do with their history, and what becomes of it (spec §4, §8, §16), through the whole service and the
 * real ccxt client: listings, delistings, outages, late, restated and withdrawn bars, spoiled replies.
 */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { generatedSource } from "../../scripts/recorded_exchange/mod.ts";
import { at, onVenue } from "./venue_world.ts";

const NODE = "ohlcv:binance:BTC/USDT:1m";
const DAY = { nodeId: NODE, start: at("2024-01-01T00:00:00Z"), end: at("2024-01-02T00:00:00Z") };
const LATER = "2024-01-03T00:00:00Z";
const MINUTE = 60;
const reasonsOf = (told: { gaps: { start: number; end: number; reason: string }[] }) =>
  told.gaps.map(({ start, end, reason }) => [reason, start, end]);

Deno.test("bars before a listing are not_listed: the answer is complete, explained, and asked again weekly", () => {
  const listed = at("2024-01-01T08:00:00Z");
  const markets = [{ symbol: "BTC/USDT", listedMs: listed * 1000 }];
  const series = generatedSource({ listedMs: listed * 1000 });
  return onVenue({ now: LATER, markets, series }, async (world) => {
    const told = await world.ask({ ...DAY, minCoverage: 1 });
    deepStrictEqual([told.rows, told.complete, told.coverage_ratio, told.explained_ratio], [
      960,
      true,
      960 / 1_440,
      1,
    ]);
    deepStrictEqual([reasonsOf(told), told.verdict.mode], [[["not_listed", DAY.start, listed]], "PASS"]);
    const { gaps: [gap] } = await world.service.gaps(NODE, { range: [DAY.start, DAY.end], limit: 5 });
    strictEqual(gap.next_ask! - gap.last_asked!, 7 * 86_400);
    const job = await world.service.fill({ nodes: [NODE], start: null, end: DAY.end }, {});
    deepStrictEqual([job.state, job.windows.failed], ["complete", 0]);
  });
});

Deno.test("bars after a delisting are delisted, for ever", () => {
  const gone = at("2024-01-01T20:00:00Z");
  const markets = [{ symbol: "BTC/USDT", delistedMs: gone * 1000 }];
  const series = generatedSource({ delistedMs: gone * 1000 });
  return onVenue({ now: LATER, markets, series }, async (world) => {
    const told = await world.ask(DAY);
    deepStrictEqual([told.rows, told.complete, told.explained_ratio], [1_200, true, 1]);
    deepStrictEqual(reasonsOf(told), [["delisted", gone, DAY.end]]);
    const { gaps: [gap] } = await world.service.gaps(NODE, { range: [DAY.start, DAY.end], limit: 5 });
    strictEqual(gap.next_ask, null);
    const calls = world.exchange.calls.length;
    world.setNow("2024-06-01T00:00:00Z");
    await world.fill(NODE, DAY.start, DAY.end);
    strictEqual(world.exchange.calls.length, calls);
  });
});

Deno.test("an outage of the venue is seen in three symbols, and in two it is only absent", () => {
  const away = { startMs: Date.parse("2024-01-01T10:00:00Z"), endMs: Date.parse("2024-01-01T11:20:00Z") };
  const series = generatedSource({ outages: [away] });
  const symbols = ["BTC/USDT", "ETH/USDT", "SOL/USDT"];
  return onVenue({ now: LATER, markets: symbols.map((symbol) => ({ symbol })), series }, async (world) => {
    const ask = (symbol: string) => world.ask({ ...DAY, nodeId: `ohlcv:binance:${symbol}:1m` });
    const whole = [away.startMs / 1000, away.endMs / 1000];
    deepStrictEqual(reasonsOf(await ask("BTC/USDT")), [["absent_at_source", ...whole]]);
    deepStrictEqual(reasonsOf(await ask("ETH/USDT")), [["absent_at_source", ...whole]]);
    const third = await ask("SOL/USDT");
    deepStrictEqual(reasonsOf(third), [["exchange_outage", ...whole]]);
    deepStrictEqual([third.complete, third.coverage_ratio], [true, 1_360 / 1_440]);
    deepStrictEqual(reasonsOf(await ask("BTC/USDT")), [["exchange_outage", ...whole]]);
    const explained = await world.service.explain(NODE, whole[0] + 60);
    deepStrictEqual([explained.state, explained.reason], ["gap", "exchange_outage"]);
  });
});

Deno.test("a bar that shows late is pending, then delivered", () =>
  onVenue({
    now: "2024-01-01T12:00:30Z",
    faults: [{
      kind: "late_bars",
      afterCloseMs: 90_000,
      span: { startMs: Date.parse("2024-01-01T11:59:00Z"), endMs: Date.parse("2024-01-01T12:00:00Z") },
    }],
  }, async (world) => {
    const late = at("2024-01-01T11:59:00Z");
    const asked = { nodeId: NODE, start: late - 540, end: late + 60 };
    const first = await world.ask(asked);
    deepStrictEqual([first.rows, first.complete, reasonsOf(first)], [9, false, [[
      "pending",
      late,
      late + 60,
    ]]]);
    world.setNow("2024-01-01T12:01:31Z");
    const told = await world.ask(asked);
    deepStrictEqual([told.rows, told.complete, told.gaps_total], [10, true, 0]);
  }));

Deno.test("a bar that shows only after it should have been final is absent first, and delivered by a later fill", () =>
  onVenue({
    now: "2024-01-01T12:00:30Z",
    faults: [{
      kind: "late_bars",
      afterCloseMs: 3_600_000,
      span: { startMs: Date.parse("2024-01-01T11:59:00Z"), endMs: Date.parse("2024-01-01T12:00:00Z") },
    }],
  }, async (world) => {
    const late = at("2024-01-01T11:59:00Z");
    const asked = { nodeId: NODE, start: late - 540, end: late + 60 };
    await world.ask(asked);
    world.setNow("2024-01-01T12:10:00Z");
    const told = await world.ask(asked);
    deepStrictEqual([told.complete, reasonsOf(told)], [true, [["absent_at_source", late, late + 60]]]);
    world.setNow("2024-01-01T13:05:00Z");
    strictEqual((await world.fill(NODE, asked.start, asked.end)).state, "complete");
    deepStrictEqual((await world.ask(asked)).rows, 10);
  }));

Deno.test("restated history becomes current when it is asked again: revisions, a revise snapshot, another fingerprint", () =>
  onVenue({ now: LATER }, async (world) => {
    const before = await world.ask(DAY);
    const span = { startMs: DAY.start * 1000, endMs: (DAY.start + 5 * MINUTE) * 1000 };
    world.exchange.inject({ kind: "restated", fromMs: 0, span, priceFactor: 2 });
    strictEqual((await world.ask(DAY)).answer_fingerprint, before.answer_fingerprint);
    world.setNow("2024-01-03T01:00:00Z");
    const job = await world.fill(NODE, DAY.start, DAY.end, { refetch: true });
    strictEqual(job.state, "complete");
    const after = await world.ask(DAY);
    ok(after.answer_fingerprint !== before.answer_fingerprint);
    strictEqual(after.frame.close[0], 2 * before.frame.close[0]);
    strictEqual(after.frame.close[5], before.frame.close[5]);
    const { snapshots: [head, first] } = await world.service.snapshots(NODE, { limit: 5 });
    deepStrictEqual([head.operation, head.seq, first.operation], ["revise", 2, "publish"]);
    const { revisions, state } = await world.service.explain(NODE, DAY.start);
    deepStrictEqual([state, revisions.map(({ cause, kept }) => [cause, kept])], ["bar", [
      ["refetch", false],
      ["refetch", true],
    ]]);
    deepStrictEqual(revisions.map(({ values }) => values!.close), [
      before.frame.close[0],
      after.frame.close[0],
    ]);
    const pinned = await world.ask({ ...DAY, executionDomain: "backtest", asOf: before.as_of! });
    strictEqual(pinned.answer_fingerprint, before.answer_fingerprint);
  }));

Deno.test("a bar that the venue withdraws is kept, and noted as withdrawn", () =>
  onVenue({ now: LATER }, async (world) => {
    const before = await world.ask(DAY);
    const span = { startMs: (DAY.start + 600) * 1000, endMs: (DAY.start + 660) * 1000 };
    world.exchange.inject({ kind: "withdrawn", fromMs: 0, span });
    world.setNow("2024-01-03T01:00:00Z");
    strictEqual((await world.fill(NODE, DAY.start, DAY.end, { refetch: true })).state, "complete");
    const after = await world.ask(DAY);
    deepStrictEqual([after.rows, after.answer_fingerprint], [1_440, before.answer_fingerprint]);
    const { revisions, state } = await world.service.explain(NODE, DAY.start + 600);
    deepStrictEqual([state, revisions.map(({ cause, values }) => [cause, values])], ["bar", [[
      "withdrawn",
      null,
    ]]]);
    strictEqual((await world.service.snapshots(NODE, { limit: 5 })).snapshots.length, 1);
  }));

Deno.test("a forming bar that changes is never stored: what is delivered is what it closed with", () =>
  onVenue({ now: "2024-01-01T12:00:45Z" }, async (world) => {
    const end = at("2024-01-01T12:00:00Z");
    await world.ask({ nodeId: NODE, last: 5 });
    world.setNow("2024-01-01T12:03:30Z");
    const told = await world.ask({ nodeId: NODE, start: end - 300, end: end + 120 });
    world.setNow("2024-01-01T18:00:00Z");
    await world.fill(NODE, end - 300, end + 120, { refetch: true });
    const settled = await world.ask({ nodeId: NODE, start: end - 300, end: end + 120 });
    deepStrictEqual([...told.frame.close], [...settled.frame.close]);
    const { snapshots } = await world.service.snapshots(NODE, { limit: 9 });
    ok(snapshots.every(({ operation }) => operation !== "revise"), JSON.stringify(snapshots));
  }));

Deno.test("null fields are served as NaN and counted; rows without any price are no bars", () =>
  onVenue(
    { now: LATER, faults: [{ kind: "null_fields", fields: ["volume"], everyNth: 100 }] },
    async (world) => {
      const told = await world.ask(DAY);
      ok(told.conformance_flags.non_finite > 0);
      strictEqual(told.rows, 1_440);
      strictEqual(told.frame.volume.filter(Number.isNaN).length, told.conformance_flags.non_finite);
    },
  ));

Deno.test("off-grid rows beside the true ones are set aside and counted; future rows are dropped with a warning", () =>
  onVenue({
    now: LATER,
    faults: [
      { kind: "off_grid", shiftMs: 7_000, everyNth: 50, add: true },
      { kind: "future_rows", count: 2 },
    ],
  }, async (world) => {
    const told = await world.ask(DAY);
    deepStrictEqual([told.rows, told.complete], [1_440, true]);
    ok(told.conformance_flags.misaligned_ts > 0, JSON.stringify(told.conformance_flags));
  }));

Deno.test("a slot whose only row was set aside is quarantined, stays open, and comes by --refetch", () =>
  onVenue({ now: LATER, faults: [{ kind: "off_grid", shiftMs: 7_000, everyNth: 400 }] }, async (world) => {
    const told = await world.ask(DAY);
    ok(!told.complete);
    ok(told.gaps.every(({ reason, settled }) => reason === "quarantined" && !settled));
    deepStrictEqual(told.verdict.reasons, ["open_gaps"]);
    world.exchange.clearFaults();
    world.barCalls();
    await world.fill(NODE, DAY.start, DAY.end);
    strictEqual(world.barCalls().length, 0);
    strictEqual((await world.fill(NODE, DAY.start, DAY.end, { refetch: true })).state, "complete");
    deepStrictEqual((await world.ask(DAY)).rows, 1_440);
  }));

Deno.test("a blocked reply writes no bar: its window is quarantined, the raw reply kept, and a refetch heals it", () =>
  onVenue({
    now: LATER,
    config: { seamless: { conformance: { blocking: ["non_finite"] } } },
    faults: [{ kind: "null_fields", fields: ["close"], everyNth: 500, match: { first: 1 } }],
  }, async (world) => {
    const told = await world.ask(DAY);
    ok(!told.complete && told.rows < 1_440, String(told.rows));
    ok(told.gaps.every(({ reason }) => reason === "quarantined"), JSON.stringify(told.gaps));
    world.exchange.clearFaults();
    world.barCalls();
    strictEqual((await world.ask(DAY)).complete, false);
    strictEqual(world.barCalls().length, 0);
    await world.fill(NODE, DAY.start, DAY.end, { refetch: true });
    deepStrictEqual([(await world.ask(DAY)).rows, (await world.ask(DAY)).complete], [1_440, true]);
  }));

Deno.test("a venue that is down comes back: the gap is fetch_failed, then filled by the next request", () =>
  onVenue({
    now: LATER,
    config: { seamless: { backfill: { max_attempts: 1 }, sla: { retry_backoff_ms: 0 } } },
    faults: [{ kind: "status", status: 500, match: { endpoint: "bars" } }],
  }, async (world) => {
    const told = await world.ask(DAY);
    deepStrictEqual([told.rows, told.complete], [0, false]);
    ok(told.gaps.every(({ reason }) => reason === "fetch_failed"));
    world.exchange.clearFaults();
    const again = await world.ask(DAY);
    deepStrictEqual([again.rows, again.complete], [1_440, true]);
  }));

Deno.test("OKX in the time of Hong Kong opens its days at 16:00 UTC: the anchor is found and the first answer is complete", () => {
  const config = { exchanges: { okx: { options: { fetchOHLCV: { timezone: "HK" } } } } };
  return onVenue({ venue: "okx", now: LATER, config }, async (world) => {
    const nodeId = "ohlcv:okx:BTC/USDT:1d";
    const told = await world.ask({ nodeId, start: "2023-12-01", end: "2023-12-20" });
    deepStrictEqual(told.grid, { step: 86_400, anchor: 57_600 });
    deepStrictEqual([told.rows, told.complete, told.effective_range], [20, true, [
      at("2023-11-30T16:00:00Z"),
      at("2023-12-20T16:00:00Z"),
    ]]);
  });
});

Deno.test("100 equal requests at once ask the venue for each page once", () =>
  onVenue({ now: LATER }, async (world) => {
    const answers = await Promise.all(Array.from({ length: 100 }, () => world.service.bars(DAY)));
    const pages = world.barCalls().map(({ params }) => `${params.startTime}-${params.endTime}`);
    deepStrictEqual([pages.length, new Set(pages).size], [3, 3]);
    const told = answers.map(({ metadata }) => `${metadata.rows} ${metadata.answer_fingerprint}`);
    deepStrictEqual([new Set(told).size, answers[0].metadata.rows], [1, 1_440]);
  }));
