import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { checkConfig, isLoopback } from "../../src/config/mod.ts";
import { CWD, load, problemsOf, warningsOf } from "./loading.ts";

const KEY = "0".repeat(64);

Deno.test("a total deadline shorter than a phase's budget is a warning, where the user wrote one of the two", () => {
  deepStrictEqual(warningsOf({}), []);
  const written = warningsOf({ text: "seamless: {sla: {total_deadline_ms: 1000}}" });
  strictEqual(written.length, 1);
  ok(
    written[0].startsWith("seamless.sla.total_deadline_ms: is 1000, less than max_wait_backfill_ms (5000)"),
    written[0],
  );
  const phase = warningsOf({ env: { SEAMLESS_SLA__MAX_WAIT_STORAGE_MS: "2000" } });
  ok(phase[0].startsWith("seamless.sla.max_wait_storage_ms: is 1500"), phase[0]);
  deepStrictEqual(warningsOf({ text: "seamless: {sla: {preset: baseline}}" }), []);
});

Deno.test("an address that others can reach needs API keys", () => {
  for (const hostname of ["0.0.0.0", "::", "192.168.0.7", "example.org"]) {
    ok(
      problemsOf({ text: `server: {hostname: "${hostname}"}` })[0].includes("needs server.api_keys"),
      hostname,
    );
  }
  const keyed = `server: {hostname: 0.0.0.0, api_keys: [{name: a, sha256: "${KEY}", role: read}]}`;
  deepStrictEqual(problemsOf({ text: keyed }), []);
  for (const hostname of ["127.0.0.1", "127.9.9.9", "localhost", "LOCALHOST", "::1", "[::1]"]) {
    ok(isLoopback(hostname), hostname);
    deepStrictEqual(problemsOf({ text: `server: {hostname: "${hostname}"}` }), []);
  }
  ok(!isLoopback("127.0.0.1.example.org"));
});

Deno.test("two API keys may share neither name nor digest", () => {
  const text =
    `server: {api_keys: [{name: a, sha256: "${KEY}", role: read}, {name: a, sha256: "${KEY}", role: operate}]}`;
  deepStrictEqual(problemsOf({ text }), [
    'server.api_keys: holds the name "a" twice',
    `server.api_keys: holds the sha256 "${KEY}" twice`,
  ]);
});

Deno.test("without artifacts start-up warns that backtests are refused", () => {
  for (const key of ["enabled", "publish_fingerprint"]) {
    const [warning] = warningsOf({ text: `seamless: {artifact: {${key}: false}}` });
    ok(
      warning.startsWith(`seamless.artifact.${key}: is false`) && warning.includes("DOMAIN_DISABLED"),
      warning,
    );
  }
});

Deno.test("scope cluster needs a Redis", () => {
  const said = problemsOf({ text: "seamless: {rate_limit: {scope: cluster}}" });
  ok(said.some((line) => line.includes("no Redis is configured")), said.join("\n"));
});

Deno.test("a burst larger than the budget is refused, wherever the two numbers come from", () => {
  const said = (text: string) => problemsOf({ text }).map((line) => line.split(":")[0]);
  deepStrictEqual(said("seamless: {rate_limit: {tokens_per_interval: 10, burst_tokens: 11}}"), [
    "seamless.rate_limit.burst_tokens",
  ]);
  const inherited =
    "seamless: {rate_limit: {burst_tokens: 100}}\nexchanges: {kraken: {rate_limit_rps: 1}, okx: {}}";
  deepStrictEqual(said(inherited), ["exchanges.kraken.rate_limit.burst_tokens"]);
  deepStrictEqual(said("seamless: {rate_limit: {tokens_per_interval: 10, burst_tokens: 10}}"), []);
});

Deno.test("a budget above the venue's own ceiling is refused, from whichever key it comes", () => {
  const venueRateLimitMs = (exchange: string) => exchange === "kraken" ? 1_000 : null;
  const said = (text: string) => problemsOf({ text, venueRateLimitMs });
  const [rps] = said("exchanges: {kraken: {rate_limit_rps: 1.5}, binance: {rate_limit_rps: 999}}");
  ok(
    rps.startsWith(
      "exchanges.kraken.rate_limit_rps: gives kraken 90 tokens in 60000 ms, above its own ceiling of 60",
    ),
    rps,
  );
  const [own] = said("exchanges: {kraken: {rate_limit: {tokens_per_interval: 3, interval_ms: 1000}}}");
  ok(own.startsWith("exchanges.kraken.rate_limit.tokens_per_interval: "), own);
  const [global] = said("seamless: {rate_limit: {tokens_per_interval: 61}}\nexchanges: {kraken: {}}");
  ok(global.startsWith("seamless.rate_limit.tokens_per_interval: "), global);
  deepStrictEqual(said("exchanges: {kraken: {rate_limit_rps: 1}}"), []);
});

Deno.test("what has no effect is a warning", () => {
  const suffix = warningsOf({ text: "seamless: {rate_limit: {key_suffix: eu}}" });
  ok(suffix[0].includes("has no effect"), suffix[0]);
  const template = warningsOf({ text: "seamless: {rate_limit: {key_template: '{exchange}:{suffix}'}}" });
  ok(template[0].includes("write {suffix?}"), template[0]);
  const both = warningsOf({
    text: "exchanges: {kraken: {rate_limit_rps: 1, rate_limit: {tokens_per_interval: 5}}}",
  });
  ok(both[0].startsWith("exchanges.kraken.rate_limit_rps: is not used"), both[0]);
});

Deno.test("symbols whose node ids would be too long are refused", () => {
  const [said] = problemsOf({ text: `exchanges: {kraken: {symbols: ["${"X".repeat(190)}/USD"]}}` });
  ok(said.startsWith("exchanges.kraken.symbols: makes a node id of 210 bytes"), said);
});

Deno.test("a recipe whose weights do not fit its inputs is refused", () => {
  const said = problemsOf({ text: "synthetic: {mid: {inputs: [a, b, c], weights: [1, 2]}}" });
  ok(said.some((line) => line === "synthetic.mid.weights: holds 2 numbers for 3 inputs"), said.join("\n"));
});

Deno.test("a finding about a key that could not be read is not made", () => {
  const said = problemsOf({ text: "server: {hostname: 0.0.0.0, api_keys: nonsense}" });
  strictEqual(said.length, 1);
  ok(said[0].startsWith("server.api_keys: must be a list"), said[0]);
});

Deno.test("places that cannot be written are refused before anything runs", async (t) => {
  const folder = Deno.makeTempDirSync({ prefix: "seamless-config-" });
  const file = join(folder, "file");
  Deno.writeTextFileSync(file, "");
  const said = (given: Parameters<typeof problemsOf>[0]) => problemsOf({ cwd: folder, ...given });
  try {
    await t.step("a file where a folder should be", () => {
      ok(
        said({ text: "seamless: {artifact: {object_store_uri: ./file}}" })[0].includes(
          "is a file, not a folder",
        ),
      );
      ok(
        said({ text: "seamless: {artifact: {object_store_uri: ./file/x}}" })[0].includes(
          "is a file, not a folder",
        ),
      );
      ok(said({ text: "storage: {bars: 'sqlite:file/x.db'}" })[0].startsWith("storage.bars: "));
    });
    await t.step("a folder where a file should be", () => {
      ok(said({ text: "storage: {bars: 'sqlite:.'}" })[0].includes("is a folder, not a file"));
    });
    await t.step("what is not there yet is fine", () => {
      deepStrictEqual(said({ text: "storage: {bars: 'sqlite:a/b/c.db'}" }), []);
    });
    await t.step("without artifacts their folder does not matter", () => {
      deepStrictEqual(said({ text: "seamless: {artifact: {object_store_uri: ./file, enabled: false}}" }), []);
    });
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

/** Keys whose feature is not built, each set away from its default. Whoever builds one moves its line to `BUILT`. */
const NOT_BUILT: [yaml: string, path: string][] = [
  ["storage: {bars: 'questdb://admin@h:8812/qdb'}", "storage.bars"],
  ["storage: {questdb: {host: h, port: 8812}}", "storage.bars"],
  ["storage: {questdb: {table: t}}", "storage.questdb.table"],
  ["seamless: {rate_limit: {scope: cluster, redis_dsn: 'redis://h:1'}}", "seamless.rate_limit.scope"],
  ["seamless: {rate_limit: {redis_dsn: 'redis://h:1'}}", "seamless.rate_limit.redis_dsn"],
  ["seamless: {rate_limit: {fallback_divisor: 2}}", "seamless.rate_limit.fallback_divisor"],
  ["exchanges: {kraken: {rate_limit: {redis_dsn: 'redis://h:1'}}}", "exchanges.kraken.rate_limit.redis_dsn"],
  ["connectors: {ccxt_rate_limiter_redis: 'redis://h:1'}", "environment.rate_limiter_redis"],
  ["seamless: {coordinator_url: 'http://h:1'}", "environment.coordinator_url"],
  ["seamless: {live: {mode: websocket}}", "seamless.live.mode"],
  ["seamless: {artifact: {object_store_uri: 's3://bucket/x'}}", "seamless.artifact.object_store_uri"],
  ["seamless: {artifact: {s3: {region: eu-west-1}}}", "seamless.artifact.s3.region"],
  ["seamless: {artifact: {publish_every_sec: 60}}", "seamless.artifact.publish_every_sec"],
  ["seamless: {artifact: {compact_after_segments: 8}}", "seamless.artifact.compact_after_segments"],
  ["seamless: {artifact: {retention_days: 30}}", "seamless.artifact.retention_days"],
  [
    "seamless: {observability: {coverage_ratio_threshold: 0.9}}",
    "seamless.observability.coverage_ratio_threshold",
  ],
  ["seamless: {observability: {webhook_url: 'http://h:1'}}", "seamless.observability.webhook_url"],
  ["seamless: {observability: {legacy_names: false}}", "seamless.observability.legacy_names"],
  ["cache: {ttl_ms: 1}", "cache.ttl_ms"],
  ["exchanges: {kraken: {modes: [ohlcv, trades]}}", "exchanges.kraken.modes"],
  ["exchanges: {kraken: {earliest: 2020-01-01}}", "exchanges.kraken.earliest"],
  ["world_service: {webhook_url: 'http://h:1'}", "world_service.webhook_url"],
  ["synthetic: {mid: {inputs: [a, b], weights: [1, 2]}}", "synthetic.mid"],
];

Deno.test("a key whose feature is not built is refused by name when it is set away from its default", async (t) => {
  for (const [text, path] of NOT_BUILT) {
    await t.step(path, () => {
      const said = problemsOf({ text });
      ok(
        said.some((line) => line.startsWith(`${path}: is not available yet: `)),
        said.join("\n") || "accepted",
      );
    });
  }
});

Deno.test("the same keys may be written with their defaults", () => {
  const text = [
    "storage: {bars: 'memory:', questdb: {table_prefix: crypto, ttl_days: null}}",
    "seamless:",
    "  rate_limit: {scope: auto, redis_dsn: null, fallback_divisor: 4}",
    "  live: {mode: poll}",
    "  artifact: {s3: {region: us-east-1}, publish_every_sec: 3600, retention_days: null, signing_key: null}",
    "  observability: {legacy_names: true}",
    "cache: {ttl_ms: 60000}",
    "exchanges: {kraken: {modes: [ohlcv], earliest: null}}",
    "world_service: {report: downgrades}",
    "synthetic: {}",
  ].join("\n");
  deepStrictEqual(problemsOf({ text }), []);
  strictEqual(load({ text }).config.seamless.rate_limit.scope, "auto");
});

Deno.test("a problem of a cross-check stands where its key was written", () => {
  const { problems } = checkConfig({ text: "server:\n  hostname: 0.0.0.0\n", env: {}, cwd: CWD });
  deepStrictEqual(problems.map(({ line, column }) => [line, column]), [[2, 13]]);
});
