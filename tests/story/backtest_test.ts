/** Backtests (spec §8, §11): from published snapshots alone, the same bytes for ever, and errors that say what is missing. */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { FetchRequest } from "../../src/core/request.ts";
import { rejection } from "../refusal.ts";
import { FORMING, inWorld, makeWorld, NODE, rowsOf, type Told, type World } from "./world.ts";

const MINUTES = (count: number) => 60 * count;
/** Three windows of ten final minutes. */
const RANGE = { start: FORMING - MINUTES(60), end: FORMING - MINUTES(30) };

/** Everything that a backtest hands out, as text. */
async function bytesOf(world: World, request: Partial<FetchRequest>): Promise<string> {
  const answer = await world.settled(world.service.bars({ nodeId: NODE, ...request }));
  strictEqual(answer.pinned, true);
  const rows = await rowsOf(answer);
  return JSON.stringify([answer.metadata, Object.values(rows).map((column) => [...column])]);
}

/** Fills the range and waits until what was published is settled; the answer that named it. */
async function published(world: World): Promise<Told> {
  const told = await world.ask(RANGE);
  await world.clock.advance(60_000);
  return told;
}

Deno.test("a backtest answers from the snapshot that its as_of selects, with no clock in the body", () =>
  inWorld({}, async (world) => {
    const live = await published(world);
    const told = await world.ask({ ...RANGE, executionDomain: "backtest", asOf: live.as_of! });
    deepStrictEqual([...told.frame.close], [...live.frame.close]);
    deepStrictEqual([told.sla, told.sources, told.staleness_seconds, told.retry_after], [
      null,
      null,
      null,
      null,
    ]);
    deepStrictEqual(told.snapshot, live.snapshot);
    deepStrictEqual([told.dataset_fingerprint, told.fingerprint_scope], [
      live.dataset_fingerprint,
      "snapshot",
    ]);
    deepStrictEqual([told.answer_fingerprint, told.as_of, told.requested_as_of], [
      live.answer_fingerprint,
      live.as_of,
      live.as_of,
    ]);
    deepStrictEqual([told.complete, told.verdict], [true, { mode: "PASS", reasons: [] }]);
  }));

Deno.test("the same backtest again gives the same bytes: later, in another process, and after more was published", () =>
  inWorld({}, async (world) => {
    const live = await published(world);
    const request = { ...RANGE, executionDomain: "backtest", asOf: live.as_of! };
    const first = await bytesOf(world, request);
    await world.clock.advance(86_400_000);
    strictEqual(await bytesOf(world, request), first);
    world.venue.values = () => [1, 2, 0.5, 1.5, 7];
    await world.ask({ start: RANGE.start - MINUTES(30), end: RANGE.end + MINUTES(20) });
    await world.fill([RANGE.start, RANGE.end], { refetch: true });
    strictEqual((await world.service.snapshots(NODE, { limit: 10 })).snapshots.length, 3);
    strictEqual(await bytesOf(world, request), first);
    const other = await makeWorld({ clock: world.clock, holdings: world.holdings });
    strictEqual(await bytesOf(other, request), first);
    await other.close();
  }));

Deno.test("fingerprint= selects the oldest snapshot that has it, in backtest and in live", () =>
  inWorld({}, async (world) => {
    const live = await published(world);
    await world.fill([RANGE.start - MINUTES(10), RANGE.end]);
    const fingerprint = live.dataset_fingerprint!;
    const told = await world.ask({ ...RANGE, executionDomain: "backtest", fingerprint });
    deepStrictEqual([told.snapshot!.seq, told.as_of, told.requested_as_of], [1, live.as_of, null]);
    const pinned = await world.ask({ ...RANGE, executionDomain: "live", fingerprint });
    deepStrictEqual([pinned.snapshot!.seq, pinned.execution_domain], [1, "live"]);
    deepStrictEqual(pinned.sources, { cache: 0, snapshot: 30, storage: 0, backfill: 0, live: 0 });
    strictEqual((await world.ask({ ...RANGE, fingerprint })).execution_domain, "backtest");
  }));

Deno.test("a backtest of an instant does not read what was published after it, by fingerprint neither", () =>
  inWorld({}, async (world) => {
    const first = await published(world);
    await world.fill([RANGE.start - MINUTES(10), RANGE.end]);
    const { snapshots: [{ dataset_fingerprint: later }] } = await world.service.snapshots(NODE, { limit: 1 });
    const backtest = { ...RANGE, executionDomain: "backtest", asOf: first.as_of! };
    const error = await rejection(world.ask({ ...backtest, fingerprint: later }));
    strictEqual(error.code, "SNAPSHOT_UNKNOWN");
    const known = await world.ask({ ...backtest, fingerprint: first.dataset_fingerprint! });
    strictEqual(known.as_of, first.as_of);
  }));

Deno.test("a pinned read of domain live gives the same bytes again, however late: caches keep it", () =>
  inWorld({}, async (world) => {
    const { dataset_fingerprint } = await published(world);
    const request = { ...RANGE, executionDomain: "live", fingerprint: dataset_fingerprint! };
    const first = await bytesOf(world, request);
    await world.clock.advance(86_400_000);
    strictEqual(await bytesOf(world, request), first);
  }));

Deno.test("a part of a snapshot has its own answer_fingerprint, the one that live gave for it", () =>
  inWorld({}, async (world) => {
    const live = await published(world);
    const part = { start: RANGE.start + 120, end: RANGE.end - 300 };
    const told = await world.ask({ ...part, executionDomain: "backtest", asOf: live.as_of! });
    const hot = await world.ask(part);
    deepStrictEqual([told.rows, told.answer_fingerprint], [23, hot.answer_fingerprint]);
    strictEqual(told.dataset_fingerprint, live.dataset_fingerprint);
    ok(told.answer_fingerprint !== told.dataset_fingerprint);
  }));

Deno.test("a backtest without an end goes to the watermark, and last counts back from it", () =>
  inWorld({}, async (world) => {
    const live = await published(world);
    const asked = { executionDomain: "backtest", asOf: live.as_of! };
    deepStrictEqual((await world.ask({ ...asked, start: RANGE.start })).effective_range, [
      RANGE.start,
      RANGE.end,
    ]);
    const told = await world.ask({ ...asked, last: 5 });
    deepStrictEqual([told.effective_range, told.rows], [[RANGE.end - 300, RANGE.end], 5]);
  }));

Deno.test("settled gaps keep the reasons that they had when the snapshot was made", () =>
  inWorld({}, async (world) => {
    const hole = RANGE.start + 600;
    world.venue.isAbsent = (ts) => ts >= hole && ts < hole + 300;
    const live = await published(world);
    world.venue.isAbsent = () => false;
    await world.fill([RANGE.start, RANGE.end], { refetch: true });
    const told = await world.ask({ ...RANGE, executionDomain: "backtest", asOf: live.as_of! });
    deepStrictEqual([told.rows, told.complete, told.coverage_ratio], [25, true, 25 / 30]);
    deepStrictEqual(told.gaps, [
      { start: hole, end: hole + 300, bars: 5, reason: "absent_at_source", settled: true, alternative: null },
    ]);
    deepStrictEqual(told.conformance_flags, { gap: 5 });
    strictEqual((await world.ask(RANGE)).rows, 30);
  }));

Deno.test("a backtest without as_of or fingerprint is AS_OF_REQUIRED", () =>
  inWorld({}, async (world) => {
    await published(world);
    strictEqual(
      (await rejection(world.ask({ ...RANGE, executionDomain: "Back Testing" }))).code,
      "AS_OF_REQUIRED",
    );
  }));

Deno.test("an as_of that is younger than as_of_settle_sec is AS_OF_NOT_SETTLED, unless a snapshot at or after it exists", () =>
  inWorld({}, async (world) => {
    const live = await world.ask(RANGE);
    const asked = { ...RANGE, executionDomain: "backtest" };
    strictEqual((await world.ask({ ...asked, asOf: live.as_of! })).rows, 30);
    await world.clock.advance(10_000);
    const now = new Date(world.clock.nowMs()).toISOString();
    const error = await rejection(world.ask({ ...asked, asOf: now }));
    deepStrictEqual([error.code, error.retryAfter], ["AS_OF_NOT_SETTLED", 30]);
    const future = new Date(world.clock.nowMs() + 3_600_000).toISOString();
    strictEqual((await rejection(world.ask({ ...asked, asOf: future }))).code, "AS_OF_NOT_SETTLED");
    await world.clock.advance(30_000);
    deepStrictEqual([(await world.ask({ ...asked, asOf: now })).as_of], [live.as_of]);
  }));

Deno.test("ARTIFACT_MISSING names what the snapshot does not cover: before it, after it, and open inside it", () =>
  inWorld({}, async (world) => {
    await world.ask({ start: RANGE.start, end: RANGE.start + MINUTES(10) });
    const live = await world.ask({ start: RANGE.start + MINUTES(20), end: RANGE.end });
    const asked = { executionDomain: "backtest", asOf: live.as_of! };
    const missing = async (start: number, end: number) => {
      const error = await rejection(world.ask({ ...asked, start, end }));
      strictEqual(error.code, "ARTIFACT_MISSING");
      return error.ranges;
    };
    deepStrictEqual(await missing(RANGE.start, RANGE.end), [[
      RANGE.start + MINUTES(10),
      RANGE.start + MINUTES(20),
    ]]);
    deepStrictEqual(await missing(RANGE.start - 60, RANGE.start + 60), [[RANGE.start - 60, RANGE.start]]);
    deepStrictEqual(await missing(RANGE.end - 60, RANGE.end + 120), [[RANGE.end, RANGE.end + 120]]);
  }));

Deno.test("ARTIFACT_MISSING where nothing was published by then; SNAPSHOT_UNKNOWN for a fingerprint that is none", () =>
  inWorld({}, async (world) => {
    await published(world);
    const asked = { ...RANGE, executionDomain: "backtest" };
    const before = await rejection(world.ask({ ...asked, asOf: "2023-12-01T00:00:00.000Z" }));
    deepStrictEqual([before.code, before.ranges], ["ARTIFACT_MISSING", [[RANGE.start, RANGE.end]]]);
    const fingerprint = `sfp1:${"0".repeat(64)}`;
    strictEqual((await rejection(world.ask({ ...asked, fingerprint }))).code, "SNAPSHOT_UNKNOWN");
    strictEqual((await rejection(world.ask({ ...asked, fingerprint: "abc" }))).code, "BAD_REQUEST");
  }));

for (const artifact of [{ enabled: false }, { publish_fingerprint: false }]) {
  const [[key]] = Object.entries(artifact);
  Deno.test(`with artifact.${key} false a backtest is DOMAIN_DISABLED, live names no dataset, and start-up warns`, () =>
    inWorld({ config: { seamless: { artifact } } }, async (world) => {
      ok(world.logged.some(({ level }) => level === "warn"));
      const told = await world.ask(RANGE);
      deepStrictEqual([told.rows, told.complete, told.dataset_fingerprint, told.snapshot, told.as_of], [
        30,
        true,
        null,
        null,
        null,
      ]);
      const asked = { ...RANGE, executionDomain: "backtest", asOf: "2024-01-01T00:00:00.000Z" };
      strictEqual((await rejection(world.ask(asked))).code, "DOMAIN_DISABLED");
      strictEqual(Array.from(await Array.fromAsync(world.holdings.artifacts.list(""))).length, 0);
    }));
}

Deno.test("a backtest touches no hot store and no venue", () => {
  let isGone = false;
  return inWorld({
    through: {
      bars: (store) =>
        new Proxy(store, {
          get(target, name) {
            const value = Reflect.get(target, name);
            if (typeof value !== "function") return value;
            return (...args: unknown[]) => {
              if (isGone) throw new Error(`the hot store is gone: ${String(name)}`);
              return value.apply(target, args);
            };
          },
        }),
    },
  }, async (world) => {
    const live = await published(world);
    world.venue.deed = () => {
      throw new Error("no network");
    };
    isGone = true;
    const told = await world.ask({ ...RANGE, executionDomain: "backtest", asOf: live.as_of! });
    strictEqual(told.answer_fingerprint, live.answer_fingerprint);
    isGone = false;
  });
});

Deno.test("min_coverage and blocking flags are judged in a backtest too", async () => {
  const config = {
    seamless: { conformance: { blocking: ["missing_column", "dtype_mismatch", "gap"] } },
  } as const;
  const hole = RANGE.start + 600;
  await inWorld({ config }, async (world) => {
    world.venue.isAbsent = (ts) => ts === hole;
    const live = await published(world);
    const asked = { ...RANGE, executionDomain: "backtest", asOf: live.as_of!, minCoverage: 0.99 };
    const told = await world.ask(asked);
    deepStrictEqual(told.verdict, { mode: "HOLD", reasons: ["conformance_blocked", "coverage_breach"] });
    const failFast = await world.ask({ ...asked, sla: { on_violation: "FAIL_FAST" } });
    deepStrictEqual(failFast.verdict, told.verdict);
    const strict = await makeWorld({
      clock: world.clock,
      holdings: world.holdings,
      config: { seamless: { ...config.seamless, partial_ok: false } },
    });
    strictEqual((await rejection(strict.ask(asked))).code, "CONFORMANCE_BLOCKED");
    await strict.close();
  });
});

for (
  const [name, domain] of Object.entries({
    backtesting: "backtest",
    "compute-only": "backtest",
    Offline: "backtest",
    validate: "backtest",
    prod: "live",
    Production: "live",
  })
) {
  Deno.test(`execution domain ${name} is ${domain}`, () =>
    inWorld({}, async (world) => {
      const { as_of } = await published(world);
      const asOf = domain === "live" ? undefined : as_of!;
      strictEqual((await world.ask({ ...RANGE, executionDomain: name, asOf })).execution_domain, domain);
    }));
}
