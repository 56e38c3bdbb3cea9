import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { checkConfig } from "../../src/config/mod.ts";
import { envNameOf } from "../../src/config/environment.ts";
import { leavesOf } from "../../src/config/collect.ts";
import { CWD, load, problemsOf } from "./loading.ts";

Deno.test("every key has a variable, and no two keys have the same", () => {
  const names = leavesOf().map(({ path }) => envNameOf(path.map((part) => part === "*" ? "x" : part)));
  strictEqual(new Set(names).size, names.length);
  ok(names.includes("SEAMLESS_SLA__TOTAL_DEADLINE_MS") && names.includes("SEAMLESS_STORAGE__BARS"));
  ok(names.includes("SEAMLESS_EXCHANGES__X__RATE_LIMIT__LOCAL_SEMAPHORE"));
});

Deno.test("a variable is read as its key wants it: numbers, switches, null, lists and objects as JSON", () => {
  const { config } = load({
    env: {
      SEAMLESS_STRATEGY: "FAIL_FAST",
      SEAMLESS_PARTIAL_OK: "0",
      SEAMLESS_SLA__MIN_COVERAGE: "0.5",
      SEAMLESS_SLA__MAX_LAG_SECONDS: "null",
      SEAMLESS_STORAGE__BARS: "memory:",
      SEAMLESS_SERVER__PORT: "",
      SEAMLESS_EXCHANGES__BINANCE__SANDBOX: "true",
      SEAMLESS_EXCHANGES__BINANCE__SYMBOLS: '["BTC/USDT"]',
      SEAMLESS_EXCHANGES__CRYPTO_X1__URLS: '{"api": {"public": "http://127.0.0.1:1"}}',
      SEAMLESS_CONFORMANCE__BLOCKING: "[]",
      SEAMLESS_BACKFILL: '{"window_bars": 5, "mode": "sync"}',
      PATH: "/bin",
    },
  });
  deepStrictEqual([config.seamless.strategy, config.seamless.partial_ok], ["FAIL_FAST", false]);
  deepStrictEqual([config.seamless.sla.min_coverage, config.seamless.sla.max_lag_seconds], [0.5, null]);
  deepStrictEqual([config.storage.bars, config.server.port], ["memory:", 8420]);
  deepStrictEqual([config.exchanges.binance.sandbox, config.exchanges.binance.symbols], [true, ["BTC/USDT"]]);
  deepStrictEqual(config.exchanges.crypto_x1.urls, { api: { public: "http://127.0.0.1:1" } });
  deepStrictEqual(config.seamless.conformance.blocking, []);
  deepStrictEqual([config.seamless.backfill.window_bars, config.seamless.backfill.mode], [5, "sync"]);
});

Deno.test("a variable is not expanded: what stands in it is meant", () => {
  const { config } = load({ env: { SEAMLESS_RATE_LIMIT__KEY_SUFFIX: "${HOME}", HOME: "/root" } });
  strictEqual(config.seamless.rate_limit.key_suffix, "${HOME}");
});

Deno.test("a SEAMLESS_ name that is no key is an error with the nearest one; three names are no keys and known", () => {
  const env = {
    SEAMLESS_SLA__TOTAL_DEADLIN_MS: "5",
    SEAMLESS_SEAMLESS__STRATEGY: "SEAMLESS",
    SEAMLESS_STORAGE__: "x",
    SEAMLESS_EXCHANGES__BINANCE__URLS__API: "x",
    SEAMLESS_API_KEY: "k",
    SEAMLESS_CONFIG: "",
    SEAMLESS_SIGNING_KEY: "",
    SEAMLESS_sla__preset: "baseline",
  };
  const { problems } = checkConfig({ env, cwd: CWD });
  deepStrictEqual(problems.map(({ path, line }) => [path, line]), [
    ["SEAMLESS_EXCHANGES__BINANCE__URLS__API", null],
    ["SEAMLESS_SEAMLESS__STRATEGY", null],
    ["SEAMLESS_SLA__TOTAL_DEADLIN_MS", null],
    ["SEAMLESS_STORAGE__", null],
    ["SEAMLESS_sla__preset", null],
  ]);
  strictEqual(problems[4].nearest, "SEAMLESS_SLA__PRESET");
  strictEqual(problems[2].nearest, "SEAMLESS_SLA__TOTAL_DEADLINE_MS");
});

Deno.test("a wrong value names the variable it came from", () => {
  deepStrictEqual(problemsOf({ env: { SEAMLESS_SERVER__PORT: "high" } }), [
    'server.port: must be a whole number from 0 to 65535, not "high" (SEAMLESS_SERVER__PORT)',
  ]);
  ok(problemsOf({ env: { SEAMLESS_CONFORMANCE__BLOCKING: "gap" } })[0].includes("written as JSON"));
  ok(problemsOf({ env: { SEAMLESS_SLA: "baseline" } })[0].includes("seamless.sla.preset"));
});

Deno.test("the variables of older deployments are understood, and a SEAMLESS_ name wins over them", () => {
  const env = { QMTL_SEAMLESS_ARTIFACT_DIR: "/srv/old", QMTL_SEAMLESS_ARTIFACTS: "1" };
  const { config } = load({ env, text: "seamless: {artifact: {object_store_uri: ./mine, enabled: false}}" });
  strictEqual(config.seamless.artifact.object_store_uri, "/srv/old");
  strictEqual(config.seamless.artifact.enabled, true);
  const both = { ...env, SEAMLESS_ARTIFACT__OBJECT_STORE_URI: "/srv/new" };
  strictEqual(load({ env: both }).config.seamless.artifact.object_store_uri, "/srv/new");
  const off = load({ env: { QMTL_SEAMLESS_ARTIFACTS: "0" } });
  strictEqual(off.config.seamless.artifact.enabled, false);
  ok(
    problemsOf({ env: { QMTL_SEAMLESS_COORDINATOR_URL: "http://h:1" } })[0].startsWith(
      "environment.coordinator_url",
    ),
  );
  ok(
    problemsOf({ env: { QMTL_CCXT_RATE_LIMITER_REDIS: "redis://h:1" } })[0].startsWith(
      "environment.rate_limiter_redis",
    ),
  );
});

Deno.test("--set takes the same path with dots, with or without a leading seamless, and reaches into objects", () => {
  const { config } = load({
    text: "exchanges: {kraken: {urls: {api: {public: 'http://old', private: 'http://p'}}}}",
    flags: {
      "sla.total_deadline_ms": "5000",
      "seamless.backfill.mode": "sync",
      "storage.bars": "memory:",
      "exchanges.kraken.urls.api.public": "http://${HOST}:9000",
      "exchanges.kraken.options.fetchCurrencies": "false",
      "exchanges.kraken.anchor.1d": "57600",
      "exchanges.binance.sandbox": "1",
    },
    env: { HOST: "127.0.0.1" },
  });
  strictEqual(config.seamless.sla.total_deadline_ms, 5_000);
  strictEqual(config.seamless.backfill.mode, "sync");
  strictEqual(config.storage.bars, "memory:");
  const { urls, options, anchor } = config.exchanges.kraken;
  deepStrictEqual(urls, { api: { public: "http://127.0.0.1:9000", private: "http://p" } });
  deepStrictEqual([options, anchor], [{ fetchCurrencies: false }, { "1d": 57_600 }]);
  strictEqual(config.exchanges.binance.sandbox, true);
});

Deno.test("a --set that is no key is a problem with the nearest one", () => {
  const { problems } = checkConfig({
    env: {},
    cwd: CWD,
    flags: { "sla.total_deadlin_ms": "5", "exchanges.A.sandbox": "1" },
  });
  deepStrictEqual(problems.map(({ path, nearest }) => [path, nearest]), [
    ["sla.total_deadlin_ms", "sla.total_deadline_ms"],
    ["exchanges.A.sandbox", null],
  ]);
});
