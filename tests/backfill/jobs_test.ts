import { deepStrictEqual, match, rejects, strictEqual } from "node:assert/strict";
import { HistoryError } from "../../src/core/errors.ts";
import { VENUE_FAILED_TURNS_MAX } from "../../src/core/limits.ts";
import type { TimeRange } from "../../src/core/time_range.ts";
import { Bench, DAY, minutes, NOW_MS } from "./bench.ts";
import { awayFault, refusedFault, unknownSymbol } from "./fake_exchange.ts";
import { NODE } from "./made.ts";
import { HOUR, jobOf, OTHER, run } from "./made_jobs.ts";

const NOWHERE = "ohlcv:nowhere:ETH/USDT:1m";

Deno.test("a job fills its nodes, counts windows and rows, and ends complete", async () => {
  const bench = new Bench();
  bench.exchange.latencyMs = 1_000;
  const { job, seen } = await run(bench, jobOf({ nodes: [NODE, OTHER] }));
  deepStrictEqual([job.state, job.rows, job.errors], ["complete", 120, []]);
  deepStrictEqual(job.windows, { total: 12, complete: 12, failed: 0, deduplicated: 0 });
  deepStrictEqual(await bench.stored(HOUR), minutes(DAY, 60));
  deepStrictEqual(await bench.stored(HOUR, OTHER), minutes(DAY, 60));
  deepStrictEqual([seen[0].state, seen[0].windows.total, seen[1].windows.total], ["running", 0, 12]);
  deepStrictEqual(seen.map(({ windows }) => windows.complete), [
    0,
    0,
    ...Array.from({ length: 12 }, (_, i) => i + 1),
    12,
  ]);
  strictEqual(new Set(seen).size, seen.length, "each progress is a record of its own");
  strictEqual(bench.exchange.busiest, 2);
});

Deno.test("a job says how long it will go on", async () => {
  const bench = new Bench();
  bench.exchange.latencyMs = 10_000;
  const { job, seen } = await run(bench, jobOf(), { workers: 1 });
  deepStrictEqual(seen.map(({ etaSeconds }) => etaSeconds), [null, null, 50, 40, 30, 20, 10, 0, null]);
  strictEqual(job.etaSeconds, null);
});

Deno.test("a job without a start begins at the first bar, and one without an end stops at the last closed bar", async () => {
  const bench = new Bench();
  const now = NOW_MS / 1000;
  const { job } = await run(bench, jobOf({ start: null, end: null }), {
    firstBar: () => Promise.resolve(now - 1_200),
  });
  deepStrictEqual(bench.exchange.asked, [[now - 1_200, now - 600], [now - 600, now]]);
  strictEqual(job.state, "complete");
  const future = new Bench();
  const later = await run(future, jobOf({ start: now - 600, end: now + 86_400 }));
  deepStrictEqual([later.job.windows.total, later.job.state], [1, "complete"]);
  deepStrictEqual(future.exchange.asked, [[now - 600, now]]);
});

Deno.test("a job over nothing is complete at once", async () => {
  const bench = new Bench();
  for (const job of [jobOf({ start: DAY, end: DAY }), jobOf({ start: NOW_MS / 1000 + 600, end: null })]) {
    const done = await run(bench, job);
    deepStrictEqual([done.job.state, done.job.windows.total], ["complete", 0]);
  }
  const none = await run(bench, jobOf({ start: null }), { firstBar: () => Promise.resolve(null) });
  strictEqual(none.job.state, "complete");
  strictEqual(bench.exchange.calls, 0);
});

Deno.test("a window that fails leaves the job incomplete, tells why, and the others go on", async () => {
  const bench = new Bench();
  bench.exchange.script = Array.from({ length: 3 }, () => () => {
    throw awayFault();
  });
  const { job } = await run(bench, jobOf(), { workers: 1 });
  strictEqual(job.state, "incomplete");
  deepStrictEqual(job.windows, { total: 6, complete: 5, failed: 1, deduplicated: 0 });
  deepStrictEqual(job.errors, [{
    node_id: NODE,
    start: DAY,
    end: DAY + 600,
    code: "EXCHANGE_UNAVAILABLE",
    message: "the venue is away. wait",
  }]);
  const again = await run(bench, jobOf());
  deepStrictEqual([again.job.state, again.job.windows.total, again.job.rows], ["complete", 1, 10]);
});

Deno.test("a job whose every window fails has failed", async () => {
  const bench = new Bench({ settings: { maxAttempts: 1 } });
  bench.exchange.script = Array.from({ length: 99 }, () => () => {
    throw awayFault();
  });
  const { job } = await run(bench, jobOf());
  deepStrictEqual([job.state, job.windows.failed, job.errors.length], ["failed", 6, 6]);
});

Deno.test("a refusal ends its node after one call: every further one would be refused too", async () => {
  const bench = new Bench();
  bench.exchange.script = [() => {
    throw refusedFault();
  }];
  const { job } = await run(bench, jobOf(), { workers: 4 });
  deepStrictEqual([job.state, bench.exchange.calls], ["failed", 1]);
  deepStrictEqual(job.errors.map(({ code }) => code), ["EXCHANGE_REFUSED"]);
  deepStrictEqual(job.windows, { total: 6, complete: 0, failed: 1, deduplicated: 0 });
});

Deno.test("a fill that is mostly off the grid stops, and names the way out", async () => {
  const bench = new Bench();
  bench.exchange.opensAt = 17;
  const { job } = await run(bench, jobOf(), { workers: 1 });
  deepStrictEqual([job.state, bench.exchange.calls], ["failed", 1]);
  strictEqual(job.errors[0].code, "CONFORMANCE_BLOCKED");
  strictEqual(/anchor/.test(job.errors[0].message), true);
});

Deno.test("one node that cannot be filled does not hold up the others, and is named itself", async () => {
  const bench = new Bench();
  const { job } = await run(bench, jobOf({ nodes: [NOWHERE, NODE] }));
  deepStrictEqual([job.state, job.rows], ["incomplete", 60]);
  deepStrictEqual(job.errors.map(({ node_id, code }) => [node_id, code]), [[NOWHERE, "EXCHANGE_UNKNOWN"]]);
  const planning = await run(new Bench(), jobOf({ nodes: [OTHER, NODE], start: null }), {
    firstBar: ({ nodeId }) => nodeId === OTHER ? Promise.reject(unknownSymbol()) : Promise.resolve(DAY),
  });
  deepStrictEqual([planning.job.state, planning.job.rows], ["incomplete", 60]);
  deepStrictEqual(planning.job.errors.map(({ node_id, code }) => [node_id, code]), [[
    OTHER,
    "SYMBOL_UNKNOWN",
  ]]);
});

Deno.test("a publication that fails is noted for its node, and the next node is filled all the same", async () => {
  const bench = new Bench();
  const { job } = await run(bench, jobOf({ nodes: [NODE, OTHER] }), {
    onNodeDone: (nodeId) =>
      nodeId === NODE
        ? Promise.reject(new HistoryError("CLOCK_SKEW", "the clock is off", { hint: "set it" }))
        : Promise.resolve({ open: 0 }),
  });
  deepStrictEqual([job.state, job.rows], ["incomplete", 120]);
  deepStrictEqual(job.errors.map(({ node_id, code, message }) => [node_id, code, message]), [
    [NODE, "CLOCK_SKEW", "the clock is off. set it"],
  ]);
});

Deno.test("slots that no fetch could settle leave the job incomplete", async () => {
  const bench = new Bench();
  const now = NOW_MS / 1000;
  bench.exchange.has = (ts) => ts < now - 60;
  const { job } = await run(bench, jobOf({ start: now - 600, end: now }));
  deepStrictEqual([job.state, job.windows.failed, job.errors], ["incomplete", 0, []]);
});

Deno.test("a cancelled job keeps its finished windows, and the next one asks for the rest alone", async () => {
  const bench = new Bench();
  bench.exchange.latencyMs = 1_000;
  const abort = new AbortController();
  const { job, seen } = await run(bench, jobOf(), {
    workers: 1,
    signal: abort.signal,
    onProgress: ({ windows }) => {
      if (windows.complete === 2) abort.abort();
    },
  });
  deepStrictEqual([job.state, job.windows.complete, job.windows.failed], ["cancelled", 2, 0]);
  deepStrictEqual(seen, []);
  deepStrictEqual(await bench.stored(HOUR), minutes(DAY, 20));
  const asked = bench.exchange.asked.length;
  const resumed = await run(bench, job, { workers: 1 });
  deepStrictEqual([resumed.job.state, resumed.job.windows.total, resumed.job.rows], ["complete", 4, 60]);
  strictEqual(bench.exchange.asked.length - asked, 4);
});

Deno.test("a job that was cancelled before it ran asks nobody", async () => {
  const bench = new Bench();
  const { job } = await run(bench, jobOf(), { signal: AbortSignal.abort() });
  deepStrictEqual([job.state, bench.exchange.calls], ["cancelled", 0]);
});

Deno.test("a job whose backfiller is closed under it is cancelled, not complete", async () => {
  const bench = new Bench();
  bench.exchange.latencyMs = 1_000;
  const { job } = await run(bench, jobOf(), {
    workers: 1,
    onProgress: async ({ windows }) => {
      if (windows.complete === 1) void bench.clock.sleep(500).then(() => bench.backfiller.close());
      await Promise.resolve();
    },
  });
  deepStrictEqual([job.state, job.windows.complete], ["cancelled", 1]);
});

Deno.test("a live job asks the newest windows first", async () => {
  const bench = new Bench();
  await run(bench, jobOf({ priority: "live" }), { workers: 1 });
  deepStrictEqual(bench.exchange.asked.map(([start]) => (start - DAY) / 600), [5, 4, 3, 2, 1, 0]);
});

Deno.test("a refetch asks every slot again, also those that have a bar, and revises what changed", async () => {
  const bench = new Bench();
  await run(bench, jobOf());
  bench.exchange.edit = (reply) => ({
    ...reply,
    columns: { ...reply.columns, volume: reply.columns.volume.map(() => 77) },
  });
  const { job } = await run(bench, jobOf({ refetch: true }));
  deepStrictEqual([job.state, job.windows.complete, bench.exchange.calls], ["complete", 6, 12]);
  const revisions = await bench.store.revisions(NODE, HOUR);
  strictEqual(revisions.filter(({ kept, values }) => kept && values![4] === 77).length, 60);
});

Deno.test("two jobs over one range fetch each window once, and count what the other brought", async () => {
  const bench = new Bench();
  bench.exchange.latencyMs = 1_000;
  const [one, two] = await Promise.all([run(bench, jobOf()), run(bench, jobOf({ id: "job2" }))]);
  strictEqual(bench.exchange.calls, 6);
  strictEqual(one.job.windows.deduplicated + two.job.windows.deduplicated, 6);
  deepStrictEqual([one.job.state, two.job.state], ["complete", "complete"]);
});

Deno.test("a bug of ours is not swallowed, and reaches the caller when all workers have come to rest", async () => {
  const bench = new Bench();
  bench.exchange.latencyMs = 1_000;
  const bug = new TypeError("a bug of ours");
  bench.exchange.script = [() => {
    throw bug;
  }];
  await rejects(run(bench, jobOf(), { workers: 2 }), bug);
  strictEqual(bench.exchange.busy, 0);
  await bench.backfiller.close();
});

Deno.test("a job keeps a hundred errors and counts the others", async () => {
  const bench = new Bench({ settings: { maxAttempts: 1 } });
  // It answers in between: a venue that never does is given up long before.
  bench.exchange.script = Array.from({ length: 999 }, (_, i) => () => {
    if (i % 3 !== 2) throw awayFault();
  });
  const { job } = await run(bench, jobOf({ end: DAY + 225 * 600 }), { workers: 1 });
  deepStrictEqual([job.windows.failed, job.windows.complete, job.errors.length], [150, 75, 100]);
});

Deno.test("a venue that answers nothing is given up after a few turns, its other nodes with it, and no other venue", async () => {
  const bench = new Bench({ settings: { maxAttempts: 2 } });
  const end = DAY + 500 * 600;
  bench.exchange.script = Array.from({ length: 9_999 }, () => () => {
    throw awayFault();
  });
  const { job } = await run(bench, jobOf({ nodes: [NODE, OTHER, NOWHERE], end }), { workers: 4 });
  // A node's first window goes alone; then four side by side, in as many turns as are left.
  const asked = 1 + (VENUE_FAILED_TURNS_MAX - 1) * 4;
  deepStrictEqual([bench.exchange.asked.length, bench.exchange.calls], [asked, asked * 2]);
  deepStrictEqual([job.state, job.windows.failed, job.windows.total], ["failed", 1_001, 1_500]);
  const gaveUp = job.errors.filter(({ message }) => message.startsWith("Gave fake up"));
  deepStrictEqual(gaveUp.map(({ node_id, start, end, code }) => [node_id, start, end, code]), [
    [NODE, DAY + asked * 600, end, "EXCHANGE_UNAVAILABLE"],
    [OTHER, DAY, end, "EXCHANGE_UNAVAILABLE"],
  ]);
  match(gaveUp[0].message, /then ask again/);
  strictEqual(job.errors.at(-1)!.node_id, NOWHERE);
});

Deno.test("a venue that is back within the attempts of its windows costs none, and one back a turn later a turn", async () => {
  // Five attempts take 7.5 s of pauses and the calls between.
  for (const { awayMs, failed } of [{ awayMs: 7_000, failed: 0 }, { awayMs: 15_000, failed: 4 }]) {
    const bench = new Bench({ settings: { maxAttempts: 5 } });
    bench.exchange.latencyMs = 100;
    const goneMs = bench.clock.nowMs() + 1_000;
    bench.exchange.script = Array.from({ length: 9_999 }, () => () => {
      const nowMs = bench.clock.nowMs();
      if (nowMs >= goneMs && nowMs < goneMs + awayMs) throw awayFault();
    });
    const { job } = await run(bench, jobOf({ end: DAY + 200 * 600 }), { workers: 4 });
    deepStrictEqual([job.windows.failed, job.windows.complete], [failed, 200 - failed]);
  }
});

Deno.test("a fill of a venue that was given up keeps what was fetched, publishes it, and goes on when it is back", async () => {
  for (const priority of ["backfill", "live"] as const) {
    const bench = new Bench({ settings: { maxAttempts: 1 } });
    const end = DAY + 50 * 600;
    bench.exchange.script = Array.from({ length: 999 }, (_, i) => () => {
      if (i >= 10) throw awayFault();
    });
    const published: string[] = [];
    const { job } = await run(bench, jobOf({ end, priority }), {
      workers: 1,
      onNodeDone: (nodeId) => {
        published.push(nodeId);
        return Promise.resolve({ open: 400 });
      },
    });
    deepStrictEqual([job.state, job.rows, published], ["incomplete", 100, [NODE]]);
    deepStrictEqual(job.windows, { total: 50, complete: 10, failed: 40, deduplicated: 0 });
    const left = 50 - 10 - VENUE_FAILED_TURNS_MAX;
    const { start, end: until } = job.errors.at(-1)!;
    deepStrictEqual([start, until], priority === "live" ? [DAY, DAY + left * 600] : [end - left * 600, end]);
    bench.exchange.script = [];
    const again = await run(bench, jobOf({ end, priority }), { workers: 1 });
    deepStrictEqual([again.job.state, again.job.windows.total, again.job.rows], ["complete", 40, 400]);
  }
});

Deno.test("the search for first bars gives a venue up too", async () => {
  const bench = new Bench();
  const nodes = Array.from({ length: 9 }, (_, i) => `ohlcv:fake:COIN${i}/USDT:1m`);
  let searched = 0;
  const { job } = await run(bench, jobOf({ nodes, start: null }), {
    firstBar: () => {
      searched++;
      return Promise.reject(awayFault());
    },
  });
  strictEqual(searched, VENUE_FAILED_TURNS_MAX);
  deepStrictEqual(
    job.errors.map(({ node_id, code }) => [node_id, code]),
    nodes.map((node) => [
      node,
      "EXCHANGE_UNAVAILABLE",
    ]),
  );
});

Deno.test("a range that no exchange has is refused before it is planned", async () => {
  const bench = new Bench();
  const seconds = "ohlcv:fake:BTC/USDT:1s";
  const { job } = await run(bench, jobOf({ nodes: [seconds], start: -99_999_999_999, end: null }));
  deepStrictEqual([job.state, job.errors.map(({ code }) => code)], ["failed", ["RANGE_TOO_LARGE"]]);
  strictEqual(bench.exchange.calls, 0);
});

Deno.test("planBlocks() gives the plan a block at a time, in either order", async () => {
  const bench = new Bench({ settings: { windowBars: 1 } });
  const range: TimeRange = [DAY + 17, DAY + 10_000 * 60];
  await bench.fill([DAY + 600, DAY + 1_200]);
  const site = await bench.backfiller.site(NODE);
  for (const order of ["oldest", "newest"] as const) {
    const whole = bench.backfiller.plan(site, range, { scope: "due", order });
    const blocks = [...bench.backfiller.planBlocks(site, range, { scope: "due", order })];
    strictEqual(blocks.length >= 3, true);
    deepStrictEqual(blocks.flat(), whole);
  }
});

Deno.test("a job up to now ends at the bar that the venue's own clock has closed", async () => {
  const bench = new Bench();
  bench.exchange.skewOnSync = NOW_MS - (HOUR[1] + 30) * 1000;
  const { job } = await run(bench, jobOf({ end: null }), { onNodeDone: () => Promise.resolve({ open: 0 }) });
  strictEqual(job.state, "complete");
  strictEqual(job.windows.total, 6);
  strictEqual(job.windows.deduplicated, 0);
});
