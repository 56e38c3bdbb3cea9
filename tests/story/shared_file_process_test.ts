/** A service and two programs on one file at once: all do their work, and each window is fetched once between them. */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { listening } from "../program_process.ts";
import { inFolder, type ProcessWorld } from "./process_world.ts";

const NODE = "ohlcv:binance:BTC/USDT:1m";
const FOLDER = {
  now: "2024-01-22T00:00:00Z",
  faults: [{ kind: "latency", ms: 30, match: { endpoint: "bars" } }] as const,
  config: { seamless: { sla: { total_deadline_ms: 30_000, max_wait_backfill_ms: 30_000 } } },
};

/** Windows asked so far, and how often each. */
function asked({ exchange }: ProcessWorld): Map<string, number> {
  const times = new Map<string, number>();
  for (const { endpoint, params } of exchange.calls) {
    if (endpoint !== "bars" || Number(params.limit) < 100) continue;
    const window = `${params.startTime}-${params.endTime}`;
    times.set(window, (times.get(window) ?? 0) + 1);
  }
  return times;
}

/** Starts the service; its URL, and how to end it. */
const served = (world: ProcessWorld) => listening(world.spawn("serve", "--port", "0", "-q"));

async function json(url: string, init?: RequestInit) {
  const response = await fetch(url, init);
  return { status: response.status, body: await response.json() };
}

Deno.test("a service and two fills on one file fetch each window once, and all end well", () =>
  inFolder(FOLDER, async (world) => {
    const service = await served(world);
    const query = new URLSearchParams({
      node_id: NODE,
      start: "2024-01-03",
      end: "2024-01-13",
      format: "json",
      // On a machine that is busy elsewhere the default budget ends before the fetch does.
      total_deadline_ms: "60000",
    });
    const fill = (start: string, end: string) =>
      world.run("fill", NODE, "--start", start, "--end", end, "--json");
    const [first, second, told, job] = await Promise.all([
      fill("2024-01-01", "2024-01-12"),
      fill("2024-01-05", "2024-01-16"),
      json(`${service.url}/v1/bars?${query}`),
      json(`${service.url}/v1/backfills`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ nodes: [NODE], start: "2024-01-08", end: "2024-01-18" }),
      }),
    ]);
    deepStrictEqual([first.code, second.code], [0, 0], first.err + second.err);
    deepStrictEqual([told.status, told.body.metadata.complete, told.body.metadata.coverage_ratio], [
      200,
      true,
      1,
    ]);
    strictEqual(job.status, 202);
    for (let state = "running"; state !== "complete";) {
      ({ body: { state } } = await json(`${service.url}/v1/backfills/${job.body.id}`));
      ok(["queued", "running", "complete"].includes(state), state);
      await new Promise((next) => setTimeout(next, 20));
    }
    const twice = [...asked(world)].filter(([, times]) => times > 1);
    deepStrictEqual(twice, []);
    strictEqual(asked(world).size, 28);
    strictEqual(await service.stop(), 0);

    const whole = await world.look((look) =>
      look.bars({ nodeId: NODE, start: "2024-01-01", end: "2024-01-18", strategy: "FAIL_FAST" })
    );
    deepStrictEqual([whole.metadata.rows, whole.metadata.complete], [17 * 1_440, true]);
    const { ok: isWhole, failures } = await world.look((look) => look.verify({ nodeIds: [NODE], hot: true }));
    ok(isWhole, JSON.stringify(failures));
  }));

Deno.test("of two services on one folder one runs a job, and when it is killed the other one goes on with it", () =>
  inFolder({
    now: FOLDER.now,
    faults: [{ kind: "latency", ms: 150, match: { endpoint: "bars" } }],
    config: { seamless: { backfill: { max_concurrent_requests: 2 } } },
  }, async (world) => {
    const first = await served(world);
    const job = await json(`${first.url}/v1/backfills`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ nodes: [NODE], start: "2024-01-01", end: "2024-01-18" }),
    });
    strictEqual(job.status, 202);
    const second = await served(world);
    while (asked(world).size < 12) await new Promise((next) => setTimeout(next, 20));
    deepStrictEqual([...asked(world)].filter(([, times]) => times > 1), []);
    await first.stop("SIGKILL");
    let report;
    do {
      await new Promise((next) => setTimeout(next, 50));
      ({ body: report } = await json(`${second.url}/v1/backfills/${job.body.id}`));
    } while (report.state === "running");
    // Windows are cut by their number: the last one reaches half a day over the end.
    deepStrictEqual([report.state, report.rows, report.windows], [
      "complete",
      28 * 900,
      { total: 28, complete: 28, failed: 0, deduplicated: 0 },
    ], JSON.stringify(report.errors));
    const twice = [...asked(world)].filter(([, times]) => times > 1);
    ok(twice.length <= 2, "what was under way when the first one was killed is asked again, nothing else");
    strictEqual(asked(world).size, 28);
    strictEqual(await second.stop(), 0);
  }));

Deno.test("what one process published, the other's live answers name, and as_of goes back in neither", () =>
  inFolder(FOLDER, async (world) => {
    const service = await served(world);
    const ask = async () => {
      const query = new URLSearchParams({
        node_id: NODE,
        start: "2024-01-01T00:00:00Z",
        end: "2024-01-01T12:00:00Z",
        limit: "1",
        format: "json",
      });
      return (await json(`${service.url}/v1/bars?${query}`)).body.metadata;
    };
    const before = await ask();
    strictEqual(before.fingerprint_scope, "snapshot");
    const { code, err } = await world.run("fill", NODE, "--start", "2024-01-01", "--end", "2024-01-03");
    strictEqual(code, 0, err);
    const after = await ask();
    deepStrictEqual([after.snapshot.seq, after.answer_fingerprint], [2, before.answer_fingerprint]);
    ok(after.as_of > before.as_of);
    strictEqual(await service.stop(), 0);
  }));
