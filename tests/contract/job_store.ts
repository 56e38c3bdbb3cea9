/** What every job store must do: jobs live over restarts, and a key means the same job for a day (surface §4). */

import assert from "node:assert/strict";
import { HistoryError } from "../../src/core/errors.ts";
import { IDEMPOTENCY_MS } from "../../src/core/limits.ts";
import type { JobRecord, JobStore } from "../../src/core/ports.ts";
import { holdTo } from "./promises.ts";

/** An empty store, and how to throw it away. */
export interface JobStoreUnderTest {
  store: JobStore;
  /** A second door to the same jobs, as another process would have. */
  second: JobStore;
  dispose(): Promise<void>;
}

type Check = (under: JobStoreUnderTest) => Promise<void>;

const NOW = 1_700_000_000_000;

function jobOf(id: string, more: Partial<JobRecord> = {}): JobRecord {
  return {
    id,
    nodes: ["ohlcv:binance:BTC/USDT:1m"],
    start: 0,
    end: null,
    priority: "backfill",
    refetch: false,
    idempotencyKey: null,
    createdAtMs: NOW,
    updatedAtMs: NOW,
    state: "queued",
    windows: { total: 3, complete: 1, failed: 0, deduplicated: 0 },
    rows: 900,
    etaSeconds: null,
    errors: [{ node_id: "n", start: 0, end: 60, code: "EXCHANGE_UNAVAILABLE", message: "reset" }],
    ...more,
  };
}

const CHECKS: Record<string, Check> = {
  "create() keeps the job, and get() gives it back whole": async ({ store, second }) => {
    const job = jobOf("a");
    assert.deepEqual(await store.create(job), job);
    assert.deepEqual(await second.get("a"), job);
    assert.equal(await store.get("b"), null);
  },
  "a key means the same job for a day": async ({ store, second }) => {
    const first = jobOf("a", { idempotencyKey: "key" });
    await store.create(first);
    const again = jobOf("b", { idempotencyKey: "key", createdAtMs: NOW + IDEMPOTENCY_MS - 1 });
    assert.deepEqual(await second.create(again), first);
    assert.equal(await store.get("b"), null);
    const nextDay = jobOf("c", { idempotencyKey: "key", createdAtMs: NOW + IDEMPOTENCY_MS });
    assert.deepEqual(await store.create(nextDay), nextDay);
    const afterwards = jobOf("d", { idempotencyKey: "key", createdAtMs: NOW + IDEMPOTENCY_MS + 5 });
    assert.deepEqual(await store.create(afterwards), nextDay);
    assert.deepEqual((await store.create(jobOf("e", { idempotencyKey: "other" }))).id, "e");
  },
  "jobs without a key are never taken for one another": async ({ store }) => {
    for (const id of ["a", "b"]) assert.equal((await store.create(jobOf(id))).id, id);
  },
  "of many creations at once with one key one is stored": async ({ store, second }) => {
    const made = await Promise.all(
      Array.from(
        { length: 20 },
        (_, i) => (i % 2 === 0 ? store : second).create(jobOf(`job ${i}`, { idempotencyKey: "key" })),
      ),
    );
    assert.equal(new Set(made.map(({ id }) => id)).size, 1);
    assert.equal((await store.unfinished()).length, 1);
  },
  "update() replaces what is stored, and refuses a job that is not there": async ({ store, second }) => {
    await store.create(jobOf("a"));
    const later = jobOf("a", {
      state: "incomplete",
      rows: 1800,
      updatedAtMs: NOW + 1,
      etaSeconds: 2.5,
      errors: [],
    });
    await second.update(later);
    assert.deepEqual(await store.get("a"), later);
    const isUnknown = (error: unknown) => error instanceof HistoryError && error.code === "JOB_UNKNOWN";
    await assert.rejects(store.update(jobOf("b")), isUnknown);
  },
  "update() takes no cancellation back: of what comes later the counts alone are kept": async (
    { store, second },
  ) => {
    await store.create(jobOf("a", { state: "running", etaSeconds: 3 }));
    await second.update(jobOf("a", { state: "cancelled" }));
    for (const state of ["running", "complete"] as const) {
      await store.update(jobOf("a", { state, rows: 1800, etaSeconds: 2, updatedAtMs: NOW + 1 }));
      const kept = jobOf("a", { state: "cancelled", rows: 1800, updatedAtMs: NOW + 1 });
      assert.deepEqual(await second.get("a"), kept);
      assert.deepEqual(await second.unfinished(), []);
    }
  },
  "unfinished() gives queued and running jobs, oldest first": async ({ store }) => {
    const states = ["running", "complete", "queued", "failed", "cancelled", "incomplete", "queued"] as const;
    for (const [i, state] of states.entries()) {
      await store.create(jobOf(`job ${i}`, { state, createdAtMs: NOW - i }));
    }
    assert.deepEqual((await store.unfinished()).map(({ id }) => id), ["job 6", "job 2", "job 0"]);
  },
  "prune() drops ended jobs that nobody touched since": async ({ store }) => {
    await store.create(jobOf("old", { state: "complete", updatedAtMs: NOW - 2 }));
    await store.create(jobOf("running", { state: "running", updatedAtMs: NOW - 2 }));
    await store.create(jobOf("young", { state: "failed", updatedAtMs: NOW }));
    assert.equal(await store.prune(NOW), 1);
    assert.equal(await store.get("old"), null);
    assert.deepEqual([(await store.get("running"))?.id, (await store.get("young"))?.id], [
      "running",
      "young",
    ]);
    assert.equal(await store.prune(NOW), 0);
  },
  "what the caller does to its job afterwards changes nothing": async ({ store }) => {
    const job = jobOf("a");
    const stored = await store.create(job);
    job.nodes.push("x");
    stored.windows.total = 99;
    (await store.get("a"))!.errors.length = 0;
    assert.deepEqual(await store.get("a"), jobOf("a"));
  },
};

/** Registers one test per promise of the port. `make` gives an empty store. */
export function jobStoreContract(name: string, make: () => Promise<JobStoreUnderTest>): void {
  holdTo(name, { promises: CHECKS, make });
}
