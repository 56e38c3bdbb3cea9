import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { pauseAfter, type RetryPolicy, withRetries } from "../../src/backfill/retry.ts";
import { cancelled, HistoryError } from "../../src/core/errors.ts";
import { ExchangeFault } from "../../src/core/exchange_fault.ts";
import { PENALTIES_MAX } from "../../src/core/limits.ts";
import { FakeClock, SeededDice } from "../fake_clock.ts";
import { rejection } from "../refusal.ts";

const POLICY: RetryPolicy = { maxAttempts: 4, backoffMs: 500, backoffCapMs: 1_500, jitterRatio: 0 };
const hint = "wait";
const away = () => new ExchangeFault("passing", "EXCHANGE_UNAVAILABLE", "away", { hint });
const banned = () => new ExchangeFault("rate_limited", "RATE_LIMITED", "slow down", { hint, status: 429 });
const refused = () => new ExchangeFault("refused", "EXCHANGE_REFUSED", "not here", { hint, status: 451 });

/** Runs a call that fails in the given ways, then succeeds; tells what was seen. */
function scripted(faults: (() => unknown)[], policy: Partial<RetryPolicy> = {}) {
  const clock = new FakeClock();
  const abort = new AbortController();
  const calledAt: number[] = [];
  const attempts: number[] = [];
  const retries: [number, string][] = [];
  const work = withRetries(
    () => {
      calledAt.push(clock.monotonicMs());
      const fault = faults.shift();
      return fault === undefined ? Promise.resolve("done") : Promise.reject(fault());
    },
    {
      policy: { ...POLICY, ...policy },
      clock,
      dice: new SeededDice(1),
      signal: abort.signal,
      onAttempt: (attempt) => void attempts.push(attempt),
      onRetry: (attempt, error) => void retries.push([attempt, error.code]),
    },
  );
  return { clock, abort, work, calledAt, attempts, retries };
}

Deno.test("withRetries() tries what can pass again, after pauses that double up to the cap", async () => {
  const run = scripted([away, away, away]);
  strictEqual(await run.clock.runUntilSettled(run.work), "done");
  deepStrictEqual(run.calledAt, [0, 500, 1_500, 3_000]);
  deepStrictEqual(run.attempts, [1, 2, 3, 4]);
  deepStrictEqual(run.retries.map(([attempt]) => attempt), [2, 3, 4]);
});

Deno.test("withRetries() gives the last fault when its attempts are used up", async () => {
  const last = away();
  const run = scripted([away, away, away, () => last, away]);
  strictEqual(await rejection(run.clock.runUntilSettled(run.work)), last);
  strictEqual(run.calledAt.length, 4);
});

Deno.test("withRetries() with one attempt never pauses", async () => {
  const run = scripted([away], { maxAttempts: 1 });
  strictEqual((await rejection(run.work)).code, "EXCHANGE_UNAVAILABLE");
  strictEqual(run.clock.sleeping, 0);
});

Deno.test("withRetries() makes one call where the venue refuses", async () => {
  const run = scripted([refused]);
  strictEqual((await rejection(run.work)).code, "EXCHANGE_REFUSED");
  deepStrictEqual([run.calledAt.length, run.attempts, run.retries], [1, [1], []]);
});

Deno.test("withRetries() makes one call where it was no fault of the venue", async () => {
  const bug = new TypeError("a bug of ours");
  const run = scripted([() => bug]);
  await rejects(run.work, bug);
  const closed = new HistoryError("CANCELLED", "closed", { hint });
  const other = scripted([() => closed]);
  strictEqual(await rejection(other.work), closed);
  strictEqual(other.calledAt.length, 1);
});

Deno.test("withRetries() does not count a 429 as an attempt, and does not pause for it: the gate does", async () => {
  const run = scripted([banned, banned, away, banned, away, away]);
  strictEqual(await run.clock.runUntilSettled(run.work), "done");
  deepStrictEqual(run.attempts, [1, 1, 1, 2, 2, 3, 4]);
  deepStrictEqual(run.calledAt, [0, 0, 0, 500, 500, 1_500, 3_000]);
});

Deno.test("withRetries() gives up on a ban that never ends", async () => {
  const run = scripted(Array.from({ length: PENALTIES_MAX + 5 }, () => banned));
  strictEqual((await rejection(run.work)).code, "RATE_LIMITED");
  strictEqual(run.calledAt.length, PENALTIES_MAX + 1);
});

Deno.test("withRetries() ends at once when it is cancelled in a pause, whatever the reason given", async () => {
  for (const reason of [undefined, new DOMException("stop", "AbortError"), cancelled("The fill")]) {
    const run = scripted([away, away]);
    const failed = rejection(run.work);
    await run.clock.advance(100);
    strictEqual(run.clock.sleeping, 1);
    run.abort.abort(reason);
    const error = await failed;
    strictEqual(error.code, "CANCELLED");
    strictEqual(run.clock.sleeping, 0);
    strictEqual(run.calledAt.length, 1);
  }
});

Deno.test("withRetries() calls nobody when it was cancelled before", async () => {
  const run = AbortSignal.abort();
  let calls = 0;
  const work = withRetries(() => Promise.resolve(calls++), {
    policy: POLICY,
    clock: new FakeClock(),
    dice: new SeededDice(1),
    signal: run,
  });
  strictEqual((await rejection(work)).code, "CANCELLED");
  strictEqual(calls, 0);
});

Deno.test("withRetries() tells a cancelled call as CANCELLED, not as the fault that the abort made of it", async () => {
  const abort = new AbortController();
  const work = withRetries(() => {
    abort.abort();
    return Promise.reject(away());
  }, { policy: POLICY, clock: new FakeClock(), dice: new SeededDice(1), signal: abort.signal });
  strictEqual((await rejection(work)).code, "CANCELLED");
});

Deno.test("pauseAfter() doubles to the cap, and jitter stays inside its share", () => {
  deepStrictEqual([1, 2, 3, 4, 40].map((attempt) => pauseAfter(attempt, POLICY, 0.5)), [
    500,
    1_000,
    1_500,
    1_500,
    1_500,
  ]);
  const jittered = { ...POLICY, jitterRatio: 0.25 };
  deepStrictEqual([0, 0.5, 1].map((random) => pauseAfter(1, jittered, random)), [375, 500, 625]);
  const dice = new SeededDice(9);
  for (let i = 0; i < 1_000; i++) {
    const pause = pauseAfter(2, jittered, dice.random());
    strictEqual(pause >= 750 && pause <= 1_250, true);
  }
});
