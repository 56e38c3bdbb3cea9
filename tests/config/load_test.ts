import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import { checkConfig, ConfigInvalid, exchangeConfig } from "../../src/config/mod.ts";
import { CWD, load, problemsOf, refusalOf, warningsOf } from "./loading.ts";
import { wrong } from "../wrong.ts";

Deno.test("loadConfig() without anything gives the defaults, with places made absolute", () => {
  const { config, source, baseDir, paths, warnings } = load();
  strictEqual(source, null);
  strictEqual(baseDir, CWD);
  deepStrictEqual(warnings, []);
  strictEqual(config.seamless.strategy, "SEAMLESS");
  strictEqual(config.seamless.sla.total_deadline_ms, 1_500);
  deepStrictEqual(config.seamless.conformance.blocking, ["missing_column", "dtype_mismatch"]);
  strictEqual(config.environment.coordinator_url, null);
  deepStrictEqual(config.exchanges, {});
  strictEqual(config.storage.bars, `sqlite:${CWD}/data/bars.db`);
  strictEqual(config.seamless.artifact.object_store_uri, `${CWD}/data/artifacts`);
  deepStrictEqual(paths, {
    barsFile: `${CWD}/data/bars.db`,
    artifactFolder: `${CWD}/data/artifacts`,
    dataFolder: `${CWD}/data`,
  });
});

Deno.test("flags win over the environment, the environment over the file, the file over the defaults", () => {
  const text = "seamless: {backfill: {max_attempts: 2, window_bars: 2, max_concurrent_requests: 2}}";
  const env = { SEAMLESS_BACKFILL__WINDOW_BARS: "3", SEAMLESS_BACKFILL__MAX_CONCURRENT_REQUESTS: "3" };
  const { config } = load({ text, env, flags: { "backfill.max_concurrent_requests": "4" } });
  const { max_attempts, window_bars, max_concurrent_requests, single_flight_ttl_ms } =
    config.seamless.backfill;
  deepStrictEqual([max_attempts, window_bars, max_concurrent_requests, single_flight_ttl_ms], [
    2,
    3,
    4,
    60_000,
  ]);
});

Deno.test("a preset stands above the defaults and beneath every key that the user wrote", () => {
  const { config } = load({
    text: "seamless: {sla: {preset: baseline, max_lag_seconds: null, on_violation: HOLD}}",
    flags: { "sla.max_wait_live_ms": "1" },
  });
  deepStrictEqual(config.seamless.sla, {
    preset: "baseline",
    max_wait_storage_ms: 3_000,
    max_wait_backfill_ms: 45_000,
    max_wait_live_ms: 1,
    total_deadline_ms: 60_000,
    retry_backoff_ms: 500,
    max_sync_gap_bars: null,
    min_coverage: 0.98,
    max_lag_seconds: null,
    on_violation: "HOLD",
  });
  const tolerant = load({ env: { SEAMLESS_SLA__PRESET: "tolerant-partial" } }).config.seamless.sla;
  deepStrictEqual([tolerant.total_deadline_ms, tolerant.min_coverage], [90_000, 0.9]);
});

Deno.test("references are expanded, and what they give is read as the key wants it", () => {
  const text = [
    'server: {port: "${PORT}", require_context: "${STRICT:-true}"}',
    "seamless:",
    '  rate_limit: {key_suffix: "${SUFFIX:-}"}',
    "  artifact: {object_store_uri: ${ROOT:-/srv}/bars}",
    'exchanges: {kraken: {urls: {api: {public: "http://127.0.0.1:${PORT}/k"}}, symbols: "${SYMBOLS}"}}',
  ].join("\n").replace("{object_store_uri: ${ROOT:-/srv}/bars}", '{object_store_uri: "${ROOT:-/srv}/bars"}');
  const { config } = load({ text, env: { PORT: "9001", ROOT: "", SYMBOLS: '["BTC/USD"]' } });
  strictEqual(config.server.port, 9_001);
  strictEqual(config.server.require_context, true);
  strictEqual(config.seamless.rate_limit.key_suffix, null);
  strictEqual(config.seamless.artifact.object_store_uri, "/srv/bars");
  deepStrictEqual(config.exchanges.kraken.urls, { api: { public: "http://127.0.0.1:9001/k" } });
  deepStrictEqual(config.exchanges.kraken.symbols, ["BTC/USD"]);
});

Deno.test("a reference to a variable that is not set is a problem that names it", () => {
  const [problem] = refusalOf({ text: "server:\n  hostname: ${HOST}\n" }).problems;
  deepStrictEqual([problem.path, problem.line, problem.column], ["server.hostname", 2, 13]);
  ok(problem.message.includes("HOST, which the environment does not set"), problem.message);
});

Deno.test("an exchange has every key, and its rate limit inherits from the global one", () => {
  const { config } = load({
    text: [
      "seamless: {rate_limit: {min_interval_ms: 7, interval_ms: 30000}}",
      "exchanges:",
      "  binance: {rate_limit_rps: 20, rate_limit: {local_semaphore: 3}}",
      "  kraken: {rate_limit: {tokens_per_interval: 40, interval_ms: 60000}}",
      "  okx:",
    ].join("\n"),
  });
  const { binance, kraken, okx } = config.exchanges;
  deepStrictEqual([binance.rate_limit.tokens_per_interval, binance.rate_limit.local_semaphore], [600, 3]);
  deepStrictEqual([kraken.rate_limit.tokens_per_interval, kraken.rate_limit.min_interval_ms], [40, 7]);
  deepStrictEqual([okx.timeframes, okx.modes, okx.timeout_ms, okx.sandbox], [
    ["1m"],
    ["ohlcv"],
    10_000,
    false,
  ]);
  const bare = exchangeConfig(config, "bitfinex");
  deepStrictEqual([bare.rate_limit, bare.timeout_ms], [config.seamless.rate_limit, 10_000]);
  strictEqual(exchangeConfig(config, "kraken"), kraken);
});

Deno.test("the configuration cannot be changed by whoever is given it", () => {
  const { config } = load({ text: "exchanges: {kraken: {options: {a: {b: [1]}}}}" });
  throws(() => {
    (config.seamless as { strategy: string }).strategy = "FAIL_FAST";
  }, TypeError);
  throws(() => (config.exchanges.kraken.options as { a: { b: number[] } }).a.b.push(2), TypeError);
});

Deno.test("older names are understood, each with a warning", () => {
  const text = [
    "seamless:",
    "  artifacts_enabled: true",
    "  rate_limit: {max_concurrency: 4, min_interval_s: 0.25, burst: 3}",
    "  backfill: {max_retries: 3, retry_backoff_s: 1.5}",
    "exchanges: {okx: {rate_limit: {burst: 2}}}",
  ].join("\n");
  const { config, warnings } = load({ text });
  const { local_semaphore, min_interval_ms, burst_tokens } = config.seamless.rate_limit;
  deepStrictEqual([local_semaphore, min_interval_ms, burst_tokens], [4, 250, 3]);
  deepStrictEqual([config.seamless.backfill.max_attempts, config.seamless.backfill.retry_backoff_ms], [
    3,
    1_500,
  ]);
  strictEqual(config.exchanges.okx.rate_limit.burst_tokens, 2);
  deepStrictEqual(warnings.map(({ path, line }) => [path, line]), [
    ["seamless.artifacts_enabled", 2],
    ["seamless.rate_limit.max_concurrency", 3],
    ["seamless.rate_limit.min_interval_s", 3],
    ["seamless.rate_limit.burst", 3],
    ["seamless.backfill.max_retries", 4],
    ["seamless.backfill.retry_backoff_s", 4],
    ["exchanges.okx.rate_limit.burst", 5],
  ]);
  ok(warnings[1].message.includes("write seamless.rate_limit.local_semaphore"));
});

Deno.test("of a key and its older name the key is meant, whichever stands first", () => {
  for (const order of ["{max_retries: 3, max_attempts: 9}", "{max_attempts: 9, max_retries: 3}"]) {
    const given = { text: `seamless: {backfill: ${order}}` };
    strictEqual(load(given).config.seamless.backfill.max_attempts, 9, order);
    ok(warningsOf(given).some((warning) => warning.includes("max_attempts is written too")), order);
  }
});

Deno.test("a program's object is read like a file, and may hold what a program got itself", () => {
  const { config } = load({ input: { server: { port: 1 }, exchanges: { kraken: { sandbox: true } } } });
  deepStrictEqual([config.server.port, config.exchanges.kraken.sandbox], [1, true]);
  deepStrictEqual(problemsOf({ input: { exchanges: { kraken: { options: { apiKey: "k" } } } } }), []);
  const input = { server: { port: wrong<number>("8420") } };
  deepStrictEqual(problemsOf({ input }), [
    'server.port: must be a whole number from 0 to 65535, not "8420"',
  ]);
});

Deno.test("a file named __proto__ inside changes no prototype", () => {
  const text = "exchanges: {__proto__: {sandbox: true}, kraken: {options: {__proto__: {polluted: 1}}}}";
  const { config } = load({ text });
  strictEqual(Object.getPrototypeOf(config.exchanges), Object.prototype);
  strictEqual(({} as { polluted?: number }).polluted, undefined);
  ok(Object.hasOwn(config.exchanges, "__proto__"));
});

Deno.test("places count from the file's folder; absolute ones and file:/// stay", async (t) => {
  const folder = Deno.makeTempDirSync({ prefix: "seamless-config-" });
  const file = join(folder, "own.yaml");
  try {
    await t.step("relative to the file", () => {
      Deno.writeTextFileSync(
        file,
        "storage: {bars: 'sqlite:x/bars.db'}\nseamless: {artifact: {object_store_uri: ../up}}",
      );
      const { paths, source, baseDir } = load({ path: file });
      deepStrictEqual([source, baseDir], [file, folder]);
      deepStrictEqual([paths.barsFile, paths.artifactFolder], [
        join(folder, "x/bars.db"),
        join(folder, "../up"),
      ]);
    });
    await t.step("absolute", () => {
      const text =
        "storage: {bars: 'sqlite:///srv/b.db'}\nseamless: {artifact: {object_store_uri: file:///srv/a%20b}}";
      const { paths } = load({ text });
      deepStrictEqual([paths.barsFile, paths.artifactFolder], ["/srv/b.db", "/srv/a b"]);
    });
    await t.step("memory", () => {
      const { config, paths } = load({ text: "storage: {bars: 'memory:'}" });
      deepStrictEqual([config.storage.bars, paths.barsFile, paths.dataFolder], ["memory:", null, null]);
    });
    await t.step("SEAMLESS_CONFIG, then ./seamless.yaml, then nothing", () => {
      Deno.writeTextFileSync(file, "server: {port: 1}");
      Deno.writeTextFileSync(join(folder, "seamless.yaml"), "server: {port: 2}");
      strictEqual(load({ cwd: folder, env: { SEAMLESS_CONFIG: "own.yaml" } }).config.server.port, 1);
      strictEqual(load({ cwd: folder }).config.server.port, 2);
      strictEqual(load({ cwd: folder, path: "own.yaml" }).source, file);
      strictEqual(load({ cwd: folder, input: {} }).config.server.port, 8420);
    });
    await t.step("a file that cannot be read says why", () => {
      ok(refusalOf({ path: join(folder, "none.yaml") }).message.includes("there is no such file"));
      ok(refusalOf({ path: folder }).message.includes("it is a folder"));
      Deno.writeFileSync(file, new Uint8Array([0xff, 0xfe, 0x41]));
      ok(refusalOf({ path: file }).message.includes("it is not UTF-8 text"));
      ok(refusalOf({ path: "/dev/zero" }).message.includes("it has more than"));
      Deno.writeTextFileSync(file, "#".repeat(1024 * 1024 + 1));
      ok(refusalOf({ path: file }).message.includes("it has more than 1048576 bytes"));
    });
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("whatever a file holds, loading gives a configuration or CONFIG_INVALID, and never anything else", () => {
  const keys = [
    "seamless",
    "sla",
    "exchanges",
    "binance",
    "storage",
    "bars",
    "server",
    "api_keys",
    "synthetic",
    "a",
    "urls",
    "anchor",
    "rate_limit",
    "live",
    "__proto__",
    "cache",
  ];
  const scalar = fc.oneof(
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.double(),
    fc.string(),
    fc.constant("${X:-1}"),
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { depthSize: "small" },
      scalar,
      fc.array(tie("tree"), { maxLength: 3 }),
      fc.dictionary(fc.oneof(fc.constantFrom(...keys), fc.string()), tie("tree"), { maxKeys: 4 }),
    ),
  }));
  const texts = fc.oneof(tree.map((value) => JSON.stringify(value)), fc.string());
  fc.assert(
    fc.property(texts, (text) => {
      const report = checkConfig({ text, env: {}, cwd: CWD });
      for (const { path, line, column, message } of [...report.problems, ...report.warnings]) {
        strictEqual(typeof path, "string");
        ok(message.length > 0 && (line === null || (line >= 1 && column! >= 1)));
      }
      if (report.ok) load({ text });
      else throws(() => load({ text }), ConfigInvalid);
    }),
    { numRuns: 500, seed: 5 },
  );
});
