import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { parse } from "yaml";
import { configJsonSchema, printableConfig, printConfig } from "../../src/config/mod.ts";
import { leavesOf, nodeAt } from "../../src/config/collect.ts";
import { configDocs, configSchemaText } from "../../scripts/config_docs.ts";
import { sharedFolder } from "../../scripts/testing/tools.ts";
import { testNeeding } from "../needs.ts";
import { load, problemsOf } from "./loading.ts";
import { breaches } from "./schema_check.ts";

const DOCS = new URL("../../docs/", import.meta.url);

function blueprint(): string {
  return Deno.readTextFileSync(new URL("design/blueprint.yaml", `file://${sharedFolder()}`));
}

Deno.test("the documents of the keys are those of the table (else: run scripts/config_docs.ts)", () => {
  strictEqual(Deno.readTextFileSync(new URL("configuration.md", DOCS)), configDocs());
  strictEqual(Deno.readTextFileSync(new URL("configuration.schema.json", DOCS)), configSchemaText());
});

Deno.test("every key is documented in full sentences", () => {
  for (const { path, leaf } of leavesOf()) {
    ok(/^[A-Z`].*\.$/.test(leaf.doc), `${path.join(".")}: ${leaf.doc}`);
    ok(configDocs().includes(`**\`${path.at(-1)}\`**`), path.join("."));
  }
});

Deno.test("the defaults of every key are values that the key accepts", () => {
  const { config } = load();
  deepStrictEqual(breaches(config, configJsonSchema()), []);
  deepStrictEqual(problemsOf({ text: printConfig(load(), { resolved: false }) }), []);
});

Deno.test("the schema accepts what loading accepts, and refuses unknown keys and wrong values", () => {
  const fine = [
    "",
    "seamless:",
    "seamless: {sla: {preset: baseline, total_deadline_ms: '${MS}', min_coverage: null}}",
    "seamless: {artifacts_enabled: false, rate_limit: {burst: 2}, backfill: {max_retries: 2}}",
    "connectors: {ccxt_rate_limiter_redis: 'redis://h'}",
    "storage: {questdb: {host: h}}",
    "exchanges: {okx: , kraken: {anchor: {1d: 57600}, urls: {a: 1}}}",
    "server: {api_keys: [{name: a, sha256: b, role: read}]}",
  ];
  for (const text of fine) deepStrictEqual(breaches(parse(text), configJsonSchema()), [], text);
  const wrong: [string, string][] = [
    ["seamles: {}", "$.seamles additionalProperties"],
    ["seamless: {sla: {preset: best}}", "$.seamless.sla.preset anyOf"],
    ["server: {port: high}", "$.server.port anyOf"],
    ["exchanges: {Binance: {}}", "$.exchanges.Binance pattern"],
    ["exchanges: {okx: {modes: [ohlcv, ticks]}}", "$.exchanges.okx.modes anyOf"],
    ["domains: {backtest: {require_as_of: false}}", "$.domains.backtest.require_as_of anyOf"],
  ];
  for (const [text, breach] of wrong) {
    deepStrictEqual(breaches(parse(text), configJsonSchema()), [breach], text);
  }
});

Deno.test("config print --resolved gives a file that means the same again", () => {
  const text = [
    "seamless: {sla: {preset: tolerant-partial, max_lag_seconds: 5}, rate_limit: {burst: 3}}",
    "exchanges: {kraken: {rate_limit: {interval_ms: 10000, tokens_per_interval: 4}, anchor: {1d: 57600}}, okx: {}}",
    "server: {port: '${PORT}'}",
  ].join("\n");
  const first = load({ text, env: { PORT: "9000" } });
  const second = load({ text: printConfig(first, { resolved: true }), cwd: "/" });
  deepStrictEqual(second.config, first.config);
});

Deno.test("config print without --resolved shows what was written: references and relative places", () => {
  const text = "storage: {bars: 'sqlite:own.db'}\nserver: {port: '${PORT}'}";
  const loaded = load({ text, env: { PORT: "9000", SEAMLESS_STRATEGY: "FAIL_FAST" } });
  const shown = printableConfig(loaded, { resolved: false }) as typeof loaded.config;
  strictEqual(shown.storage.bars, "sqlite:own.db");
  strictEqual(shown.server.port as unknown, "${PORT}");
  strictEqual(shown.seamless.strategy, "FAIL_FAST");
  strictEqual(shown.seamless.artifact.object_store_uri, "./data/artifacts");
  strictEqual(shown.environment.coordinator_url, "${QMTL_SEAMLESS_COORDINATOR_URL:-}");
});

testNeeding(["../shared"], "the blueprint loads, and its values are the defaults of the table", () => {
  const { config } = load({ text: blueprint() });
  strictEqual(config.exchanges.binance.rate_limit.tokens_per_interval, 1_200);
  const { exchanges: _, ...rest } = load({ text: blueprint() }).config;
  const { exchanges: __, ...defaults } = load().config;
  deepStrictEqual(rest, defaults);
});

testNeeding(["../shared"], "the table has exactly the keys of the blueprint", () => {
  const written = keysOf(parse(blueprint())).map((path) => path.replace(/^exchanges\.[^.]+/, "exchanges.*"));
  for (const path of new Set(written)) ok(nodeAt(path.split(".")) !== null, `${path} is not in the table`);
  const known = leavesOf().map(({ path }) => path.join("."))
    .filter((path) => !path.startsWith("synthetic.") && !path.startsWith("exchanges.*.rate_limit."));
  for (const path of known) ok(written.includes(path), `${path} is not in the blueprint`);
});

/** Paths of all leaves of a parsed file; objects that are values count as leaves. */
function keysOf(value: unknown, path: string[] = []): string[] {
  const isSection = typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isSection || Object.keys(value).length === 0) return [path.join(".")];
  return Object.entries(value).flatMap(([name, child]) => keysOf(child, [...path, name]));
}
