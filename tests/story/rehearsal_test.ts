/** Shortly before a deadline the answer is made ready as it is then (spec §10); what comes after that is in it all the same. */

import { deepStrictEqual, notStrictEqual, strictEqual } from "node:assert/strict";
import { HistoryError } from "../../src/core/errors.ts";
import { NEAR_END_MS } from "../../src/core/limits.ts";
import type { BarStore } from "../../src/core/ports.ts";
import type { Answer } from "../../src/core/service.ts";
import { stall } from "./scripted_venue.ts";
import { FORMING, inWorld, NODE, rowsOf, type World } from "./world.ts";

const MINUTES = (count: number) => 60 * count;
/** Four windows of ten minutes, all of them final. */
const RANGE = { start: FORMING - MINUTES(60), end: FORMING - MINUTES(20) };
const DEADLINE_MS = 400;

/** Reads of rows so far, and what the next one does. */
interface Watch {
  reads: number;
  broken: boolean;
}

/** A store whose reads are counted, and fail when the test says so. */
function watched(store: BarStore, watch: Watch): BarStore {
  const read: BarStore["read"] = (...args) => {
    watch.reads++;
    if (watch.broken) throw new HistoryError("STORE_UNAVAILABLE", "the disk is away", { hint: "Wait" });
    return store.read(...args);
  };
  return new Proxy(store, {
    get(target, name) {
      if (name === "read") return read;
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** The first half of the range is stored; the venue does for the rest what `deed` says, by the start of the window. */
async function late(
  story: (world: World, watch: Watch, rehearsed: Answer[]) => Promise<void>,
): Promise<void> {
  const watch: Watch = { reads: 0, broken: false };
  await inWorld({ through: { bars: (store) => watched(store, watch) } }, async (world) => {
    await world.fill([RANGE.start, RANGE.start + MINUTES(20)]);
    world.venue.deed = stall;
    watch.reads = 0;
    await story(world, watch, []);
  });
}

function ask(world: World, rehearsed: Answer[]): Promise<Answer> {
  const request = { nodeId: NODE, ...RANGE, sla: { total_deadline_ms: DEADLINE_MS } };
  return world.service.bars(request, { rehearse: (answer) => Promise.resolve(void rehearsed.push(answer)) });
}

Deno.test("what has not changed since is not read again when the deadline strikes", () =>
  late(async (world, watch, rehearsed) => {
    const asked = ask(world, rehearsed);
    await world.clock.advance(DEADLINE_MS - NEAR_END_MS - 1);
    deepStrictEqual([watch.reads, rehearsed.length], [0, 0]);
    await world.clock.advance(1);
    deepStrictEqual([watch.reads, rehearsed.length], [1, 1]);
    await world.clock.advance(NEAR_END_MS);
    const answer = await world.settled(asked);
    strictEqual(watch.reads, 1);
    strictEqual(answer.content, rehearsed[0].content);
    strictEqual((await rowsOf(answer)).ts.length, 20);
    deepStrictEqual(answer.metadata.sla!.violation, {
      phase: "total",
      budget_ms: DEADLINE_MS,
      elapsed_ms: DEADLINE_MS,
    });
    deepStrictEqual([answer.metadata.rows, answer.metadata.verdict.mode], [20, "PARTIAL_FILL"]);
  }));

Deno.test("a window that lands between is in the answer", () =>
  late(async (world, watch, rehearsed) => {
    world.venue.deed = (call, signal) =>
      call.range[0] === RANGE.end - MINUTES(10)
        ? world.clock.sleep(DEADLINE_MS - NEAR_END_MS / 2, signal)
        : stall(call, signal);
    const asked = ask(world, rehearsed);
    await world.clock.advance(DEADLINE_MS);
    const answer = await world.settled(asked);
    deepStrictEqual([rehearsed[0].metadata.rows, answer.metadata.rows, watch.reads], [20, 30, 2]);
    notStrictEqual(answer.content, rehearsed[0].content);
    deepStrictEqual(answer.metadata.gaps.map(({ bars }) => bars), [10]);
  }));

Deno.test("an answer that comes in time is not made ready in advance", () =>
  late(async (world, _watch, rehearsed) => {
    world.venue.deed = (_call, signal) => world.clock.sleep(DEADLINE_MS - NEAR_END_MS - 50, signal);
    const answer = await world.settled(ask(world, rehearsed));
    deepStrictEqual([rehearsed.length, answer.metadata.complete], [0, true]);
  }));

Deno.test("what cannot be made ready is made when it is due, and fails then where it still cannot", () =>
  late(async (world, watch, rehearsed) => {
    watch.broken = true;
    const asked = ask(world, rehearsed);
    await world.clock.advance(DEADLINE_MS - 1);
    deepStrictEqual([watch.reads, rehearsed.length], [1, 0]);
    watch.broken = false;
    await world.clock.advance(1);
    strictEqual((await world.settled(asked)).metadata.rows, 20);
    strictEqual(watch.reads, 2);

    watch.broken = true;
    const failed = ask(world, rehearsed).then(() => null, (error: HistoryError) => error.code);
    await world.clock.advance(DEADLINE_MS);
    strictEqual(await world.settled(failed), "STORE_UNAVAILABLE");
  }));
