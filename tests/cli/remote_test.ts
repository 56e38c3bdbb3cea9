import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { makeBench } from "../server/harness.ts";
import { FIRST, NODE } from "../server/fake_service.ts";
import { Bench, finishedJob } from "./bench.ts";

const URL_OF_SERVICE = "http://127.0.0.1:8420";
const TEN = ["--start", String(FIRST), "--end", String(FIRST + 600)];

/** A command line whose HTTP calls go straight into the routes of a service. */
function overHttp(o: Parameters<typeof makeBench>[0] = {}, env: Record<string, string> = {}) {
  const server = makeBench({ rows: 3_000, ...o });
  const asked: Request[] = [];
  const bench = new Bench({
    env,
    fetch: (input, init) => {
      const request = new Request(input as string, init);
      request.headers.set("host", "127.0.0.1:8420");
      asked.push(request.clone());
      return Promise.resolve(server.app(request));
    },
  });
  const run = (...args: string[]) => bench.run(...args, "--server", URL_OF_SERVICE);
  return { server, bench, asked, run };
}

for (
  const args of [
    ["get", NODE, ...TEN],
    ["get", NODE, ...TEN, "--format", "ndjson"],
    ["get", NODE, "--start", String(FIRST), "--end", String(FIRST + 200_000), "--limit", "7"],
    ["get", NODE, ...TEN, "--as-of", "2026-02-01T00:00:00.000Z"],
    ["get", NODE, "--start", String(FIRST), "--end", "9999-12-31", "--limit", "7"],
    ["coverage", NODE, "--json"],
    ["coverage", NODE, "--start", String(FIRST), "--end", "9999-12-31"],
    ["gaps", NODE, "--start", String(FIRST), "--end", "9999-12-31", "--json"],
    ["plan", NODE, "--start", String(FIRST), "--end", "9999-12-31", "--json"],
    ["coverage", NODE, ...TEN],
    ["gaps", NODE, "--json"],
    ["gaps", NODE, ...TEN, "--limit", "1"],
    ["snapshots", NODE],
    ["plan", NODE, ...TEN, "--json"],
  ]
) {
  Deno.test(`${args[0]} ${args.slice(2).join(" ")} prints the same over HTTP as from local stores`, async () => {
    const remote = overHttp();
    const local = new Bench();
    strictEqual(await remote.run(...args), await local.run(...args), remote.bench.err);
    // What is to be typed next goes to the same service.
    strictEqual(remote.bench.out.replaceAll(/ --server \S+/g, ""), local.out);
    strictEqual(remote.bench.wired, 0);
  });
}

Deno.test("get over HTTP waits patiently: the deadline is the time-out, or a day", async () => {
  const { run, asked } = overHttp();
  await run("get", NODE, ...TEN);
  await run("get", NODE, ...TEN, "--timeout", "9");
  const deadlines = asked.map((request) => new URL(request.url).searchParams.get("total_deadline_ms"));
  deepStrictEqual(deadlines, ["86400000", "9000"]);
});

Deno.test("get over HTTP says its context, which a service need then neither ask for nor warn of", async () => {
  const { run, asked } = overHttp();
  await run("get", NODE, ...TEN);
  await run("get", NODE, ...TEN, "--as-of", "2026-02-01T00:00:00.000Z");
  await run("get", NODE, ...TEN, "--domain", "prod", "--world", "w1");
  const said = asked.map(({ url }) => {
    const { searchParams } = new URL(url);
    return [searchParams.get("world_id"), searchParams.get("execution_domain")];
  });
  deepStrictEqual(said, [["default", "live"], ["default", "backtest"], ["w1", "live"]]);
});

Deno.test("errors over HTTP keep their code, hint and exit code", async () => {
  const { run, bench } = overHttp();
  strictEqual(await run("get", "ohlcv:nowhere:BTC/USDT:1m", ...TEN, "--json"), 1);
  const problem = JSON.parse(bench.err);
  strictEqual(problem.code, "EXCHANGE_UNKNOWN");
  strictEqual(problem.hint, "See /v1/nodes");
});

Deno.test("a service that cannot be reached is worth another try later (75), with what to start", async () => {
  const bench = new Bench();
  strictEqual(await bench.run("coverage", NODE, "--server", URL_OF_SERVICE), 75);
  match(bench.err, /Cannot reach the service at http:\/\/127\.0\.0\.1:8420: connection refused/);
  match(bench.err, /seamless serve/);
});

Deno.test("something else that answers at the address is told as no Seamless service", async () => {
  for (const body of ["<html>", '{"code":"NOPE"}', "null"]) {
    const bench = new Bench({ fetch: () => Promise.resolve(new Response(body, { status: 404 })) });
    strictEqual(await bench.run("coverage", NODE, "--server", URL_OF_SERVICE), 75);
    match(bench.err, /answers 404 and is no Seamless service/);
  }
});

Deno.test("the API key goes with each call, and nowhere else", async () => {
  const { run, asked, bench } = overHttp({}, { SEAMLESS_API_KEY: "s3cret" });
  await run("coverage", NODE, "-v");
  strictEqual(asked[0].headers.get("authorization"), "Bearer s3cret");
  strictEqual((bench.out + bench.err).includes("s3cret"), false);
});

Deno.test("fill over HTTP starts a job and looks at it until it ends", async () => {
  const { run, bench, server } = overHttp();
  const done = run("fill", NODE, ...TEN, "--json");
  while (server.service.jobs.size === 0) await new Promise((next) => setTimeout(next, 0));
  const [id] = server.service.jobs.keys();
  server.service.jobs.set(id, finishedJob({ id }));
  strictEqual(await bench.clock.runUntilSettled(done, 60_000), 0, bench.err);
  strictEqual(bench.json<{ state: string }>().state, "complete");
});

Deno.test("fill --no-wait over HTTP says the job's id and where to look", async () => {
  const { run, bench } = overHttp();
  strictEqual(await run("fill", NODE, ...TEN, "--no-wait"), 0);
  match(bench.out, /job job1 is running\nlook: curl http:\/\/127\.0\.0\.1:8420\/v1\/backfills\/job1/);
});

Deno.test("Ctrl-C while a job runs elsewhere leaves the job alone", async () => {
  const { run, bench, server } = overHttp();
  const done = run("fill", NODE, ...TEN);
  while (server.service.jobs.size === 0) await new Promise((next) => setTimeout(next, 0));
  bench.signal("SIGINT");
  strictEqual(await done, 130);
  strictEqual(server.service.jobs.get("job1")?.state, "running");
});

Deno.test("doctor over HTTP tells what the service says of itself", async () => {
  const { run, bench } = overHttp();
  strictEqual(await run("doctor", "--json"), 0, bench.err);
  strictEqual(bench.json<{ ok: boolean }>().ok, true);
});
