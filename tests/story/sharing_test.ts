/** Each window is fetched once, whoever asks (spec §9, §14), and an answer is of one moment while others fill. */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { ScriptedVenue, stall, unreachable } from "./scripted_venue.ts";
import { FORMING, inWorld, makeWorld, NODE, settle, type World } from "./world.ts";

const MINUTES = (count: number) => 60 * count;
/** Ten windows of ten final minutes. */
const RANGE = { start: FORMING - MINUTES(110), end: FORMING - MINUTES(10) };
const slow = (world: World) => {
  for (const venue of world.venues) venue.deed = (_call, signal) => world.clock.sleep(200, signal);
};

Deno.test("100 equal requests at once fetch each window once, and all get the same bars", () =>
  inWorld({}, async (world) => {
    slow(world);
    const answers = await settle(
      world.clock,
      Promise.all(Array.from({ length: 100 }, () => world.service.bars({ nodeId: NODE, ...RANGE }))),
    );
    strictEqual(world.venue.calls.length, 10);
    strictEqual(new Set(world.venue.asked).size, 10);
    const told = answers.map(({ metadata }) => JSON.stringify(metadata));
    strictEqual(new Set(told).size, 1, [...new Set(told)].join("\n"));
    deepStrictEqual([answers[0].metadata.rows, answers[0].metadata.snapshot!.seq], [100, 1]);
  }));

Deno.test("requests that overlap name the same windows and share them", () =>
  inWorld({}, async (world) => {
    slow(world);
    const ranges = [0, 3, 7, 25, 33].map((shift) => ({
      start: RANGE.start + MINUTES(shift),
      end: RANGE.end - MINUTES(shift),
    }));
    const answers = await settle(
      world.clock,
      Promise.all(ranges.map((range) => world.service.bars({ nodeId: NODE, ...range }))),
    );
    deepStrictEqual(answers.map(({ metadata }) => metadata.rows), [100, 94, 86, 50, 34]);
    strictEqual(world.venue.calls.length, 10);
  }));

Deno.test("a request rides on the windows of a running fill", () =>
  inWorld({}, async (world) => {
    slow(world);
    const filled = world.service.fill({ nodes: [NODE], start: RANGE.start, end: RANGE.end }, { workers: 10 });
    const told = await world.ask(RANGE);
    await settle(world.clock, filled);
    deepStrictEqual([told.rows, world.venue.calls.length], [100, 10]);
  }));

Deno.test("two processes on one store fetch each window once between them", async () => {
  const first = await makeWorld();
  const second = await makeWorld({ clock: first.clock, holdings: first.holdings });
  for (const world of [first, second]) slow(world);
  const request = { nodeId: NODE, ...RANGE, sla: { total_deadline_ms: 60_000 } };
  const [a, b] = await settle(
    first.clock,
    Promise.all([first.service.bars(request), second.service.bars(request)]),
  );
  deepStrictEqual([a.metadata.rows, b.metadata.rows, b.metadata.complete], [100, 100, true]);
  const asked = [...first.venue.asked, ...second.venue.asked];
  deepStrictEqual([asked.length, new Set(asked).size], [10, 10]);
  await first.close();
  await second.close();
});

Deno.test("who was refused a window does not spoil it for the next: a failed flight is flown again", () =>
  inWorld({}, async (world) => {
    world.venue.deed = unreachable;
    strictEqual((await world.ask({ ...RANGE, sla: { total_deadline_ms: 1 } })).complete, false);
    await world.clock.advance(5_000);
    world.venue.deed = () => {};
    const told = await world.ask(RANGE);
    deepStrictEqual([told.rows, told.complete], [100, true]);
  }));

Deno.test("a window without progress for single_flight_ttl_ms is given up and asked again by the next", () =>
  inWorld({ config: { seamless: { backfill: { single_flight_ttl_ms: 5_000 } } } }, async (world) => {
    world.venue.deed = stall;
    const window = { start: RANGE.start, end: RANGE.start + MINUTES(10) };
    strictEqual((await world.ask(window)).rows, 0);
    await world.clock.advance(5_000);
    world.venue.deed = () => {};
    const told = await world.ask(window);
    deepStrictEqual([told.rows, world.venue.calls.length], [10, 2]);
  }));

Deno.test("rows and gaps of every answer add up while a fill writes between its looks", () =>
  inWorld({}, async (world) => {
    let seq = 0;
    world.venue.deed = (_call, signal) => world.clock.sleep(10 * ++seq, signal);
    const started = world.service.fill({ nodes: [NODE], start: RANGE.start, end: RANGE.end }, { workers: 3 });
    const seen = new Set<number>();
    for (let at = 0; at < 40; at++) {
      await world.clock.advance(10);
      const told = await world.ask({ ...RANGE, strategy: "PARTIAL_FILL" });
      const missing = told.gaps.reduce((slots, gap) => slots + gap.bars, 0);
      deepStrictEqual([told.rows, told.frame.ts.length], [100 - missing, told.rows]);
      strictEqual(told.coverage_ratio, told.rows / 100);
      strictEqual(told.complete, missing === 0);
      seen.add(told.rows);
    }
    await settle(world.clock, started);
    ok(seen.size > 3, `saw only ${[...seen]}`);
    strictEqual(world.venue.calls.length, 10);
  }));

Deno.test("rows that are written after the look at the ledger are left out of that answer", () => {
  let between: (() => Promise<void>) | null = null;
  return inWorld({
    through: {
      bars: (store) =>
        new Proxy(store, {
          get(target, name) {
            const value = Reflect.get(target, name);
            if (name !== "read") return typeof value === "function" ? value.bind(target) : value;
            return async function* (...args: Parameters<typeof target.read>) {
              const act = between;
              between = null;
              await act?.();
              yield* target.read(...args);
            };
          },
        }),
    },
  }, async (world) => {
    await world.fill([RANGE.start, RANGE.end]);
    const late = { start: RANGE.start - MINUTES(20), end: RANGE.end };
    between = async () => {
      const job = await world.service.fill({ nodes: [NODE], start: late.start, end: late.end }, {});
      strictEqual(job.state, "complete");
    };
    const told = await world.ask({ ...late, strategy: "PARTIAL_FILL" });
    const missing = told.gaps.reduce((slots, gap) => slots + gap.bars, 0);
    deepStrictEqual([told.rows + missing, told.rows], [120, told.frame.ts.length]);
  });
});

Deno.test("a venue that stalls with all its windows keeps no other venue waiting", () => {
  const venues = (clock: World["clock"]) => [
    new ScriptedVenue({ clock }),
    new ScriptedVenue({ clock, id: "kraken" }),
  ];
  return inWorld(
    { config: { seamless: { backfill: { max_concurrent_requests: 2 } } }, venues },
    async (world) => {
      await world.fill([RANGE.end, RANGE.end + 600]);
      world.venues[0].deed = stall;
      const stuck = await world.ask({ ...RANGE, sla: { total_deadline_ms: 100 } });
      deepStrictEqual([stuck.rows, world.venues[0].calls.length], [0, 1 + 2]);
      const told = await world.ask({ ...RANGE, nodeId: "ohlcv:kraken:BTC/USD:1m" });
      deepStrictEqual([told.rows, told.complete], [100, true]);
    },
  );
});

Deno.test("a small question takes its turn among the windows of a large one of the same priority", () =>
  inWorld({}, async (world) => {
    const other = NODE.replace("BTC", "ETH");
    // A node's first window goes alone: both have theirs already.
    for (const nodeId of [NODE, other]) await world.fill([RANGE.end - 60, RANGE.end], { nodeId });
    slow(world);
    const large = { start: FORMING - MINUTES(3_010), end: RANGE.end, strategy: "PARTIAL_FILL" } as const;
    await settle(world.clock, world.service.bars({ nodeId: NODE, ...large }));
    const before = world.venue.calls.length;
    const lastMinutes = { start: RANGE.end - MINUTES(20), end: RANGE.end - MINUTES(10) };
    const small = await settle(world.clock, world.service.bars({ nodeId: other, ...lastMinutes }));
    deepStrictEqual([small.metadata.rows, small.metadata.complete], [10, true]);
    const behind = world.venue.asked.findLastIndex((asked) => asked.startsWith("ETH/USDT")) - before;
    const atOnce = world.config.seamless.backfill.max_concurrent_requests;
    ok(behind >= 0 && behind <= 2 * atOnce, `behind ${behind} windows`);
  }));

for (const [slots, windows] of [[1, 20], [2, 20], [8, 80]]) {
  Deno.test(`a request of ${windows} windows leaves no place to a fill of less priority, ${slots} at once`, () =>
    inWorld({ config: { seamless: { backfill: { max_concurrent_requests: slots } } } }, async (world) => {
      const other = NODE.replace("BTC", "ETH");
      const range = { start: FORMING - MINUTES(10 * windows + 10), end: FORMING - MINUTES(10) };
      for (const nodeId of [NODE, other]) {
        await world.fill([range.start - MINUTES(10), range.start], { nodeId });
      }
      slow(world);
      const ending = new AbortController();
      const filled = world.service.fill(
        { nodes: [other], start: FORMING - MINUTES(10_000), end: range.end },
        { workers: 2 * slots, signal: ending.signal },
      );
      await world.clock.advance(500);
      const deadline = 200 * (windows / slots + 2);
      const told = await world.ask({
        ...range,
        sla: { total_deadline_ms: deadline, max_wait_backfill_ms: deadline, max_wait_live_ms: deadline },
      });
      deepStrictEqual([told.rows, told.complete], [10 * windows, true]);
      ending.abort();
      await settle(world.clock, filled);
    }));
}

Deno.test("a request makes the windows of a fill that it waits for as urgent as it is", () =>
  inWorld({ config: { seamless: { backfill: { max_concurrent_requests: 2 } } } }, async (world) => {
    const other = NODE.replace("BTC", "ETH");
    for (const nodeId of [NODE, other]) {
      await world.fill([RANGE.start - MINUTES(10), RANGE.start], { nodeId });
    }
    slow(world);
    const large = { start: FORMING - MINUTES(3_010), end: RANGE.end, strategy: "PARTIAL_FILL" } as const;
    const long = world.service.bars({ nodeId: other, ...large });
    await world.clock.advance(10);
    const filled = world.service.fill({ nodes: [NODE], start: RANGE.end - MINUTES(40), end: RANGE.end }, {
      workers: 4,
    });
    await world.clock.advance(10);
    // Ten windows by turns with the large question's: twenty, two at once.
    const deadline = 200 * 12;
    const told = await world.ask({
      ...RANGE,
      sla: { total_deadline_ms: deadline, max_wait_backfill_ms: deadline },
    });
    deepStrictEqual([told.rows, told.complete], [100, true]);
    await settle(world.clock, Promise.all([long, filled]));
  }));

Deno.test("windows that the venue does not answer keep no others waiting while they pause", () =>
  inWorld({ config: { seamless: { backfill: { max_concurrent_requests: 2 } } } }, async (world) => {
    await world.fill([RANGE.start - MINUTES(10), RANGE.start]);
    for (const retry_backoff_ms of [500, 3_000]) {
      const shift = retry_backoff_ms === 500 ? 0 : -MINUTES(200);
      world.venue.deed = (call, signal) =>
        call.range[1] > RANGE.end - MINUTES(20) + shift
          ? unreachable(call, signal)
          : world.clock.sleep(10, signal);
      const told = await world.ask({
        start: RANGE.start + shift,
        end: RANGE.end + shift,
        sla: { total_deadline_ms: 1_000, max_wait_backfill_ms: 1_000, retry_backoff_ms },
      });
      deepStrictEqual([told.rows, told.gaps.map(({ bars, reason }) => [bars, reason])], [
        80,
        [[20, "fetch_failed"]],
      ]);
    }
  }));

Deno.test("a request makes the first window of a node, which goes alone, as urgent as it is", () =>
  inWorld({ config: { seamless: { backfill: { max_concurrent_requests: 1 } } } }, async (world) => {
    const other = NODE.replace("BTC", "ETH");
    await world.fill([RANGE.start - MINUTES(10), RANGE.start], { nodeId: other });
    slow(world);
    const large = { start: FORMING - MINUTES(3_010), end: RANGE.end, strategy: "PARTIAL_FILL" } as const;
    const long = world.service.bars({ nodeId: other, ...large });
    await world.clock.advance(10);
    const filled = world.service.fill(
      { nodes: [NODE], start: RANGE.start, end: RANGE.start + MINUTES(10) },
      {},
    );
    await world.clock.advance(10);
    const deadline = 200 * 6;
    const told = await world.ask({
      start: RANGE.end - MINUTES(10),
      end: RANGE.end,
      sla: { total_deadline_ms: deadline, max_wait_backfill_ms: deadline, max_wait_live_ms: deadline },
    });
    deepStrictEqual([told.rows, told.complete], [10, true]);
    await settle(world.clock, Promise.all([long, filled]));
  }));
