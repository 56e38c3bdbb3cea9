/** Each route × what can be wrong with a request: its stable code, and a hint that says the way out. */

import { ok, strictEqual } from "node:assert/strict";
import { FIRST, NODE } from "./fake_service.ts";
import { makeBench, problemOf } from "./harness.ts";

const SFP = `sfp1:${"1".repeat(64)}`;
const RANGE = `start=${FIRST}&end=${FIRST + 3600}`;
const OF = `node_id=${NODE}`;

/** What is wrong with any node id, wherever one is taken. */
const BAD_NODES: [query: string, code: string][] = [
  ["node_id=", "BAD_REQUEST"],
  ["node_id=BTC", "BAD_NODE_ID"],
  ["node_id=ohlcv:binance:1m", "BAD_NODE_ID"],
  ["node_id=OHLCV:binance:BTC/USDT:1m", "BAD_NODE_ID"],
  ["node_id=ohlcv:Binance:BTC/USDT:1m", "BAD_NODE_ID"],
  ["node_id=ohlcv::BTC/USDT:1m", "BAD_NODE_ID"],
  ["node_id=ohlcv:binance::1m", "BAD_NODE_ID"],
  ["node_id=ohlcv:../..:BTC/USDT:1m", "BAD_NODE_ID"],
  ["node_id=ohlcv:binance:BTC%00USDT:1m", "BAD_NODE_ID"],
  ["node_id=ohlcv:binance:BTC%0D%0AX:1m", "BAD_NODE_ID"],
  [`node_id=ohlcv:binance:${"A".repeat(300)}:1m`, "BAD_NODE_ID"],
  ["node_id=ohlcv:binance:BTC/USDT:1x", "BAD_TIMEFRAME"],
  ["node_id=ohlcv:binance:BTC/USDT:3M", "BAD_TIMEFRAME"],
  ["node_id=ohlcv:binance:BTC/USDT:0m", "BAD_TIMEFRAME"],
  ["node_id=ohlcv:binance:BTC/USDT:1m';DROP TABLE bars;--", "BAD_TIMEFRAME"],
];

/** What is wrong with any range that begins at `start`. */
const BAD_RANGES: [query: string, code: string][] = [
  ["end=1679616000", "BAD_REQUEST"],
  ["start=", "BAD_TIME"],
  ["start=now", "BAD_TIME"],
  ["start=1679616000000", "BAD_TIME"],
  ["start=1679616000.5", "BAD_TIME"],
  ["start=1e9", "BAD_TIME"],
  ["start=NaN", "BAD_TIME"],
  ["start=99999999999999999999", "BAD_TIME"],
  ["start=-1679616000000", "BAD_TIME"],
  ["start=2023-02-30", "BAD_TIME"],
  ["start=2023-03-24T00:00:00.25Z", "BAD_TIME"],
  ["start=1 OR 1=1", "BAD_TIME"],
  [`start=${FIRST}&end=${FIRST - 1}`, "BAD_TIME"],
  [`start=${FIRST}&end=1679702400000`, "BAD_TIME"],
  [`start=${FIRST}&end=soon`, "BAD_TIME"],
];

/** What is wrong with any query string. */
const BAD_NAMES: [query: string, code: string][] = [
  ["strat=1", "BAD_REQUEST"],
  ["__proto__=1", "BAD_REQUEST"],
  ["constructor=1", "BAD_REQUEST"],
  ["=1", "BAD_REQUEST"],
  ["START=1", "BAD_REQUEST"],
];

const BAD_PAGES: [query: string, code: string][] = [
  ["limit=0", "BAD_REQUEST"],
  ["limit=-1", "BAD_REQUEST"],
  ["limit=100001", "BAD_REQUEST"],
  ["limit=1.5", "BAD_REQUEST"],
  ["limit=ten", "BAD_REQUEST"],
  ["limit=", "BAD_REQUEST"],
  ["limit=1&limit=2", "BAD_REQUEST"],
  ["cursor=abc", "CURSOR_INVALID"],
  ["cursor=abc&cursor=abc", "BAD_REQUEST"],
];

const BAD_AS_OFS: [query: string, code: string][] = [
  ["as_of=", "BAD_TIME"],
  ["as_of=yesterday", "BAD_TIME"],
  ["as_of=1700000000000", "BAD_TIME"],
  ["as_of=2026-13-01T00:00:00Z", "BAD_TIME"],
];

const prefixed = (path: string, good: string, bad: [string, string][]): [string, string][] =>
  bad.map(([query, code]) => [`${path}?${good}${good && query ? "&" : ""}${query}`, code]);

const GETS: [path: string, code: string][] = [
  ...prefixed("/v1/bars", RANGE, BAD_NODES),
  ...prefixed("/v1/bars", OF, BAD_RANGES),
  ...prefixed("/v1/bars", `${OF}&${RANGE}`, BAD_NAMES),
  ...prefixed("/v1/bars", `${OF}&${RANGE}`, BAD_PAGES),
  ...prefixed("/v1/bars", `${OF}&${RANGE}`, BAD_AS_OFS),
  ...prefixed("/v1/bars", `${OF}&${RANGE}`, [
    ["format=xlsx", "BAD_REQUEST"],
    ["format=CSV", "BAD_REQUEST"],
    ["last=5", "BAD_REQUEST"],
    ["exchange=binance", "BAD_REQUEST"],
    ["execution_domain=prodd", "UNKNOWN_DOMAIN"],
    ["execution_domain=", "BAD_REQUEST"],
    ["execution_domain=backtest", "AS_OF_REQUIRED"],
    ["execution_domain=paper", "NOT_AVAILABLE"],
    ["session=abc", "NOT_AVAILABLE"],
    ["strategy=HOPE", "BAD_REQUEST"],
    ["max_lag=-1", "BAD_REQUEST"],
    ["max_lag=NaN", "BAD_REQUEST"],
    ["min_coverage=1.01", "BAD_REQUEST"],
    ["min_coverage=98%25", "BAD_REQUEST"],
    ["total_deadline_ms=1.5", "BAD_REQUEST"],
    ["total_deadline_ms=-5", "BAD_REQUEST"],
    ["world_id=", "BAD_REQUEST"],
    ["fingerprint=abc", "BAD_REQUEST"],
    [`fingerprint=sfp1:${"0".repeat(64)}`, "SNAPSHOT_UNKNOWN"],
    ["as_of=1999-01-01T00:00:00Z", "SNAPSHOT_UNKNOWN"],
    [`fingerprint=${SFP.toUpperCase()}`, "BAD_REQUEST"],
  ]),
  ...prefixed("/v1/bars", "", [
    ["", "BAD_REQUEST"],
    [OF, "BAD_REQUEST"],
    [`${OF}&last=0`, "BAD_REQUEST"],
    [`${OF}&last=-3`, "BAD_REQUEST"],
    [`${OF}&last=1.5`, "BAD_REQUEST"],
    [`${OF}&last=9999999999`, "BAD_REQUEST"],
    [`${OF}&last=2000000000`, "RANGE_TOO_LARGE"],
    [`${OF}&start=-90000000000&end=90000000000`, "RANGE_TOO_LARGE"],
    [`node_id=trades:binance:BTC/USDT&${RANGE}`, "BAD_NODE_ID"],
    [`exchange=binance&symbol=BTC/USDT&${RANGE}`, "BAD_REQUEST"],
    [`exchange=binance&symbol=BTC/USDT&timeframe=2M&${RANGE}`, "BAD_TIMEFRAME"],
    [`exchange=bin.ance&symbol=BTC/USDT&timeframe=1m&${RANGE}`, "BAD_NODE_ID"],
    [`exchange=binance:x&symbol=BTC/USDT&timeframe=1m&${RANGE}`, "BAD_NODE_ID"],
    [`node_id=ohlcv:nowhere:BTC/USDT:1m&${RANGE}`, "EXCHANGE_UNKNOWN"],
    [`node_id=ohlcv:binance:NO/SUCH:1m&${RANGE}`, "SYMBOL_UNKNOWN"],
    [`node_id=ohlcv:binance:../../etc/passwd:1m&${RANGE}`, "SYMBOL_UNKNOWN"],
    [`node_id=ohlcv:binance:' OR '1'='1:1m&${RANGE}`, "SYMBOL_UNKNOWN"],
  ]),
  ...prefixed("/v1/coverage", "", [["", "BAD_REQUEST"], ...BAD_NODES]),
  ...prefixed("/v1/coverage", OF, BAD_RANGES),
  ...prefixed("/v1/coverage", OF, [...BAD_NAMES, ...BAD_AS_OFS, ["limit=5", "BAD_REQUEST"]]),
  ...prefixed("/v1/gaps", RANGE, BAD_NODES),
  ...prefixed("/v1/gaps", OF, [["", "BAD_REQUEST"], ...BAD_RANGES]),
  ...prefixed("/v1/gaps", `${OF}&${RANGE}`, [
    ...BAD_NAMES,
    ...BAD_PAGES,
    ...BAD_AS_OFS,
    ["reason=absent", "BAD_REQUEST"],
  ]),
  ...prefixed("/v1/condition", RANGE, BAD_NODES),
  ...prefixed("/v1/condition", OF, [["", "BAD_REQUEST"], ...BAD_RANGES]),
  ...prefixed("/v1/condition", OF, [
    ...BAD_NAMES,
    ["start=-90000000000&end=90000000000", "RANGE_TOO_LARGE"],
  ]),
  ...prefixed("/v1/nodes", "", [
    ...BAD_NAMES,
    ...BAD_PAGES,
    ["exchange=", "BAD_REQUEST"],
    ["exchange=../x", "BAD_REQUEST"],
  ]),
  ...prefixed("/v1/snapshots", "", [["", "BAD_REQUEST"], ...BAD_NODES]),
  ...prefixed("/v1/snapshots", OF, [
    ...BAD_NAMES,
    ...BAD_PAGES,
    ...BAD_AS_OFS,
    ["fingerprint=abc", "BAD_REQUEST"],
  ]),
  ["/v1/backfills/nothing", "JOB_UNKNOWN"],
  ["/v1/backfills/%E0%A4%A", "BAD_REQUEST"],
  ["/v1/backfills/x?verbose=1", "BAD_REQUEST"],
  ["/v1/events?types=backfil", "BAD_REQUEST"],
  ["/v1/events?types=", "BAD_REQUEST"],
  ["/v1/events?node_id=x", "BAD_NODE_ID"],
  ["/v1/events?type=bar", "BAD_REQUEST"],
  ["/artifacts/nothing.json", "NOT_FOUND"],
  ["/artifacts/", "NOT_FOUND"],
  ["/artifacts/.tmp/x", "NOT_FOUND"],
  ["/artifacts/a//b", "NOT_FOUND"],
  ["/artifacts/a%2Fb", "BAD_REQUEST"],
  ["/artifacts/..%2F..%2Fetc%2Fpasswd", "BAD_REQUEST"],
  ["/artifacts/a/..%5Cb", "BAD_REQUEST"],
  ["/artifacts/a%00b", "BAD_REQUEST"],
  ["/artifacts/%E0%A4%A", "BAD_REQUEST"],
  ["/artifacts/a?x=1", "BAD_REQUEST"],
  ["/artifacts/%2e%2e/%2e%2e/etc/passwd", "NOT_FOUND"],
  ["/healthz?deep=1", "BAD_REQUEST"],
  ["/v1/bar", "NOT_FOUND"],
  ["/v2/bars", "NOT_FOUND"],
  ["/v1/bars/", "NOT_FOUND"],
  ["/v1/backfills/", "NOT_FOUND"],
  ["/v1/backfills/a/b", "NOT_FOUND"],
  ["/.env", "NOT_FOUND"],
  ["/v1/plan", "METHOD_NOT_ALLOWED"],
  ["/v1/backfills", "METHOD_NOT_ALLOWED"],
  ["/v1/trades?x=1", "NOT_AVAILABLE"],
  ["/v1/diff", "NOT_AVAILABLE"],
  ["/v1/leases", "NOT_AVAILABLE"],
  ["/v1/sessions/abc", "NOT_AVAILABLE"],
  ["/metrics", "NOT_AVAILABLE"],
];

const NODES = [NODE];
/** What is wrong with a backfill or a plan. */
const SPECS: [body: unknown, code: string][] = [
  ["", "BAD_REQUEST"],
  ["{", "BAD_REQUEST"],
  ["[]", "BAD_REQUEST"],
  ["null", "BAD_REQUEST"],
  ["5", "BAD_REQUEST"],
  [{}, "BAD_REQUEST"],
  [{ nodes: [] }, "BAD_REQUEST"],
  [{ nodes: NODE }, "BAD_REQUEST"],
  [{ nodes: Array(1_001).fill(NODE) }, "BAD_REQUEST"],
  [{ nodes: [5] }, "BAD_NODE_ID"],
  [{ nodes: ["BTC"] }, "BAD_NODE_ID"],
  [{ nodes: ["ohlcv:binance:BTC/USDT:1y"] }, "BAD_TIMEFRAME"],
  [{ nodes: ["ohlcv:binance:NO/SUCH:1m"], start: 0 }, "SYMBOL_UNKNOWN"],
  [{ nodes: NODES }, "BAD_REQUEST"],
  [{ nodes: NODES, end: 5 }, "BAD_REQUEST"],
  [{ nodes: NODES, start: "soon" }, "BAD_TIME"],
  [{ nodes: NODES, start: 1679616000000 }, "BAD_TIME"],
  [{ nodes: NODES, start: 1.5 }, "BAD_TIME"],
  [{ nodes: NODES, start: true }, "BAD_TIME"],
  [{ nodes: NODES, start: [1] }, "BAD_TIME"],
  [{ nodes: NODES, start: 10, end: 5 }, "BAD_TIME"],
  [{ nodes: NODES, start: 0, priority: "urgent" }, "BAD_REQUEST"],
  [{ nodes: NODES, start: 0, priority: 1 }, "BAD_REQUEST"],
  [{ nodes: NODES, start: 0, refetch: "yes" }, "BAD_REQUEST"],
  [{ nodes: NODES, start: 0, idempotency_key: 5 }, "BAD_REQUEST"],
  [{ nodes: NODES, start: 0, idempotency_key: "" }, "BAD_REQUEST"],
  [{ nodes: NODES, start: 0, idempotency_key: "k".repeat(201) }, "BAD_REQUEST"],
  [{ nodes: NODES, start: 0, node: NODE }, "BAD_REQUEST"],
  [`{"nodes":["${NODE}"],"start":0,"__proto__":{}}`, "BAD_REQUEST"],
  [`{"nodes":${"[".repeat(200_000)}${"]".repeat(200_000)}}`, "BAD_NODE_ID"],
  [`{"nodes":["${NODE}"],"start":${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}}`, "BAD_TIME"],
  ["[".repeat(500_000), "BAD_REQUEST"],
  [" ".repeat(1024 * 1024 + 1), "BODY_TOO_LARGE"],
];

Deno.test("each bad GET gets its code and a hint, and never a fault of the service", async () => {
  const bench = makeBench();
  for (const [path, code] of GETS) {
    const response = await bench.get(path);
    const problem = await problemOf(response, code).catch((error) => {
      throw new Error(`${path}: ${error.message}`, { cause: error });
    });
    ok(response.status >= 400 && response.status !== 500, path);
    ok(problem.hint !== problem.detail, path);
  }
  strictEqual(bench.logged.filter(({ event }) => event === "seamless.http.fault").length, 0);
});

Deno.test("each bad body of a plan and of a backfill gets its code and a hint", async () => {
  const bench = makeBench();
  for (const path of ["/v1/plan", "/v1/backfills"]) {
    for (const [body, code] of SPECS) {
      await problemOf(await bench.post(path, body), code).catch((error) => {
        throw new Error(`${path} ${JSON.stringify(body).slice(0, 80)}: ${error.message}`, { cause: error });
      });
    }
  }
  strictEqual(bench.service.jobs.size, 0);
});

Deno.test("a body of another type is UNSUPPORTED_MEDIA, one that is no UTF-8 or too long is refused", async () => {
  const { post, get } = makeBench();
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonx"]) {
    const response = await post("/v1/plan", { nodes: NODES, start: 0 }, {
      headers: { "content-type": type },
    });
    await problemOf(response, "UNSUPPORTED_MEDIA");
    strictEqual(response.status, 415);
  }
  strictEqual(
    (await post("/v1/plan", { nodes: NODES, start: 0 }, {
      headers: { "content-type": "application/json; charset=utf-8" },
    })).status,
    200,
  );
  const headers = { "content-type": "application/json" };
  await problemOf(
    await get("/v1/plan", { method: "POST", headers, body: new Uint8Array([0x22, 0xff, 0x22]) }),
    "BAD_REQUEST",
  );
  const endless = new ReadableStream({ pull: (c) => c.enqueue(new Uint8Array(65_536)) });
  await problemOf(await get("/v1/plan", { method: "POST", headers, body: endless }), "BODY_TOO_LARGE");
});

Deno.test("a misspelt name is answered with the nearest one", async () => {
  const { get, post } = makeBench();
  const cases: [Response, string][] = [
    [await get(`/v1/bars?${OF}&strt=5`), "start"],
    [await get(`/v1/bars?${OF}&${RANGE}&formt=csv`), "format"],
    [await get(`/v1/bars?${OF}&${RANGE}&format=cvs`), "csv"],
    [await get(`/v1/gaps?${OF}&${RANGE}&reason=no_trade`), "no_trades"],
    [await get(`/v1/events?types=snapshots`), "snapshot"],
    [await get(`/v1/coverages`), "/v1/coverage"],
    [await post("/v1/backfills", { node: NODE }), "nodes"],
  ];
  for (const [response, nearest] of cases) {
    const { hint } = await response.json();
    ok(hint.includes(nearest), hint);
  }
});

Deno.test("Accept that allows no format is NOT_ACCEPTABLE, weights and wildcards are honoured", async () => {
  const { get } = makeBench();
  const path = `/v1/bars?${OF}&${RANGE}`;
  for (
    const accept of ["image/png", "text/html", "application/json;q=0", "*/*;q=0", "application/json;q=2", "x"]
  ) {
    const response = await get(path, { headers: { accept } });
    await problemOf(response, "NOT_ACCEPTABLE");
    strictEqual(response.status, 406);
  }
  const cases = {
    "*/*": "application/json",
    "": "application/json",
    "text/*": "text/csv",
    "text/html, */*;q=0.1": "application/json",
    "application/json;q=0.5, application/vnd.apache.arrow.stream": "application/vnd.apache.arrow.stream",
    "APPLICATION/X-NDJSON ; q=0.3": "application/x-ndjson",
    "application/json;q=0, application/*;q=0.5": "application/vnd.apache.arrow.stream",
    "application/vnd.apache.parquet;q=0.001": "application/vnd.apache.parquet",
  };
  for (const [accept, type] of Object.entries(cases)) {
    const response = await get(path, { headers: { accept } });
    ok(
      response.headers.get("content-type")!.startsWith(type),
      `${accept}: ${response.headers.get("content-type")}`,
    );
    await response.body?.cancel();
  }
});

Deno.test("a known path with another method is 405 with Allow, OPTIONS lists the methods", async () => {
  const { get } = makeBench();
  const response = await get("/v1/bars", { method: "PUT" });
  await problemOf(response, "METHOD_NOT_ALLOWED");
  strictEqual(response.status, 405);
  strictEqual(response.headers.get("allow"), "GET, HEAD, OPTIONS");
  const options = await get("/v1/backfills/x", { method: "OPTIONS" });
  strictEqual(options.status, 204);
  strictEqual(options.headers.get("allow"), "GET, DELETE, HEAD, OPTIONS");
  await problemOf(await get("/nothing", { method: "OPTIONS" }), "NOT_FOUND");
  const head = await get("/v1/bar", { method: "HEAD" });
  strictEqual(head.status, 404);
  strictEqual(await head.text(), "");
});
