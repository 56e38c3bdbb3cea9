import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { errorCodes, exitCodeOf, HistoryError } from "../../src/core/errors.ts";
import type { JobReport } from "../../src/core/service.ts";
import { NODE, SMALL_NODE } from "../server/fake_service.ts";
import { Bench, finishedJob } from "./bench.ts";

const error = (code: string) => ({
  node_id: NODE,
  start: 0,
  end: 54_000,
  code,
  message: "the venue said no",
});

Deno.test("fill runs one job over all its nodes, and prints what came of it with the snapshots", async () => {
  const bench = new Bench();
  const args = [NODE, SMALL_NODE, "--start", "2023-03-24", "--workers", "3", "--refetch"];
  strictEqual(await bench.run("fill", ...args), 0);
  deepStrictEqual(bench.service.filled, [{
    spec: { nodes: [NODE, SMALL_NODE], start: 1_679_616_000, end: null, refetch: true },
    workers: 3,
  }]);
  match(bench.out, /^complete: 4 of 4 windows, 1 fetched by others; 3,600 bars in 0 s\n/);
  match(bench.out, /ohlcv:binance:BTC\/USDT:1m {2}snapshot 2 as of 2026-02-01T00:00:00.000Z\n {2}sfp1:2{64}/);
  match(bench.err, /next: seamless get ohlcv:binance:BTC\/USDT:1m --last 100/);
});

Deno.test("fill without --start leaves the beginning to the venue's first bar", async () => {
  const bench = new Bench();
  await bench.run("fill", NODE);
  strictEqual(bench.service.filled[0].spec.start, null);
});

Deno.test("fill --json prints the job, and nothing beside it", async () => {
  const bench = new Bench();
  strictEqual(await bench.run("fill", NODE, "--json"), 0);
  deepStrictEqual(bench.json(), JSON.parse(JSON.stringify(finishedJob())));
  strictEqual(bench.err, "");
});

Deno.test("fill ends as its job does: 3 when slots are open, else by what the venue said", async () => {
  const ends: [Partial<JobReport>, number, RegExp][] = [
    [{ state: "incomplete", errors: [error("EXCHANGE_UNAVAILABLE")] }, 3, /Try again later/],
    [{ state: "failed", errors: [error("EXCHANGE_UNAVAILABLE")] }, 75, /Try again later/],
    [{ state: "failed", errors: [error("EXCHANGE_REFUSED")] }, 1, /another venue/],
    [{ state: "failed", errors: [error("EXCHANGE_UNAVAILABLE"), error("EXCHANGE_REFUSED")] }, 1, /mirror/],
    [{ state: "failed", errors: [error("WHO_KNOWS")] }, 1, /the venue said no \[WHO_KNOWS\]/],
    [{ state: "incomplete", errors: [error("CONFORMANCE_BLOCKED")] }, 3, /replies were kept raw/],
    [{ state: "incomplete", errors: [error("SYMBOL_UNKNOWN")] }, 1, /Look up the symbol/],
    [{ state: "incomplete", errors: [error("STORE_UNAVAILABLE")] }, 75, /seamless doctor/],
    [{ state: "cancelled" }, 130, /^/],
  ];
  for (const [job, exit, told] of ends) {
    const bench = new Bench();
    bench.service.job = finishedJob(job);
    strictEqual(await bench.run("fill", NODE), exit, JSON.stringify(job));
    match(bench.err, told);
  }
});

Deno.test("fill --json tells what ended it as problem JSON on standard error, and an incomplete job tells itself", async () => {
  const errors = [error("EXCHANGE_UNAVAILABLE"), error("EXCHANGE_REFUSED")];
  const failed = new Bench();
  failed.service.job = finishedJob({ state: "failed", errors });
  strictEqual(await failed.run("fill", NODE, "--json"), 1);
  const problem = JSON.parse(failed.err);
  strictEqual(problem.code, "EXCHANGE_REFUSED");
  match(problem.hint, /mirror/);
  deepStrictEqual(failed.json<JobReport>().errors, errors);
  for (const code of errorCodes().filter((code) => exitCodeOf(code) !== 3)) {
    const other = new Bench();
    other.service.job = finishedJob({ state: "failed", errors: [error(code)] });
    await other.run("fill", NODE, "--json");
    match(JSON.parse(other.err).hint, /\w/, code);
  }
  const incomplete = new Bench();
  incomplete.service.job = finishedJob({ state: "incomplete", errors: errors.slice(0, 1) });
  strictEqual(await incomplete.run("fill", NODE, "--json"), 3);
  strictEqual(incomplete.err, "");
});

Deno.test("fill tells each way out once, however many windows failed", async () => {
  const bench = new Bench();
  bench.service.job = finishedJob({ state: "failed", errors: Array(40).fill(error("EXCHANGE_REFUSED")) });
  await bench.run("fill", NODE);
  strictEqual(bench.err.match(/→/g)?.length, 1);
  match(bench.err, /… and 30 more/);
});

Deno.test("fill draws a bar with rate and ETA on a terminal", async () => {
  const bench = new Bench({ terminal: true, width: 120 });
  bench.service.fillWith = async ({ onProgress }) => {
    await bench.clock.advance(10_000);
    const windows = { total: 40, complete: 9, failed: 1, deduplicated: 0 };
    onProgress?.(finishedJob({ state: "running", windows, rows: 9_000, eta_seconds: 30 }));
    return finishedJob();
  };
  strictEqual(await bench.run("fill", NODE), 0);
  match(bench.err, /ohlcv:\S+ {2}\[######-{18}\] 25 % {2}9,000 bars {2}900\/s {2}ETA 30 s/);
});

for (const [name, terminal, args] of [["in a pipe", false, []], ["under --quiet", true, ["-q"]]] as const) {
  Deno.test(`fill draws nothing ${name}`, async () => {
    const bench = new Bench({ terminal });
    bench.service.fillWith = ({ onProgress }) => {
      onProgress?.(finishedJob({ state: "running" }));
      return Promise.resolve(finishedJob());
    };
    await bench.run("fill", NODE, ...args);
    strictEqual(bench.err.includes("["), false);
    strictEqual(bench.err.includes("\x1b"), false);
  });
}

Deno.test("Ctrl-C ends fill with 130 once its windows are put away, and says how to go on", async () => {
  const bench = new Bench();
  let putAway = false;
  bench.service.fillWith = ({ signal }) =>
    new Promise((resolve) => {
      signal?.addEventListener("abort", () => {
        putAway = true;
        resolve(finishedJob({ state: "cancelled" }));
      });
    });
  const run = bench.run("fill", NODE, "--start", "2024-01-01", "--json");
  while (bench.service.filled.length === 0) await new Promise((next) => setTimeout(next, 0));
  bench.signal("SIGINT");
  strictEqual(await run, 130);
  strictEqual(putAway, true);
  const problem = JSON.parse(bench.err);
  strictEqual(problem.code, "CANCELLED");
  match(problem.hint, /Go on with: seamless fill ohlcv:binance:BTC\/USDT:1m --start 2024-01-01 --json/);
});

Deno.test("SIGTERM ends fill like Ctrl-C", async () => {
  const bench = new Bench();
  bench.service.fillWith = ({ signal }) =>
    new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
  const run = bench.run("fill", NODE);
  while (bench.service.filled.length === 0) await new Promise((next) => setTimeout(next, 0));
  bench.signal("SIGTERM");
  strictEqual(await run, 130);
});

Deno.test("fill --timeout ends with 5, and a fill that does not listen is left after a grace", async () => {
  const bench = new Bench();
  bench.service.fillWith = () => new Promise(() => {});
  const run = bench.run("fill", NODE, "--timeout", "3");
  strictEqual(await bench.clock.runUntilSettled(run, 60_000), 5);
  match(bench.err, /not done within its --timeout of 3 s \[SLA_EXCEEDED\]/);
});

Deno.test("fill tells an unreachable venue and a refusal with what to do next", async () => {
  for (const [code, exit] of [["EXCHANGE_UNAVAILABLE", 75], ["EXCHANGE_REFUSED", 1]] as const) {
    const bench = new Bench();
    bench.service.fillWith = () =>
      Promise.reject(new HistoryError(code, "Cannot reach binance", { hint: "Do this next" }));
    strictEqual(await bench.run("fill", NODE), exit);
    match(bench.err, new RegExp(`Cannot reach binance \\[${code}\\]\\n {2}→ Do this next`));
  }
});

Deno.test("fill --dry-run prints the plan and starts nothing", async () => {
  const bench = new Bench();
  strictEqual(await bench.run("fill", NODE, "--dry-run", "--json"), 0);
  strictEqual(bench.json<{ windows: number }>().windows, 2);
  strictEqual(bench.service.filled.length, 0);
});
