/** States: when they change, what is in them, and what is not. Every bar store must do this. */

import assert from "node:assert/strict";
import {
  barsAt,
  CHUNK,
  chunksOf,
  EVER,
  finalAt,
  GRID,
  minutes,
  NODE,
  rowOf,
  valuesOf,
  writeOf,
} from "./bar_store_samples.ts";
import type { BarStoreCheck } from "./bar_store_samples.ts";

export const STATE_CHECKS: Record<string, BarStoreCheck> = {
  "state() is one object until the node is written to": async ({ store }) => {
    const other = "ohlcv:binance:ETH/USDT:1m";
    await store.ensureNode({ nodeId: other, grid: GRID, volumeUnit: "base" });
    await store.commit(writeOf([0]));
    const before = await store.state(NODE);
    assert.equal(await store.state(NODE), before);
    await store.commit(writeOf([0], { nodeId: other }));
    assert.equal(await store.state(NODE), before);
    const { revision } = await store.commit(writeOf([60]));
    const after = (await store.state(NODE))!;
    assert.notEqual(after, before);
    assert.equal(after.revision, revision);
    assert.equal(revision > before!.revision, true);
    assert.deepEqual([...before!.final], [0, 60]);
  },
  "state() and read() see what another door wrote": async ({ store, second }) => {
    await store.commit(writeOf(minutes(0, 2)));
    await store.state(NODE);
    await chunksOf(store);
    await second.commit(
      writeOf(minutes(120, 2), { ledger: [rowOf([120, 240])], provisional: barsAt([240]) }),
    );
    const state = (await store.state(NODE))!;
    assert.deepEqual([...state.final], [0, 240]);
    assert.deepEqual([state.ledger.length, [...state.provisional.ts]], [1, [240]]);
    assert.equal((await chunksOf(store))[0].rows, 4);
    assert.deepEqual(await second.state(NODE), state);
  },
  "stateWithin() tells of the range alone": async ({ store }) => {
    const finding = (ts: number) => ({
      ts,
      flag: "non_finite",
      count: 1,
      window: [0, CHUNK] as const,
      seenAtMs: 1,
    });
    for (const k of [0, 1, 2]) {
      await store.commit(writeOf(minutes(k * CHUNK, 4), {
        ledger: [
          rowOf([k * CHUNK, k * CHUNK + 240]),
          rowOf([k * CHUNK + 240, k * CHUNK + 300], { bars: 0, reason: "pending" }),
        ],
        provisional: barsAt([k * CHUNK + 300]),
        findings: [finding(k * CHUNK + 60)],
      }));
    }
    const part = (await store.stateWithin(NODE, [CHUNK + 60, CHUNK + 270]))!;
    assert.deepEqual([...part.final], [CHUNK + 60, CHUNK + 240]);
    assert.deepEqual(part.chunks.map(({ k }) => k), [1]);
    assert.deepEqual(part.ledger.map(({ start }) => start), [CHUNK, CHUNK + 240]);
    assert.deepEqual(part.findings.map(({ ts }) => ts), [CHUNK + 60]);
    assert.equal(part.provisional.ts.length, 0);
    const empty = (await store.stateWithin(NODE, [CHUNK + 1200, CHUNK + 2400]))!;
    assert.deepEqual([empty.final.length, empty.chunks.length, empty.ledger.length], [0, 0, 0]);
    assert.deepEqual(await store.stateWithin(NODE, EVER), { ...(await store.state(NODE))! });
  },
  "version() changes with every write of anybody, and with nothing else": async ({ store, second }) => {
    const seen = [await store.version()];
    const next = async (work: Promise<unknown>) => {
      await work;
      seen.push(await store.version());
    };
    await next(store.commit(writeOf([0])));
    await next(second.commit(writeOf([60])));
    await next(second.ensureNode({ nodeId: "ohlcv:a:b:1m", grid: GRID, volumeUnit: "base" }));
    assert.equal(new Set(seen).size, 4);
    const before = await store.version();
    await store.probe();
    await chunksOf(store);
    await store.state(NODE);
    await second.ensureNode({ nodeId: NODE, grid: GRID, volumeUnit: "base" });
    await assert.rejects(store.commit(writeOf([60, 0])));
    assert.equal(await store.version(), before);
    assert.equal(await second.version(), before);
  },
  "mark() stays while nobody writes, and changes with every write of anybody": async ({ store, second }) => {
    const marks = [store.mark()];
    const next = async (work: Promise<unknown>) => {
      await work;
      marks.push(store.mark());
    };
    await next(store.commit(writeOf([0])));
    await next(second.commit(writeOf([60])));
    await next(second.ensureNode({ nodeId: "ohlcv:a:b:1m", grid: GRID, volumeUnit: "base" }));
    assert.equal(new Set(marks).size, 4);
    await chunksOf(store);
    await store.state(NODE);
    assert.equal(store.mark(), marks[3]);
  },
  "provisional bars stand apart, and give way to younger ones and to final ones": async ({ store }) => {
    const shifted = (shift: number) => barsAt([60, 120], (ts) => valuesOf(ts, shift));
    const provisional = async () => (await store.state(NODE))!.provisional;
    await store.commit(writeOf([], { provisional: shifted(1), observedAtMs: 1000 }));
    assert.deepEqual([...(await provisional()).ts], [60, 120]);
    assert.equal((await store.state(NODE))!.final.length, 0);
    await store.commit(writeOf([], { provisional: shifted(2), observedAtMs: 3000 }));
    await store.commit(writeOf([], { provisional: shifted(3), observedAtMs: 2000 }));
    assert.deepEqual(await provisional(), shifted(2));
    await store.commit(writeOf([], { provisional: shifted(3), observedAtMs: 3000 }));
    assert.deepEqual(await provisional(), shifted(3));
    const outcome = await store.commit(writeOf([60]));
    assert.deepEqual([outcome.inserted, outcome.revised], [1, 0]);
    assert.deepEqual([...(await provisional()).ts], [120]);
    await store.commit(writeOf([], { provisional: shifted(4), observedAtMs: 9000 }));
    assert.deepEqual([...(await provisional()).ts], [120]);
    assert.deepEqual(await finalAt(store, 60), valuesOf(60));
  },
  "findings inside the answered ranges are replaced, others stay": async ({ store }) => {
    const finding = (ts: number, flag: string, count = 1) => ({
      ts,
      flag,
      count,
      window: [0, 600] as const,
      seenAtMs: 7,
    });
    const first = [finding(300, "ohlc_invariant"), finding(0, "non_finite", 3), finding(0, "duplicate_ts")];
    await store.commit(writeOf([0], { answered: [[0, 600]], findings: first }));
    const seen = async () =>
      (await store.state(NODE))!.findings.map(({ ts, flag, count }) => [ts, flag, count]);
    assert.deepEqual(await seen(), [[0, "duplicate_ts", 1], [0, "non_finite", 3], [
      300,
      "ohlc_invariant",
      1,
    ]]);
    await store.commit(writeOf([0], { answered: [[0, 60]], findings: [finding(0, "non_finite", 1)] }));
    assert.deepEqual(await seen(), [[0, "non_finite", 1], [300, "ohlc_invariant", 1]]);
    await store.commit(writeOf([300], { answered: [[240, 300], [360, 420]] }));
    assert.equal((await seen()).length, 2);
  },
};
