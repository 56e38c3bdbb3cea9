/**
 * The limiter against the meters of the recorded exchange: each call takes its time to arrive, and the venue counts
 * it then, by its own rule.
 */

import { ok, strictEqual } from "node:assert/strict";
import { type BucketRule, Meter } from "../../../scripts/recorded_exchange/meter.ts";
import { InProcessLimiter } from "../../../src/adapters/limiter/in_process.ts";
import { budgetRules } from "../../../src/core/rate_budget.ts";
import { FakeClock, SeededDice } from "../../fake_clock.ts";

const HOUR_MS = 3_600_000;
const SETTINGS = {
  tokens_per_interval: null,
  interval_ms: 60_000,
  burst_tokens: null,
  min_interval_ms: 0,
  penalty_backoff_ms: 30_000,
};

interface Venue {
  exchange: string;
  /** CCXT's: milliseconds of one token. */
  rateLimitMs: number;
  /** CCXT's cost of one page of bars. */
  cost: number;
  /** What the venue itself counts for it. */
  weight: number;
  rule: BucketRule;
}

const VENUES: Venue[] = [
  {
    exchange: "binance",
    rateLimitMs: 50,
    cost: 0.4,
    weight: 2,
    rule: { kind: "fixed_window", limit: 6_000, windowMs: 60_000, refusalsBeforeBan: 10, banMs: 120_000 },
  },
  {
    exchange: "kraken",
    rateLimitMs: 1_000,
    cost: 1,
    weight: 1,
    rule: { kind: "leaky_counter", limit: 15, decayPerSec: 1 },
  },
  {
    exchange: "bitfinex",
    rateLimitMs: 250,
    cost: 8 / 3,
    weight: 1,
    rule: { kind: "sliding_window", limit: 90, windowMs: 60_000, blockMs: 60_000 },
  },
  {
    exchange: "okx",
    rateLimitMs: 110,
    cost: 1,
    weight: 1,
    rule: { kind: "sliding_window", limit: 20, windowMs: 2_000 },
  },
];

for (const venue of VENUES) {
  Deno.test(`${venue.exchange}'s own meter refuses nothing in a simulated hour that uses 95 % of the budget`, async () => {
    const clock = new FakeClock(Date.UTC(2024, 0, 1, 11, 59, 31));
    const dice = new SeededDice(11);
    const limiter = new InProcessLimiter(clock);
    const { exchange, rateLimitMs, cost, weight } = venue;
    limiter.declare(exchange, budgetRules(SETTINGS, { exchange, rateLimitMs }));
    const meter = new Meter({ "*": venue.rule });
    const stop = new AbortController();
    let calls = 0;
    // Enough callers that the budget is what holds them back, not the venue's latency.
    const caller = async () => {
      while (!stop.signal.aborted) {
        await limiter.acquire({ key: exchange, cost, priority: "backfill", signal: stop.signal });
        calls++;
        await clock.sleep(10 + dice.random() * 150, stop.signal);
        const charge = meter.charge({ bucket: "calls", cost: weight, nowMs: clock.nowMs() });
        strictEqual(charge.isRefused, false, `call ${calls} was refused: ${charge.usedNow} used`);
        await clock.sleep(10 + dice.random() * 150, stop.signal);
      }
    };
    const faults: unknown[] = [];
    const callers = Array.from({ length: 24 }, () =>
      caller().catch((fault) => {
        if (!stop.signal.aborted) faults.push(fault);
      }));
    await clock.advance(HOUR_MS);
    stop.abort();
    await Promise.all(callers);
    await limiter.close();
    if (faults.length > 0) throw faults[0];
    const share = calls * cost / (HOUR_MS / rateLimitMs);
    ok(share >= 0.95 && share <= 1.01, `${(share * 100).toFixed(2)} % of the budget used`);
  });
}
