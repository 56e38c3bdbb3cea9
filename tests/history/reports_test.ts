/** What the reports of surface §4 say, field by field: coverage, gaps, condition, nodes, and what a snapshot knew. */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { FakeClock } from "../fake_clock.ts";
import { rejection } from "../refusal.ts";
import { ScriptedVenue } from "../story/scripted_venue.ts";
import { FORMING, inWorld, makeWorld, NODE, type World } from "../story/world.ts";

const MINUTE = 60;
const HOUR = 3_600;
const DAY = 86_400;
/** An hour of the past, with a hole of five minutes in its middle once `holed` was called. */
const PAST = [FORMING - 3 * HOUR, FORMING - 2 * HOUR] as const;
const HOLE = [PAST[0] + 20 * MINUTE, PAST[0] + 25 * MINUTE] as const;
const MONTHS = "ohlcv:binance:BTC/USDT:1M";

function holed(world: World): void {
  world.venue.isAbsent = (ts) => ts >= HOLE[0] && ts < HOLE[1];
}

Deno.test("coverage without a range goes from the first to the last covered slot, in runs of bars", () =>
  inWorld({}, async (world) => {
    holed(world);
    await world.fill(PAST);
    deepStrictEqual(await world.service.coverage(NODE), {
      node_id: NODE,
      interval: 60,
      grid: { step: 60, anchor: 0 },
      covered: [[...PAST]],
      segments: [
        { start: PAST[0], end: HOLE[0], bars: 20, interval_seconds: 60 },
        { start: HOLE[1], end: PAST[1], bars: 35, interval_seconds: 60 },
      ],
      coverage_ratio: 55 / 60,
      explained_ratio: 55 / 60,
      first_bar: PAST[0],
      last_bar: PAST[1] - MINUTE,
      watermark: PAST[1],
    });
  }));

Deno.test("coverage of a range snaps it outward and clips what is covered and the runs to it", () =>
  inWorld({}, async (world) => {
    holed(world);
    await world.fill(PAST);
    const range = [HOLE[0] - 2 * MINUTE + 1, PAST[1] + 4 * MINUTE + 1] as const;
    const { covered, segments, coverage_ratio, first_bar, last_bar } = await world.service.coverage(NODE, {
      range,
    });
    const start = HOLE[0] - 2 * MINUTE;
    deepStrictEqual(covered, [[start, PAST[1]]]);
    deepStrictEqual(segments.map((run) => [run.start, run.end, run.bars]), [
      [start, HOLE[0], 2],
      [HOLE[1], PAST[1], 35],
    ]);
    deepStrictEqual([coverage_ratio, first_bar, last_bar], [37 / 47, start, PAST[1] - MINUTE]);
  }));

Deno.test("gaps tell when a hole was first seen, last asked and is due, how often it was asked, and the last error", () =>
  inWorld({}, async (world) => {
    holed(world);
    await world.fill(PAST);
    const asked = FORMING + 30;
    const [gap] = (await world.service.gaps(NODE, { range: PAST, limit: 10 })).gaps;
    deepStrictEqual(gap, {
      start: HOLE[0],
      end: HOLE[1],
      bars: 5,
      reason: "absent_at_source",
      settled: true,
      first_seen: asked,
      last_asked: asked,
      next_ask: asked + 600,
      attempts: 1,
      error: null,
      alternative: null,
    });
    await world.clock.advance(600_000);
    await world.fill(PAST);
    const [again] = (await world.service.gaps(NODE, { range: PAST, limit: 10 })).gaps;
    deepStrictEqual([again.first_seen, again.last_asked, again.next_ask, again.attempts], [
      asked,
      asked + 600,
      asked + 600 + HOUR,
      2,
    ]);
  }));

Deno.test("next_ask lies whole steps after last_asked, whatever part of a second the venue was asked in", () =>
  inWorld({ nowMs: (FORMING + 30) * 1000 + 700 }, async (world) => {
    holed(world);
    await world.fill(PAST);
    const [gap] = (await world.service.gaps(NODE, { range: PAST, limit: 10 })).gaps;
    deepStrictEqual([gap.last_asked, gap.next_ask], [FORMING + 30, FORMING + 630]);
  }));

Deno.test("a range without end ends at the bar that forms at the venue, whatever the time is here", () => {
  const behind = (clock: FakeClock) => [new ScriptedVenue({ clock, skewMs: 10 * MINUTE * 1000 })];
  return inWorld({ venues: behind }, async (world) => {
    strictEqual(await world.service.forming(NODE), FORMING);
    await world.fill(PAST);
    strictEqual(await world.service.forming(NODE), FORMING - 10 * MINUTE);
  });
});

Deno.test("gaps can be asked for one reason, and total and page count that reason alone", () =>
  inWorld({}, async (world) => {
    holed(world);
    await world.fill(PAST);
    const range = [PAST[0] - 10 * MINUTE, PAST[1]] as const;
    const of = (reason?: string) => world.service.gaps(NODE, { range, reason, limit: 1 });
    const { gaps, gaps_total, next } = await of();
    deepStrictEqual([gaps.length, gaps[0].reason, gaps_total, next], [1, "pending", 2, HOLE[0]]);
    const absent = await of("absent_at_source");
    deepStrictEqual([absent.gaps[0].start, absent.gaps_total, absent.next], [HOLE[0], 1, null]);
    deepStrictEqual(await of("delisted"), { node_id: NODE, gaps: [], gaps_total: 0, next: null });
  }));

Deno.test("condition is the first that holds of pending, available, missing and degraded, day by day", () => {
  const hours = "ohlcv:binance:BTC/USDT:1h";
  const first = FORMING - 6 * DAY;
  return inWorld({}, async (world) => {
    const lost = (ts: number) => ts >= first + 2 * DAY && ts < first + 3 * DAY;
    const holes = (ts: number) => ts === first + 3 * DAY + HOUR;
    world.venue.isAbsent = (ts) => lost(ts) || holes(ts);
    world.venue.absentSpans = [{ start: first, end: first + DAY + 2 * HOUR, reason: "not_listed" }];
    await world.fill([first, first + 5 * DAY], { nodeId: hours });
    const { days } = await world.service.condition(hours, [first + 1, FORMING + DAY]);
    deepStrictEqual(days.map(({ date, condition, bars, expected }) => [date, condition, bars, expected]), [
      ["2023-12-27", "available", 0, 24],
      ["2023-12-28", "available", 22, 24],
      ["2023-12-29", "missing", 0, 24],
      ["2023-12-30", "degraded", 23, 24],
      ["2023-12-31", "available", 24, 24],
      // The window that holds the last hour asked for reaches into this day.
      ["2024-01-01", "pending", 8, 24],
      ["2024-01-02", "pending", 0, 0],
    ]);
    deepStrictEqual([days[0].last_modified, days[6].last_modified], [FORMING + 30, null]);
  });
});

Deno.test("nodes lists each series with its grid, unit, bounds and snapshots; a month counts as 2592000 seconds", () =>
  inWorld({}, async (world) => {
    // Ten months that are one window: no more is asked than this.
    const first = Date.UTC(2022, 6, 1) / 1000;
    const end = Date.UTC(2023, 4, 1) / 1000;
    await world.fill([first, end], { nodeId: MONTHS });
    await world.fill(PAST);
    const { nodes, next } = await world.service.nodes({ limit: 10 });
    const { snapshots: [head] } = await world.service.snapshots(MONTHS, { limit: 1 });
    strictEqual(next, null);
    deepStrictEqual(nodes.map(({ node_id }) => node_id), [MONTHS, NODE]);
    deepStrictEqual(nodes[0], {
      node_id: MONTHS,
      interval: 2_592_000,
      grid: { unit: "month" },
      volume_unit: "base",
      first_bar: first,
      last_bar: Date.UTC(2023, 3, 1) / 1000,
      snapshots: 1,
      last_as_of: head.as_of,
    });
    const coverage = await world.service.coverage(MONTHS);
    deepStrictEqual(coverage.segments, [
      { start: first, end, bars: 10, interval_seconds: 2_592_000 },
    ]);
    strictEqual((await world.service.nodes({ exchange: "kraken", limit: 10 })).nodes.length, 0);
  }));

Deno.test("with as_of, coverage and gaps tell what the snapshot knew, and an as_of that is not settled is refused", () =>
  inWorld({}, async (world) => {
    holed(world);
    await world.fill(PAST);
    const { snapshots: [{ as_of: asOf }] } = await world.service.snapshots(NODE, { limit: 1 });
    world.venue.isAbsent = () => false;
    await world.clock.advance(700_000);
    await world.fill([PAST[0], PAST[1] + 10 * MINUTE]);

    const then = await world.service.coverage(NODE, { asOf });
    deepStrictEqual([then.covered, then.coverage_ratio, then.watermark], [[[...PAST]], 55 / 60, PAST[1]]);
    const now = await world.service.coverage(NODE);
    deepStrictEqual([now.coverage_ratio, now.watermark], [1, PAST[1] + 10 * MINUTE]);
    const range = [PAST[0], PAST[1] + MINUTE] as const;
    const { gaps } = await world.service.gaps(NODE, { range, limit: 10, asOf });
    deepStrictEqual(gaps.map(({ start, end, reason }) => [start, end, reason]), [
      [HOLE[0], HOLE[1], "absent_at_source"],
      [PAST[1], PAST[1] + MINUTE, "pending"],
    ]);
    const young = new Date(world.clock.nowMs() + 1_000).toISOString();
    for (
      const look of [
        () => world.service.coverage(NODE, { asOf: young }),
        () => world.service.gaps(NODE, { range, limit: 1, asOf: young }),
        () => world.service.snapshots(NODE, { limit: 1, asOf: young }),
      ]
    ) strictEqual((await rejection(look())).code, "AS_OF_NOT_SETTLED");
  }));

Deno.test("snapshots of an as_of begin at the one that it selects; of a fingerprint only those that have it are listed", () =>
  inWorld({}, async (world) => {
    await world.fill(PAST);
    await world.clock.advance(60_000);
    await world.fill([PAST[0], PAST[1] + 10 * MINUTE]);
    await world.clock.advance(60_000);
    const { snapshots: [second, first] } = await world.service.snapshots(NODE, { limit: 10 });
    ok(first.as_of < second.as_of && first.seq === 1 && second.seq === 2);
    const between = new Date(Date.parse(second.as_of) - 1).toISOString();
    const upTo = await world.service.snapshots(NODE, { asOf: between, limit: 10 });
    deepStrictEqual(upTo.snapshots.map(({ seq }) => seq), [1]);
    const named = await world.service.snapshots(NODE, { fingerprint: first.dataset_fingerprint, limit: 10 });
    deepStrictEqual(named.snapshots.map(({ seq }) => seq), [1]);
  }));

Deno.test("a restart keeps every report as it was", async () => {
  const world = await makeWorld();
  holed(world);
  await world.fill(PAST);
  const coverage = await world.service.coverage(NODE);
  const gaps = await world.service.gaps(NODE, { range: PAST, limit: 10 });
  await world.close();
  const { clock, holdings } = world;
  await inWorld({ clock, holdings, venues: () => [new ScriptedVenue({ clock })] }, async (next) => {
    deepStrictEqual(await next.service.coverage(NODE), coverage);
    deepStrictEqual(await next.service.gaps(NODE, { range: PAST, limit: 10 }), gaps);
  });
});
