import { ok, strictEqual, throws } from "node:assert/strict";
import { budgetKey, budgetRules, RateBudget } from "../../src/core/rate_budget.ts";

const SETTINGS = {
  tokens_per_interval: null,
  interval_ms: 60_000,
  burst_tokens: null,
  min_interval_ms: 0,
  penalty_backoff_ms: 30_000,
};

const BINANCE = { exchange: "binance", rateLimitMs: 50 };

Deno.test("budgetRules() takes what the venue allows, and a tenth of it as burst, where nothing is configured", () => {
  const binance = budgetRules(SETTINGS, { exchange: "binance", rateLimitMs: 50 });
  strictEqual(binance.tokensPerInterval, 1_200);
  strictEqual(binance.burstTokens, 120);
  const kraken = budgetRules(SETTINGS, { exchange: "kraken", rateLimitMs: 1_000 });
  strictEqual(kraken.tokensPerInterval, 60);
  strictEqual(kraken.burstTokens, 6);
  const own = budgetRules({ ...SETTINGS, tokens_per_interval: 600, burst_tokens: 9 }, BINANCE);
  strictEqual(own.tokensPerInterval, 600);
  strictEqual(own.burstTokens, 9);
});

Deno.test("budgetRules() counts over the venue's own window where that is shorter than a minute", () => {
  const okx = budgetRules(SETTINGS, { exchange: "okx", rateLimitMs: 100 });
  strictEqual(okx.intervalMs, 2_000);
  strictEqual(okx.tokensPerInterval, 20);
  strictEqual(okx.burstTokens, 2);
  const own = budgetRules({ ...SETTINGS, tokens_per_interval: 600 }, { exchange: "okx", rateLimitMs: 100 });
  strictEqual(own.intervalMs, 60_000);
});

Deno.test("budgetKey() drops an optional part and the delimiter before it when it has no value", () => {
  const none = { exchange: "kraken", account: null, suffix: null };
  strictEqual(budgetKey("ccxt:{exchange}:{account?}", none), "ccxt:kraken");
  strictEqual(budgetKey("ccxt:{exchange}:{account?}", { ...none, account: "main" }), "ccxt:kraken:main");
  strictEqual(budgetKey("{exchange_id}/{account?}/{suffix?}-{key_suffix?}", none), "kraken");
  strictEqual(budgetKey("{exchange}-{account?}:{suffix?}", { ...none, suffix: "eu" }), "kraken:eu");
  strictEqual(budgetKey("ccxt:{exchange}:{account}", none), "ccxt:kraken:");
});

Deno.test("RateBudget keeps its log small however many calls there are", () => {
  const budget = new RateBudget(
    budgetRules({ ...SETTINGS, tokens_per_interval: 1e6, burst_tokens: 1e6 }, BINANCE),
    0,
  );
  let granted = 0;
  for (let ms = 0; ms < 180_000; ms += 0.5) {
    for (let i = 0; i < 9 && budget.waitMs(1, ms) === 0; i++) {
      budget.spend(1, ms);
      granted++;
    }
  }
  ok(granted >= 0.95 * 3e6 && granted <= 4e6, `${granted} granted`);
});

Deno.test("RateBudget counts fractions of tokens without drifting", () => {
  const budget = new RateBudget(
    budgetRules({ ...SETTINGS, tokens_per_interval: 3, interval_ms: 100 }, BINANCE),
    0,
  );
  let nowMs = 0;
  let spent = 0;
  while (nowMs < 1_000_000) {
    const waitMs = budget.waitMs(0.1, nowMs);
    if (waitMs > 0) {
      ok(nowMs + waitMs > nowMs, "a wait moves the clock");
      nowMs += waitMs;
      continue;
    }
    budget.spend(0.1, nowMs);
    spent += 0.1;
  }
  ok(spent > 0.97 * 30_000 && spent <= 30_000 + 3, `${spent} tokens`);
});

Deno.test("RateBudget refuses rules that grant nothing", () => {
  for (
    const bad of [{ tokens_per_interval: 0 }, { interval_ms: 0 }, { burst_tokens: NaN }, {
      min_interval_ms: -1,
    }]
  ) {
    throws(() => new RateBudget(budgetRules({ ...SETTINGS, ...bad }, BINANCE), 0), RangeError);
  }
});
