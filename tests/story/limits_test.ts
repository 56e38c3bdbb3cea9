/** Coverage and freshness that a request asks for, and what its verdict makes of them (spec §9, §10, §11). */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { SLAPolicy } from "../../src/core/metadata.ts";
import { stall } from "./scripted_venue.ts";
import { FORMING, inWorld, type Told, type World } from "./world.ts";

const MINUTES = (count: number) => 60 * count;
/** Fifty minutes that ended ten minutes ago. */
const PAST = { start: FORMING - MINUTES(60), end: FORMING - MINUTES(10) };
/** Ten minutes up to the forming bar. */
const NEWEST = { start: FORMING - MINUTES(10), end: FORMING };

Deno.test("the strictest of request and SLA decides about coverage", () =>
  inWorld({ config: { seamless: { sla: { min_coverage: 0.6 } } } }, async (world) => {
    world.venue.isAbsent = (ts) => ts < PAST.start + MINUTES(10);
    await world.fill([PAST.start, PAST.end]);
    const ratio = 0.8;
    const cases: [Parameters<World["ask"]>[0], boolean][] = [
      [{}, false],
      [{ minCoverage: 0.8 }, false],
      [{ minCoverage: 0.81 }, true],
      [{ minCoverage: 0.1 }, false],
      [{ minCoverage: 0.1, sla: { min_coverage: 0.9 } }, true],
      [{ minCoverage: 0.9, sla: { min_coverage: 0.1 } }, true],
    ];
    for (const [request, breached] of cases) {
      const told = await world.ask({ ...PAST, ...request });
      strictEqual(told.coverage_ratio, ratio);
      strictEqual(told.complete, true);
      deepStrictEqual(
        told.verdict,
        breached ? { mode: "PARTIAL_FILL", reasons: ["coverage_breach"] } : { mode: "PASS", reasons: [] },
        JSON.stringify(request),
      );
    }
  }));

Deno.test("a coverage breach of settled gaps never fails a request: partial or hold, as on_violation says", () =>
  inWorld({}, async (world) => {
    world.venue.isAbsent = (ts) => ts < PAST.start + MINUTES(10);
    await world.fill([PAST.start, PAST.end]);
    for (
      const [on_violation, mode] of [["HOLD", "HOLD"], ["FAIL_FAST", "HOLD"], [
        "PARTIAL_FILL",
        "PARTIAL_FILL",
      ]]
    ) {
      const told = await world.ask({
        ...PAST,
        minCoverage: 0.9,
        sla: { on_violation: on_violation as SLAPolicy["on_violation"] },
      });
      deepStrictEqual(told.verdict, { mode, reasons: ["coverage_breach"] }, on_violation);
      deepStrictEqual([told.rows, told.complete], [40, true]);
    }
  }));

Deno.test("min_coverage is compared with the explained ratio: bars before a listing count", () =>
  inWorld({}, async (world) => {
    const listed = PAST.start + MINUTES(10);
    world.venue.absentSpans = [{ start: -1e10, end: listed, reason: "not_listed" }];
    const told = await world.ask({ ...PAST, minCoverage: 1 });
    deepStrictEqual([told.coverage_ratio, told.explained_ratio, told.verdict.mode], [0.8, 1, "PASS"]);
    deepStrictEqual(told.gaps.map(({ reason, bars }) => [reason, bars]), [["not_listed", 10]]);
  }));

/** The newest bar of the range is `absent` slots old; then 30 s of the forming one have passed. */
async function withStaleEnd(world: World, absent: number): Promise<Told> {
  world.venue.isAbsent = (ts) => ts >= FORMING - MINUTES(absent);
  return await world.ask(NEWEST);
}

Deno.test("freshness: overdue counts from one interval after the end of the last bar", () =>
  inWorld({ config: { domains: { live: { max_lag_sec: 149 } } } }, async (world) => {
    const told = await withStaleEnd(world, 3);
    strictEqual(told.staleness_seconds, 3 * 60 + 30);
    ok(told.verdict.reasons.includes("freshness_breach"), JSON.stringify(told.verdict));
    strictEqual(told.verdict.mode, "HOLD");
    for (const [maxLag, breached] of [[150, false], [149, true], [1_000, true]] as const) {
      const again = await world.ask({ ...NEWEST, maxLag });
      const domain = Math.min(maxLag, 149) < 150;
      strictEqual(again.verdict.reasons.includes("freshness_breach"), breached || domain);
    }
  }));

Deno.test("freshness: a lag of exactly max_lag passes, and the strictest limit counts", () =>
  inWorld({}, async (world) => {
    await withStaleEnd(world, 2);
    const breached = async (request: Parameters<World["ask"]>[0]) =>
      (await world.ask({ ...NEWEST, ...request })).verdict.reasons.includes("freshness_breach");
    strictEqual(await breached({ maxLag: 90 }), false);
    strictEqual(await breached({ maxLag: 89 }), true);
    strictEqual(await breached({ maxLag: 89, sla: { max_lag_seconds: 300 } }), true);
    strictEqual(await breached({ maxLag: 300, sla: { max_lag_seconds: 89 } }), true);
    strictEqual(await breached({ maxLag: 300, sla: { max_lag_seconds: 90 } }), false);
  }));

Deno.test("freshness is not judged where the request does not reach the newest closed bar", () =>
  inWorld({}, async (world) => {
    world.venue.isAbsent = () => true;
    const told = await world.ask({ start: NEWEST.start, end: NEWEST.end - 60, maxLag: 0 });
    ok(!told.verdict.reasons.includes("freshness_breach"));
    const newest = await world.ask({ ...NEWEST, maxLag: 0 });
    ok(newest.verdict.reasons.includes("freshness_breach"));
    strictEqual(newest.staleness_seconds, null);
  }));

Deno.test("allow_partial false turns a partial answer into HOLD", () =>
  inWorld({ config: { domains: { live: { allow_partial: false } } } }, async (world) => {
    world.venue.deed = stall;
    const told = await world.ask(PAST);
    deepStrictEqual(told.verdict, { mode: "HOLD", reasons: ["sla_violation", "open_gaps"] });
  }));
