/** Shortly before a deadline the answer is made ready as it is then (spec §10); what comes after that is in it all the same. */

import { deepStrictEqual, notStrictEqual, strictEqual } from "node:assert/strict";
import { HistoryError } from "../../src/core/errors.ts";
import { NEAR_END_MS } from "../../src/core/limits.ts";
import type { Metadata } from "../../src/core/metadata.ts";
import type { ArtifactStore, BarStore } from "../../src/core/ports.ts";
import type { FetchRequest } from "../../src/core/request.ts";
import type { Answer, AnswerRows } from "../../src/core/service.ts";
import { instead, lost, PAST, SLOTS } from "./lost_bars.ts";
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
  story: (world: World, watch: Watch, rehearsed: AnswerRows[]) => Promise<void>,
): Promise<void> {
  const watch: Watch = { reads: 0, broken: false };
  await inWorld({ through: { bars: (store) => watched(store, watch) } }, async (world) => {
    await world.fill([RANGE.start, RANGE.start + MINUTES(20)]);
    world.venue.deed = stall;
    watch.reads = 0;
    await story(world, watch, []);
  });
}

function ask(world: World, rehearsed: AnswerRows[]): Promise<Answer> {
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

/** When the service rehearsed a question, ms after it was asked, and what it answered (or why not). */
async function rehearsals(world: World, o: { ask: Partial<FetchRequest>; passMs: number }) {
  const at: number[] = [];
  const begunMs = world.clock.monotonicMs();
  const rehearse = () => Promise.resolve(void at.push(world.clock.monotonicMs() - begunMs));
  const asked = world.service.bars({ nodeId: NODE, ...RANGE, ...o.ask }, { rehearse });
  const told = asked.then(({ metadata }) => metadata, (error: HistoryError) => error.code);
  await world.clock.advance(o.passMs);
  return { at, told: await world.settled(told) };
}

Deno.test("an answer is made ready once, before the wait that ends last", () =>
  late(async (world) => {
    const bothOpen = { end: FORMING };
    const first = await rehearsals(world, {
      ask: { ...bothOpen, sla: { total_deadline_ms: 500 } },
      passMs: 500,
    });
    deepStrictEqual(first.at, [400]);
    const slow = { total_deadline_ms: 60_000, max_wait_backfill_ms: 45_000, max_wait_live_ms: 5_000 };
    const second = await rehearsals(world, { ask: { ...bothOpen, sla: slow }, passMs: 45_000 });
    deepStrictEqual(second.at, [45_000 - NEAR_END_MS]);
  }));

Deno.test("what ends in an error at the deadline is not made ready", () =>
  late(async (world) => {
    const sla = { total_deadline_ms: DEADLINE_MS, on_violation: "FAIL_FAST" } as const;
    deepStrictEqual(await rehearsals(world, { ask: { sla }, passMs: DEADLINE_MS }), {
      at: [],
      told: "SLA_EXCEEDED",
    });
  }));

Deno.test("an answer is made ready also where not even the venue's clock is told, and the fetch begins behind it", () =>
  late(async (world) => {
    let isStalled = true;
    const { venue } = world;
    const sync = venue.syncClock.bind(venue);
    venue.syncClock = async () => isStalled ? await world.clock.sleep(900) : await sync();
    venue.deed = () => {};
    const before = venue.calls.length;
    const { at, told } = await rehearsals(world, {
      ask: { sla: { total_deadline_ms: DEADLINE_MS } },
      passMs: DEADLINE_MS,
    });
    deepStrictEqual([at, (told as Metadata).rows], [[DEADLINE_MS - NEAR_END_MS], 20]);
    strictEqual(venue.calls.length, before);
    isStalled = false;
    await world.clock.advance(1_000);
    strictEqual((await world.ask(RANGE)).complete, true);
  }));

Deno.test("an answer is made ready before the end of the wait for its publication", () => {
  const slowly = (store: ArtifactStore, clock: World["clock"]) =>
    instead(store, {
      putIfAbsent: async (key, bytes) => {
        await clock.sleep(5_000);
        return await store.putIfAbsent(key, bytes);
      },
    });
  return inWorld({ through: { artifacts: slowly } }, async (world) => {
    const { at, told } = await rehearsals(world, {
      ask: { sla: { total_deadline_ms: DEADLINE_MS } },
      passMs: DEADLINE_MS,
    });
    deepStrictEqual([at, (told as Metadata).rows], [[DEADLINE_MS - NEAR_END_MS], 40]);
  });
});

Deno.test("nothing counts as told before it is: as_of does not move on with a rehearsal", () =>
  late(async (world) => {
    const held = { start: RANGE.start, end: RANGE.start + MINUTES(20), executionDomain: "live" };
    const floor = (await world.ask(held)).as_of!;
    // The last window comes after the rehearsal, so that the answer is made anew.
    world.venue.deed = (call, signal) =>
      call.range[0] >= RANGE.start ? world.clock.sleep(DEADLINE_MS - 50, signal) : undefined;
    const asked = world.service.bars({
      nodeId: NODE,
      ...RANGE,
      executionDomain: "live",
      asOf: floor,
      sla: { total_deadline_ms: DEADLINE_MS },
    }, { rehearse: () => Promise.resolve() });
    await world.clock.advance(50);
    await world.fill([RANGE.start - MINUTES(30), RANGE.start - MINUTES(10)]);
    await world.clock.advance(DEADLINE_MS);
    const { metadata } = await world.settled(asked);
    deepStrictEqual([metadata.complete, metadata.verdict], [true, { mode: "PASS", reasons: [] }]);
  }));

Deno.test("a published chunk that the rehearsal cannot read is asked of the venue, as any other", () => {
  const damaged = (store: ArtifactStore) =>
    instead(store, {
      get: async (key, range) => {
        const bytes = await store.get(key, range);
        const isRead = bytes !== null && key.endsWith(".parquet") && bytes.length > 8;
        return isRead ? bytes.map((byte) => byte ^ 0x55) : bytes;
      },
    });
  return lost(async (then) => {
    const deadline = 2_000;
    // The window before what is published comes between the rehearsal and the deadline.
    then.venue.deed = (call, signal) =>
      call.range[0] < PAST.start ? then.clock.sleep(deadline - NEAR_END_MS / 2, signal) : undefined;
    const { told } = await rehearsals(then, {
      ask: {
        start: PAST.start - MINUTES(10),
        end: PAST.end,
        sla: { total_deadline_ms: deadline, max_wait_backfill_ms: deadline },
      },
      passMs: deadline,
    });
    const { rows, complete, gaps } = told as Metadata;
    deepStrictEqual([rows, complete, gaps.map(({ bars, reason }) => [bars, reason])], [
      SLOTS + 10 - 20,
      true,
      [[20, "absent_at_source"]],
    ]);
  }, { through: { artifacts: damaged } });
});
