/** Closed, provisional, final (spec §4, §6, §16): what is delivered, what is fingerprinted, and when it is asked again. */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { barsBetween } from "../../src/core/bar_frame.ts";
import { ScriptedVenue, valuesOf } from "./scripted_venue.ts";
import { compute, FORMING, inWorld, NODE, NOW, type Told, type World } from "./world.ts";

const MINUTE = 60;
const RECENT = { start: FORMING - 10 * MINUTE };

/** The fingerprint that any client computes from what it received. */
function recomputed(told: Told): string {
  const range = [told.effective_range[0], told.final_until] as const;
  const rows = barsBetween(told.frame, ...range);
  return compute.fingerprint(rows, { nodeId: told.node_id, grid: told.grid, range, conformanceVersion: "v2" })
    .fingerprint;
}

/** A venue whose newest bars still change for a while after their close. */
function restless(world: World): void {
  world.venue.values = (ts) => {
    const age = world.clock.nowMs() / 1000 - (ts + MINUTE);
    return valuesOf(ts, age < MINUTE ? 1 : 0);
  };
}

Deno.test("an answer delivers closed bars and never asks for the forming one", () =>
  inWorld({}, async (world) => {
    const told = await world.ask({ ...RECENT, end: FORMING + 30 * MINUTE });
    deepStrictEqual(told.effective_range, [RECENT.start, FORMING]);
    strictEqual(told.frame.ts.at(-1), FORMING - MINUTE);
    ok(world.venue.calls.every(({ range }) => range[1] <= FORMING), world.venue.asked.join());
    strictEqual(told.complete, true);
  }));

Deno.test("a future end sets retry_after to the close of the forming bar and a small delay", () =>
  inWorld({}, async (world) => {
    const told = await world.ask({ ...RECENT, end: FORMING + 30 * MINUTE });
    strictEqual(told.retry_after, 30 + 2);
    strictEqual((await world.ask({ ...RECENT, end: FORMING })).retry_after, null);
    strictEqual((await world.ask(RECENT)).retry_after, null);
  }));

Deno.test("the two newest closed bars are provisional: final_until and the fingerprint end before them", () =>
  inWorld({}, async (world) => {
    const told = await world.ask(RECENT);
    deepStrictEqual([told.rows, told.final_until], [10, FORMING - 2 * MINUTE]);
    strictEqual(told.answer_fingerprint, recomputed(told));
    deepStrictEqual(told.sources, { cache: 0, snapshot: 0, storage: 0, backfill: 8, live: 2 });
    const { covered } = await world.service.coverage(NODE);
    deepStrictEqual(covered, [[RECENT.start, FORMING - 2 * MINUTE]]);
  }));

for (const bars of [0, 1, 5]) {
  Deno.test(`stabilization_bars ${bars} leaves ${bars} closed bars provisional`, () =>
    inWorld({ config: { seamless: { artifact: { stabilization_bars: bars } } } }, async (world) => {
      const told = await world.ask(RECENT);
      deepStrictEqual([told.rows, told.final_until], [10, FORMING - bars * MINUTE]);
      strictEqual(told.answer_fingerprint, recomputed(told));
    }));
}

Deno.test("a provisional bar counts until the next bar closes; then it is asked again and replaced", () =>
  inWorld({}, async (world) => {
    restless(world);
    const first = await world.ask(RECENT);
    const calls = world.venue.calls.length;
    await world.clock.advance(20_000);
    deepStrictEqual([(await world.ask(RECENT)).complete, world.venue.calls.length], [true, calls]);
    strictEqual(first.frame.open.at(-1), valuesOf(FORMING - MINUTE, 1)[0]);

    await world.clock.advance(20_000);
    const next = await world.ask(RECENT);
    deepStrictEqual([next.rows, next.complete, world.venue.calls.length], [11, true, calls + 2]);
    deepStrictEqual(world.venue.calls.slice(calls).map(({ range }) => range), [
      [FORMING, FORMING + MINUTE],
      [FORMING - 2 * MINUTE, FORMING],
    ]);
    strictEqual(next.frame.open[9], valuesOf(FORMING - MINUTE)[0]);
    deepStrictEqual([next.final_until, next.answer_fingerprint], [FORMING - MINUTE, recomputed(next)]);
    deepStrictEqual(await world.holdings.bars.revisions(NODE, [RECENT.start, FORMING]), []);
  }));

Deno.test("FAIL_FAST accepts provisional bars, and refuses them once the next bar has closed", () =>
  inWorld({}, async (world) => {
    await world.ask(RECENT);
    const asked = { ...RECENT, end: FORMING, strategy: "FAIL_FAST" };
    strictEqual((await world.ask(asked)).complete, true);
    await world.clock.advance(30_000);
    const error = await world.ask(asked).catch((error) => error);
    deepStrictEqual([error.code, error.ranges], ["COVERAGE_INCOMPLETE", [[FORMING - 2 * MINUTE, FORMING]]]);
  }));

Deno.test("open slots of the past do not lower final_until", () =>
  inWorld({}, async (world) => {
    const past = { start: FORMING - 60 * MINUTE, end: FORMING - 30 * MINUTE };
    const told = await world.ask({ ...past, strategy: "PARTIAL_FILL" });
    deepStrictEqual([told.complete, told.final_until], [false, past.end]);
    strictEqual(told.answer_fingerprint, recomputed(told));
  }));

Deno.test("a missing newest bar is pending, asked again after 2, 4, 8 s, and delivered when it comes", () =>
  inWorld({}, async (world) => {
    const late = FORMING - MINUTE;
    world.venue.isAbsent = (ts) => ts === late;
    const told = await world.ask(RECENT);
    deepStrictEqual([told.rows, told.complete, told.retry_after], [9, false, 2]);
    deepStrictEqual(told.gaps, [
      { start: late, end: FORMING, bars: 1, reason: "pending", settled: false, alternative: null },
    ]);
    strictEqual(told.final_until, late - MINUTE);
    for (const [pause, calls] of [[1_000, 1], [1_000, 2], [3_000, 2], [1_000, 3], [7_000, 3], [1_000, 4]]) {
      await world.clock.advance(pause);
      await world.ask(RECENT);
      strictEqual(world.venue.calls.length, calls, `after a pause of ${pause}`);
    }
    world.venue.isAbsent = () => false;
    await world.clock.advance(14_000);
    const again = await world.ask({ ...RECENT, end: FORMING });
    strictEqual(again.rows, 9);
    await world.clock.advance(2_000);
    const found = await world.ask({ ...RECENT, end: FORMING });
    deepStrictEqual([found.rows, found.complete], [10, true]);
  }));

Deno.test("a bar that does not come is absent_at_source once it is final by time, and settled then", () =>
  inWorld({}, async (world) => {
    const late = FORMING - MINUTE;
    world.venue.isAbsent = (ts) => ts === late;
    await world.ask(RECENT);
    await world.clock.advance(150_000);
    const told = await world.ask({ ...RECENT, end: FORMING });
    deepStrictEqual([told.rows, told.complete, told.coverage_ratio], [9, true, 0.9]);
    deepStrictEqual(told.gaps.map(({ reason, settled }) => [reason, settled]), [["absent_at_source", true]]);
    deepStrictEqual(told.conformance_flags, { gap: 1 });
    const calls = world.venue.calls.length;
    await world.clock.advance(86_400_000);
    await world.ask({ ...RECENT, end: FORMING });
    strictEqual(world.venue.calls.length, calls, "no request waits for a settled gap to be asked again");
  }));

Deno.test("a fill asks settled gaps again when they fall due, and a bar that came late is delivered", () =>
  inWorld({}, async (world) => {
    const late = FORMING - 30 * MINUTE;
    const window = [late - 10 * MINUTE, late + 10 * MINUTE] as const;
    world.venue.isAbsent = (ts) => ts === late;
    await world.fill(window);
    const calls = world.venue.calls.length;
    await world.clock.advance(599_000);
    await world.fill(window);
    strictEqual(world.venue.calls.length, calls);
    await world.clock.advance(1_000);
    await world.fill(window);
    deepStrictEqual(world.venue.calls.slice(calls).map(({ range }) => range), [[late, late + MINUTE]]);
    await world.clock.advance(3_599_000);
    await world.fill(window);
    strictEqual(world.venue.calls.length, calls + 1);
    await world.clock.advance(1_000);
    world.venue.isAbsent = () => false;
    await world.fill(window);
    const told = await world.ask({ start: window[0], end: window[1] });
    deepStrictEqual([told.rows, told.gaps_total, world.venue.calls.length], [20, 0, calls + 2]);
  }));

Deno.test("a bar that closes during the wait makes no answer partial: what is closed was decided when it was asked", () =>
  inWorld({}, async (world) => {
    world.venue.deed = (_call, signal) => world.clock.sleep(31_000, signal);
    const told = await world.ask({ ...RECENT, sla: { total_deadline_ms: 60_000 } });
    ok(world.clock.nowMs() >= NOW + 31_000);
    deepStrictEqual([told.effective_range[1], told.rows, told.complete], [FORMING, 10, true]);
    strictEqual(told.verdict.mode, "PASS");
  }));

Deno.test("retry_after counts from when the answer leaves, not from when it was asked", () =>
  inWorld({}, async (world) => {
    world.venue.deed = (_call, signal) => world.clock.sleep(20_000, signal);
    const patient = { sla: { total_deadline_ms: 60_000 } };
    const told = await world.ask({ ...RECENT, end: FORMING + 60, ...patient });
    deepStrictEqual([told.complete, told.retry_after], [true, 30 + 2 - 20]);
    await world.clock.advance(100_000);
    const later = await world.ask({ start: FORMING, end: FORMING + 600, ...patient });
    deepStrictEqual([later.rows, later.retry_after], [2, 12]);
  }));

for (const [name, skewMs] of [["ahead of", 150_000], ["behind", -150_000]] as const) {
  Deno.test(`the venue's clock decides what is closed where ours is ${name} it, from the first request on`, () =>
    inWorld({ venues: (clock) => [new ScriptedVenue({ clock, skewMs })] }, async (world) => {
      const venueForming = Math.floor((NOW - skewMs) / 60_000) * 60;
      const told = await world.ask({ last: 10 });
      deepStrictEqual(told.effective_range, [venueForming - 600, venueForming]);
      deepStrictEqual([told.rows, told.complete, told.final_until], [10, true, venueForming - 120]);
      ok(world.venue.calls.every(({ range }) => range[1] <= venueForming), world.venue.asked.join());
    }));
}

Deno.test("early_fingerprint adds a fingerprint over the provisional rows too, and changes no other", () =>
  inWorld({}, async (world) => {
    const plain = await world.ask(RECENT);
    strictEqual(plain.preview_fingerprint, null);
    const early = await world.ask({ ...RECENT, features: { early_fingerprint: true } });
    const claims = { nodeId: NODE, grid: early.grid, range: early.effective_range, conformanceVersion: "v2" };
    strictEqual(early.preview_fingerprint, compute.fingerprint(early.frame, claims).fingerprint);
    deepStrictEqual([early.answer_fingerprint, early.dataset_fingerprint, early.features], [
      plain.answer_fingerprint,
      plain.dataset_fingerprint,
      { early_fingerprint: true },
    ]);
    const past = await world.ask({
      ...RECENT,
      end: FORMING - 5 * MINUTE,
      features: { early_fingerprint: true },
    });
    strictEqual(past.preview_fingerprint, past.answer_fingerprint);
  }));

Deno.test("early_fingerprint can be switched on by configuration", () =>
  inWorld({ config: { seamless: { artifact: { early_fingerprint: true } } } }, async (world) => {
    ok((await world.ask(RECENT)).preview_fingerprint !== null);
    const off = await world.ask({ ...RECENT, features: { early_fingerprint: false } });
    strictEqual(off.preview_fingerprint, null);
  }));

Deno.test("publish_fingerprint false of one request publishes nothing and names no dataset", () =>
  inWorld({}, async (world) => {
    const told = await world.ask({ ...RECENT, features: { publish_fingerprint: false } });
    deepStrictEqual([told.dataset_fingerprint, told.fingerprint_scope, told.snapshot, told.as_of], [
      null,
      "answer",
      null,
      null,
    ]);
    strictEqual(told.answer_fingerprint, recomputed(told));
    strictEqual((await world.service.snapshots(NODE, { limit: 1 })).snapshots.length, 0);
  }));
