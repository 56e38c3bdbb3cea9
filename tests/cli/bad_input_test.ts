import { match, ok, strictEqual } from "node:assert/strict";
import type { ErrorCode, Problem } from "../../src/core/errors.ts";
import { NODE } from "../server/fake_service.ts";
import { Bench } from "./bench.ts";

/** What was typed, the code and exit code it must give, and what the hint must say. */
type Row = [args: string[], code: ErrorCode, exit: number, hint: RegExp];

const RANGE = ["--start", "2023-03-24", "--end", "2023-03-25"];

/** Texts that are no node id, wherever a node is expected. */
const BAD_NODES: [node: string, code: ErrorCode, hint: RegExp][] = [
  ["", "BAD_NODE_ID", /ohlcv:binance/],
  ["binance", "BAD_NODE_ID", /ohlcv:binance/],
  ["ohlcv:binance:BTC/USDT", "BAD_NODE_ID", /ohlcv:binance/],
  ["ohlcv:BINANCE:BTC/USDT:1m", "BAD_NODE_ID", /ohlcv:binance/],
  ["ohlcv:../../etc:BTC/USDT:1m", "BAD_NODE_ID", /ohlcv:binance/],
  ["ohlcv:binance:BTC/USDT\n; rm -rf:1m", "BAD_NODE_ID", /ohlcv:binance/],
  ["ohlcv:binance:BTC/USDT:3M", "BAD_TIMEFRAME", /1M/],
  ["ohlcv:binance:BTC/USDT:1minute", "BAD_TIMEFRAME", /1m/],
  [`ohlcv:binance:${"X".repeat(300)}:1m`, "BAD_NODE_ID", /ohlcv:binance/],
];

const NODE_VERBS: Record<string, string[]> = {
  get: RANGE,
  fill: RANGE,
  plan: RANGE,
  coverage: RANGE,
  gaps: RANGE,
  snapshots: [],
  publish: RANGE,
  verify: [],
  explain: ["1679616000"],
};

/** Times that are none, for every verb with a range. */
const BAD_TIMES: [text: string, hint: RegExp][] = [
  ["yesterday", /RFC 3339/],
  ["2023-13-01", /RFC 3339/],
  ["2023-02-30", /RFC 3339/],
  ["1679616000000", /Give seconds: 1679616000/],
  ["1e30", /RFC 3339/],
  ["99999999999999999999", /seconds/],
  ["1679616000.5", /Give whole seconds/],
  ["'; DROP TABLE bars; --", /RFC 3339/],
];

const ROWS: Row[] = [
  [["get", NODE], "BAD_REQUEST", 2, /last=N/],
  [["get"], "BAD_REQUEST", 2, /seamless get NODE/],
  [["get", NODE, "--end", "2023-03-25"], "BAD_REQUEST", 2, /last/],
  [["get", NODE, "--last", "10", "--start", "0"], "BAD_REQUEST", 2, /start and end/],
  [["get", NODE, "--last", "0"], "BAD_REQUEST", 2, /whole number/],
  [["get", NODE, "--last", "-5"], "BAD_REQUEST", 2, /whole number/],
  [["get", NODE, "--last", "1.5"], "BAD_REQUEST", 2, /whole number/],
  [["get", NODE, "--last", "many"], "BAD_REQUEST", 2, /whole number/],
  [["get", NODE, "--last", "99999999999"], "BAD_REQUEST", 2, /up to/],
  [["get", NODE, ...RANGE, "--limit", "0"], "BAD_REQUEST", 2, /from 1/],
  [["get", NODE, ...RANGE, "--domain", "lunar"], "UNKNOWN_DOMAIN", 2, /backtest/],
  [["get", NODE, ...RANGE, "--domain", "backtest"], "AS_OF_REQUIRED", 2, /as_of/],
  [["get", NODE, ...RANGE, "--strategy", "SEEMLESS"], "BAD_REQUEST", 2, /Did you mean SEAMLESS/],
  [["get", NODE, ...RANGE, "--max-lag", "-1"], "BAD_REQUEST", 2, /from 0/],
  [["get", NODE, ...RANGE, "--min-coverage", "98"], "BAD_REQUEST", 2, /up to 1/],
  [["get", NODE, ...RANGE, "--as-of", "soon"], "BAD_TIME", 2, /RFC 3339/],
  [["get", NODE, ...RANGE, "--fingerprint", ""], "BAD_REQUEST", 2, /name/],
  [["get", NODE, ...RANGE, "--world", ""], "BAD_REQUEST", 2, /name/],
  [["get", NODE, ...RANGE, "--format", "xml"], "BAD_REQUEST", 2, /arrow, parquet, csv/],
  [["get", NODE, ...RANGE, "-o", "bars.xlsx"], "BAD_REQUEST", 2, /--format/],
  [["get", NODE, ...RANGE, "-o", "/no/such/folder/bars.csv"], "BAD_REQUEST", 2, /mkdir -p/],
  [["get", NODE, ...RANGE, "--timeout", "0"], "BAD_REQUEST", 2, /above 0/],
  [["get", NODE, ...RANGE, "--timeout", "soon"], "BAD_REQUEST", 2, /above 0/],
  [["get", NODE, ...RANGE, "--server", "localhost:8420"], "BAD_REQUEST", 2, /http:\/\/127/],
  [["get", NODE, ...RANGE, "--set", "nonsense"], "BAD_REQUEST", 2, /--set sla/],
  [["get", NODE, ...RANGE, "--set", "slaa.total=5"], "CONFIG_INVALID", 2, /config schema/],
  [["get", NODE, ...RANGE, "-c", "/no/such/file.yaml"], "CONFIG_INVALID", 2, /config schema/],
  [["get", NODE, ...RANGE, "--locked", "x.lock"], "NOT_AVAILABLE", 1, /--fingerprint/],
  [["get", NODE, "--start", "1970-01-01", "--end", "2026-01-01"], "RANGE_TOO_LARGE", 2, /limit|range/],
  [["get", "ohlcv:binance:NOPE/USDT:1m", ...RANGE], "SYMBOL_UNKNOWN", 1, /./],
  [
    ["get", NODE, NODE.replace("1m", "5m"), ...RANGE, "--format", "arrow"],
    "BAD_REQUEST",
    2,
    /\{node\}\.arrow/,
  ],
  [["fill", NODE, "--last", "5"], "BAD_REQUEST", 2, /fill --help|Did you mean/],
  [["fill", NODE, "--workers", "0"], "BAD_REQUEST", 2, /from 1/],
  [["fill", NODE, "--no-wait"], "BAD_REQUEST", 2, /--server/],
  [["plan", "ohlcv:nowhere:BTC/USDT:1m", ...RANGE], "EXCHANGE_UNKNOWN", 1, /./],
  [["gaps", NODE, ...RANGE, "--reason", "lazyness"], "BAD_REQUEST", 2, /absent_at_source/],
  [["gaps", NODE, "--end", "2023-03-25"], "BAD_REQUEST", 2, /--start/],
  [["coverage", NODE, NODE], "BAD_REQUEST", 2, /seamless coverage NODE/],
  [["snapshots", NODE, "--limit", "1000001"], "BAD_REQUEST", 2, /up to 100000/],
  [["explain", NODE], "BAD_REQUEST", 2, /explain NODE TS/],
  [["explain", "ohlcv:binance:NOPE/USDT:1m", "0"], "NODE_UNKNOWN", 1, /./],
  [["verify", "--fingerprint", "sfp1:0"], "BAD_REQUEST", 2, /NODE/],
  [["verify", NODE, "--key", "/no/such/key.pem"], "BAD_REQUEST", 2, /openssl/],
  [["verify", NODE, "--lock", "x"], "NOT_AVAILABLE", 1, /--fingerprint/],
  [["publish", NODE, "--server", "http://127.0.0.1:1"], "BAD_REQUEST", 2, /without --server/],
  [["serve", "--port", "70000"], "BAD_REQUEST", 2, /65535/],
  [["serve", "--hostname", "a b"], "BAD_REQUEST", 2, /127\.0\.0\.1/],
  [["serve", "--hostname", "0.0.0.0"], "CONFIG_INVALID", 2, /./],
  [["config"], "BAD_REQUEST", 2, /print/],
  [["config", "chekc"], "BAD_REQUEST", 2, /config check/],
  [["version", "5"], "BAD_REQUEST", 2, /seamless version/],
  [["got", NODE], "BAD_REQUEST", 2, /Did you mean seamless get/],
  [["zzzzzz"], "BAD_REQUEST", 2, /lists the verbs/],
  [["diff", NODE, "a", "b"], "NOT_AVAILABLE", 1, /snapshots/],
  [["worker"], "NOT_AVAILABLE", 1, /fill/],
  [["live", NODE], "NOT_AVAILABLE", 1, /--last/],
];

async function expectRefusal([args, code, exit, hint]: Row): Promise<void> {
  const typed = JSON.stringify(args);
  const bench = new Bench();
  strictEqual(await bench.run(...args, "--json"), exit, `${typed}: ${bench.err}`);
  strictEqual(bench.out, "", `${typed} printed a result`);
  const problem = JSON.parse(bench.err) as Problem;
  strictEqual(problem.code, code, `${typed}: ${bench.err}`);
  strictEqual(problem.type, `urn:seamless:error:${code}`);
  match(problem.hint, hint, typed);
  ok(problem.detail.length > 10, typed);
  if (exit === 2) {
    strictEqual(
      bench.service.asked.length === 0 || code === "RANGE_TOO_LARGE" || code === "AS_OF_REQUIRED",
      true,
    );
    strictEqual(bench.service.filled.length, 0);
  }
}

for (const [verb, rest] of Object.entries(NODE_VERBS)) {
  Deno.test(`${verb} refuses what is no node id, each with its code and the way out`, async () => {
    for (const [node, code, hint] of BAD_NODES) await expectRefusal([[verb, node, ...rest], code, 2, hint]);
  });
}

for (const verb of ["get", "fill", "plan", "coverage", "gaps", "publish"]) {
  Deno.test(`${verb} refuses what is no time and ranges that run backwards`, async () => {
    for (const [text, hint] of BAD_TIMES) {
      await expectRefusal([[verb, NODE, "--start", text], "BAD_TIME", 2, hint]);
      await expectRefusal([[verb, NODE, "--start", "0", "--end", text], "BAD_TIME", 2, hint]);
    }
    const reversed = [verb, NODE, "--start", "2023-03-25", "--end", "2023-03-24"];
    await expectRefusal([reversed, "BAD_TIME", 2, /start ≤ end/]);
  });
}

Deno.test("explain refuses what is no time", async () => {
  for (const [text, hint] of BAD_TIMES) await expectRefusal([["explain", NODE, text], "BAD_TIME", 2, hint]);
});

Deno.test("every other wrong command line has its code, its exit code and a hint", async () => {
  for (const row of ROWS) await expectRefusal(row);
});

Deno.test("an error for people names verb, value, code and the way out", async () => {
  const bench = new Bench();
  strictEqual(await bench.run("get", NODE, "--start", "soon"), 2);
  match(
    bench.err,
    /^seamless get: Cannot read --start "soon": it is no time \[BAD_TIME\]\n {2}→ Write whole epoch/,
  );
});

Deno.test("every verb refuses an unknown option by name, and says where its help is", async () => {
  for (
    const verb of ["get", "fill", "plan", "coverage", "gaps", "snapshots", "publish", "verify", "doctor"]
  ) {
    await expectRefusal([[verb, NODE, "--frobnicate"], "BAD_REQUEST", 2, new RegExp(`${verb} --help`)]);
  }
});
