/**
 * The outcome table of spec §9, each cell a test: strategy × why slots are open × on_violation × partial_ok, through
 * the real provider. What a cell must come to is written down here once more, from the page and not from the code.
 */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { HistoryError } from "../../src/core/errors.ts";
import type { OnViolation, StrategyName } from "../../src/core/metadata.ts";
import type { BarStore } from "../../src/core/ports.ts";
import { stall, unreachable } from "../story/scripted_venue.ts";
import { FORMING, inWorld, NODE, type Told, type World } from "../story/world.ts";

type Why = "nothing was waited for" | "a fetch failed" | "the budget ended" | "storage answered too late";
type Outcome = "PARTIAL_FILL" | "HOLD" | "COVERAGE_INCOMPLETE" | "SLA_EXCEEDED" | "the last error";

const STRATEGIES: StrategyName[] = ["FAIL_FAST", "AUTO_BACKFILL", "PARTIAL_FILL", "SEAMLESS"];
const POLICIES: OnViolation[] = ["FAIL_FAST", "PARTIAL_FILL", "HOLD"];
const WHYS: Why[] = [
  "nothing was waited for",
  "a fetch failed",
  "the budget ended",
  "storage answered too late",
];

/** One cell, in the words of the page; null where it has a dash. */
function expected(strategy: StrategyName, why: Why, policy: OnViolation, partialOk: boolean): Outcome | null {
  const byPolicy: Record<OnViolation, Outcome> = {
    FAIL_FAST: "SLA_EXCEEDED",
    PARTIAL_FILL: strategy === "AUTO_BACKFILL" && !partialOk ? "COVERAGE_INCOMPLETE" : "PARTIAL_FILL",
    HOLD: "HOLD",
  };
  switch (why) {
    case "nothing was waited for":
      if (strategy === "FAIL_FAST") return "COVERAGE_INCOMPLETE";
      return strategy === "PARTIAL_FILL" ? "PARTIAL_FILL" : null;
    case "a fetch failed":
      if (strategy === "FAIL_FAST") return null;
      return strategy === "AUTO_BACKFILL" && !partialOk ? "the last error" : "PARTIAL_FILL";
    case "the budget ended":
      return strategy === "AUTO_BACKFILL" || strategy === "SEAMLESS" ? byPolicy[policy] : null;
    case "storage answered too late":
      return strategy === "FAIL_FAST" ? "SLA_EXCEEDED" : byPolicy[policy];
  }
}

/** Two windows of closed and final minutes, of which the first is stored before the story begins. */
const RANGE = [FORMING - 1800, FORMING - 600] as const;
const HELD = [RANGE[0], RANGE[0] + 600] as const;

/** A store whose states come only when somebody says so. */
function lateStore(gate: { late: boolean }) {
  return (store: BarStore): BarStore =>
    new Proxy(store, {
      get(target, name) {
        if (name === "state" && gate.late) return () => new Promise(() => {});
        const value = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
}

async function ask(world: World, strategy: StrategyName, policy: OnViolation): Promise<Told | HistoryError> {
  try {
    return await world.ask({ start: RANGE[0], end: RANGE[1], strategy, sla: { on_violation: policy } });
  } catch (error) {
    if (error instanceof HistoryError) return error;
    throw error;
  }
}

for (const strategy of STRATEGIES) {
  for (const why of WHYS) {
    for (const policy of POLICIES) {
      for (const partialOk of [true, false]) {
        const outcome = expected(strategy, why, policy, partialOk);
        if (outcome === null) continue;
        Deno.test(
          `${strategy}, ${why}, on_violation ${policy}, partial_ok ${partialOk}: ${outcome}`,
          () => cell({ strategy, why, policy, partialOk, outcome }),
        );
      }
    }
  }
}

function cell(o: {
  strategy: StrategyName;
  why: Why;
  policy: OnViolation;
  partialOk: boolean;
  outcome: Outcome;
}): Promise<void> {
  const gate = { late: false };
  const config = { seamless: { partial_ok: o.partialOk } };
  return inWorld({ config, through: { bars: lateStore(gate) } }, async (world) => {
    await world.fill(HELD);
    const late = o.why === "storage answered too late";
    if (o.why === "a fetch failed") world.venue.deed = unreachable;
    if (o.why === "the budget ended") world.venue.deed = stall;
    if (o.why === "nothing was waited for") world.venue.deed = stall;
    gate.late = late;
    const began = world.clock.monotonicMs();
    const told = await ask(world, o.strategy, o.policy);
    const took = world.clock.monotonicMs() - began;
    gate.late = false;
    if (told instanceof HistoryError) checkError(told, o);
    else checkAnswer(told, { ...o, late });
    strictEqual(took, tookMs(o));
  });
}

/** The budgets of the blueprint: storage 300 ms, total 1500 ms; a failed window is tried again after 500 ms. */
function tookMs(o: { strategy: StrategyName; why: Why }): number {
  if (o.why === "storage answered too late") return 300;
  if (o.why === "the budget ended") return 1_500;
  return o.why === "a fetch failed" && o.strategy !== "PARTIAL_FILL" ? 500 : 0;
}

function checkError(error: HistoryError, o: { why: Why; outcome: Outcome }): void {
  strictEqual(error.code, o.outcome === "the last error" ? "EXCHANGE_UNAVAILABLE" : o.outcome);
  ok(error.hint.length > 10);
  if (error.code === "COVERAGE_INCOMPLETE") {
    deepStrictEqual(error.ranges, [o.why === "storage answered too late" ? [...RANGE] : [HELD[1], RANGE[1]]]);
  }
  if (error.code === "SLA_EXCEEDED") {
    const late = o.why === "storage answered too late";
    const [phase, budget] = late ? ["storage_wait", 300] : ["total", 1_500];
    deepStrictEqual([error.phase, error.budgetMs, error.elapsedMs], [phase, budget, budget]);
  }
}

function checkAnswer(
  told: Told,
  o: { strategy: StrategyName; why: Why; policy: OnViolation; outcome: Outcome; late: boolean },
): void {
  strictEqual(told.verdict.mode, o.outcome);
  strictEqual(told.complete, false);
  ok(told.verdict.reasons.includes("open_gaps"));
  ok(typeof told.retry_after === "number" && told.retry_after >= 1);
  strictEqual(told.rows, told.frame.ts.length);
  if (o.late) deepStrictEqual(told.gaps.map(({ start, end }) => [start, end]), [[...RANGE]]);
  else deepStrictEqual([...told.frame.ts], Array.from({ length: 10 }, (_, i) => RANGE[0] + 60 * i));
  const violated = o.late || o.why === "the budget ended";
  strictEqual(told.verdict.reasons.includes("sla_violation"), violated);
  strictEqual(told.sla!.violation?.phase, violated ? o.late ? "storage_wait" : "total" : undefined);
  if (o.why === "a fetch failed" && o.strategy !== "PARTIAL_FILL") {
    deepStrictEqual(told.gaps.map(({ reason }) => reason), ["fetch_failed"]);
  }
}

Deno.test("PARTIAL_FILL says at its second request why the fetch that it started has failed", () =>
  inWorld({}, async (world) => {
    await world.fill(HELD);
    world.venue.deed = async (call, signal) => {
      await world.clock.sleep(100, signal);
      await unreachable(call, signal);
    };
    const request = { start: RANGE[0], end: RANGE[1], strategy: "PARTIAL_FILL" };
    deepStrictEqual((await world.ask(request)).gaps.map(({ reason }) => reason), ["pending"]);
    await world.clock.advance(1_000);
    const again = await world.ask(request);
    deepStrictEqual(again.gaps.map(({ reason, settled }) => ({ reason, settled })), [
      { reason: "fetch_failed", settled: false },
    ]);
    strictEqual(again.verdict.mode, "PARTIAL_FILL");
  }));

Deno.test("PARTIAL_FILL starts what is missing and has it at the next request", () =>
  inWorld({}, async (world) => {
    const request = { start: RANGE[0], end: RANGE[1], strategy: "PARTIAL_FILL" };
    strictEqual((await world.ask(request)).rows, 0);
    await world.clock.advance(1);
    const again = await world.ask(request);
    deepStrictEqual([again.rows, again.complete, again.verdict.mode], [20, true, "PASS"]);
    strictEqual(world.venue.calls.length, 2);
  }));

Deno.test("FAIL_FAST never asks the venue, and names the ranges that are open", () =>
  inWorld({}, async (world) => {
    await world.fill(HELD);
    const calls = world.venue.calls.length;
    const error = await ask(world, "FAIL_FAST", "PARTIAL_FILL") as HistoryError;
    deepStrictEqual([error.code, error.ranges], ["COVERAGE_INCOMPLETE", [[HELD[1], RANGE[1]]]]);
    strictEqual(world.venue.calls.length, calls);
    await world.fill(RANGE);
    const told = await ask(world, "FAIL_FAST", "FAIL_FAST") as Told;
    deepStrictEqual([told.rows, told.complete, told.node_id], [20, true, NODE]);
  }));

for (const strategy of STRATEGIES) {
  Deno.test(`settled gaps never fail a request of ${strategy}`, () =>
    inWorld({ config: { seamless: { partial_ok: false } } }, async (world) => {
      world.venue.isAbsent = (ts) => ts >= HELD[1];
      await world.fill(RANGE);
      const told = await world.ask({
        start: RANGE[0],
        end: RANGE[1],
        strategy,
        sla: { on_violation: "FAIL_FAST" },
      });
      deepStrictEqual([told.rows, told.complete, told.coverage_ratio], [10, true, 0.5]);
      deepStrictEqual(told.gaps.map(({ reason }) => reason), ["absent_at_source"]);
    }));
}
