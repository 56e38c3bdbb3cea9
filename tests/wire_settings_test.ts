/** What configuration becomes for the parts that it is given to. */

import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { exchangeConfig, loadConfig } from "../src/config/mod.ts";
import { budgetRules } from "../src/core/rate_budget.ts";
import { serverConfig, venueSettings } from "../src/wire_settings.ts";

const KEY = "0".repeat(64);

function configOf(text: string) {
  return loadConfig({ text, env: {}, cwd: "/" }).config;
}

Deno.test("a budget's key follows its template: account and suffix where there are some", () => {
  const keyOf = (text: string) => venueSettings(configOf(text), "kraken").budgetKey;
  strictEqual(keyOf(""), "ccxt:kraken");
  strictEqual(keyOf("exchanges: {kraken: {account: main}}"), "ccxt:kraken:main");
  const suffixed = "seamless: {rate_limit: {key_template: 'x:{exchange_id}:{key_suffix?}', key_suffix: eu}}";
  strictEqual(keyOf(suffixed), "x:kraken:eu");
});

Deno.test("rate_limit_rps is tokens a second, counted over the interval; without it the venue's own pace holds", () => {
  const rulesOf = (text: string) => {
    const { rate_limit } = exchangeConfig(configOf(text), "kraken");
    return budgetRules(rate_limit, { exchange: "kraken", rateLimitMs: 1_000 });
  };
  const { tokensPerInterval, intervalMs, burstTokens } = rulesOf(
    "exchanges: {kraken: {rate_limit_rps: 0.5}}",
  );
  deepStrictEqual([tokensPerInterval, intervalMs, burstTokens], [30, 60_000, 3]);
  const own = rulesOf("");
  deepStrictEqual([own.tokensPerInterval, own.intervalMs, own.burstTokens, own.penaltyBackoffMs], [
    60,
    60_000,
    6,
    30_000,
  ]);
});

Deno.test("a context is required off loopback alone, unless configuration says otherwise", () => {
  const isRequired = (server: string) => serverConfig(configOf(`server: {${server}}`)).requireContext;
  const keys = `api_keys: [{name: a, sha256: "${KEY}", role: read}]`;
  deepStrictEqual(["", "hostname: localhost", "hostname: '::1'"].map(isRequired), [false, false, false]);
  strictEqual(isRequired(`hostname: 0.0.0.0, ${keys}`), true);
  strictEqual(isRequired(`hostname: 0.0.0.0, require_context: false, ${keys}`), false);
  strictEqual(isRequired("require_context: true"), true);
});
