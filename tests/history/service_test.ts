/** What the service does on command: plan, validate, publish and verify (surface §4, §6), on real parts. */

import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { BarStore } from "../../src/core/ports.ts";
import { rejection } from "../refusal.ts";
import { FORMING, inWorld, NODE } from "../story/world.ts";

const MINUTE = 60;
const HOUR = 3_600;
const PAST = [FORMING - 3 * HOUR, FORMING - 2 * HOUR] as const;
const OTHER = "ohlcv:binance:ETH/USDT:1m";

Deno.test("plan counts whole windows, calls and slots of all nodes, and asks the venue nothing", () =>
  inWorld({}, async (world) => {
    await world.fill([PAST[0], PAST[0] + 30 * MINUTE]);
    const calls = world.venue.calls.length;
    const plan = await world.service.plan({ nodes: [NODE, OTHER], start: PAST[0], end: PAST[1] });
    deepStrictEqual(plan.nodes.map(({ node_id, windows, calls, bars }) => [node_id, windows, calls, bars]), [
      [NODE, 3, 3, 30],
      [OTHER, 6, 6, 60],
    ]);
    const { windows, weight, seconds, bars } = plan;
    deepStrictEqual([windows, plan.calls, weight, seconds, bars], [9, 9, 9, 0.45, 90]);
    strictEqual(world.venue.calls.length, calls);
  }));

Deno.test("plan without a start begins at what is covered, and says so where nothing is", () =>
  inWorld({}, async (world) => {
    const spec = { nodes: [NODE], start: null, end: PAST[1] };
    strictEqual((await rejection(world.service.plan(spec))).code, "BAD_REQUEST");
    await world.fill([PAST[0], PAST[0] + 30 * MINUTE]);
    strictEqual((await world.service.plan(spec)).bars, 30);
  }));

Deno.test("a plan whose caller is gone ends with CANCELLED, whatever the caller's reason", () =>
  inWorld({}, async (world) => {
    const spec = { nodes: [NODE, OTHER], start: PAST[0], end: PAST[1] };
    for (const reason of [undefined, new Error("the user left"), "a text"]) {
      strictEqual(
        (await rejection(world.service.plan(spec, AbortSignal.abort(reason)))).code,
        "CANCELLED",
      );
    }
    const leaving = new AbortController();
    world.venue.listing = () => leaving.abort("in the middle");
    strictEqual((await rejection(world.service.plan(spec, leaving.signal))).code, "CANCELLED");
  }));

Deno.test("publish publishes what is covered, in whole or in part, and names what was there already as unchanged", () =>
  inWorld({}, async (world) => {
    const none = await rejection(world.service.publish([NODE]));
    strictEqual(none.code, "NODE_UNKNOWN");
    // Fetched by a request that publishes nothing: what is there is not published yet.
    await world.ask({ start: PAST[0], end: PAST[1], features: { publish_fingerprint: false } });
    const part = await world.settled(
      world.service.publish([NODE], { start: PAST[0] + 1, end: PAST[0] + 10 * MINUTE }),
    );
    deepStrictEqual(part.published.map(({ range, row_count }) => [range, row_count]), [
      [[PAST[0], PAST[0] + 10 * MINUTE], 10],
    ]);
    const whole = await world.settled(world.service.publish([NODE]));
    deepStrictEqual([whole.published.length, whole.unchanged.length], [1, 0]);
    deepStrictEqual([whole.published[0].seq, whole.published[0].row_count], [2, 60]);
    const again = await world.settled(world.service.publish([NODE]));
    deepStrictEqual([again.published, again.unchanged], [[], whole.published]);
  }));

Deno.test("publish of a node of which only provisional bars are there is COVERAGE_INCOMPLETE", () =>
  inWorld({ config: { seamless: { artifact: { stabilization_bars: 20 } } } }, async (world) => {
    await world.ask({ last: 2, features: { publish_fingerprint: false } });
    strictEqual((await rejection(world.service.publish([NODE]))).code, "COVERAGE_INCOMPLETE");
  }));

Deno.test("verify without nodes takes all that are published; hot looks at the stored chunks too", () =>
  inWorld({}, async (world) => {
    for (const nodeId of [NODE, OTHER]) await world.fill(PAST, { nodeId });
    const all = await world.service.verify({ nodeIds: [] });
    deepStrictEqual([all.ok, all.checked.manifests, all.checked.segments], [true, 2, 2]);
    const hot = await world.service.verify({ nodeIds: [NODE], hot: true });
    deepStrictEqual([hot.ok, hot.checked.manifests, hot.checked.chunks], [
      true,
      1,
      all.checked.chunks / 2 + 1,
    ]);
    strictEqual(
      (await rejection(world.service.verify({ nodeIds: ["ohlcv:x:A/B:1m"] }))).code,
      "NODE_UNKNOWN",
    );
  }));

Deno.test("verify of the hot store takes nodes that were never published, and says so", () =>
  inWorld({}, async (world) => {
    await world.fill(PAST, { nodeId: OTHER });
    await world.ask({ start: PAST[0], end: PAST[1], features: { publish_fingerprint: false } });
    strictEqual((await rejection(world.service.verify({ nodeIds: [NODE] }))).code, "NODE_UNKNOWN");
    const one = await world.service.verify({ nodeIds: [NODE], hot: true });
    deepStrictEqual([one.ok, one.checked.manifests, one.checked.chunks, one.unpublished], [true, 0, 1, [
      NODE,
    ]]);
    const all = await world.service.verify({ nodeIds: [], hot: true });
    deepStrictEqual([all.ok, all.checked.manifests, all.unpublished], [true, 1, [NODE]]);
    strictEqual((await world.service.verify({ nodeIds: [OTHER], hot: true })).unpublished, undefined);
    // Where one snapshot is asked for, chunks of the hot store are no substitute; nor is nothing at all.
    const chosen = { nodeIds: [NODE], hot: true, asOf: "2024-01-01T00:00:00.000Z" };
    const nothing = { nodeIds: ["ohlcv:x:A/B:1m"], hot: true };
    for (const question of [chosen, nothing]) {
      strictEqual((await rejection(world.service.verify(question))).code, "NODE_UNKNOWN");
    }
  }));

Deno.test("verify of the hot store needs no publication", () =>
  inWorld({ config: { seamless: { artifact: { publish_fingerprint: false } } } }, async (world) => {
    await world.fill(PAST);
    strictEqual((await rejection(world.service.verify({ nodeIds: [NODE] }))).code, "DOMAIN_DISABLED");
    const { ok: isSound, checked, unpublished } = await world.service.verify({ nodeIds: [], hot: true });
    deepStrictEqual([isSound, checked.chunks, unpublished], [true, 1, [NODE]]);
    const nothing = world.service.verify({ nodeIds: [OTHER], hot: true });
    strictEqual((await rejection(nothing)).code, "NODE_UNKNOWN");
  }));

Deno.test("verify names a chunk of the hot store whose rows are not those of its digest", () => {
  const disk = { damaged: false };
  const bars = (store: BarStore) =>
    new Proxy(store, {
      get(target, name) {
        const value = Reflect.get(target, name);
        if (name !== "read") return typeof value === "function" ? value.bind(target) : value;
        return async function* (...args: Parameters<BarStore["read"]>) {
          for await (const chunk of target.read(...args)) {
            const bytes = chunk.bytes.slice();
            if (disk.damaged) bytes[bytes.length - 1] ^= 1;
            yield { ...chunk, bytes };
          }
        };
      },
    });
  return inWorld({ through: { bars } }, async (world) => {
    await world.fill(PAST);
    disk.damaged = true;
    strictEqual((await world.service.verify({ nodeIds: [NODE] })).ok, true);
    const { ok: isSound, failures } = await world.service.verify({ nodeIds: [NODE], hot: true });
    strictEqual(isSound, false);
    deepStrictEqual(failures.map(({ kind, expected, found }) => [kind, expected === found]), [[
      "chunk",
      false,
    ]]);
    match(failures[0].where, /hot store/);
  });
});

Deno.test("validate says of each request what a question of it would be refused for, and asks nobody", () =>
  inWorld({}, (world) => {
    const asked = [
      { nodeId: NODE, last: 5 },
      { nodeId: NODE },
      { nodeId: NODE, start: 10, end: 5 },
      { nodeId: NODE, last: 5, executionDomain: "backtest" },
      { nodeId: NODE, last: 5, executionDomain: "somewhere" },
      { nodeId: "trades:binance:BTC/USDT", last: 5 },
      { nodeId: NODE, last: 5, sla: { on_violation: "WAIT" as never } },
    ];
    const problems = world.service.validate(asked.map((request) => ({ request })));
    deepStrictEqual(problems.map(({ index, code }) => [index, code]), [
      [1, "BAD_REQUEST"],
      [2, "BAD_TIME"],
      [3, "AS_OF_REQUIRED"],
      [4, "UNKNOWN_DOMAIN"],
      [5, "NOT_AVAILABLE"],
      [6, "BAD_REQUEST"],
    ]);
    ok(problems.every(({ detail, hint }) => detail.length > 10 && hint.length > 10));
    strictEqual(world.venue.calls.length, 0);
    return Promise.resolve();
  }));
