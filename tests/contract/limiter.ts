/**
 * What every `RateLimiter` must do, whether its time is a test's or Redis' own. The suite counts in intervals of a
 * few hundred milliseconds, so that an adapter which cannot be given a clock passes it in real time.
 */

import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import type { Priority, RateLimiter } from "../../src/core/ports.ts";
import type { BudgetRules } from "../../src/core/rate_budget.ts";

/** One limiter with one budget, and the time it lives in. */
export interface LimiterHarness {
  limiter: RateLimiter;
  /** The budget's key. */
  key: string;
  nowMs(): number;
  /** Lets time pass; whoever is due by then has been granted. */
  pass(ms: number): Promise<void>;
  /** Lets grants that are due now be seen. */
  settle(): Promise<void>;
  /** How late a grant may be seen after it was due. */
  slackMs: number;
  /** Another client of the same budget, where the scope allows one. */
  peer?: RateLimiter;
  stop(): Promise<void>;
}

const RULES: BudgetRules = {
  tokensPerInterval: 40,
  intervalMs: 400,
  burstTokens: 4,
  minIntervalMs: 0,
  penaltyBackoffMs: 100,
};

interface Grant {
  atMs: number;
  cost: number;
  name: string;
}

/** Asks, and notes when it was granted. */
function asking(harness: LimiterHarness, grants: Grant[]) {
  return (name: string, o: { cost?: number; priority?: Priority; signal?: AbortSignal } = {}) => {
    const { cost = 1, priority = "backfill", signal } = o;
    return harness.limiter.acquire({ key: harness.key, cost, priority, signal })
      .then(() => void grants.push({ atMs: harness.nowMs(), cost, name }));
  };
}

/** Most tokens granted in any window of `windowMs`. */
export function busiestWindow(grants: readonly { atMs: number; cost: number }[], windowMs: number): number {
  let sum = 0;
  let most = 0;
  for (let first = 0, last = 0; last < grants.length; last++) {
    sum += grants[last].cost;
    while (grants[last].atMs - grants[first].atMs >= windowMs) sum -= grants[first++].cost;
    most = Math.max(most, sum);
  }
  return most;
}

interface Case {
  /** A sentence, after the adapter's name. */
  name: string;
  /** Default: `RULES`. */
  rules?: BudgetRules;
  run(h: LimiterHarness): Promise<void>;
}

const CASES: readonly Case[] = [
  {
    name: "grants a burst at once and the rest at the steady pace",
    async run(h) {
      const grants: Grant[] = [];
      const ask = asking(h, grants);
      const startMs = h.nowMs();
      const all = Promise.all(Array.from({ length: 12 }, (_, i) => ask(String(i))));
      await h.settle();
      strictEqual(grants.length, 4);
      await h.pass(8 * 10 + h.slackMs);
      await all;
      // The steady pace is one token in ten milliseconds.
      grants.forEach(({ atMs }, i) =>
        ok(atMs - startMs >= Math.max(0, i - 3) * 10 - 1, `grant ${i} at ${atMs - startMs} ms`)
      );
    },
  },
  {
    name: "grants no more than the budget in any window, and at least 95 % of it",
    async run(h) {
      const grants: Grant[] = [];
      const stop = new AbortController();
      const ask = asking(h, grants);
      const costs = [1, 0.4, 2.5, 1, 4];
      const all = Promise.allSettled(
        Array.from(
          { length: 200 },
          (_, i) => ask(String(i), { cost: costs[i % costs.length], signal: stop.signal }),
        ),
      );
      const intervals = 5;
      await h.pass(intervals * RULES.intervalMs);
      stop.abort();
      await all;
      const spent = grants.reduce((sum, { cost }) => sum + cost, 0);
      const most = busiestWindow(grants, RULES.intervalMs - h.slackMs);
      ok(most <= RULES.tokensPerInterval + 1e-6, `${most} tokens in one window`);
      ok(spent >= 0.95 * intervals * RULES.tokensPerInterval, `${spent} tokens in ${intervals} intervals`);
    },
  },
  {
    name: "serves live before dryrun before backfill, and each in order of arrival",
    async run(h) {
      const grants: Grant[] = [];
      const ask = asking(h, grants);
      const all = [ask("first", { cost: 4 })];
      for (const name of ["b1", "b2"]) all.push(ask(name, { priority: "backfill" }));
      for (const name of ["d1", "d2"]) all.push(ask(name, { priority: "dryrun" }));
      for (const name of ["l1", "l2"]) all.push(ask(name, { priority: "live" }));
      await h.pass(60 + h.slackMs);
      await Promise.all(all);
      deepStrictEqual(grants.map((grant) => grant.name), ["first", "l1", "l2", "d1", "d2", "b1", "b2"]);
    },
  },
  {
    name: "a caller who gives up leaves its tokens to the next one",
    async run(h) {
      const grants: Grant[] = [];
      const ask = asking(h, grants);
      await ask("first", { cost: 4 });
      const stop = new AbortController();
      const dear = rejects(ask("dear", { cost: 30, priority: "live", signal: stop.signal }), {
        code: "CANCELLED",
      });
      const next = ask("next");
      await h.pass(5);
      stop.abort();
      await dear;
      await h.pass(10 + h.slackMs);
      await next;
      deepStrictEqual(grants.map((grant) => grant.name), ["first", "next"]);
      strictEqual(h.limiter.state(h.key).waiting, 0);
    },
  },
  {
    name: "a signal that has fired already is refused without spending",
    async run(h) {
      const before = h.limiter.state(h.key).tokens;
      const ask = h.limiter.acquire({ key: h.key, cost: 1, priority: "live", signal: AbortSignal.abort() });
      await rejects(ask, { code: "CANCELLED" });
      strictEqual(h.limiter.state(h.key).tokens, before);
    },
  },
  {
    name: "a penalty closes the gate for everybody, and a shorter one does not open it",
    async run(h) {
      const grants: Grant[] = [];
      const startMs = h.nowMs();
      h.limiter.penalize(h.key, startMs + 300);
      h.limiter.penalize(h.key, startMs + 150);
      const closedUntilMs = h.limiter.state(h.key).closedUntilMs;
      ok(
        closedUntilMs !== null && Math.abs(closedUntilMs - startMs - 300) <= 1 + h.slackMs,
        `closed until ${closedUntilMs}`,
      );
      const all = [asking(h, grants)("own", { priority: "live" })];
      if (h.peer) all.push(asking({ ...h, limiter: h.peer }, grants)("peer"));
      await h.pass(280);
      deepStrictEqual(grants, []);
      await h.pass(20 + h.slackMs);
      await Promise.all(all);
      ok(grants.every(({ atMs }) => atMs - startMs >= 299), JSON.stringify(grants));
      strictEqual(h.limiter.state(h.key).closedUntilMs, null);
    },
  },
  {
    name: "a penalty without a time of its own lasts as long as the configured backoff",
    async run(h) {
      const grants: Grant[] = [];
      const startMs = h.nowMs();
      h.limiter.penalize(h.key, startMs);
      const asked = asking(h, grants)("own");
      await h.pass(RULES.penaltyBackoffMs + h.slackMs);
      await asked;
      ok(grants[0].atMs - startMs >= RULES.penaltyBackoffMs - 1);
    },
  },
  {
    name: "what a foreign client used is taken off the budget, and comes back with time",
    async run(h) {
      await h.limiter.acquire({ key: h.key, cost: 2, priority: "live" });
      h.limiter.correct(h.key, { tokens: 39 });
      const left = h.limiter.state(h.key).tokens;
      ok(left <= 1 + 1e-6, `${left} tokens left`);
      const grants: Grant[] = [];
      const asked = asking(h, grants)("next", { cost: 2 });
      await h.pass(RULES.intervalMs - 40);
      deepStrictEqual(grants, []);
      await h.pass(40 + 0.03 * RULES.intervalMs + h.slackMs);
      await asked;
    },
  },
  {
    name: "a venue that counted less gives nothing back",
    async run(h) {
      await h.limiter.acquire({ key: h.key, cost: 4, priority: "live" });
      h.limiter.correct(h.key, { tokens: 0 });
      const { tokens, capacity } = h.limiter.state(h.key);
      strictEqual(capacity, 40);
      ok(tokens <= 36 + 1e-6, `${tokens} tokens left`);
    },
  },
  {
    name: "keeps the shortest time between two calls",
    rules: { ...RULES, minIntervalMs: 50 },
    async run(h) {
      const grants: Grant[] = [];
      const ask = asking(h, grants);
      const all = Promise.all([ask("a"), ask("b"), ask("c")]);
      await h.pass(100 + 2 * h.slackMs);
      await all;
      const gaps = grants.slice(1).map(({ atMs }, i) => atMs - grants[i].atMs);
      ok(gaps.every((gapMs) => gapMs >= 50 - h.slackMs - 1e-6), JSON.stringify(gaps));
    },
  },
  {
    name: "a call dearer than the burst goes when the bucket is full, and is paid for after",
    async run(h) {
      const grants: Grant[] = [];
      const ask = asking(h, grants);
      const startMs = h.nowMs();
      await ask("dear", { cost: 20 });
      const next = ask("next");
      await h.pass(170 + h.slackMs);
      await next;
      ok(grants[1].atMs - startMs >= 169, `paid off after ${grants[1].atMs - startMs} ms`);
    },
  },
  {
    name: "a call dearer than the whole budget is refused with a way out",
    async run(h) {
      const ask = h.limiter.acquire({ key: h.key, cost: 41, priority: "live" });
      await rejects(ask, { code: "RATE_LIMITED", hint: /tokens_per_interval/ });
      await rejects(h.limiter.acquire({ key: h.key, cost: NaN, priority: "live" }), RangeError);
    },
  },
  {
    name: "closing rejects whoever waits or comes later",
    async run(h) {
      await h.limiter.acquire({ key: h.key, cost: 4, priority: "live" });
      const waiting = rejects(h.limiter.acquire({ key: h.key, cost: 4, priority: "live" }), {
        code: "CANCELLED",
      });
      await h.limiter.close();
      await waiting;
      await rejects(h.limiter.acquire({ key: h.key, cost: 1, priority: "live" }), { code: "CANCELLED" });
    },
  },
];

/** Registers the suite for one adapter. */
export function limiterContract(
  adapter: string,
  make: (rules: BudgetRules) => Promise<LimiterHarness>,
): void {
  for (const { name, rules = RULES, run } of CASES) {
    Deno.test({
      name: `${adapter}: ${name}`,
      sanitizeOps: true,
      sanitizeResources: true,
      fn: async () => {
        const harness = await make(rules);
        try {
          await run(harness);
        } finally {
          await harness.stop();
        }
      },
    });
  }
}
