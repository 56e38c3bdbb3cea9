import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { checkConfig, describe } from "../../src/config/mod.ts";
import { CWD, load, problemsOf, refusalOf } from "./loading.ts";

Deno.test("all problems are said at once, each with its line, its column and the nearest known name", () => {
  const text = [
    "seamless:",
    "  stratgy: SEAMLESS",
    "  sla:",
    "    total_deadlin_ms: 5",
    "    on_violation: FAIL_FASTER",
    "sla:",
    "  preset: baseline",
    "exchanges:",
    "  Binance: {sandbox: true}",
    "  kraken:",
    "    symbols:",
    "      - BTC/USD",
    "      - 7",
    "server: {prt: 1}",
  ].join("\n");
  const { problems } = checkConfig({ text, env: {}, cwd: CWD });
  deepStrictEqual(problems.map(({ path, line, column, nearest }) => [path, line, column, nearest]), [
    ["seamless.stratgy", 2, 3, "strategy"],
    ["seamless.sla.total_deadlin_ms", 4, 5, "total_deadline_ms"],
    ["seamless.sla.on_violation", 5, 19, "FAIL_FAST"],
    ["sla", 6, 1, "seamless.sla"],
    ["exchanges.Binance", 9, 3, "binance"],
    ["exchanges.kraken.symbols", 13, 9, null],
    ["server.prt", 14, 10, "port"],
  ]);
});

Deno.test("the error of a configuration lists every problem and carries them, with code, hint and place", () => {
  const refusal = refusalOf({ text: "a: 1\nserver: {port: 70000}\n" });
  strictEqual(refusal.code, "CONFIG_INVALID");
  ok(refusal.hint.includes("config schema"));
  strictEqual(refusal.problems.length, 2);
  const lines = refusal.message.split("\n");
  strictEqual(lines[0], "Cannot use configuration (text): 2 problems");
  strictEqual(lines[2], "  (text):2:16 server.port: must be a whole number from 0 to 65535, not 70000");
  strictEqual(
    describe(
      { path: "server.prt", line: 3, column: 5, message: "is no known key", nearest: "port" },
      "a.yaml",
    ),
    'a.yaml:3:5 server.prt: is no known key; did you mean "port"?',
  );
});

/** What is written, and what must be said of it. */
const REFUSED: [yaml: string, path: string, says: string][] = [
  // Types.
  ["server: {port: '8420'}", "server.port", 'must be a whole number from 0 to 65535, not "8420"'],
  ["server: {port: 1.5}", "server.port", "must be a whole number from 0 to 65535, not 1.5"],
  ["server: {port: null}", "server.port", "must be a whole number from 0 to 65535, not null"],
  ["server: {port: [1]}", "server.port", "not a list"],
  ["server: {hostname: {a: 1}}", "server.hostname", "must be an address, not an object"],
  ["server: {hostname: 127}", "server.hostname", "put it in quotes"],
  ["server: {hostname: ''}", "server.hostname", "must not be empty"],
  ["seamless: {partial_ok: yes}", "seamless.partial_ok", 'must be true or false, not "yes"'],
  ["seamless: {backfill: {jitter_ratio: .nan}}", "seamless.backfill.jitter_ratio", "a number from 0 to 1"],
  ["seamless: {backfill: {jitter_ratio: 1.01}}", "seamless.backfill.jitter_ratio", "a number from 0 to 1"],
  ["seamless: {sla: {min_coverage: -0.1}}", "seamless.sla.min_coverage", "a number from 0 to 1"],
  ["seamless: {rate_limit: {tokens_per_interval: 0}}", "seamless.rate_limit.tokens_per_interval", "above 0"],
  [
    "seamless: {backfill: {window_bars: 1e9}}",
    "seamless.backfill.window_bars",
    "a whole number from 1 to 100000",
  ],
  ["seamless: 5", "seamless", "must hold keys"],
  ["- a", "", "must hold keys"],
  // Lists and objects.
  ["seamless: {conformance: {blocking: [gap, gap]}}", "seamless.conformance.blocking", 'names "gap" twice'],
  ["seamless: {conformance: {blocking: [gaps]}}", "seamless.conformance.blocking", "must be one of"],
  ["exchanges: {kraken: {modes: []}}", "exchanges.kraken.modes", "must hold at least 1"],
  ["exchanges: {kraken: {anchor: {1M: 0}}}", "exchanges.kraken.anchor", "months have no anchor"],
  ["exchanges: {kraken: {anchor: {3M: 0}}}", "exchanges.kraken.anchor", '"3M" is no timeframe'],
  ["exchanges: {kraken: {urls: a}}", "exchanges.kraken.urls", "must be an object of addresses"],
  ["server: {api_keys: [{name: a, role: read}]}", "server.api_keys", "lacks sha256"],
  ["server: {api_keys: [{name: a, sha256: x, role: read}]}", "server.api_keys", "64 lower-case hex digits"],
  ["server: {api_keys: [{name: a, role: read, sha: x}]}", "server.api_keys", '"sha" is no known key'],
  // Fixed values.
  ["seamless: {node_id_format: '{symbol}'}", "seamless.node_id_format", "(fixed)"],
  ["seamless: {artifact: {format: csv}}", "seamless.artifact.format", '"parquet" (fixed)'],
  ["seamless: {conformance: {version: v1}}", "seamless.conformance.version", '"v2" (fixed)'],
  ["domains: {backtest: {source: storage}}", "domains.backtest.source", '"artifact_only" (fixed)'],
  [
    "domains: {backtest: {require_as_of: false}}",
    "domains.backtest.require_as_of",
    "true (fixed), not false",
  ],
  ["domains: {dryrun: {source: artifact_only}}", "domains.dryrun.source", '"artifact_prefers" (fixed)'],
  ["domains: {dryrun: {require_as_of: false}}", "domains.dryrun.require_as_of", "true (fixed)"],
  // Templates and addresses.
  [
    "seamless: {artifact: {partition_template: '{exchange}/{symbol}'}}",
    "seamless.artifact.partition_template",
    "lacks {timeframe}",
  ],
  ...[
    "../../{exchange}/{symbol}/{timeframe}",
    "/abs/{exchange}/{symbol}/{timeframe}",
    "{exchange}//{symbol}/{timeframe}",
    "./{exchange}/{symbol}/{timeframe}",
    "{exchange}/{symbol}/{timeframe}/",
  ].map((template): [string, string, string] => [
    `seamless: {artifact: {partition_template: '${template}'}}`,
    "seamless.artifact.partition_template",
    "no part between slashes may be empty or begin with a dot",
  ]),
  [
    "seamless: {artifact: {partition_template: '{exchange}{symbol}{timeframe}'}}",
    "seamless.artifact.partition_template",
    "two nodes could share a folder",
  ],
  ["cache: {key_template: '{node_id}'}", "cache.key_template", "lacks {start} {end} {interval} {conf_ver}"],
  ["seamless: {rate_limit: {key_template: 'a'}}", "seamless.rate_limit.key_template", "lacks {exchange}"],
  ["seamless: {rate_limit: {key_template: '{exchange}{'}}", "seamless.rate_limit.key_template", "brace"],
  ["seamless: {rate_limit: {key_template: '{exchange}{x}'}}", "seamless.rate_limit.key_template", "{x}"],
  ["storage: {bars: bars.db}", "storage.bars", "sqlite:PATH"],
  ["storage: {bars: 'sqlite::memory:'}", "storage.bars", 'write "memory:"'],
  [
    "seamless: {artifact: {object_store_uri: 'gs://b'}}",
    "seamless.artifact.object_store_uri",
    "must be a folder",
  ],
  ["seamless: {artifact: {object_store_uri: 'file:x'}}", "seamless.artifact.object_store_uri", "file:///"],
  ["environment: {coordinator_url: 'ftp://x'}", "environment.coordinator_url", "http:// or https://"],
  ["exchanges: {kraken: {timeframes: [90]}}", "exchanges.kraken.timeframes", "put it in quotes"],
  ["exchanges: {kraken: {earliest: someday}}", "exchanges.kraken.earliest", "must be a date"],
  // References.
  ["server: {hostname: '${HOST'}", "server.hostname", "no reference"],
  ["server: {hostname: '${1X}'}", "server.hostname", "no reference"],
  ["server: {port: '${PORT:-high}'}", "server.port", 'not "high"'],
  // What is no YAML.
  ["seamless: [1", "", "is not valid YAML"],
  ["server: {port: 1}\nserver: {port: 2}", "", "server is written twice; keep one"],
  ["server: {port: 1}\n---\nserver: {port: 2}", "", "there is more than one document"],
  ["server: {port: ${PORT}}", "", 'inside { } and [ ] write "${NAME}" in quotes'],
  ["a: &a {b: *a}", "", "is nested deeper"],
  ["? {a: 1}\n: 2", "", "a key must be a plain text"],
];

Deno.test("what cannot be is refused with its path and what may be instead", async (t) => {
  for (const [text, path, says] of REFUSED) {
    await t.step(text.replaceAll("\n", "\\n"), () => {
      const said = problemsOf({ text });
      ok(
        said.some((line) => line.startsWith(`${path}: `) && line.includes(says)),
        said.join("\n") || "accepted",
      );
    });
  }
});

Deno.test("what is long is cut in a message", () => {
  const [problem] = problemsOf({ text: `seamless: {strategy: ${"x".repeat(5_000)}}` });
  ok(problem.length < 300, problem);
});

Deno.test("a billion laughs are not laughed", () => {
  const levels = Array.from(
    { length: 12 },
    (_, i) => `a${i + 1}: &a${i + 1} [${Array(10).fill(`*a${i}`).join(", ")}]`,
  );
  const said = problemsOf({ text: ["a0: &a0 [1]", ...levels].join("\n") });
  ok(said.some((line) => line.includes("larger than 100000 values")), said.slice(0, 3).join("\n"));
});

Deno.test("anchors and aliases of YAML are followed", () => {
  const text = "exchanges:\n  okx: &venue {timeout_ms: 5}\n  kraken: *venue\n";
  strictEqual(load({ text }).config.exchanges.kraken.timeout_ms, 5);
});
