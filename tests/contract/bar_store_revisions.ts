/** The revision log: what a bar was, what it is, and what the source no longer sends. Every bar store must do this. */

import assert from "node:assert/strict";
import {
  barsAt,
  EVER,
  finalAt,
  logOf,
  loserAt,
  minutes,
  NODE,
  rowOf,
  storedBars,
  valuesOf,
  writeOf,
} from "./bar_store_samples.ts";
import type { BarStoreCheck } from "./bar_store_samples.ts";

/** A write of one bar at 60 whose values are told by `shift`. */
const barAt60 = (shift: number) => barsAt([60], (ts) => valuesOf(ts, shift));

export const REVISION_CHECKS: Record<string, BarStoreCheck> = {
  "a final bar that changed is current, and both values are logged": async ({ store }) => {
    await store.commit(writeOf(minutes(0, 3)));
    const outcome = await store.commit(writeOf(barAt60(1), { cause: "live" }));
    assert.deepEqual([outcome.inserted, outcome.revised], [0, 1]);
    assert.deepEqual(await finalAt(store, 60), valuesOf(60, 1));
    assert.deepEqual(await logOf(store), [[60, valuesOf(60), "live", false], [
      60,
      valuesOf(60, 1),
      "live",
      true,
    ]]);
    assert.equal((await store.state(NODE))!.chunks[0].rows, 3);
  },
  "an old value is logged with the ask that brought it": async ({ store }) => {
    const old = rowOf([0, 180], { askedAt: 1_600_000_000.5, replySha256: "0a".repeat(32), source: "file" });
    await store.commit(writeOf(minutes(0, 3), { ledger: [old] }));
    const young = { replySha256: "0b".repeat(32), observedAtMs: 5_000, seenAtMs: 6_000 };
    await store.commit(writeOf(barAt60(1), { ...young, ledger: [rowOf([60, 120])] }));
    const [before, after] = await store.revisions(NODE, EVER);
    const told = (
      { source, observedAtMs, seenAtMs, replySha256 }: typeof before,
    ) => [source, observedAtMs, seenAtMs, replySha256];
    assert.deepEqual(told(before), ["file", 1_600_000_000_500, 1_600_000_000_500, "0a".repeat(32)]);
    assert.deepEqual(told(after), ["binance", 5_000, 6_000, "0b".repeat(32)]);
  },
  "a value that comes back is logged once, and is the one that is kept": async ({ store }) => {
    for (const shift of [0, 1, 2, 0, 1]) await store.commit(writeOf(barAt60(shift)));
    assert.deepEqual(await finalAt(store, 60), valuesOf(60, 1));
    assert.deepEqual((await logOf(store)).map(([, values, , kept]) => [values![4], kept]), [[10, false], [
      11,
      true,
    ], [12, false]]);
  },
  "NaN for NaN and 0 for −0 are no change": async ({ store }) => {
    await store.commit(writeOf(barsAt([0], () => [1, 2, 0.5, NaN, 0])));
    const outcome = await store.commit(writeOf(barsAt([0], () => [1, 2, 0.5, -NaN, -0])));
    assert.equal(outcome.revised, 0);
    assert.deepEqual(await logOf(store), []);
    const changed = await store.commit(writeOf(barsAt([0], () => [1, 2, 0.5, 1, NaN])));
    assert.equal(changed.revised, 1);
    assert.deepEqual((await logOf(store)).map(([, values]) => values), [[1, 2, 0.5, NaN, 0], [
      1,
      2,
      0.5,
      1,
      NaN,
    ]]);
  },
  "bars changed all over a window are each logged, among others that are new": async ({ store }) => {
    await store.commit(writeOf([0, 120, 240]));
    const outcome = await store.commit(
      writeOf(barsAt(minutes(0, 5), (ts) => valuesOf(ts, ts === 120 ? 0 : 1))),
    );
    assert.deepEqual([outcome.inserted, outcome.revised], [2, 2]);
    assert.deepEqual((await logOf(store)).map(([ts]) => ts), [0, 0, 240, 240]);
    assert.deepEqual([...(await storedBars(store)).volume], [11, 11, 10, 11, 11]);
  },
  "a bar that an answer lacks is kept, and noted as withdrawn once": async ({ store }) => {
    await store.commit(writeOf(minutes(0, 4)));
    const answer = writeOf([0, 180], { answered: [[0, 120], [180, 240]] });
    const outcome = await store.commit(answer);
    assert.equal(outcome.withdrawn, 1);
    assert.equal((await store.commit(answer)).withdrawn, 0);
    assert.deepEqual(await logOf(store), [[60, null, "withdrawn", false]]);
    assert.deepEqual([...(await storedBars(store)).ts], minutes(0, 4));
  },
  "an answer without any row withdraws what it covers, over chunk borders": async ({ store }) => {
    const times = minutes(4094 * 60, 4);
    await store.commit(writeOf(times));
    const outcome = await store.commit(writeOf([], { answered: [[times[1], times[3]]] }));
    assert.equal(outcome.withdrawn, 2);
    assert.deepEqual((await logOf(store)).map(([ts]) => ts), times.slice(1, 3));
  },
  "a row that came as provisional was not withdrawn": async ({ store }) => {
    await store.commit(writeOf(minutes(0, 2)));
    const outcome = await store.commit(writeOf([0], { answered: [[0, 120]], provisional: barsAt([60]) }));
    assert.equal(outcome.withdrawn, 0);
    assert.equal((await store.state(NODE))!.provisional.ts.length, 0);
  },
  "a provisional bar that a final answer lacks is kept as a final one, and noted as withdrawn": async (
    { store },
  ) => {
    await store.commit(writeOf([0], { provisional: barsAt([60, 120, 180]) }));
    const answer = writeOf([0], {
      answered: [[0, 240]],
      finalUntil: 180,
      provisional: barsAt([180], (ts) => valuesOf(ts, 1)),
    });
    const outcome = await store.commit(answer);
    assert.equal(outcome.withdrawn, 2);
    assert.deepEqual(await logOf(store), [[60, null, "withdrawn", false], [120, null, "withdrawn", false]]);
    assert.deepEqual([...(await storedBars(store)).ts], [0, 60, 120]);
    assert.deepEqual(await finalAt(store, 60), valuesOf(60));
    assert.deepEqual([...(await store.state(NODE))!.provisional.ts], [180]);
    assert.equal((await store.commit(answer)).withdrawn, 0);
  },
  "a provisional bar stays one where the answer says nothing of it, or not what is final": async (
    { store },
  ) => {
    await store.commit(writeOf([], { provisional: barsAt([60, 120]) }));
    await store.commit(writeOf([], { answered: [[0, 60]], finalUntil: 600 }));
    await store.commit(writeOf([], { answered: [[0, 180]] }));
    await store.commit(writeOf([], { answered: [[0, 180]], finalUntil: 60 }));
    assert.deepEqual([...(await store.state(NODE))!.provisional.ts], [60, 120]);
    assert.deepEqual(await logOf(store), []);
  },
  "a withdrawn bar that is sent again, as it was, logs nothing more": async ({ store }) => {
    await store.commit(writeOf(minutes(0, 2)));
    await store.commit(writeOf([], { answered: [[0, 120]] }));
    const outcome = await store.commit(writeOf(minutes(0, 2), { answered: [[0, 120]] }));
    assert.deepEqual([outcome.revised, outcome.withdrawn], [0, 0]);
    assert.deepEqual((await logOf(store)).map(([ts, values]) => [ts, values]), [[0, null], [60, null]]);
    await store.commit(writeOf(barAt60(1)));
    assert.deepEqual((await logOf(store)).slice(1), [
      [60, null, "withdrawn", false],
      [60, valuesOf(60), "refetch", false],
      [60, valuesOf(60, 1), "refetch", true],
    ]);
  },
  "both rows of a conflict are logged, and the survivor is kept": async ({ store }) => {
    const conflicts = [loserAt(60, valuesOf(60, 5)), loserAt(120, valuesOf(120, 5))];
    await store.commit(writeOf([0, 60], { provisional: barsAt([120]), conflicts }));
    assert.deepEqual(await logOf(store), [
      [60, valuesOf(60, 5), "duplicate", false],
      [60, valuesOf(60), "duplicate", true],
      [120, valuesOf(120, 5), "duplicate", false],
      [120, valuesOf(120), "duplicate", true],
    ]);
    assert.deepEqual(await finalAt(store, 60), valuesOf(60));
  },
  "a final bar that differs from its provisional one is no revision": async ({ store }) => {
    await store.commit(writeOf([], { provisional: barsAt([60], (ts) => valuesOf(ts, 3)) }));
    const outcome = await store.commit(writeOf([60]));
    assert.deepEqual([outcome.inserted, outcome.revised], [1, 0]);
    assert.deepEqual(await logOf(store), []);
  },
  "where the log speaks of a provisional bar, it follows the bar until it is final": async ({ store }) => {
    const loser = loserAt(60, valuesOf(60, 9));
    await store.commit(writeOf([], { provisional: barAt60(1), conflicts: [loser] }));
    const kept = async () => (await logOf(store)).map(([, values, , isKept]) => [values![4], isKept]);
    assert.deepEqual(await kept(), [[19, false], [11, true]]);
    await store.commit(writeOf([], { provisional: barAt60(2), observedAtMs: 1_800_000_000_000 }));
    assert.deepEqual(await kept(), [[19, false], [11, false], [12, true]]);
    await store.commit(writeOf(barAt60(9)));
    assert.deepEqual(await kept(), [[19, true], [11, false], [12, false]]);
  },
  "revisions() are those of the range, by time and then in the order they were seen": async ({ store }) => {
    for (const shift of [0, 1, 2]) {
      await store.commit(writeOf(barsAt([120, 180], (ts) => valuesOf(ts, shift))));
    }
    await store.commit(writeOf([0]));
    await store.commit(writeOf(barsAt([0], (ts) => valuesOf(ts, 1))));
    const told = async (start: number, end: number) =>
      (await store.revisions(NODE, [start, end])).map(({ ts, values }) => [ts, values![4]]);
    assert.deepEqual(await told(0, 180), [[0, 10], [0, 11], [120, 10], [120, 11], [120, 12]]);
    assert.deepEqual(await told(60, 120), []);
    assert.deepEqual(await told(180, 181), [[180, 10], [180, 11], [180, 12]]);
  },
};
