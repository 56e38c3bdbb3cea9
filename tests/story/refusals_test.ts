/** What a venue that says no makes of a request: an error while nothing of the node is stored, else what there is. */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { VENUE_FAILED_TURNS_MAX } from "../../src/core/limits.ts";
import { rejection } from "../refusal.ts";
import { refuses, unreachable } from "./scripted_venue.ts";
import { FORMING, inWorld, NODE } from "./world.ts";

const PAST = { start: FORMING - 1_800, end: FORMING - 600 };
const HELD = [PAST.start, PAST.start + 600] as const;

for (const strategy of ["SEAMLESS", "AUTO_BACKFILL"]) {
  for (const on_violation of ["FAIL_FAST", "PARTIAL_FILL", "HOLD"] as const) {
    Deno.test(`${strategy}, ${on_violation}: an exchange that nobody knows is EXCHANGE_UNKNOWN, each time it is asked`, () =>
      inWorld({}, async (world) => {
        const asked = { ...PAST, nodeId: "ohlcv:binanse:BTC/USDT:1m", strategy, sla: { on_violation } };
        for (let times = 0; times < 2; times++) {
          const error = await rejection(world.ask(asked));
          deepStrictEqual([error.code, error.hint], ["EXCHANGE_UNKNOWN", "Did you mean binance?"]);
        }
        strictEqual(world.clock.monotonicMs(), 0);
      }));

    for (const code of ["SYMBOL_UNKNOWN", "EXCHANGE_REFUSED", "BAD_TIMEFRAME"] as const) {
      Deno.test(`${strategy}, ${on_violation}: ${code} is an error while nothing is stored, after one call a window`, () =>
        inWorld({}, async (world) => {
          world.venue.deed = refuses(code);
          const asked = { start: HELD[0], end: HELD[1], strategy, sla: { on_violation } };
          strictEqual((await rejection(world.ask(asked))).code, code);
          strictEqual(world.venue.calls.length, 1);
          strictEqual((await rejection(world.ask(asked))).code, code);
        }));
    }
  }

  Deno.test(`${strategy}: what is refused of a node never answered is asked once, however many windows there are`, () =>
    inWorld({}, async (world) => {
      world.venue.deed = refuses("EXCHANGE_REFUSED");
      const long = { start: FORMING - 60_000, end: FORMING - 600, strategy };
      strictEqual((await rejection(world.ask(long))).code, "EXCHANGE_REFUSED");
      strictEqual(world.venue.calls.length, 1);
    }));

  Deno.test(`${strategy}: a refusal delivers what is stored, with the gap as fetch_failed`, () =>
    inWorld({}, async (world) => {
      await world.fill(HELD);
      world.venue.deed = refuses("EXCHANGE_REFUSED");
      const told = await world.ask({ ...PAST, strategy });
      deepStrictEqual([told.rows, told.complete, told.verdict.mode], [10, false, "PARTIAL_FILL"]);
      deepStrictEqual(told.gaps.map(({ reason, settled }) => [reason, settled]), [["fetch_failed", false]]);
      const { gaps: [gap] } = await world.service.gaps(NODE, { range: [PAST.start, PAST.end], limit: 10 });
      ok(gap.error?.startsWith("EXCHANGE_REFUSED: "), String(gap.error));
      deepStrictEqual([gap.attempts, gap.next_ask], [1, null]);
    }));
}

for (const strategy of ["SEAMLESS", "AUTO_BACKFILL"]) {
  Deno.test(`${strategy}: a venue that answers none of many windows is not asked for all of them`, () =>
    inWorld({ config: { seamless: { backfill: { max_concurrent_requests: 4 } } } }, async (world) => {
      const long = {
        start: FORMING - 60_000,
        end: FORMING - 600,
        strategy,
        sla: { on_violation: "PARTIAL_FILL" },
      } as const;
      await world.fill([long.start, long.start + 600]);
      const before = world.venue.calls.length;
      world.venue.deed = unreachable;
      const told = await world.ask(long);
      deepStrictEqual([told.rows, told.complete], [10, false]);
      const reasons = new Set(told.gaps.map(({ reason }) => reason));
      deepStrictEqual([...reasons].sort(), ["fetch_failed", "pending"]);
      // Four at a time; what failed is tried once more under an SLA.
      const asked = world.venue.calls.length - before;
      ok(asked <= 4 * VENUE_FAILED_TURNS_MAX * 2, `${asked} calls for 98 windows`);
      world.venue.deed = () => {};
      strictEqual((await world.ask(long)).complete, true);
    }));
}

Deno.test("a refusal ends also the windows that wait for their second try, and is what is told", () =>
  inWorld({ config: { seamless: { backfill: { max_concurrent_requests: 1 } } } }, async (world) => {
    world.venue.deed = (call, signal) =>
      call.seq <= 2 ? unreachable(call, signal) : refuses("EXCHANGE_REFUSED")(call, signal);
    const begunMs = world.clock.monotonicMs();
    const sla = { total_deadline_ms: 60_000, max_wait_backfill_ms: 60_000, retry_backoff_ms: 10_000 };
    const long = { start: FORMING - 7_200, end: FORMING - 1_200, sla };
    strictEqual((await rejection(world.ask(long))).code, "EXCHANGE_REFUSED");
    deepStrictEqual([world.venue.calls.length, world.clock.monotonicMs() - begunMs < 10_000], [3, true]);
  }));

Deno.test("a symbol that is unknown once is answered as soon as the venue lists it", () =>
  inWorld({}, async (world) => {
    world.venue.deed = refuses("SYMBOL_UNKNOWN");
    strictEqual((await rejection(world.ask(PAST))).code, "SYMBOL_UNKNOWN");
    world.venue.deed = () => {};
    const told = await world.ask(PAST);
    deepStrictEqual([told.rows, told.complete], [20, true]);
  }));

Deno.test("a node never seen answers coverage, gaps and condition, all pending, and has no snapshots", () =>
  inWorld({}, async (world) => {
    const range = [FORMING - 86_400, FORMING] as const;
    const coverage = await world.service.coverage(NODE, { range });
    deepStrictEqual([coverage.covered, coverage.coverage_ratio, coverage.first_bar, coverage.watermark], [
      [],
      0,
      null,
      null,
    ]);
    const { gaps, gaps_total } = await world.service.gaps(NODE, { range, limit: 10 });
    deepStrictEqual([gaps_total, gaps[0].bars, gaps[0].reason], [1, 1_440, "pending"]);
    const { days } = await world.service.condition(NODE, range);
    deepStrictEqual(days.map(({ date, condition, bars, expected }) => [date, condition, bars, expected]), [
      ["2024-01-01", "pending", 0, 1_440],
    ]);
    deepStrictEqual(await world.service.snapshots(NODE, { limit: 10 }), { snapshots: [], next: null });
    strictEqual((await rejection(world.service.explain(NODE, FORMING))).code, "NODE_UNKNOWN");
    strictEqual((await rejection(world.service.publish([NODE]))).code, "NODE_UNKNOWN");
  }));

Deno.test("a fault in the pipeline itself fails the request: nothing of the reply is served or stored", () =>
  inWorld({}, async (world) => {
    world.venue.amend = (reply) => ({ ...reply, observedAt: [] });
    const fault = await world.ask(PAST).then(() => null, (error) => error);
    ok(fault instanceof TypeError, String(fault));
    const stored = await Array.fromAsync(world.holdings.bars.read(NODE, [PAST.start, PAST.end]));
    const { covered, segments } = await world.service.coverage(NODE, { range: [PAST.start, PAST.end] });
    deepStrictEqual([stored, covered, segments], [[], [], []]);

    world.venue.amend = (reply) => reply;
    deepStrictEqual((await world.ask(PAST)).gaps_total, 0);
  }));
