import { deepStrictEqual, ok, rejects } from "node:assert/strict";
import { systemClock, systemDice } from "../../src/adapters/system.ts";
import { FakeClock, SeededDice } from "../fake_clock.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };

Deno.test("the system clock sleeps no shorter than it was asked to", strict, async () => {
  const before = systemClock.monotonicMs();
  await systemClock.sleep(5);
  ok(systemClock.monotonicMs() - before >= 5);
});

Deno.test(
  "a sleep on the system clock ends with the signal's reason and leaves no timer behind",
  strict,
  async () => {
    const stop = new AbortController();
    const sleeping = systemClock.sleep(2 ** 40, stop.signal);
    stop.abort(new Error("enough"));
    await rejects(sleeping, /enough/);
    await rejects(systemClock.sleep(1, AbortSignal.abort(new Error("before"))), /before/);
    await systemClock.sleep(-1);
  },
);

Deno.test("the system dice give numbers in [0, 1) and ids of 32 hex digits that differ", strict, () => {
  const ids = new Set(Array.from({ length: 100 }, () => systemDice.id()));
  deepStrictEqual(ids.size, 100);
  for (const id of ids) ok(/^[0-9a-f]{32}$/.test(id), id);
  const roll = systemDice.random();
  ok(roll >= 0 && roll < 1);
});

Deno.test(
  "the fake clock wakes sleepers in order of their due time, each at its own moment",
  strict,
  async () => {
    const clock = new FakeClock(1_000_000);
    const seen: [string, number][] = [];
    const sleeper = async (name: string, ms: number) => {
      await clock.sleep(ms);
      seen.push([name, clock.nowMs()]);
    };
    const all = Promise.all([sleeper("late", 300), sleeper("a", 100), sleeper("b", 100)]);
    await clock.advance(99);
    deepStrictEqual(seen, []);
    await clock.advance(1000);
    deepStrictEqual(seen, [["a", 1_000_100], ["b", 1_000_100], ["late", 1_000_300]]);
    deepStrictEqual([clock.nowMs(), clock.monotonicMs(), clock.sleeping], [1_001_099, 1_099, 0]);
    await all;
  },
);

Deno.test("the fake clock runs what a sleeper starts before it wakes the next one", strict, async () => {
  const clock = new FakeClock(0);
  const seen: number[] = [];
  const chain = (async () => {
    for (let i = 0; i < 3; i++) {
      await clock.sleep(10);
      seen.push(clock.nowMs());
    }
  })();
  await clock.advance(30);
  deepStrictEqual(seen, [10, 20, 30]);
  await chain;
});

Deno.test(
  "a jump of the fake wall clock wakes nobody and leaves the monotonic clock alone",
  strict,
  async () => {
    const clock = new FakeClock(0);
    const sleeping = clock.sleep(50);
    clock.setWall(1e12);
    await clock.advance(49);
    deepStrictEqual([clock.sleeping, clock.nowMs(), clock.monotonicMs()], [1, 1e12 + 49, 49]);
    await clock.runUntilSettled(sleeping);
  },
);

Deno.test("the fake clock forgets a sleeper whose signal fired", strict, async () => {
  const clock = new FakeClock(0);
  const stop = new AbortController();
  const sleeping = clock.sleep(50, stop.signal);
  stop.abort(new Error("enough"));
  await rejects(sleeping, /enough/);
  deepStrictEqual(clock.sleeping, 0);
});

Deno.test("seeded dice repeat themselves", strict, () => {
  const rolls = (seed: number) => {
    const dice = new SeededDice(seed);
    return Array.from({ length: 5 }, () => dice.random());
  };
  deepStrictEqual(rolls(7), rolls(7));
  ok(rolls(7)[0] !== rolls(8)[0]);
});
