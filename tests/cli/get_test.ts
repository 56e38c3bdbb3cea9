import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { parquetMetadata } from "hyparquet";
import { HistoryError } from "../../src/core/errors.ts";
import { FIRST, NODE, SMALL_NODE } from "../server/fake_service.ts";
import { Bench } from "./bench.ts";

const TEN = ["--start", String(FIRST), "--end", String(FIRST + 600)];
const THOUSAND = ["--start", String(FIRST), "--end", String(FIRST + 60_000)];

Deno.test("get writes CSV into a pipe, and what the answer is to standard error", async () => {
  const bench = new Bench();
  strictEqual(await bench.run("get", NODE, ...TEN), 0);
  const lines = bench.out.trimEnd().split("\n");
  strictEqual(lines[0], "ts,open,high,low,close,volume");
  strictEqual(lines.length, 11);
  match(lines[1], new RegExp(`^${FIRST},`));
  match(
    bench.err,
    /2023-03-24T00:00:00Z … 2023-03-24T00:10:00Z\n {2}10 bars, coverage 100 %, complete; no gaps/,
  );
});

Deno.test("get shows the first and last rows on a terminal, and counts what lies between", async () => {
  const bench = new Bench({ terminal: true });
  strictEqual(await bench.run("get", NODE, ...THOUSAND), 0);
  const lines = bench.out.trimEnd().split("\n");
  strictEqual(lines.length, 12);
  match(lines[0], /^ts +open +high +low +close +volume$/);
  match(lines[1], /^2023-03-24T00:00:00Z /);
  strictEqual(lines[6], "… 990 more bars …");
  match(lines[11], /^2023-03-24T16:39:00Z /);
});

Deno.test("get shows every row of a short answer on a terminal once", async () => {
  const bench = new Bench({ terminal: true });
  for (const rows of [1, 4, 5, 6, 9, 10]) {
    const one = new Bench({ terminal: true, service: bench.service });
    strictEqual(await one.run("get", NODE, "--start", String(FIRST), "--end", String(FIRST + rows * 60)), 0);
    const shown = one.out.trimEnd().split("\n").slice(1);
    deepStrictEqual(shown.map((line) => line.slice(0, 20)).length, new Set(shown).size);
    strictEqual(shown.length, rows);
  }
});

Deno.test("get --json writes {metadata, columns, rows, next}, one object a line for several nodes", async () => {
  const bench = new Bench();
  strictEqual(await bench.run("get", NODE, SMALL_NODE, ...TEN, "--json"), 0);
  const [first, second] = bench.out.trimEnd().split("\n").map((line) => JSON.parse(line));
  deepStrictEqual(Object.keys(first), ["metadata", "columns", "rows", "next"]);
  strictEqual(first.metadata.node_id, NODE);
  strictEqual(first.rows.length, 10);
  strictEqual(second.metadata.node_id, SMALL_NODE);
  strictEqual(bench.err, "");
});

Deno.test("get --limit cuts the rows, and asks for a page so that metadata describe the whole answer", async () => {
  const bench = new Bench();
  strictEqual(await bench.run("get", NODE, ...THOUSAND, "--limit", "3", "--json"), 0);
  const { metadata, rows } = bench.json<{ metadata: Record<string, unknown>; rows: unknown[] }>();
  deepStrictEqual([metadata.rows, rows.length, metadata.complete], [3, 3, true]);
  deepStrictEqual(bench.service.asked[0].context?.page, { limit: 3, after: null });
});

Deno.test("get passes the whole question on, and waits without the SLA's deadlines", async () => {
  const bench = new Bench();
  const question = ["--as-of", "2026-02-01T00:00:00.000Z", "--domain", "offline", "--world", "w1"];
  const policy = ["--strategy", "auto-backfill", "--max-lag", "90", "--min-coverage", "0.5"];
  strictEqual(await bench.run("get", NODE, ...TEN, ...question, ...policy), 0);
  deepStrictEqual(bench.service.asked[0].request, {
    nodeId: NODE,
    start: FIRST,
    end: FIRST + 600,
    asOf: "2026-02-01T00:00:00.000Z",
    executionDomain: "backtest",
    worldId: "w1",
    strategy: "AUTO_BACKFILL",
    maxLag: 90,
    minCoverage: 0.5,
  });
  deepStrictEqual(bench.service.asked[0].context?.patient, { timeoutMs: null });
  match(bench.err, /dataset sfp1:2{64} \(snapshot, snapshot 2 as of 2026-02-01T00:00:00.000Z\)/);
});

Deno.test("get ends with 3 when the answer is not complete", async () => {
  const bench = new Bench();
  const beyond = ["--start", String(FIRST + 2_990 * 60), "--end", String(FIRST + 3_010 * 60)];
  strictEqual(await bench.run("get", NODE, ...beyond), 3);
  match(bench.err, /10 bars, coverage 50 %, NOT complete; 1 gap: 10 × pending/);
});

Deno.test("get of several nodes goes on after one that fails, and ends with the worst of their codes", async () => {
  const bench = new Bench();
  const unknown = "ohlcv:binance:ZZZ/USDT:1m";
  bench.service.validate = () => [];
  strictEqual(await bench.run("get", unknown, NODE, ...TEN), 1);
  match(bench.err, /seamless get ohlcv:binance:ZZZ\/USDT:1m: .*\[SYMBOL_UNKNOWN\]/);
  const lines = bench.out.trimEnd().split("\n");
  strictEqual(lines[0], "node_id,ts,open,high,low,close,volume");
  match(lines[10], new RegExp(`^${NODE},`));
});

Deno.test("get names the node in each row when several share a stream", async () => {
  const bench = new Bench();
  await bench.run("get", NODE, SMALL_NODE, ...TEN, "--format", "ndjson");
  const rows = bench.out.trimEnd().split("\n").map((line) => JSON.parse(line));
  deepStrictEqual([...new Set(rows.map((row) => row.node_id))], [NODE, SMALL_NODE]);
  deepStrictEqual(Object.keys(rows[0]), ["node_id", "ts", "open", "high", "low", "close", "volume"]);
  const csv = new Bench();
  await csv.run("get", NODE, SMALL_NODE, ...TEN);
  strictEqual(csv.out.split("\n").filter((line) => line.startsWith("node_id,")).length, 1);
});

Deno.test("get -o writes the format of the name, and leaves no temporary file", async () => {
  const folder = await Deno.makeTempDir();
  const bench = new Bench({ cwd: folder });
  strictEqual(await bench.run("get", NODE, ...TEN, "-o", "bars.parquet"), 0);
  const bytes = await Deno.readFile(join(folder, "bars.parquet"));
  strictEqual(Number(parquetMetadata(bytes.buffer).num_rows), 10);
  strictEqual(bench.out, "");
  match(bench.err, /written to bars\.parquet/);
  strictEqual([...Deno.readDirSync(folder)].length, 1);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("get -o gives each of several nodes its own file where the name says {node}", async () => {
  const folder = await Deno.makeTempDir();
  const bench = new Bench({ cwd: folder });
  strictEqual(await bench.run("get", NODE, SMALL_NODE, ...TEN, "-o", "{node}.csv"), 0);
  deepStrictEqual([...Deno.readDirSync(folder)].map((entry) => entry.name).sort(), [
    "ohlcv%3Abinance%3ABTC%2FUSDT%3A1m.csv",
    "ohlcv%3Abinance%3AETH%2FUSDT%3A1h.csv",
  ]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("get -o keeps the old file and leaves no half of a new one when reading breaks off", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(join(folder, "bars.csv"), "old");
  for (const nodes of [[NODE], [NODE, SMALL_NODE]]) {
    const bench = new Bench({ cwd: folder });
    bench.service.brokenSlice = {
      at: 0,
      error: new HistoryError("VERIFY_FAILED", "Cannot read chunk 7: its digest differs", { hint: "Verify" }),
    };
    strictEqual(await bench.run("get", ...nodes, ...TEN, "-o", "bars.csv"), 4, bench.err);
  }
  strictEqual(await Deno.readTextFile(join(folder, "bars.csv")), "old");
  deepStrictEqual([...Deno.readDirSync(folder)].map((entry) => entry.name), ["bars.csv"]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("get is quiet when the reader of the pipe has seen enough", async () => {
  const bench = new Bench();
  bench.stdout.closedAfter = 1;
  strictEqual(await bench.run("get", NODE, ...THOUSAND), 0);
  strictEqual(bench.err, "");
  strictEqual(bench.service.closed, 1);
});

Deno.test("get --timeout ends with 5, whatever late answers are made into", async () => {
  const bench = new Bench();
  const asked = bench.service.bars.bind(bench.service);
  bench.service.bars = async (request, context) => {
    const answer = await asked(request, context);
    const violation = { phase: "total" as const, budget_ms: 2_000, elapsed_ms: 2_001 };
    return { ...answer, metadata: { ...answer.metadata, sla: { phases: {}, violation } } };
  };
  strictEqual(await bench.run("get", NODE, ...TEN, "--timeout", "2"), 5);
  strictEqual(bench.out, "");
  match(bench.err, /--timeout of 2 s \[SLA_EXCEEDED\]/);
  deepStrictEqual(bench.service.asked[0].context?.patient, { timeoutMs: 2_000 });
});

Deno.test("get --timeout that the service itself tells of ends with 5, and says what is kept", async () => {
  const bench = new Bench();
  bench.service.failure = new HistoryError("SLA_EXCEEDED", "Cannot answer in time", {
    hint: "Ask again soon",
  });
  strictEqual(await bench.run("get", NODE, ...TEN, "--timeout", "2"), 5);
  match(bench.err, /--timeout of 2 s \[SLA_EXCEEDED\]\n {2}→ What was finished is kept/);
});

Deno.test("get of an incomplete answer says what to do about each kind of open slot", async () => {
  const bench = new Bench();
  const asked = bench.service.bars.bind(bench.service);
  bench.service.bars = async (request, context) => {
    const answer = await asked(request, context);
    const gap = { start: FIRST, end: FIRST + 60, bars: 1, settled: false, alternative: null };
    const gaps = (["fetch_failed", "pending", "quarantined"] as const).map((reason) => ({ ...gap, reason }));
    return { ...answer, metadata: { ...answer.metadata, complete: false, gaps, gaps_total: 3 } };
  };
  strictEqual(await bench.run("get", NODE, ...TEN), 3);
  match(bench.err, /seamless gaps ohlcv:binance:BTC\/USDT:1m --reason fetch_failed/);
  match(bench.err, /too young: try again/);
  match(bench.err, /seamless fill ohlcv:binance:BTC\/USDT:1m --refetch/);
});

Deno.test("get --timeout is told as it was given, however much of it was gone when the service was asked", async () => {
  const bench = new Bench();
  const asked = bench.service.bars.bind(bench.service);
  const [wire, service] = [bench.surroundings.wire, bench.service];
  bench.surroundings.wire = async (...args) => {
    await bench.clock.advance(750);
    return await wire(...args);
  };
  service.bars = async (request, context) => {
    await asked(request, context);
    throw new HistoryError("SLA_EXCEEDED", "Cannot answer in time", { hint: "Ask again soon" });
  };
  strictEqual(await bench.run("get", NODE, ...TEN, "--timeout", "2", "--json"), 5);
  deepStrictEqual(service.asked[0].context?.patient, { timeoutMs: 1_250 });
  const { detail, budget_ms, elapsed_ms } = JSON.parse(bench.err);
  match(detail, /--timeout of 2 s$/);
  deepStrictEqual([budget_ms, elapsed_ms], [2_000, 750]);
});

Deno.test("get of a venue that is down gives no bars and ends with 75, the venue's words and what to do", async () => {
  for (const [rows, exit] of [[0, 75], [5, 3]] as const) {
    const down = new Bench();
    const asked = down.service.bars.bind(down.service);
    const hole = { start: FIRST, end: FIRST + 600, bars: 10, settled: false, alternative: null };
    const gap = { ...hole, reason: "fetch_failed" as const };
    down.service.bars = async (request, context) => {
      const answer = await asked(request, context);
      return {
        ...answer,
        metadata: { ...answer.metadata, rows, complete: false, gaps: [gap], gaps_total: 1 },
      };
    };
    const error = "EXCHANGE_UNAVAILABLE: Cannot reach binance for the list of markets";
    const row = { ...gap, first_seen: 1, last_asked: 1, next_ask: null, attempts: 5, error };
    down.service.gaps = () => Promise.resolve({ node_id: NODE, gaps: [row], gaps_total: 1, next: null });
    strictEqual(await down.run("get", NODE, ...TEN), exit);
    match(down.err, /Cannot reach binance for the list of markets \[EXCHANGE_UNAVAILABLE\]/);
    if (exit === 75) match(down.err, /→ Try again later/);
    strictEqual(await down.run("get", NODE, ...TEN, "--json"), exit);
    if (exit === 75) {
      strictEqual(JSON.parse(down.err.trimEnd().split("\n").at(-1)!).code, "EXCHANGE_UNAVAILABLE");
    }
  }
});

Deno.test("get --timeout ends a service that does not answer at all", async () => {
  const bench = new Bench();
  bench.service.gate = new Promise(() => {});
  const run = bench.run("get", NODE, ...TEN, "--timeout", "2", "--json");
  strictEqual(await bench.clock.runUntilSettled(run, 60_000), 5);
  strictEqual(JSON.parse(bench.err).budget_ms, 2_000);
});

Deno.test("Ctrl-C ends get with 130 and says how to go on; a second one ends at once", async () => {
  const folder = await Deno.makeTempDir();
  const bench = new Bench({ cwd: folder });
  const opened = Promise.withResolvers<void>();
  bench.service.bars = () => {
    opened.resolve();
    return new Promise(() => {});
  };
  const run = bench.run("get", NODE, "--start", "2024-01-01", "-o", "it's.csv");
  await opened.promise;
  bench.signal("SIGINT");
  await bench.clock.advance(600);
  bench.signal("SIGINT");
  strictEqual(await bench.clock.runUntilSettled(run, 60_000), 130);
  deepStrictEqual(bench.exits, [130]);
  match(
    bench.err,
    /Go on with: seamless get ohlcv:binance:BTC\/USDT:1m --start 2024-01-01 -o 'it'\\''s.csv'/,
  );
  strictEqual(bench.listening, 0);
  strictEqual(bench.service.closed, 1);
  await Deno.remove(folder);
});

Deno.test("one press of Ctrl-C that a task runner passes on comes twice, and is one", async () => {
  const bench = new Bench();
  const opened = Promise.withResolvers<void>();
  bench.service.bars = (_request, context) => {
    opened.resolve();
    return new Promise((_, reject) => {
      context?.signal?.addEventListener("abort", () => reject(context.signal!.reason));
    });
  };
  const run = bench.run("get", NODE, ...TEN);
  await opened.promise;
  bench.signal("SIGINT");
  bench.signal("SIGINT");
  strictEqual(await run, 130);
  deepStrictEqual(bench.exits, []);
  match(bench.err, /Go on with: seamless get/);
});

Deno.test("get shows progress with rate and end while something is fetched, and takes it away", async () => {
  const bench = new Bench({ terminal: true, width: 120 });
  const gate = Promise.withResolvers<void>();
  bench.service.gate = gate.promise;
  const run = bench.run("get", NODE, ...TEN);
  while (bench.service.listeners === 0) await new Promise((next) => setTimeout(next, 0));
  const event = {
    batch_id: "b",
    attempt: 1,
    node_id: NODE,
    interval: 60,
    start: 0,
    end: 1,
    source: "binance",
  };
  bench.service.emit({ type: "backfill", phase: "attempt", rows: 0, ...event });
  await bench.clock.advance(2_000);
  bench.service.emit({ type: "backfill", phase: "complete", rows: 900, ...event });
  gate.resolve();
  strictEqual(await run, 0);
  match(bench.err, /\[############------------\] 50 % {2}900 bars {2}450\/s {2}ETA 2 s/);
  ok(bench.err.includes("\r\x1b[2K"));
  strictEqual(bench.service.listeners, 0);
});

Deno.test("get says on --dry-run what it would fetch, and asks for no bars", async () => {
  const bench = new Bench();
  strictEqual(await bench.run("get", NODE, "--last", "100", "--dry-run"), 0);
  match(bench.out, /Nothing is fetched/);
  match(bench.out, /3 calls of weight 6/);
  strictEqual(bench.service.asked.length, 0);
});

Deno.test("get refuses to fill a terminal with Parquet", async () => {
  const bench = new Bench({ terminal: true });
  strictEqual(await bench.run("get", NODE, ...TEN, "--format", "parquet"), 2);
  match(bench.err, /-o bars\.parquet/);
});

Deno.test("a fault of ours is told as INTERNAL, with its place under -v", async () => {
  const bench = new Bench();
  bench.service.failure = new RangeError("off by one");
  strictEqual(await bench.run("get", NODE, ...TEN, "-v"), 1);
  match(bench.err, /RangeError: off by one \[INTERNAL\]/);
  match(bench.err, /caused by RangeError: off by one\n +at /);
});

Deno.test("get --json refuses a format for the stream that has no place for metadata", async () => {
  for (const format of ["csv", "ndjson"]) {
    const bench = new Bench();
    strictEqual(await bench.run("get", NODE, ...TEN, "--json", "--format", format), 2);
    match(bench.err, new RegExp(`Cannot print ${format} with --json`));
  }
});
