import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { FIRST, NODE, SMALL_NODE } from "../server/fake_service.ts";
import { Bench, NOW_MS } from "./bench.ts";

const HOUR = ["--start", String(FIRST), "--end", String(FIRST + 3_600)];

Deno.test("plan counts calls, weight, time and bytes of all nodes", async () => {
  const bench = new Bench();
  strictEqual(await bench.run("plan", NODE, SMALL_NODE, ...HOUR), 0);
  match(
    bench.out,
    /ohlcv:binance:ETH\/USDT:1h +2 +3 +6 +1,800\n6 calls of weight 12, about 1 s and 172\.8 kB/,
  );
  const json = new Bench();
  await json.run("plan", NODE, ...HOUR, "--json");
  deepStrictEqual(Object.keys(json.json()), [
    "windows",
    "calls",
    "weight",
    "seconds",
    "bars",
    "bytes",
    "nodes",
  ]);
});

Deno.test("coverage prints the runs of bars, and the report as HTTP gives it under --json", async () => {
  const bench = new Bench();
  strictEqual(await bench.run("coverage", NODE, ...HOUR), 0);
  match(bench.out, /2023-03-24T00:00:00Z {2}2023-03-24T01:00:00Z +60\ncoverage 100 %, explained 100 %/);
  const json = new Bench();
  await json.run("coverage", NODE, ...HOUR, "--json");
  deepStrictEqual(
    json.json(),
    JSON.parse(JSON.stringify(await json.service.coverage(NODE, { range: [FIRST, FIRST + 3_600] }))),
  );
});

Deno.test("coverage of a node without bars says how to get some, and ends with 0", async () => {
  const bench = new Bench();
  strictEqual(await bench.run("coverage", "ohlcv:binance:NEW/USDT:1m"), 0);
  match(bench.out, /no bars\nfetch some: seamless fill ohlcv:binance:NEW\/USDT:1m/);
});

Deno.test("coverage and gaps take --last as slots up to the forming bar", async () => {
  const bench = new Bench();
  const asked: unknown[] = [];
  bench.service.gaps = (nodeId, o) => {
    asked.push(o.range);
    return Promise.resolve({ node_id: nodeId, gaps: [], gaps_total: 0, next: null });
  };
  await bench.run("gaps", "ohlcv:binance:BTC/USDT:1h", "--last", "24");
  await bench.run("gaps", "ohlcv:binance:BTC/USDT:1M", "--last", "2");
  deepStrictEqual(asked, [
    [NOW_MS / 1000 - 86_400, NOW_MS / 1000],
    [Date.UTC(2026, 0, 1) / 1000, Date.UTC(2026, 2, 1) / 1000],
  ]);
});

Deno.test("gaps lists each hole with its reason, and where to look next", async () => {
  const bench = new Bench();
  strictEqual(await bench.run("gaps", NODE, ...HOUR), 0);
  match(bench.out, /2023-03-24T00:00:00Z {2}2023-03-24T00:01:00Z +1 {2}absent_at_source {2}settled/);
  match(bench.out, /6 gaps\nwhy: seamless explain ohlcv:binance:BTC\/USDT:1m 1679616000/);
});

Deno.test("gaps without a range looks over all that is known of the node", async () => {
  const bench = new Bench();
  strictEqual(await bench.run("gaps", NODE, "--json"), 0);
  strictEqual(bench.json<{ gaps_total: number }>().gaps_total, 300);
  const empty = new Bench();
  strictEqual(await empty.run("gaps", "ohlcv:binance:NEW/USDT:1m"), 0);
  match(empty.out, /no gaps/);
});

Deno.test("gaps reads page after page up to its limit, and tells where the next gap is", async () => {
  const bench = new Bench();
  const gaps = bench.service.gaps.bind(bench.service);
  let pages = 0;
  bench.service.gaps = (nodeId, o) => {
    pages++;
    return gaps(nodeId, { ...o, limit: Math.min(o.limit, 100) });
  };
  await bench.run("gaps", NODE, "--limit", "250", "--json");
  const { gaps: found, gaps_total, next } = bench.json<
    { gaps: { start: number }[]; gaps_total: number; next: string }
  >();
  strictEqual(pages, 3);
  strictEqual(found.length, 250);
  strictEqual(gaps_total, 300);
  strictEqual(next, String(found[249].start + 600));
});

Deno.test("snapshots says of a filter that selects none that it does, not that nothing is published", async () => {
  const bench = new Bench();
  bench.service.snapshots = () => Promise.resolve({ snapshots: [], next: null });
  await bench.run("snapshots", NODE, "--as-of", "2020-01-01");
  match(bench.out, /no snapshot is selected by that\nall of them: seamless snapshots /);
  const other = new Bench();
  other.service.snapshots = () => Promise.resolve({ snapshots: [], next: null });
  await other.run("snapshots", NODE);
  match(other.out, /nothing published\npublish what is stored: seamless publish /);
});

Deno.test("what is to be typed next names the configuration and the service that were meant", async () => {
  const bench = new Bench();
  const file = Deno.makeTempFileSync({ prefix: "my data ", suffix: ".yaml" });
  try {
    await bench.run("gaps", NODE, "--config", file);
  } finally {
    Deno.removeSync(file);
  }
  strictEqual(bench.out.includes(` --config '${file}'\n`), true, bench.out + bench.err);
});

Deno.test("snapshots lists what was published, newest first", async () => {
  const bench = new Bench();
  strictEqual(await bench.run("snapshots", NODE), 0);
  match(
    bench.out,
    /\n +2 {2}2026-02-01T00:00:00.000Z {2}publish +2023-03-24T00:00:00Z .* 3,000 {2}sfp1:2{64}\n +1 /,
  );
  const none = new Bench();
  strictEqual(await none.run("snapshots", "ohlcv:binance:NEW/USDT:1m"), 0);
  match(none.out, /nothing published/);
});

Deno.test("publish prints what is new and what was there already", async () => {
  const bench = new Bench();
  strictEqual(await bench.run("publish", NODE), 0);
  match(bench.out, /^published snapshot 2 as of .*\n {2}sfp1:2{64}\n.*\nunchanged snapshot 1 as of/);
  const dry = new Bench();
  strictEqual(await dry.run("publish", NODE, "--dry-run"), 0);
  match(dry.out, /would publish/);
  strictEqual(dry.wired, 0);
});

Deno.test("verify ends with 4 when anything differs, and names it", async () => {
  const bench = new Bench();
  strictEqual(await bench.run("verify"), 0);
  match(bench.out, /^verified: 2 manifests, 3 segments, 40 chunks, 0 signatures/);
  const broken = new Bench();
  broken.service.report = {
    ...broken.service.report,
    ok: false,
    failures: [{ kind: "chunk", where: "segments/ab.parquet k=7", expected: "ab", found: "cd" }],
  };
  strictEqual(await broken.run("verify", NODE), 4);
  match(broken.out, /FAILED: 1 difference.*\n.*\nchunk {2}segments\/ab\.parquet k=7 +ab +cd/);
});

Deno.test("verify --key takes the PEM of a public key and refuses any other file", async () => {
  const folder = await Deno.makeTempDir();
  const pem = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n";
  await Deno.writeTextFile(`${folder}/public.pem`, pem);
  await Deno.writeTextFile(`${folder}/private.pem`, pem.replaceAll("PUBLIC", "PRIVATE"));
  const bench = new Bench({ cwd: folder });
  let key: string | undefined;
  bench.service.verify = (o: { keyPem?: string } = {}) => {
    key = o.keyPem;
    return Promise.resolve(bench.service.report);
  };
  strictEqual(await bench.run("verify", "--key", "public.pem"), 0);
  strictEqual(key, pem);
  strictEqual(await bench.run("verify", "--key", "private.pem"), 2);
  strictEqual(await bench.run("verify", "--key", "."), 2);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("explain tells reason, source, window and snapshots of one slot", async () => {
  const bench = new Bench();
  strictEqual(await bench.run("explain", NODE, "2023-03-24T12:45:00Z"), 0);
  match(bench.out, /2023-03-24T12:45:00Z\n {2}gap: absent_at_source\n {2}from binance\n/);
  match(bench.out, /snapshot 1 as of 2026-01-01T00:00:00.000Z, chunk abab/);
});
