/** Jobs that an earlier process began: what it wrote last stands in the ledger, not in the job's record. */

import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import type { RunOptions } from "../../src/backfill/jobs.ts";
import type { JobRecord } from "../../src/core/ports.ts";
import { Bench, DAY } from "./bench.ts";
import { unknownSymbol } from "./fake_exchange.ts";
import { NODE } from "./made.ts";
import { jobOf, OTHER, run } from "./made_jobs.ts";

const both = (o: Partial<JobRecord> = {}) => jobOf({ nodes: [NODE, OTHER], ...o });

/** Window by window; how it ended. */
async function oneByOne(bench: Bench, job: JobRecord, o: Partial<RunOptions> = {}): Promise<JobRecord> {
  return (await run(bench, job, { workers: 1, ...o })).job;
}

/** A job that ends in the middle as a killed process ends it; the record as it was stored some windows before. */
async function killedHalfway(bench: Bench, o: Partial<JobRecord> = {}): Promise<JobRecord> {
  bench.exchange.latencyMs = 1_000;
  const abort = new AbortController();
  let kept: JobRecord | null = null;
  await oneByOne(bench, both(o), {
    signal: abort.signal,
    onProgress: (now) => {
      if (now.windows.complete === 2) kept = now;
      if (now.windows.complete === 8) abort.abort();
    },
  });
  return kept!;
}

Deno.test("a job that was killed counts on from the ledger: no row is left out, and none counts twice", async () => {
  const bench = new Bench();
  // Bars that were there before the job are none of its rows.
  await bench.fill([DAY, DAY + 600]);
  await bench.clock.advance(60_000);
  const kept = await killedHalfway(bench, { createdAtMs: bench.clock.nowMs() });
  deepStrictEqual([kept.state, kept.rows], ["running", 20]);
  const done = await oneByOne(bench, kept);
  deepStrictEqual([done.state, done.rows], ["complete", 110]);
  deepStrictEqual(done.windows, { total: 11, complete: 11, failed: 0, deduplicated: 0 });
});

Deno.test("what the ledger has of a job is told by the venue's clock", async () => {
  const bench = new Bench();
  bench.exchange.skewOnSync = 300_000;
  const kept = await killedHalfway(bench);
  strictEqual((await oneByOne(bench, kept)).rows, 120);
});

Deno.test("a refetch that was killed asks for all of it again, and counts that alone", async () => {
  const bench = new Bench();
  const done = await oneByOne(bench, await killedHalfway(bench, { refetch: true }));
  deepStrictEqual([done.state, done.rows, done.windows.complete], ["complete", 120, 12]);
});

Deno.test("a fill without a start of a market that is no longer listed begins at its first stored bar", async () => {
  const bench = new Bench();
  await bench.fill([DAY + 600, DAY + 1_200]);
  const end = DAY + 3_600;
  const asked: (readonly [number, number])[] = [];
  bench.exchange.marketFault = unknownSymbol;
  const gone = { firstBar: () => Promise.reject(unknownSymbol()) };
  const done = await oneByOne(bench, jobOf({ nodes: [NODE], start: null, end }), {
    ...gone,
    onNodeDone: (_node, range) => {
      asked.push(range);
      return Promise.resolve({ open: 0 });
    },
  });
  deepStrictEqual([done.state, done.errors, asked], ["complete", [], [[DAY + 600, end]]]);
  deepStrictEqual(await bench.gaps([DAY + 600, end]), [[DAY + 1_200, end, "delisted"]]);
  // Of a market that was never stored there is nothing to begin at.
  const unknown = await oneByOne(bench, jobOf({ nodes: [OTHER], start: null }), gone);
  deepStrictEqual([unknown.state, unknown.errors.map(({ code }) => code)], ["failed", ["SYMBOL_UNKNOWN"]]);
  await rejects(
    oneByOne(bench, both({ start: null }), { firstBar: () => Promise.reject(new Error("ours")) }),
    /ours/,
  );
});
