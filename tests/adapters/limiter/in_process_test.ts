import { deepStrictEqual, ok, rejects, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { InProcessLimiter } from "../../../src/adapters/limiter/in_process.ts";
import { GATE_QUEUE_MAX } from "../../../src/core/limits.ts";
import type { Priority } from "../../../src/core/ports.ts";
import type { BudgetRules } from "../../../src/core/rate_budget.ts";
import { busiestWindow, limiterContract } from "../../contract/limiter.ts";
import { FakeClock, SeededDice, turn } from "../../fake_clock.ts";

const KEY = "ccxt:binance";

limiterContract("in-process limiter", (rules) => {
  const clock = new FakeClock();
  const limiter = new InProcessLimiter(clock);
  limiter.declare(KEY, rules);
  return Promise.resolve({
    limiter,
    key: KEY,
    nowMs: () => clock.nowMs(),
    pass: (ms: number) => clock.advance(ms),
    settle: turn,
    slackMs: 0,
    peer: limiter,
    stop: async () => {
      await limiter.close();
      strictEqual(clock.sleeping, 0, "a closed limiter leaves no timer behind");
    },
  });
});

function limiterOf(rules: Partial<BudgetRules>) {
  const clock = new FakeClock();
  const limiter = new InProcessLimiter(clock);
  const whole = {
    tokensPerInterval: 1_200,
    intervalMs: 60_000,
    burstTokens: 120,
    minIntervalMs: 0,
    penaltyBackoffMs: 30_000,
    ...rules,
  };
  limiter.declare(KEY, whole);
  return { clock, limiter, rules: whole };
}

interface Grant {
  atMs: number;
  cost: number;
}

/** Most tokens beyond the steady pace that any stretch of grants holds: the bucket that would have been needed. */
function largestBurst(grants: readonly Grant[], { tokensPerInterval, intervalMs }: BudgetRules): number {
  const pace = tokensPerInterval / intervalMs;
  let level = 0;
  let most = 0;
  for (let i = 0; i < grants.length; i++) {
    const idleMs = i === 0 ? 0 : grants[i].atMs - grants[i - 1].atMs;
    level = Math.max(0, level - idleMs * pace) + grants[i].cost;
    most = Math.max(most, level);
  }
  return most;
}

const PRIORITIES: Priority[] = ["live", "dryrun", "backfill"];

Deno.test("no arrivals whatever pass the budget of any window, or the burst", async () => {
  const arrival = fc.record({
    afterMs: fc.oneof(fc.constant(0), fc.nat(300), fc.nat(5_000)),
    cost: fc.oneof(fc.constantFrom(0.4, 1, 2.5, 7), fc.double({ min: 0.01, max: 9, noNaN: true })),
    priority: fc.constantFrom(...PRIORITIES),
    givesUpAfterMs: fc.option(fc.nat(3_000)),
  });
  const rules = fc.record({
    tokensPerInterval: fc.double({ min: 10, max: 200, noNaN: true }),
    intervalMs: fc.constantFrom(100, 1_000, 2_000, 60_000),
    burstShare: fc.double({ min: 0.02, max: 1, noNaN: true }),
    minIntervalMs: fc.constantFrom(0, 0, 7),
  });
  await fc.assert(
    fc.asyncProperty(rules, fc.array(arrival, { minLength: 1, maxLength: 120 }), async (drawn, arrivals) => {
      const burstTokens = drawn.tokensPerInterval * drawn.burstShare;
      const { clock, limiter, rules } = limiterOf({ ...drawn, burstTokens });
      const grants: Grant[] = [];
      const settled: Promise<unknown>[] = [];
      for (const { afterMs, cost, priority, givesUpAfterMs } of arrivals) {
        await clock.advance(afterMs);
        const stop = new AbortController();
        const asked = limiter.acquire({ key: KEY, cost, priority, signal: stop.signal })
          .then(() => void grants.push({ atMs: clock.monotonicMs(), cost }), () => {});
        settled.push(asked);
        if (givesUpAfterMs !== null) void clock.sleep(givesUpAfterMs).then(() => stop.abort());
      }
      await clock.runUntilSettled(Promise.all(settled), 1e9);
      const most = busiestWindow(grants, rules.intervalMs);
      ok(
        most <= rules.tokensPerInterval * (1 + 1e-6),
        `${most} of ${rules.tokensPerInterval} tokens in one window`,
      );
      // One call is not divided: what is dearer than the bucket goes whole.
      const dearest = Math.max(burstTokens, ...grants.map(({ cost }) => cost));
      const burst = largestBurst(grants, rules);
      ok(burst <= dearest * (1 + 1e-6), `burst of ${burst}, ${dearest} allowed`);
      await clock.advance(5_000);
      await limiter.close();
    }),
    { numRuns: 150, seed: 20_240_101 },
  );
});

Deno.test("whoever does not give up is granted in the end, in order within one priority", async () => {
  const drawn = fc.array(
    fc.record({ cost: fc.constantFrom(0.4, 1, 3), priority: fc.constantFrom(...PRIORITIES) }),
    {
      minLength: 1,
      maxLength: 60,
    },
  );
  await fc.assert(
    fc.asyncProperty(drawn, async (asks) => {
      const { clock, limiter } = limiterOf({ tokensPerInterval: 20, intervalMs: 1_000, burstTokens: 2 });
      const order: Record<Priority, number[]> = { live: [], dryrun: [], backfill: [] };
      const all = asks.map(({ cost, priority }, i) =>
        limiter.acquire({ key: KEY, cost, priority }).then(() => void order[priority].push(i))
      );
      await clock.runUntilSettled(Promise.all(all));
      for (const granted of Object.values(order)) deepStrictEqual(granted, granted.toSorted((a, b) => a - b));
      strictEqual(clock.sleeping, 0);
    }),
    { numRuns: 60, seed: 7 },
  );
});

Deno.test("in a simulated hour of endless demand at least 95 % of the budget is used and never more than all of it", async () => {
  const { clock, limiter, rules } = limiterOf({});
  const dice = new SeededDice(3);
  const grants: Grant[] = [];
  const hourMs = 3_600_000;
  const stop = new AbortController();
  // Eight callers, each asking again as soon as its call came back after a while.
  const caller = async (priority: Priority) => {
    while (clock.monotonicMs() < hourMs) {
      const cost = [0.4, 0.4, 1, 4][Math.floor(dice.random() * 4)];
      await limiter.acquire({ key: KEY, cost, priority, signal: stop.signal });
      grants.push({ atMs: clock.monotonicMs(), cost });
      await clock.sleep(20 + dice.random() * 200, stop.signal);
    }
  };
  const callers = Array.from({ length: 8 }, (_, i) => caller(PRIORITIES[i % 3]).catch(() => {}));
  await clock.advance(hourMs);
  stop.abort(new Error("the hour is over"));
  await Promise.all(callers);
  const spent = grants.reduce((sum, { cost }) => sum + cost, 0);
  const budget = rules.tokensPerInterval * hourMs / rules.intervalMs;
  ok(spent >= 0.95 * budget, `${spent} of ${budget} tokens used`);
  ok(busiestWindow(grants, rules.intervalMs) <= rules.tokensPerInterval * (1 + 1e-9));
  await limiter.close();
});

Deno.test("the budget is used to 95 % also where one second holds a handful of calls and timers are late", async () => {
  const { clock, limiter, rules } = limiterOf({ tokensPerInterval: 10, intervalMs: 1_000, burstTokens: 1 });
  const late = new InProcessLimiter({
    nowMs: () => clock.nowMs(),
    monotonicMs: () => clock.monotonicMs(),
    sleep: (ms, signal) => clock.sleep(Math.ceil(ms) + 1, signal),
  });
  late.declare(KEY, rules);
  const grants: Grant[] = [];
  const stop = new AbortController();
  const all = Array.from(
    { length: 400 },
    () =>
      late.acquire({ key: KEY, cost: 1, priority: "backfill", signal: stop.signal })
        .then(() => void grants.push({ atMs: clock.monotonicMs(), cost: 1 }), () => {}),
  );
  await clock.advance(30_000);
  stop.abort();
  await Promise.all(all);
  ok(grants.length >= 285, `${grants.length} of 300 calls in 30 s`);
  ok(busiestWindow(grants, 1_000) <= 10);
  await late.close();
  await limiter.close();
});

Deno.test("a foreign client that uses half the budget leaves us the other half, and its end gives it back", async () => {
  const { clock, limiter } = limiterOf({});
  let own = 0;
  const stop = new AbortController();
  let foreign = 600;
  /** The venue's meter: fixed minutes, as Binance keeps them. */
  let minute = { number: 0, used: 0 };
  const meter = (cost: number) => {
    const number = Math.floor(clock.monotonicMs() / 60_000);
    if (number !== minute.number) minute = { number, used: 0 };
    minute.used += cost;
    return minute.used;
  };
  let worst = 0;
  const caller = async () => {
    while (!stop.signal.aborted) {
      await limiter.acquire({ key: KEY, cost: 1, priority: "backfill", signal: stop.signal });
      own++;
      const tokens = meter(1);
      worst = Math.max(worst, tokens);
      limiter.correct(KEY, { tokens });
      await clock.sleep(30, stop.signal);
    }
  };
  const stranger = async () => {
    while (!stop.signal.aborted) {
      meter(foreign / 60);
      await clock.sleep(1_000, stop.signal);
    }
  };
  const running = [caller(), caller(), stranger()].map((each) => each.catch(() => {}));
  await clock.advance(600_000);
  const beside = own;
  ok(beside >= 10 * 400, `${beside} tokens in ten minutes beside a foreign client`);
  ok(worst <= 1_200 + 60, `the venue counted ${worst} in a minute`);
  [foreign, own] = [0, 0];
  await clock.advance(600_000);
  ok(own >= 10 * 1_100, `${own} tokens in ten minutes alone`);
  stop.abort(new Error("enough"));
  await Promise.all(running);
  await limiter.close();
});

Deno.test("a jump of the wall clock neither opens nor closes the gate", async () => {
  const { clock, limiter } = limiterOf({});
  limiter.penalize(KEY, clock.nowMs() + 60_000);
  clock.setWall(clock.nowMs() + 3_600_000);
  let isGranted = false;
  const asked = limiter.acquire({ key: KEY, cost: 1, priority: "live" }).then(() => void (isGranted = true));
  await clock.advance(59_999);
  strictEqual(isGranted, false);
  await clock.advance(1);
  await asked;
  await limiter.close();
});

Deno.test("a ban in the wrong unit closes the gate for a week at most", async () => {
  const { clock, limiter } = limiterOf({});
  limiter.penalize(KEY, clock.nowMs() * 1_000);
  strictEqual(limiter.state(KEY).closedUntilMs, clock.nowMs() + 7 * 86_400_000);
  await limiter.close();
});

Deno.test("a budget that was not declared is a mistake of the caller's", async () => {
  const { limiter } = limiterOf({});
  await rejects(limiter.acquire({ key: "ccxt:nowhere", cost: 1, priority: "live" }), TypeError);
  throws(() => limiter.state("ccxt:nowhere"), TypeError);
  throws(() => limiter.declare("bad", { ...limiterOf({}).rules, tokensPerInterval: 0 }), RangeError);
  await limiter.close();
});

Deno.test("rules declared anew hold for those who wait already", async () => {
  const { clock, limiter, rules } = limiterOf({ tokensPerInterval: 10, intervalMs: 10_000, burstTokens: 5 });
  await limiter.acquire({ key: KEY, cost: 5, priority: "live" });
  const dear = rejects(limiter.acquire({ key: KEY, cost: 8, priority: "live" }), { code: "RATE_LIMITED" });
  let isGranted = false;
  const cheap = limiter.acquire({ key: KEY, cost: 4, priority: "live" }).then(() => void (isGranted = true));
  limiter.declare(KEY, { ...rules, tokensPerInterval: 7, intervalMs: 700 });
  await dear;
  await clock.advance(399);
  strictEqual(isGranted, false);
  await clock.advance(320);
  await cheap;
  await limiter.close();
});

Deno.test("the line has an end: more callers are OVERLOADED with a time to come back", async () => {
  const { limiter } = limiterOf({ tokensPerInterval: 2, burstTokens: 1 });
  const all = Array.from(
    { length: GATE_QUEUE_MAX + 1 },
    () => limiter.acquire({ key: KEY, cost: 1, priority: "backfill" }).catch(() => {}),
  );
  strictEqual(limiter.state(KEY).waiting, GATE_QUEUE_MAX);
  await rejects(limiter.acquire({ key: KEY, cost: 1, priority: "live" }), {
    code: "OVERLOADED",
    retryAfter: 60,
  });
  await limiter.close();
  await Promise.all(all);
});
