/** What a request waits for, how long, and what it gives up (spec §9, §10). The clock stands still but for the story. */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { HistoryError } from "../../src/core/errors.ts";
import type { SLAPolicy } from "../../src/core/metadata.ts";
import type { BarStore } from "../../src/core/ports.ts";
import { rejection } from "../refusal.ts";
import { stall, unreachable } from "./scripted_venue.ts";
import { FORMING, inWorld, settle, type World } from "./world.ts";

const MINUTES = (count: number) => 60 * count;
/** Five windows of ten final minutes. */
const PAST = { start: FORMING - MINUTES(60), end: FORMING - MINUTES(10) };
/** The window that ends with the newest closed minute. */
const NEWEST = { start: FORMING - MINUTES(10), end: FORMING };

/** How long an act takes by the story's clock. */
async function timed<T>(world: World, act: Promise<T>): Promise<{ value: T; ms: number }> {
  const began = world.clock.monotonicMs();
  const value = await act;
  return { value, ms: world.clock.monotonicMs() - began };
}

Deno.test("the total deadline ends the wait when it is due, not a millisecond later", () =>
  inWorld({}, async (world) => {
    world.venue.deed = stall;
    for (const total of [1, 250, 1_499, 4_000]) {
      const { value, ms } = await timed(world, world.ask({ ...PAST, sla: { total_deadline_ms: total } }));
      deepStrictEqual([ms, value.sla!.violation], [total, {
        phase: "total",
        budget_ms: total,
        elapsed_ms: total,
      }]);
    }
  }));

Deno.test("the backfill budget ends the wait for the past, and says so", () =>
  inWorld({}, async (world) => {
    world.venue.deed = stall;
    const { value, ms } = await timed(world, world.ask({ ...PAST, sla: { max_wait_backfill_ms: 700 } }));
    strictEqual(ms, 700);
    deepStrictEqual(value.sla!.violation, { phase: "backfill_wait", budget_ms: 700, elapsed_ms: 700 });
    deepStrictEqual(value.sla!.phases.backfill_wait, { ms: 700, budget_ms: 700 });
  }));

Deno.test("the newest bars are waited for under the live budget", () =>
  inWorld({}, async (world) => {
    await world.fill([NEWEST.start, NEWEST.end]);
    await world.clock.advance(60_000);
    world.venue.deed = stall;
    const newest = { start: NEWEST.start, end: NEWEST.end + MINUTES(1) };
    const { value, ms } = await timed(world, world.ask(newest));
    strictEqual(ms, 800);
    deepStrictEqual(value.sla!.violation, { phase: "live_wait", budget_ms: 800, elapsed_ms: 800 });
    const { value: waited } = await timed(world, world.ask({ ...newest, strategy: "AUTO_BACKFILL" }));
    deepStrictEqual(waited.sla!.violation?.phase, "total");
  }));

Deno.test("a phase may use what is left of the total, not more", () =>
  inWorld({}, async (world) => {
    world.venue.deed = stall;
    const sla = { max_wait_backfill_ms: 5_000, total_deadline_ms: 900 };
    const { value, ms } = await timed(world, world.ask({ ...PAST, sla }));
    strictEqual(ms, 900);
    deepStrictEqual(value.sla!.phases.backfill_wait, { ms: 900, budget_ms: 900 });
  }));

Deno.test("a request's own total deadline also raises the phases that are smaller", () =>
  inWorld({}, async (world) => {
    await world.fill([NEWEST.start, NEWEST.end]);
    world.venue.deed = (_call, signal) => world.clock.sleep(20_000, signal);
    const { value, ms } = await timed(world, world.ask({ ...PAST, sla: { total_deadline_ms: 25_000 } }));
    deepStrictEqual([ms, value.complete, value.sla!.violation], [20_000, true, null]);
    strictEqual(value.sla!.phases.backfill_wait!.budget_ms, 25_000);
    strictEqual(value.sla!.phases.storage_wait!.budget_ms, 25_000);
  }));

Deno.test("a phase that the request sets itself is not raised by its total deadline", () =>
  inWorld({}, async (world) => {
    world.venue.deed = stall;
    const sla = { total_deadline_ms: 25_000, max_wait_backfill_ms: 100 };
    const { ms } = await timed(world, world.ask({ ...PAST, sla }));
    strictEqual(ms, 100);
  }));

for (
  const [preset, budgets] of Object.entries({
    baseline: { storage_wait: 3_000, backfill_wait: 45_000, total: 60_000 },
    "tolerant-partial": { storage_wait: 5_000, backfill_wait: 75_000, total: 90_000 },
  })
) {
  Deno.test(`the preset ${preset} brings its budgets, its coverage and its freshness`, () =>
    inWorld({}, async (world) => {
      const sla = preset as "baseline" | "tolerant-partial";
      await world.fill([NEWEST.start, NEWEST.end]);
      const told = await world.ask({ ...NEWEST, sla });
      const { phases } = told.sla!;
      strictEqual(phases.storage_wait!.budget_ms, budgets.storage_wait);
      strictEqual(phases.total!.budget_ms, budgets.total);
      strictEqual(told.verdict.mode, "PASS");
      world.venue.deed = stall;
      const { ms } = await timed(world, Promise.allSettled([world.ask({ ...PAST, sla })]));
      strictEqual(ms, budgets.backfill_wait);
    }));
}

Deno.test("the preset baseline fails fast, the preset tolerant-partial delivers what there is", () =>
  inWorld({}, async (world) => {
    world.venue.deed = stall;
    const error = await rejection(world.ask({ ...PAST, sla: "baseline" }));
    deepStrictEqual([error.code, error.phase, error.budgetMs, error.elapsedMs], [
      "SLA_EXCEEDED",
      "backfill_wait",
      45_000,
      45_000,
    ]);
    const told = await world.ask({ ...PAST, sla: "tolerant-partial" });
    deepStrictEqual(told.verdict, {
      mode: "PARTIAL_FILL",
      reasons: ["sla_violation", "coverage_breach", "open_gaps"],
    });
  }));

Deno.test("max_sync_gap_bars: the newest open slots are waited for, the rest is started and a violation", () =>
  inWorld({}, async (world) => {
    await world.fill([NEWEST.start, NEWEST.end]);
    const slow: string[] = [];
    world.venue.deed = async (call, signal) => {
      const isOld = call.range[1] <= PAST.end - MINUTES(20);
      if (isOld) slow.push(String(call.range[0]));
      await world.clock.sleep(isOld ? 1_000 : 100, signal);
    };
    const { value, ms } = await timed(world, world.ask({ ...PAST, sla: { max_sync_gap_bars: 20 } }));
    strictEqual(ms, 100);
    deepStrictEqual(value.sla!.violation, { phase: "sync_gap", budget_bars: 20, bars: 50 });
    deepStrictEqual([value.frame.ts[0], value.rows], [PAST.end - MINUTES(20), 20]);
    deepStrictEqual(value.verdict, { mode: "PARTIAL_FILL", reasons: ["sla_violation", "open_gaps"] });
    strictEqual(slow.length, 3);
    await world.clock.advance(1_000);
    const again = await world.ask({ ...PAST, sla: { max_sync_gap_bars: 20 } });
    deepStrictEqual([again.rows, again.complete, again.sla!.violation], [50, true, null]);
    strictEqual(world.venue.calls.length, 1 + 5);
  }));

Deno.test("max_sync_gap_bars smaller than a window waits for the newest window all the same", () =>
  inWorld({}, async (world) => {
    const told = await world.ask({ ...PAST, sla: { max_sync_gap_bars: 3 } });
    deepStrictEqual(told.sla!.violation, { phase: "sync_gap", budget_bars: 3, bars: 50 });
    strictEqual(told.coverage_bounds![1], PAST.end);
  }));

Deno.test("max_sync_gap_bars with on_violation HOLD delivers and holds, with FAIL_FAST it fails at once", () =>
  inWorld({}, async (world) => {
    world.venue.deed = (_call, signal) => world.clock.sleep(100, signal);
    const sla = (on_violation: SLAPolicy["on_violation"]) => ({ max_sync_gap_bars: 10, on_violation });
    const failed = await timed(world, rejection(world.ask({ ...PAST, sla: sla("FAIL_FAST") })));
    deepStrictEqual([failed.value.code, failed.value.phase, failed.ms], ["SLA_EXCEEDED", "sync_gap", 0]);
    const { value } = await timed(world, world.ask({ ...PAST, sla: sla("HOLD") }));
    strictEqual(value.verdict.mode, "HOLD");
  }));

Deno.test("max_sync_gap_bars bounds SEAMLESS alone: AUTO_BACKFILL waits for all", () =>
  inWorld({}, async (world) => {
    world.venue.deed = (_call, signal) => world.clock.sleep(100, signal);
    const told = await world.ask({ ...PAST, strategy: "AUTO_BACKFILL", sla: { max_sync_gap_bars: 10 } });
    deepStrictEqual([told.complete, told.sla!.violation], [true, null]);
  }));

Deno.test("a failed window is tried again after retry_backoff_ms, inside the budget", () =>
  inWorld({}, async (world) => {
    world.venue.deed = (call, signal) => call.seq === 1 ? unreachable(call, signal) : undefined;
    const { value, ms } = await timed(world, world.ask({ ...NEWEST, sla: { retry_backoff_ms: 400 } }));
    deepStrictEqual([ms, value.complete, value.rows], [400, true, 10]);
    strictEqual(world.venue.calls.length, 2);
  }));

Deno.test("mode background: what a request started goes on when its answer has left", () =>
  inWorld({}, async (world) => {
    world.venue.deed = (_call, signal) => world.clock.sleep(5_000, signal);
    strictEqual((await world.ask(NEWEST)).rows, 0);
    await world.clock.advance(5_000);
    const again = await world.ask(NEWEST);
    deepStrictEqual([again.rows, world.venue.calls.length], [10, 1]);
  }));

Deno.test("mode sync: what a request started ends with it, unless somebody shares it", () =>
  inWorld({ config: { seamless: { backfill: { mode: "sync" } } } }, async (world) => {
    const given: boolean[] = [];
    world.venue.deed = async (_call, signal) => {
      try {
        await world.clock.sleep(5_000, signal);
        given.push(false);
      } catch (error) {
        given.push(true);
        throw error;
      }
    };
    strictEqual((await world.ask(NEWEST)).rows, 0);
    await world.clock.advance(10_000);
    deepStrictEqual(given, [true]);
    strictEqual(
      await world.ask({ ...NEWEST, strategy: "FAIL_FAST", sla: { total_deadline_ms: 1 } }).catch((e) =>
        e.code
      ),
      "COVERAGE_INCOMPLETE",
    );

    const patient = world.service.bars({ nodeId: "ohlcv:binance:BTC/USDT:1m", ...NEWEST }, {
      patient: { timeoutMs: null },
    });
    strictEqual((await world.ask(NEWEST)).rows, 0);
    const shared = await settle(world.clock, patient);
    deepStrictEqual([shared.metadata.rows, given], [10, [true, false]]);
    strictEqual(world.venue.calls.length, 2);
  }));

/** A store that stops answering states when a test says so, until it is let go. */
class Stopper {
  isStopped = false;
  #waiting: (() => void)[] = [];

  through = (store: BarStore): BarStore =>
    new Proxy(store, {
      get: (target, name) => {
        if (name === "state") return (nodeId: string) => this.#state(target, nodeId);
        const value = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });

  letGo(): void {
    this.isStopped = false;
    for (const go of this.#waiting.splice(0)) go();
  }

  async #state(store: BarStore, nodeId: string) {
    if (this.isStopped) await new Promise<void>((go) => this.#waiting.push(go));
    return await store.state(nodeId);
  }
}

Deno.test("a store that stalls after the fetch does not hold the answer beyond the deadline", () => {
  const stopper = new Stopper();
  return inWorld({ through: { bars: stopper.through } }, async (world) => {
    await world.fill([PAST.start, PAST.start + MINUTES(10)]);
    world.venue.deed = () => void (stopper.isStopped = true);
    const { value, ms } = await timed(world, world.ask(PAST));
    stopper.letGo();
    ok(ms <= 1_550, `took ${ms} ms`);
    deepStrictEqual([value.rows, value.complete], [10, false]);
    ok(value.verdict.reasons.includes("sla_violation"));
  });
});

Deno.test("an answer does not wait for its publication beyond the deadline, and breaks no promise by that", () => {
  let held = true;
  return inWorld({
    through: {
      artifacts: (store, clock) =>
        new Proxy(store, {
          get(target, name) {
            const value = Reflect.get(target, name);
            if (name !== "putIfAbsent" || !held) {
              return typeof value === "function" ? value.bind(target) : value;
            }
            return async (key: string, bytes: Uint8Array) => {
              await clock.sleep(10_000);
              return await target.putIfAbsent(key, bytes);
            };
          },
        }),
    },
  }, async (world) => {
    const { value, ms } = await timed(world, world.ask(PAST));
    deepStrictEqual([ms, value.rows, value.complete, value.sla!.violation], [1_500, 50, true, null]);
    deepStrictEqual([value.verdict.mode, value.fingerprint_scope, value.as_of], ["PASS", "answer", null]);
    held = false;
    await world.clock.advance(60_000);
    const again = await world.ask(PAST);
    deepStrictEqual([again.fingerprint_scope, again.snapshot!.seq], ["snapshot", 1]);
    strictEqual(again.answer_fingerprint, value.answer_fingerprint);
  });
});

for (const code of ["CLOCK_SKEW", "ARTIFACT_STORE_UNAVAILABLE"] as const) {
  Deno.test(`bars that were fetched are delivered though their publication fails with ${code}`, () =>
    inWorld({
      through: {
        artifacts: (store) =>
          new Proxy(store, {
            get(target, name) {
              const value = Reflect.get(target, name);
              if (name !== "skewMs") return typeof value === "function" ? value.bind(target) : value;
              return () => Promise.reject(new HistoryError(code, "no publication today", { hint: "later" }));
            },
          }),
      },
    }, async (world) => {
      const told = await world.ask(PAST);
      deepStrictEqual([told.rows, told.complete, told.verdict.mode], [50, true, "PASS"]);
      deepStrictEqual([told.fingerprint_scope, told.snapshot, told.as_of], ["answer", null, null]);
      strictEqual(told.dataset_fingerprint, told.answer_fingerprint);
      ok(
        world.logged.some(({ level, fields }) => level === "error" && JSON.stringify(fields).includes(code)),
      );
    }));
}

Deno.test("a patient caller waits without deadlines; with a timeout it is SLA_EXCEEDED, whatever on_violation says", () =>
  inWorld({}, async (world) => {
    world.venue.deed = (_call, signal) => world.clock.sleep(600_000, signal);
    const late = await timed(
      world,
      rejection(world.ask({ ...PAST, sla: { on_violation: "HOLD" } }, { patient: { timeoutMs: 2_000 } })),
    );
    deepStrictEqual([late.value.code, late.ms], ["SLA_EXCEEDED", 2_000]);
    const { value } = await timed(world, world.ask(PAST, { patient: { timeoutMs: null } }));
    deepStrictEqual([value.rows, value.complete, value.sla!.violation], [50, true, null]);
  }));

Deno.test("a caller that gives up gets CANCELLED at once", () =>
  inWorld({}, async (world) => {
    world.venue.deed = stall;
    const abort = new AbortController();
    const asked = rejection(world.ask(PAST, { signal: abort.signal }));
    await world.clock.sleep(0);
    abort.abort(new HistoryError("CANCELLED", "given up", { hint: "ask again" }));
    strictEqual((await asked).code, "CANCELLED");
    strictEqual(world.clock.monotonicMs() < 1_500, true);
  }));
