/** What conformance finds, in an answer (spec §5): flags summed over its range, what blocks, and what a request may change. */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { Features } from "../../src/core/metadata.ts";
import type { BarsReply } from "../../src/core/ports.ts";
import { rejection } from "../refusal.ts";
import { FORMING, inWorld, makeWorld, NODE, type World } from "./world.ts";

const MINUTE = 60;
const RANGE = { start: FORMING - 60 * MINUTE, end: FORMING - 30 * MINUTE };
const SPOILT = RANGE.start + 5 * MINUTE;

/** Changes the row that opens at `ts`, in every reply that has it. */
function spoil(world: World, ts: number, change: (columns: BarsReply["columns"], row: number) => void): void {
  world.venue.amend = (reply) => {
    const row = reply.columns.ts.indexOf(ts);
    if (row >= 0) change(reply.columns, row);
    return reply;
  };
}

/** A high below the low: no bar can be so. */
const upsideDown = (columns: BarsReply["columns"], row: number) => {
  columns.high[row] = 1;
};

Deno.test("flags count what stands inside the range of the answer, and only that", () =>
  inWorld({}, async (world) => {
    spoil(world, SPOILT, upsideDown);
    const told = await world.ask(RANGE);
    deepStrictEqual([told.conformance_flags, told.rows], [{ ohlc_invariant: 1 }, 30]);
    const part = await world.ask({ ...RANGE, start: SPOILT + MINUTE });
    deepStrictEqual(part.conformance_flags, {});
    const { snapshot } = told;
    const pinned = await world.ask({ ...RANGE, executionDomain: "backtest", asOf: told.as_of! });
    deepStrictEqual([pinned.conformance_flags, pinned.snapshot], [{ ohlc_invariant: 1 }, snapshot]);
    const { flags } = await world.service.explain(NODE, SPOILT);
    deepStrictEqual(flags, { ohlc_invariant: 1 });
  }));

Deno.test("a doubled row keeps the later one; both values stand in the revision log", () =>
  inWorld({}, async (world) => {
    world.venue.amend = (reply) => {
      const row = reply.columns.ts.indexOf(SPOILT);
      if (row < 0) return reply;
      for (const column of Object.values(reply.columns)) column.push(column[row]);
      reply.columns.close[reply.columns.close.length - 1] = reply.columns.open[row];
      reply.observedAt.push(reply.askedAt);
      return reply;
    };
    const told = await world.ask(RANGE);
    deepStrictEqual(told.conformance_flags, { conflict: 1, duplicate_ts: 1 });
    strictEqual(told.frame.close[5], told.frame.open[5]);
    const { revisions } = await world.service.explain(NODE, SPOILT);
    deepStrictEqual(revisions.map(({ cause, kept }) => [cause, kept]), [["duplicate", false], [
      "duplicate",
      true,
    ]]);
  }));

Deno.test("a row of whose prices none is finite is no bar: its slot is quarantined and stays open", () =>
  inWorld({}, async (world) => {
    spoil(world, SPOILT, (columns, row) => {
      for (const name of ["open", "high", "low", "close"] as const) columns[name][row] = null;
    });
    const told = await world.ask(RANGE);
    deepStrictEqual([told.rows, told.complete, told.retry_after], [29, false, null]);
    deepStrictEqual(told.gaps.map(({ start, reason }) => [start, reason]), [[SPOILT, "quarantined"]]);
    strictEqual(told.conformance_flags.non_finite, 4);
  }));

Deno.test("invariant quarantine, by configuration or for one request, sets the row aside", async () => {
  const gaps = [{
    start: SPOILT,
    end: SPOILT + MINUTE,
    bars: 1,
    reason: "quarantined",
    settled: false,
    alternative: null,
  }];
  await inWorld({ config: { seamless: { conformance: { invariant: "quarantine" } } } }, async (world) => {
    spoil(world, SPOILT, upsideDown);
    const told = await world.ask(RANGE);
    deepStrictEqual([told.rows, told.gaps], [29, gaps]);
  });
  await inWorld({}, async (world) => {
    spoil(world, SPOILT, upsideDown);
    const told = await world.ask({ ...RANGE, features: { invariant: "quarantine" } });
    deepStrictEqual([told.rows, told.gaps, told.features], [29, gaps, { invariant: "quarantine" }]);
  });
});

Deno.test("align floor, for one request, floors rows that are off the grid and counts them", () =>
  inWorld({}, async (world) => {
    spoil(world, SPOILT, (columns, row) => {
      columns.ts[row] = SPOILT + 7;
    });
    const told = await world.ask({ ...RANGE, features: { align: "floor" } });
    deepStrictEqual([told.rows, told.complete, told.conformance_flags], [30, true, { misaligned_ts: 1 }]);
  }));

for (
  const [name, features] of Object.entries({
    "an unknown feature": { bogus: true },
    "a feature of the wrong kind": { early_fingerprint: "yes" },
    "an align that is none": { align: "round" },
  })
) {
  Deno.test(`${name} is BAD_REQUEST`, () =>
    inWorld({}, async (world) => {
      const error = await rejection(world.ask({ ...RANGE, features: features as Features }));
      strictEqual(error.code, "BAD_REQUEST");
    }));
}

Deno.test("a reply with a blocking flag writes no bar; its window is quarantined until it is fetched by hand", () =>
  inWorld({
    config: {
      seamless: { conformance: { blocking: ["missing_column", "dtype_mismatch", "ohlc_invariant"] } },
    },
  }, async (world) => {
    spoil(world, SPOILT, upsideDown);
    const told = await world.ask(RANGE);
    deepStrictEqual([told.rows, told.complete, told.retry_after], [20, false, null]);
    deepStrictEqual(told.gaps.map(({ start, bars, reason }) => [start, bars, reason]), [
      [RANGE.start, 10, "quarantined"],
    ]);
    deepStrictEqual(told.verdict.reasons, ["open_gaps"]);
    const calls = world.venue.calls.length;
    await world.ask(RANGE);
    await world.fill([RANGE.start, RANGE.end]);
    strictEqual(world.venue.calls.length, calls);
    world.venue.amend = (reply) => reply;
    await world.fill([RANGE.start, RANGE.end], { refetch: true });
    const healed = await world.ask(RANGE);
    deepStrictEqual([healed.rows, healed.complete, healed.conformance_flags], [30, true, {}]);
  }));

Deno.test("a column that is missing or no numbers always blocks, listed or not", () =>
  inWorld({ config: { seamless: { conformance: { blocking: [] } } } }, async (world) => {
    spoil(world, SPOILT, (columns, row) => {
      columns.close[row] = "n/a";
    });
    const told = await world.ask(RANGE);
    deepStrictEqual(told.gaps.map(({ bars, reason }) => [bars, reason]), [[10, "quarantined"]]);
  }));

Deno.test("bars that were stored before their flag became blocking hold the answer; partial_ok false refuses it", () =>
  inWorld({}, async (world) => {
    spoil(world, SPOILT, upsideDown);
    strictEqual((await world.ask(RANGE)).verdict.mode, "PASS");
    const conformance = { blocking: ["missing_column", "dtype_mismatch", "ohlc_invariant"] } as const;
    const reopen = (partial_ok: boolean) =>
      makeWorld({
        clock: world.clock,
        holdings: world.holdings,
        config: { seamless: { conformance, partial_ok } },
      });
    const lenient = await reopen(true);
    const told = await lenient.ask(RANGE);
    deepStrictEqual([told.verdict, told.rows], [{ mode: "HOLD", reasons: ["conformance_blocked"] }, 30]);
    strictEqual((await lenient.ask({ ...RANGE, start: SPOILT + MINUTE })).verdict.mode, "PASS");
    const strict = await reopen(false);
    const error = await rejection(strict.ask(RANGE));
    strictEqual(error.code, "CONFORMANCE_BLOCKED");
    ok(/ohlc_invariant/.test(error.message), error.message);
    await lenient.close();
    await strict.close();
  }));

Deno.test("gap as a blocking flag holds answers with holes, and blocks no fetch", () =>
  inWorld({
    config: { seamless: { conformance: { blocking: ["missing_column", "dtype_mismatch", "gap"] } } },
  }, async (world) => {
    world.venue.isAbsent = (ts) => ts === SPOILT;
    const told = await world.ask(RANGE);
    deepStrictEqual([told.rows, told.complete, told.verdict], [29, true, {
      mode: "HOLD",
      reasons: ["conformance_blocked"],
    }]);
    strictEqual((await world.ask({ ...RANGE, start: SPOILT + MINUTE })).verdict.mode, "PASS");
  }));

Deno.test("all reasons of a verdict are told together, the strongest mode wins", () =>
  inWorld({
    config: { seamless: { conformance: { blocking: ["missing_column", "dtype_mismatch", "gap"] } } },
  }, async (world) => {
    world.venue.isAbsent = (ts) => ts >= FORMING - 20 * MINUTE;
    const told = await world.ask({
      start: FORMING - 50 * MINUTE,
      executionDomain: "live",
      asOf: "2030-01-01T00:00:00.000Z",
      minCoverage: 0.99,
      sla: { max_sync_gap_bars: 20 },
    });
    deepStrictEqual(told.verdict, {
      mode: "HOLD",
      reasons: [
        "freshness_breach",
        "as_of_regression",
        "conformance_blocked",
        "sla_violation",
        "coverage_breach",
        "open_gaps",
      ],
    });
  }));
