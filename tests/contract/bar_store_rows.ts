/** Rows: how bars are kept as chunks, and how chunks are read. Every bar store must do this. */

import assert from "node:assert/strict";
import { decodeRows } from "../../src/core/stored_chunk.ts";
import type { BarValues } from "../../src/core/stored_chunk.ts";
import {
  barsAt,
  CHUNK,
  chunksOf,
  EVER,
  failsWith,
  minutes,
  NODE,
  rowOf,
  storedBars,
  writeOf,
} from "./bar_store_samples.ts";
import type { BarStoreCheck } from "./bar_store_samples.ts";

export const ROW_CHECKS: Record<string, BarStoreCheck> = {
  "the worked example of the fingerprint page has its chunk digest": async ({ store }) => {
    const rows: Record<number, BarValues> = { 0: [1, 1.2, 0.9, 1.05, 10], 60: [1.1, 1.3, 1, 1.15, 11] };
    await store.commit(writeOf(barsAt([0, 60], (ts) => rows[ts])));
    const [chunk] = await chunksOf(store);
    assert.equal(chunk.digest, "bb655d4ce26b462d4b3bda6b7f64fdce3306991c764850e13a715f1998378246");
    assert.equal((await store.state(NODE))!.chunks[0].digest, chunk.digest);
    assert.equal(chunk.leaves.length, 6);
  },
  "bars come back in canonical bits: one NaN, no −0, the smallest number": async ({ store }) => {
    const odd: BarValues = [-0, NaN, 5e-324, -1.7976931348623157e308, 0];
    await store.commit(writeOf(barsAt([-60, 0], () => odd)));
    for (const { bytes } of await chunksOf(store)) {
      const words = [...new BigUint64Array(bytes.slice().buffer)];
      assert.deepEqual(words.slice(1), [0n, 0x7ff8000000000000n, 1n, 0xffefffffffffffffn, 0n]);
    }
  },
  "times before 1970 and far ahead are exact": async ({ store }) => {
    const times = [-(2 ** 40) * 60, -60, 0, 60, 2 ** 36 * 60];
    await store.commit(writeOf(times));
    assert.deepEqual([...(await storedBars(store, [-(2 ** 47), 2 ** 47])).ts], times);
  },
  "a window over a chunk border lands in both chunks, as one run": async ({ store }) => {
    const outcome = await store.commit(writeOf(minutes(CHUNK - 120, 4)));
    assert.equal(outcome.inserted, 4);
    const state = (await store.state(NODE))!;
    assert.deepEqual(state.chunks.map(({ k, rows }) => [k, rows]), [[0, 2], [1, 2]]);
    assert.deepEqual([...state.final], [CHUNK - 120, CHUNK + 120]);
  },
  "windows of one chunk merge in any order, and holes split the runs": async ({ store }) => {
    for (const start of [1200, 0, 600, 3000]) await store.commit(writeOf(minutes(start, 10)));
    const state = (await store.state(NODE))!;
    assert.deepEqual([...state.final], [0, 1800, 3000, 3600]);
    assert.deepEqual([...(await storedBars(store)).ts], [...minutes(0, 30), ...minutes(3000, 10)]);
    assert.equal(state.chunks[0].rows, 40);
  },
  "the same window again changes no row and logs nothing": async ({ store }) => {
    await store.commit(writeOf(minutes(0, 10)));
    const [before] = await chunksOf(store);
    const outcome = await store.commit(writeOf(minutes(0, 10), { answered: [[0, 600]] }));
    assert.deepEqual({ ...outcome, revision: 0 }, { inserted: 0, revised: 0, withdrawn: 0, revision: 0 });
    assert.equal((await chunksOf(store))[0].digest, before.digest);
    assert.deepEqual(await store.revisions(NODE, EVER), []);
  },
  "rows off the grid or out of order are refused, and nothing of their write is kept": async ({ store }) => {
    for (const times of [[0, 61], [60, 0], [0, 0]]) {
      const write = writeOf(barsAt(times), { ledger: [rowOf([0, 120])] });
      await assert.rejects(store.commit(write), failsWith("INTERNAL"));
      await assert.rejects(store.commit(writeOf([], { provisional: barsAt(times) })), failsWith("INTERNAL"));
    }
    const state = (await store.state(NODE))!;
    assert.deepEqual([state.chunks.length, state.ledger.length, state.provisional.ts.length], [0, 0, 0]);
  },
  "read() gives the chunks that hold rows of the range, and no others": async ({ store }) => {
    for (const start of [0, CHUNK + 600, 3 * CHUNK]) await store.commit(writeOf(minutes(start, 3)));
    const ks = async (start: number, end: number) => (await chunksOf(store, [start, end])).map(({ k }) => k);
    assert.deepEqual(await ks(...EVER as [number, number]), [0, 1, 3]);
    assert.deepEqual(await ks(60, 120), [0]);
    assert.deepEqual(await ks(180, CHUNK + 600), []);
    assert.deepEqual(await ks(120, CHUNK + 601), [0, 1]);
    assert.deepEqual(await ks(CHUNK + 720, 3 * CHUNK + 1), [1, 3]);
    assert.deepEqual(await ks(CHUNK + 780, 3 * CHUNK), []);
    assert.deepEqual(await ks(600, 600), []);
    assert.deepEqual(await ks(600, 0), []);
  },
  "a chunk that was read stays what it was": async ({ store }) => {
    await store.commit(writeOf(minutes(0, 2)));
    const [old] = await chunksOf(store);
    const [bytes, digest] = [old.bytes.slice(), old.digest];
    await store.commit(writeOf(minutes(120, 2)));
    const [young] = await chunksOf(store);
    assert.deepEqual([old.bytes, old.digest, old.rows], [bytes, digest, 2]);
    assert.equal(young.rows, 4);
    assert.notEqual(young.digest, digest);
    assert.deepEqual([...decodeRows(young.bytes).ts], minutes(0, 4));
  },
  "what the caller does to its frame afterwards changes nothing": async ({ store }) => {
    const bars = barsAt(minutes(0, 3));
    const done = store.commit(writeOf(bars));
    bars.close.fill(-1);
    await done;
    assert.equal((await storedBars(store)).close.includes(-1), false);
  },
  "read() stops with CANCELLED when its signal fires": async ({ store }) => {
    for (const k of [0, 1, 2]) await store.commit(writeOf(minutes(k * CHUNK, 2)));
    const controller = new AbortController();
    const seen: number[] = [];
    const reading = async () => {
      for await (const { k } of store.read(NODE, EVER, { signal: controller.signal })) {
        seen.push(k);
        controller.abort();
      }
    };
    await assert.rejects(reading(), failsWith("CANCELLED"));
    assert.deepEqual(seen, [0]);
    await assert.rejects(
      Array.fromAsync(store.read(NODE, EVER, { signal: AbortSignal.abort() })),
      failsWith("CANCELLED"),
    );
  },
  "bodies of a refused reply are kept under their hash": async ({ store, second }) => {
    const bodies = [new Uint8Array([1, 2, 3]), new Uint8Array(0)];
    const refused = writeOf([], { replySha256: "ab".repeat(32), quarantine: bodies });
    await store.commit(refused);
    await store.commit(refused);
    assert.deepEqual(await second.quarantined("ab".repeat(32)), [
      new Uint8Array([1, 2, 3]),
      new Uint8Array(0),
    ]);
    assert.equal(await store.quarantined("cd".repeat(32)), null);
    await store.commit(writeOf([0], { replySha256: "cd".repeat(32) }));
    assert.equal(await store.quarantined("cd".repeat(32)), null);
  },
};
