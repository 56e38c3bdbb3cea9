/** What range an answer is about (spec §1, §4; surface §4): defaults, snapping, months, weeks, days at 16:00, edges. */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { FetchRequest } from "../../src/core/request.ts";
import { rejection } from "../refusal.ts";
import type { ScriptedVenue } from "./scripted_venue.ts";
import { FORMING, inWorld, NODE, type World } from "./world.ts";

const DAY = 86_400;
const at = (iso: string) => Date.parse(iso) / 1000;
const BTC = (timeframe: string) => `ohlcv:binance:BTC/USDT:${timeframe}`;

Deno.test("last=N is the last N slots up to the forming bar, whatever is stored", () =>
  inWorld({}, async (world) => {
    for (const last of [1, 7, 25]) {
      const told = await world.ask({ last });
      deepStrictEqual(told.effective_range, [FORMING - 60 * last, FORMING]);
      deepStrictEqual(told.requested_range, told.effective_range);
      deepStrictEqual([told.rows, told.complete], [last, true]);
    }
  }));

Deno.test("last=N counts slots, not bars: a hole among them is a gap", () =>
  inWorld({}, async (world) => {
    world.venue.isAbsent = (ts) => ts === FORMING - 300;
    const told = await world.ask({ last: 10 });
    deepStrictEqual([told.rows, told.gaps_total, told.coverage_ratio], [9, 1, 0.9]);
  }));

Deno.test("last=N counts back from end, snapped outward, and not beyond the last closed bar", () =>
  inWorld({}, async (world) => {
    const end = FORMING - 600;
    deepStrictEqual((await world.ask({ last: 5, end })).effective_range, [end - 300, end]);
    deepStrictEqual((await world.ask({ last: 5, end: end - 1 })).effective_range, [end - 300, end]);
    deepStrictEqual((await world.ask({ last: 5, end: end + 1 })).effective_range, [end - 240, end + 60]);
    const ahead = await world.ask({ last: 5, end: FORMING + 10_000 });
    deepStrictEqual([ahead.effective_range, ahead.rows], [[FORMING - 300, FORMING], 5]);
  }));

Deno.test("off-grid bounds snap outward; the requested range stays as it was asked", () =>
  inWorld({}, async (world) => {
    const told = await world.ask({ start: FORMING - 601, end: FORMING - 299 });
    deepStrictEqual([told.requested_range, told.effective_range, told.rows], [
      [FORMING - 601, FORMING - 299],
      [FORMING - 660, FORMING - 240],
      7,
    ]);
  }));

Deno.test("times are whole seconds or RFC 3339, a date alone is midnight UTC", () =>
  inWorld({}, async (world) => {
    const told = await world.ask({ start: "2024-01-01", end: "2024-01-01T01:30:00+01:00" });
    deepStrictEqual(told.effective_range, [at("2024-01-01"), at("2024-01-01T00:30:00Z")]);
    strictEqual(told.rows, 30);
  }));

Deno.test("an empty range is a complete answer without rows, and asks nobody", () =>
  inWorld({}, async (world) => {
    for (const start of [FORMING - 600, FORMING - 601, FORMING + 6_000, 0, -600]) {
      const told = await world.ask({ start, end: start });
      const { effective_range: [from, to] } = told;
      strictEqual(from, to);
      deepStrictEqual([told.rows, told.complete, told.coverage_ratio, told.explained_ratio], [0, true, 1, 1]);
      deepStrictEqual([told.coverage_bounds, told.answer_fingerprint, told.gaps], [null, null, []]);
      deepStrictEqual([told.dataset_fingerprint, told.preview_fingerprint], [null, null]);
      strictEqual(told.verdict.mode, "PASS");
    }
    strictEqual(world.venue.calls.length, 0);
  }));

Deno.test("a start in the future without an end is an empty range", () =>
  inWorld({}, async (world) => {
    const told = await world.ask({ start: FORMING + 6_000 });
    deepStrictEqual([told.effective_range, told.rows], [[FORMING + 6_000, FORMING + 6_000], 0]);
  }));

Deno.test("a range wholly in the future has no slots yet, and says when to ask again", () =>
  inWorld({}, async (world) => {
    const told = await world.ask({ start: FORMING + 600, end: FORMING + 1_200 });
    const { effective_range: [from, to] } = told;
    deepStrictEqual([from, to - from, told.complete, told.answer_fingerprint], [
      FORMING + 600,
      0,
      true,
      null,
    ]);
    ok(told.retry_after! >= 30);
    strictEqual(world.venue.calls.length, 0);
  }));

Deno.test("the last bars up to an end in the future are the newest there are, and more are told to come", () =>
  inWorld({}, async (world) => {
    const end = FORMING + 3_600;
    const told = await world.ask({ last: 5, end });
    deepStrictEqual([told.requested_range, told.effective_range], [
      [FORMING - 300, end],
      [FORMING - 300, FORMING],
    ]);
    deepStrictEqual([told.rows, told.complete], [5, true]);
    ok(told.retry_after! >= 1 && told.retry_after! <= 60, String(told.retry_after));
  }));

Deno.test("who names no domain is told which one and which world were taken", () =>
  inWorld({}, async (world) => {
    const range = { start: FORMING - 1_200, end: FORMING - 600 };
    const warnings = async (request: Partial<FetchRequest>) =>
      (await world.ask({ ...range, ...request }, { requireContext: false })).conformance_warnings;
    deepStrictEqual(await warnings({}), [
      "no execution_domain was given: answered as live of world default",
    ]);
    deepStrictEqual(await warnings({ worldId: "w1" }), [
      "no execution_domain was given: answered as live of world w1",
    ]);
    deepStrictEqual(await warnings({ executionDomain: "live" }), []);
  }));

Deno.test("times before 1970 are times: not listed then, or delivered", () =>
  inWorld({}, async (world) => {
    const range = { start: -7_200, end: -3_600 };
    deepStrictEqual((await world.ask(range)).frame.ts[0], -7_200);
    world.venue.absentSpans = [{ start: -1e10, end: 0, reason: "not_listed" }];
    const told = await world.ask({ start: -14_400, end: -10_800, minCoverage: 1 });
    deepStrictEqual([told.rows, told.complete, told.explained_ratio], [0, true, 1]);
    deepStrictEqual(told.gaps, [
      { start: -14_400, end: -10_800, bars: 60, reason: "not_listed", settled: true, alternative: null },
    ]);
  }));

Deno.test("months are calendar months: 29 days of February 2024 are one slot", () =>
  inWorld({ nowMs: Date.UTC(2024, 6, 15) }, async (world) => {
    const told = await world.ask({ nodeId: BTC("1M"), start: "2024-01-15", end: "2024-05-01" });
    deepStrictEqual(told.effective_range, [at("2024-01-01"), at("2024-05-01")]);
    deepStrictEqual([...told.frame.ts], ["01", "02", "03", "04"].map((month) => at(`2024-${month}-01`)));
    deepStrictEqual([told.interval, told.grid], [2_592_000, { unit: "month" }]);
    deepStrictEqual(told.coverage_bounds, [at("2024-01-01"), at("2024-05-01")]);
    const last = await world.ask({ nodeId: BTC("1M"), last: 3 });
    deepStrictEqual(last.effective_range, [at("2024-04-01"), at("2024-07-01")]);
    deepStrictEqual([last.rows, last.final_until], [3, at("2024-05-01")]);
  }));

Deno.test("weeks open on Monday", () =>
  inWorld({}, async (world) => {
    const told = await world.ask({ nodeId: BTC("1w"), start: "2023-11-01", end: "2023-12-01" });
    deepStrictEqual(told.effective_range, [at("2023-10-30"), at("2023-12-04")]);
    deepStrictEqual([told.rows, told.grid], [5, { step: 604_800, anchor: 345_600 }]);
  }));

/** Opens days of the venue at 16:00 UTC, whatever it is asked. */
function opensAtFour(venue: ScriptedVenue, anchor = 57_600, most = Infinity): void {
  venue.amend = (reply, ask) => {
    const first = Math.ceil((ask.range[0] - anchor) / DAY) * DAY + anchor;
    const count = Math.min(most, Math.max(0, Math.ceil((ask.range[1] - first) / DAY)));
    const ts = Array.from({ length: count }, (_, i) => first + i * DAY);
    const same = (value: number) => ts.map(() => value);
    return {
      ...reply,
      columns: { ts, open: same(1), high: same(1), low: same(1), close: same(1), volume: same(1) },
      observedAt: ts.map(() => reply.askedAt),
    };
  };
}

const DAYS: Partial<FetchRequest> = { nodeId: BTC("1d"), start: "2023-12-01", end: "2023-12-20" };

Deno.test("daily bars that open at 16:00 give the node its anchor at the first request, which is complete", () =>
  inWorld({}, async (world) => {
    opensAtFour(world.venue);
    const told = await world.ask(DAYS);
    deepStrictEqual(told.grid, { step: DAY, anchor: 57_600 });
    deepStrictEqual(told.effective_range, [at("2023-11-30T16:00:00Z"), at("2023-12-20T16:00:00Z")]);
    deepStrictEqual([told.rows, told.complete, told.coverage_ratio], [20, true, 1]);
    deepStrictEqual(told.conformance_flags, {});
    const calls = world.venue.calls.length;
    strictEqual((await world.ask(DAYS)).complete, true);
    strictEqual(world.venue.calls.length, calls);
  }));

Deno.test("a node's anchor is kept: bars that open elsewhere later stop with CONFORMANCE_BLOCKED and a hint", () =>
  inWorld({}, async (world) => {
    opensAtFour(world.venue);
    await world.ask(DAYS);
    world.venue.amend = (reply) => reply;
    opensAtFour(world.venue, 3_600);
    const job = world.service.fill({ nodes: [BTC("1d")], start: "2023-10-01", end: "2023-11-01" }, {});
    const { state, errors } = await world.settled(job);
    ok(["failed", "incomplete"].includes(state), state);
    deepStrictEqual(errors[0].code, "CONFORMANCE_BLOCKED");
    ok(/anchor/.test(errors[0].message), errors[0].message);
    const told = await world.ask({ ...DAYS, start: "2023-10-01", end: "2023-11-01" });
    deepStrictEqual([told.rows, told.complete], [0, false]);
    ok(told.gaps.every(({ reason }) => reason === "quarantined"), JSON.stringify(told.gaps));
    strictEqual((await world.ask(DAYS)).rows, 20);
  }));

Deno.test("fewer than three bars show no anchor", () =>
  inWorld({}, async (world) => {
    opensAtFour(world.venue, 57_600, 2);
    const told = await world.ask({ nodeId: BTC("1d"), start: "2023-12-01", end: "2023-12-02" });
    deepStrictEqual(told.grid, { step: DAY, anchor: 0 });
  }));

Deno.test("an anchor that is configured goes before what the bars show", () =>
  inWorld({ config: { exchanges: { binance: { anchor: { "1d": 57_600 } } } } }, async (world) => {
    opensAtFour(world.venue);
    const before = await world.ask({ ...DAYS, strategy: "PARTIAL_FILL" });
    deepStrictEqual(before.grid, { step: DAY, anchor: 57_600 });
    const told = await world.ask(DAYS);
    deepStrictEqual([told.rows, told.complete], [20, true]);
  }));

const REFUSED: [string, Partial<FetchRequest>, string][] = [
  ["start after end", { start: 600, end: 0 }, "BAD_TIME"],
  ["start and last together", { start: 0, last: 5 }, "BAD_REQUEST"],
  ["neither start nor last", {}, "BAD_REQUEST"],
  ["last of zero", { last: 0 }, "BAD_REQUEST"],
  ["a fraction of a bar", { last: 1.5 }, "BAD_REQUEST"],
  ["milliseconds", { start: 1_704_067_200_000, end: 1_704_153_600_000 }, "BAD_TIME"],
  ["fractions of a second", { start: 0.5, end: 60 }, "BAD_TIME"],
  ["text that is no time", { start: "yesterday" }, "BAD_TIME"],
  ["more than a million slots", { start: 0, end: 60_000_060 }, "RANGE_TOO_LARGE"],
  ["a last before all time", { last: 2 ** 31, nodeId: BTC("1M") }, "RANGE_TOO_LARGE"],
];
for (const [name, request, code] of REFUSED) {
  Deno.test(`a request with ${name} is ${code} with a hint, and asks nobody`, () =>
    inWorld({}, async (world: World) => {
      const error = await rejection(world.ask(request));
      strictEqual(error.code, code, error.message);
      ok(error.hint.length > 10);
      strictEqual(world.venue.calls.length, 0);
    }));
}

Deno.test("gaps after the forming bar's start are listed as not_yet_closed by the gap list, and counted nowhere", () =>
  inWorld({}, async (world) => {
    await world.ask({ last: 10 });
    const { gaps } = await world.service.gaps(NODE, { range: [FORMING - 600, FORMING + 120], limit: 10 });
    deepStrictEqual(gaps.map(({ start, end, bars, reason }) => [start, end, bars, reason]), [
      [FORMING, FORMING + 120, 2, "not_yet_closed"],
    ]);
    const coverage = await world.service.coverage(NODE, { range: [FORMING - 600, FORMING + 120] });
    strictEqual(coverage.coverage_ratio, 1);
  }));
