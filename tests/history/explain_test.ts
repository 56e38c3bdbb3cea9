/** What `explain` says of one slot, field by field (surface §6). */

import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { rejection } from "../refusal.ts";
import { valuesOf } from "../story/scripted_venue.ts";
import { compute, FORMING, inWorld, NODE } from "../story/world.ts";

const MINUTE = 60;
const HOUR = 3_600;
/** One window of ten minutes, three hours ago. */
const WINDOW = [FORMING - 3 * HOUR, FORMING - 3 * HOUR + 10 * MINUTE] as const;
const ASKED = FORMING + 30;

function record([open, high, low, close, volume]: number[]) {
  return { open, high, low, close, volume };
}

Deno.test("explain tells of a final bar its values, source, ask, window, flags and the snapshots that hold its chunk", () =>
  inWorld({}, async (world) => {
    const ts = WINDOW[0] + 3 * MINUTE;
    world.venue.values = (at) => at === ts ? [100, 90, 80, 95, 1] : valuesOf(at);
    await world.fill(WINDOW);
    const { snapshots: [{ seq, as_of }] } = await world.service.snapshots(NODE, { limit: 1 });
    const { frame } = await world.ask({ start: WINDOW[0], end: WINDOW[1] });
    const claims = { nodeId: NODE, grid: { step: 60 }, range: WINDOW, conformanceVersion: "v2" };
    const [chunk] = compute.fingerprint(frame, claims).chunks;
    deepStrictEqual(await world.service.explain(NODE, ts + 59), {
      node_id: NODE,
      ts,
      state: "bar",
      reason: null,
      bar: record([100, 90, 80, 95, 1]),
      final: true,
      source: "ccxt:binance",
      fetched_at: ASKED,
      window: [...WINDOW],
      flags: { ohlc_invariant: 1 },
      revisions: [],
      snapshots: [{ seq, as_of, chunk: chunk.digest }],
    });
  }));

Deno.test("explain tells of a hole why it is one, and of a slot that nobody asked for that it is pending", () =>
  inWorld({}, async (world) => {
    world.venue.isAbsent = (ts) => ts === WINDOW[0] + MINUTE;
    await world.fill(WINDOW);
    const hole = await world.service.explain(NODE, WINDOW[0] + MINUTE);
    deepStrictEqual([
      hole.state,
      hole.reason,
      hole.bar,
      hole.final,
      hole.source,
      hole.fetched_at,
      hole.window,
    ], [
      "gap",
      "absent_at_source",
      null,
      false,
      "ccxt:binance",
      ASKED,
      [...WINDOW],
    ]);
    const never = await world.service.explain(NODE, WINDOW[0] - MINUTE);
    deepStrictEqual([never.state, never.reason, never.source, never.fetched_at, never.window], [
      "gap",
      "pending",
      null,
      null,
      null,
    ]);
    strictEqual((await world.service.explain(NODE, FORMING)).reason, "not_yet_closed");
  }));

Deno.test("explain tells of a bar that changed both its values, which one is kept, and why", () =>
  inWorld({}, async (world) => {
    const ts = WINDOW[0] + 5 * MINUTE;
    await world.fill(WINDOW);
    world.venue.values = (at) => valuesOf(at, at === ts ? 3 : 0);
    await world.clock.advance(10_000);
    await world.fill(WINDOW, { refetch: true });
    const { bar, revisions, snapshots } = await world.service.explain(NODE, ts);
    deepStrictEqual(bar, record(valuesOf(ts, 3)));
    deepStrictEqual(revisions.map(({ values, cause, kept }) => [values, cause, kept]), [
      [record(valuesOf(ts)), "refetch", false],
      [record(valuesOf(ts, 3)), "refetch", true],
    ]);
    strictEqual(revisions[1].seen_at, ASKED + 10);
    deepStrictEqual(snapshots.map(({ seq }) => seq), [2, 1]);
  }));

Deno.test("explain tells of a bar that may still change that it is not final, and NODE_UNKNOWN of a node never stored", () =>
  inWorld({}, async (world) => {
    await world.ask({ last: 3 });
    const { state, final, bar } = await world.service.explain(NODE, FORMING - MINUTE);
    deepStrictEqual([state, final, bar], ["bar", false, record(valuesOf(FORMING - MINUTE))]);
    strictEqual(
      (await rejection(world.service.explain("ohlcv:binance:X/Y:1m", FORMING))).code,
      "NODE_UNKNOWN",
    );
  }));

Deno.test("explain names of a slot only the snapshots that cover it, not all that have its chunk", () =>
  inWorld({}, async (world) => {
    await world.fill(WINDOW);
    await world.fill([WINDOW[1], WINDOW[1] + 2 * (WINDOW[1] - WINDOW[0])]);
    const { snapshots } = await world.service.snapshots(NODE, { limit: 9 });
    const [newest, first] = snapshots;
    const seqsOf = async (ts: number) =>
      (await world.service.explain(NODE, ts)).snapshots.map(({ seq }) => seq);
    deepStrictEqual(await seqsOf(WINDOW[0]), [newest.seq, first.seq]);
    deepStrictEqual(await seqsOf(WINDOW[1]), [newest.seq]);
  }));
