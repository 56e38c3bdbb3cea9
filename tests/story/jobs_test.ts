/** Backfill jobs (surface §4): started, found again, looked at, cancelled, gone on with after a restart; and plans. */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { HistoryError } from "../../src/core/errors.ts";
import { JOB_LEASE_MS } from "../../src/core/limits.ts";
import type { JobReport, ToValidate } from "../../src/core/service.ts";
import { rejection } from "../refusal.ts";
import { refuses, stall, unreachable } from "./scripted_venue.ts";
import { FORMING, inWorld, makeWorld, NODE, type World } from "./world.ts";

const MINUTE = 60;
/** Five windows of ten final minutes. */
const RANGE = { start: FORMING - 60 * MINUTE, end: FORMING - 10 * MINUTE };
const SPEC = { nodes: [NODE], ...RANGE };

async function endOf(world: World, id: string): Promise<JobReport> {
  for (let looks = 0; looks < 1_000; looks++) {
    const report = await world.service.backfill(id);
    if (report.state !== "queued" && report.state !== "running") return report;
    await world.clock.advance(100);
  }
  throw new Error("the job does not end");
}

Deno.test("a job runs on when the call that started it has returned, and publishes at its end", () =>
  inWorld({}, async (world) => {
    world.venue.deed = (_call, signal) => world.clock.sleep(500, signal);
    const started = await world.service.startBackfill(SPEC);
    deepStrictEqual([started.state, started.created_at, started.completion_ratio], [
      started.state,
      Math.floor(world.clock.nowMs() / 1000),
      0,
    ]);
    ok(["queued", "running"].includes(started.state));
    await world.clock.advance(600);
    const half = await world.service.backfill(started.id);
    deepStrictEqual([half.state, half.windows.total], ["running", 5]);
    ok(half.windows.complete >= 1 && half.eta_seconds !== null, JSON.stringify(half));
    const done = await endOf(world, started.id);
    deepStrictEqual([done.state, done.windows, done.rows, done.completion_ratio, done.errors], [
      "complete",
      { total: 5, complete: 5, failed: 0, deduplicated: 0 },
      50,
      1,
      [],
    ]);
    strictEqual((await world.service.snapshots(NODE, { limit: 5 })).snapshots[0].row_count, 50);
  }));

Deno.test("an idempotency key means the same job for a day, and another one after it", () =>
  inWorld({}, async (world) => {
    const keyed = { ...SPEC, idempotency_key: "nightly" };
    const first = await world.service.startBackfill(keyed);
    strictEqual((await world.service.startBackfill(keyed)).id, first.id);
    await endOf(world, first.id);
    await world.clock.advance(86_300_000);
    strictEqual((await world.service.startBackfill(keyed)).id, first.id);
    await world.clock.advance(200_000);
    ok((await world.service.startBackfill(keyed)).id !== first.id);
    ok((await world.service.startBackfill(SPEC)).id !== first.id);
  }));

Deno.test("a cancelled job keeps its finished windows, and says cancelled ever after", () =>
  inWorld({ config: { seamless: { backfill: { max_concurrent_requests: 1 } } } }, async (world) => {
    world.venue.deed = (call, signal) => call.seq < 3 ? undefined : stall(call, signal);
    const { id } = await world.service.startBackfill(SPEC);
    await world.clock.advance(100);
    const cancelled = await world.service.cancelBackfill(id);
    strictEqual(cancelled.state, "cancelled");
    await world.clock.advance(100);
    const after = await world.service.backfill(id);
    deepStrictEqual([after.state, after.windows.complete], ["cancelled", 2]);
    strictEqual((await world.service.cancelBackfill(id)).state, "cancelled");
    const { covered } = await world.service.coverage(NODE);
    deepStrictEqual(covered, [[RANGE.start, RANGE.start + 20 * MINUTE]]);
  }));

Deno.test("a cancelled job asks the venue nothing more: what waits its turn and what is under way is given up", () =>
  inWorld({}, async (world) => {
    let ended = 0;
    world.venue.deed = (call, signal) => {
      if (call.seq === 1) return;
      signal.addEventListener("abort", () => ended++, { once: true });
      return stall(call, signal);
    };
    const { id } = await world.service.startBackfill(SPEC);
    await world.clock.advance(100);
    const asked = world.venue.calls.length;
    ok(asked > 1);
    const cancelled = await world.service.cancelBackfill(id);
    deepStrictEqual([cancelled.state, cancelled.eta_seconds], ["cancelled", null]);
    await world.clock.advance(10_000);
    deepStrictEqual([world.venue.calls.length, ended], [asked, asked - 1]);
    strictEqual((await world.service.backfill(id)).windows.complete, 1);
  }));

Deno.test("a job that another process cancels ends where it runs, and says cancelled ever after", () =>
  inWorld({ config: { seamless: { backfill: { max_concurrent_requests: 1 } } } }, async (world) => {
    world.venue.deed = (_call, signal) => world.clock.sleep(1_000, signal);
    const { id } = await world.service.startBackfill(SPEC);
    await world.clock.advance(1_500);
    const other = await makeWorld({ clock: world.clock, holdings: world.holdings });
    strictEqual((await other.service.cancelBackfill(id)).state, "cancelled");
    await world.clock.advance(3_000);
    const asked = world.venue.calls.length;
    await world.clock.advance(20_000);
    ok(asked < 5 && world.venue.calls.length === asked, `${asked} calls, then ${world.venue.calls.length}`);
    for (const { service } of [world, other]) strictEqual((await service.backfill(id)).state, "cancelled");
    await other.close();
  }));

Deno.test("that a job is cancelled is stored before it is answered, so that no restart takes it up again", () =>
  inWorld({}, async (world) => {
    world.venue.deed = stall;
    const { id } = await world.service.startBackfill(SPEC);
    await world.clock.advance(100);
    await world.service.cancelBackfill(id);
    // As if the process were killed at once: the store holds what was answered.
    strictEqual((await world.holdings.jobs.get(id))!.state, "cancelled");
  }));

Deno.test("a job that a closing service leaves goes on with the next one, from where the ledger stands", () =>
  inWorld({ config: { seamless: { backfill: { max_concurrent_requests: 1 } } } }, async (world) => {
    world.venue.deed = (call, signal) => call.seq < 3 ? undefined : stall(call, signal);
    const { id } = await world.service.startBackfill(SPEC);
    await world.clock.advance(100);
    await world.close();
    const next = await makeWorld({ clock: world.clock, holdings: world.holdings, atStart: true });
    const done = await endOf(next, id);
    deepStrictEqual([done.state, done.windows, done.completion_ratio, done.rows], [
      "complete",
      { total: 5, complete: 5, failed: 0, deduplicated: 0 },
      1,
      50,
    ]);
    strictEqual((await next.ask({ ...RANGE, strategy: "FAIL_FAST" })).rows, 50);
    strictEqual(next.venue.calls.length, 3);
    await next.close();
  }));

Deno.test("of two services on one store one runs a job; the other goes on with it when that one ends", () =>
  inWorld({ config: { seamless: { backfill: { max_concurrent_requests: 1 } } } }, async (world) => {
    world.venue.deed = (_call, signal) => world.clock.sleep(1_000, signal);
    const { id } = await world.service.startBackfill(SPEC);
    const beside = { clock: world.clock, holdings: world.holdings, atStart: true, config: {} };
    const next = await makeWorld(beside);
    await world.clock.advance(2_500);
    deepStrictEqual([world.venue.calls.length, next.venue.calls.length], [3, 0]);
    strictEqual((await next.service.backfill(id)).state, "running");
    await world.close();
    strictEqual(next.venue.calls.length, 0, "until it looks again");
    const done = await endOf(next, id);
    deepStrictEqual([done.state, done.windows.complete, done.rows], ["complete", 5, 50]);
    strictEqual(next.venue.calls.length, 3);
    await next.close();
  }));

Deno.test("a service whose lease on a job went to another one ends its own run, and leaves the job to that one", () =>
  inWorld({ config: { seamless: { backfill: { max_concurrent_requests: 1 } } } }, async (world) => {
    world.venue.deed = stall;
    const { id } = await world.service.startBackfill(SPEC);
    // As after a long pause of the machine: the lease ran out, and somebody else has claimed it since.
    const lost = new HistoryError("LEASE_LOST", "it is somebody else's", { hint: "claim it again" });
    world.holdings.leases.renew = () => Promise.reject(lost);
    await world.clock.advance(JOB_LEASE_MS / 2);
    const asked = world.venue.calls.length;
    world.venue.deed = () => {};
    await world.clock.advance(JOB_LEASE_MS);
    strictEqual(world.venue.calls.length, asked);
    strictEqual((await world.holdings.jobs.get(id))!.state, "running");
  }));

Deno.test("windows that fail make a job incomplete or failed, and are told with code and range", () =>
  inWorld({}, async (world) => {
    world.venue.deed = (call, signal) =>
      call.range[0] === RANGE.start ? unreachable(call, signal) : undefined;
    const part = await world.settled(world.service.fill(SPEC, {}));
    deepStrictEqual([part.state, part.windows.failed, part.windows.complete], ["incomplete", 1, 4]);
    deepStrictEqual(part.errors.map(({ node_id, start, end, code }) => [node_id, start, end, code]), [
      [NODE, RANGE.start, RANGE.start + 10 * MINUTE, "EXCHANGE_UNAVAILABLE"],
    ]);
    world.venue.deed = refuses("EXCHANGE_REFUSED");
    const refused = await world.settled(
      world.service.fill({ ...SPEC, start: RANGE.start - 600 * MINUTE, end: RANGE.start }, {}),
    );
    deepStrictEqual([refused.state, refused.errors[0].code], ["failed", "EXCHANGE_REFUSED"]);
  }));

Deno.test("several nodes are one job", () =>
  inWorld({}, async (world) => {
    const nodes = [NODE, "ohlcv:binance:ETH/USDT:1m"];
    const job = await world.settled(world.service.fill({ ...SPEC, nodes: [...nodes, NODE] }, {}));
    deepStrictEqual([job.state, job.windows.total, job.rows], ["complete", 10, 100]);
    for (const nodeId of nodes) {
      strictEqual((await world.service.snapshots(nodeId, { limit: 5 })).snapshots.length, 1);
    }
  }));

Deno.test("a plan tells windows, calls, weight, seconds and bytes, and fetches nothing", () =>
  inWorld({}, async (world) => {
    await world.fill([RANGE.start, RANGE.start + 10 * MINUTE]);
    const calls = world.venue.calls.length;
    const plan = await world.service.plan(SPEC);
    deepStrictEqual(plan, {
      windows: 4,
      calls: 4,
      weight: 4,
      seconds: 0.2,
      bars: 40,
      bytes: 1_920,
      nodes: [{ node_id: NODE, windows: 4, calls: 4, weight: 4, bars: 40 }],
    });
    const again = await world.service.plan({ ...SPEC, refetch: true });
    deepStrictEqual([again.windows, again.bars], [5, 50]);
    strictEqual(world.venue.calls.length, calls);
  }));

Deno.test("a plan of what the venue does not list is refused; of what it cannot list now, it is made all the same", () =>
  inWorld({}, async (world) => {
    world.venue.listing = () => {
      throw new HistoryError("SYMBOL_UNKNOWN", "Cannot find it: it is not listed", {
        hint: "Ask for another",
      });
    };
    strictEqual((await rejection(world.service.plan(SPEC))).code, "SYMBOL_UNKNOWN");
    world.venue.listing = () => {
      throw new HistoryError("EXCHANGE_UNAVAILABLE", "Cannot reach it", { hint: "Wait" });
    };
    strictEqual((await world.service.plan(SPEC)).windows, 5);
  }));

Deno.test("a request is judged as it would be asked, and nobody is asked", () =>
  inWorld({ config: { seamless: { artifact: { publish_fingerprint: false } } } }, async (world) => {
    const request = { nodeId: NODE, ...RANGE };
    const codes = (o: ToValidate) => world.service.validate([o]).map(({ index, code }) => `${index} ${code}`);
    deepStrictEqual(codes({ request }), []);
    deepStrictEqual(codes({ request, context: { requireContext: true } }), ["0 CONTEXT_REQUIRED"]);
    deepStrictEqual(codes({ request, context: { maxSlots: 49 } }), ["0 RANGE_TOO_LARGE"]);
    deepStrictEqual(codes({ request: { nodeId: NODE, last: 50 }, context: { maxSlots: 49 } }), [
      "0 RANGE_TOO_LARGE",
    ]);
    // What lies beyond the forming bar is no part of the answer.
    deepStrictEqual(
      codes({ request: { ...request, end: FORMING + 10 ** 9 }, context: { maxSlots: 60 } }),
      [],
    );
    deepStrictEqual(codes({ request: { ...request, executionDomain: "backtest", asOf: "2024-01-01" } }), [
      "0 DOMAIN_DISABLED",
    ]);
    strictEqual(world.venue.calls.length, 0);
    await world.settled(Promise.resolve());
  }));

Deno.test("jobs that are none, and specs that cannot be, are refused with a code", () =>
  inWorld({}, async (world) => {
    const code = async (work: Promise<unknown>) => (await rejection(work)).code;
    strictEqual(await code(world.service.backfill("nope")), "JOB_UNKNOWN");
    strictEqual(await code(world.service.cancelBackfill("nope")), "JOB_UNKNOWN");
    strictEqual(await code(world.service.startBackfill({ ...SPEC, nodes: [] })), "BAD_REQUEST");
    strictEqual(await code(world.service.startBackfill({ ...SPEC, nodes: ["BTC"] })), "BAD_NODE_ID");
    strictEqual(await code(world.service.startBackfill({ ...SPEC, start: 5, end: 1 })), "BAD_TIME");
    strictEqual(
      await code(world.service.plan({ ...SPEC, nodes: ["ohlcv:binanse:A/B:1m"] })),
      "EXCHANGE_UNKNOWN",
    );
    strictEqual(world.venue.calls.length, 0);
  }));
