/** The program as a process: what only a real one shows. Signals, closed pipes, exit codes, two at once. */

import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { Fault } from "../../scripts/recorded_exchange/mod.ts";
import { ended } from "../program_process.ts";
import { DAY, inWorld, NODE, run, spawn } from "./program.ts";

/** Reads a stream up to a text, and leaves the rest to the reader given back. */
async function readUntil(stream: ReadableStream<Uint8Array>, wanted: RegExp): Promise<string> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = "";
  while (!wanted.test(text)) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`ended before ${wanted}: ${text}`);
    text += decoder.decode(value, { stream: true });
  }
  reader.releaseLock();
  return text;
}

Deno.test("the program fills a day from a venue, publishes it, proves it, and answers it again without a call", () =>
  inWorld(async ({ folder, exchange }) => {
    const filled = await run(folder, "fill", NODE, ...DAY, "--json");
    strictEqual(filled.code, 0, filled.err);
    strictEqual(JSON.parse(filled.out).state, "complete");
    const calls = exchange.calls.length;
    const got = await run(folder, "get", NODE, ...DAY);
    strictEqual(got.code, 0, got.err);
    strictEqual(got.out.trimEnd().split("\n").length, 1_441);
    strictEqual(exchange.calls.length, calls);
    const verified = await run(folder, "verify", "--json");
    strictEqual(verified.code, 0, verified.err);
    strictEqual(JSON.parse(verified.out).ok, true);
  }));

Deno.test("the program is quiet and well when the reader of its pipe goes away", () =>
  inWorld(async ({ folder }) => {
    strictEqual((await run(folder, "fill", NODE, "--start", "2023-12-20", "-q")).code, 0);
    const child = spawn(folder, "get", NODE, "--start", "2023-12-20", "--end", "2024-01-03");
    match(await readUntil(child.stdout, /\n.*\n/), /^ts,open,high,low,close,volume\n/);
    await child.stdout.cancel();
    const [{ code }, said] = await Promise.all([child.status, new Response(child.stderr).text()]);
    strictEqual(code, 0, said);
    strictEqual(said.replace(/^warning: this machine's clock is .*\n/, ""), "");
  }));

Deno.test("Ctrl-C keeps what a fill has finished; the same command goes on, and asks for nothing twice", () =>
  inWorld(async ({ folder, exchange }) => {
    const slow = exchange.inject({ kind: "latency", ms: 150, match: { endpoint: "bars" } });
    const fill = ["fill", NODE, "--start", "2023-12-25", "--end", "2024-01-02"];
    const child = spawn(folder, ...fill, "--workers", "1");
    const done = ended(child);
    while (exchange.calls.filter((call) => call.endpoint === "bars").length < 4) {
      await new Promise((next) => setTimeout(next, 10));
    }
    child.kill("SIGINT");
    const stopped = await done;
    strictEqual(stopped.code, 130, stopped.err);
    match(
      stopped.err,
      /Go on with: seamless fill ohlcv:binance:BTC\/USDT:1m --start 2023-12-25 .* --workers 1/,
    );
    slow();
    const before = exchange.calls.length;
    const finished = await run(folder, ...fill, "--json");
    strictEqual(finished.code, 0, finished.err);
    const asked = exchange.calls.filter((call) => call.endpoint === "bars" && call.status === 200);
    ok(exchange.calls.length > before);
    // At most the one window that was under way when the signal came is asked again.
    const windows = asked.map((call) => call.params.startTime);
    ok(new Set(windows).size >= windows.length - 1, windows.join(" "));
  }));

Deno.test("two fills at once fetch each window once between them", () =>
  inWorld(async ({ folder, exchange }) => {
    const both = await Promise.all([1, 2].map(() => run(folder, "fill", NODE, ...DAY, "--json")));
    deepStrictEqual(both.map(({ code }) => code), [0, 0], both.map(({ err }) => err).join("\n"));
    const windows = exchange.calls.filter((call) => call.endpoint === "bars").map((call) =>
      call.params.startTime
    );
    strictEqual(new Set(windows).size, windows.length, windows.join(" "));
  }));

Deno.test("a venue that refuses, and one that cannot be reached, end a fill with what to do next", async () => {
  const refusal: Fault = { kind: "status", status: 451 };
  await inWorld(async ({ folder }) => {
    const { code, err } = await run(folder, "fill", NODE, ...DAY);
    strictEqual(code, 1, err);
    match(err, /EXCHANGE_REFUSED[\s\S]*→ .{20}/);
  }, [refusal]);
  await inWorld(async ({ folder, exchange }) => {
    await exchange.close();
    const { code, err } = await run(folder, "fill", NODE, ...DAY);
    strictEqual(code, 75, err);
    match(err, /EXCHANGE_UNAVAILABLE[\s\S]*→ .{20}/);
  });
});

Deno.test("serve says where it listens, refuses a second one on its port, and ends with 0 at SIGTERM", () =>
  inWorld(async ({ folder }) => {
    const child = spawn(folder, "serve", "--port", "0", "-q");
    const said = await readUntil(child.stdout, /curl .*\n/);
    const url = /listens on (http:\S+)/.exec(said)![1];
    strictEqual((await (await fetch(`${url}/healthz`)).json()).status, "ok");
    const second = await run(folder, "serve", "--port", new URL(url).port);
    strictEqual(second.code, 2, second.err);
    match(second.err, /CONFIG_INVALID\]\n {2}→ .*port/);
    const remote = await run(folder, "get", NODE, ...DAY, "--server", url, "--json");
    strictEqual(remote.code, 0, remote.err);
    strictEqual(JSON.parse(remote.out).rows.length, 1_440);
    child.kill("SIGTERM");
    const { code, err } = await ended(child);
    strictEqual(code, 0, err);
  }));

Deno.test("a program without arguments, with --help and with a mistake ends with 0, 0 and 2", async () => {
  const folder = await Deno.makeTempDir();
  const codes = await Promise.all(
    [[], ["get", "--help"], ["gte"], ["version", "--json"]].map((args) => run(folder, ...args)),
  );
  deepStrictEqual(codes.map(({ code }) => code), [0, 0, 2, 0]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("get with PARTIAL_FILL answers with what there is, and what it started is there the next time", () =>
  inWorld(async ({ folder }) => {
    const first = await run(folder, "get", NODE, ...DAY, "--strategy", "PARTIAL_FILL", "--json");
    deepStrictEqual([first.code, JSON.parse(first.out).rows.length], [3, 0]);
    const second = await run(folder, "get", NODE, ...DAY, "--strategy", "PARTIAL_FILL", "--json");
    deepStrictEqual([second.code, JSON.parse(second.out).rows.length], [0, 1_440]);
  }));

Deno.test("get with PARTIAL_FILL has answered when --timeout ends what it started", () =>
  inWorld(async ({ folder }) => {
    const args = ["--strategy", "PARTIAL_FILL", "--json", "--timeout", "2"];
    const told = await run(folder, "get", NODE, ...DAY, ...args, "--set", "sla.total_deadline_ms=8000");
    deepStrictEqual([told.code, JSON.parse(told.out).rows.length], [3, 0], told.err);
  }, [{ kind: "latency", ms: 6_000, match: { endpoint: "bars" } }]));
