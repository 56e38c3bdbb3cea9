/** Writes: all of one or nothing, many at once, fenced by leases, and the end of a store. Every bar store must do this. */

import assert from "node:assert/strict";
import {
  barsAt,
  chunksOf,
  EVER,
  failsWith,
  GRID,
  minutes,
  NODE,
  rowOf,
  storedBars,
  writeOf,
} from "./bar_store_samples.ts";
import type { BarStoreCheck } from "./bar_store_samples.ts";

export const WRITE_CHECKS: Record<string, BarStoreCheck> = {
  "writes at once to one chunk all land whole": async ({ store, second }) => {
    const writes = Array.from(
      { length: 40 },
      (_, i) => writeOf(minutes(i * 600, 10), { ledger: [rowOf([i * 600, (i + 1) * 600])] }),
    );
    const outcomes = await Promise.all(
      writes.map((write, i) => (i % 3 === 0 ? second : store).commit(write)),
    );
    assert.equal(outcomes.every(({ inserted }) => inserted === 10), true);
    assert.equal(new Set(outcomes.map(({ revision }) => revision)).size, 40);
    const state = (await store.state(NODE))!;
    assert.deepEqual([...state.final], [0, 24_000]);
    assert.equal(state.ledger.length, 40);
    assert.deepEqual(await storedBars(store), barsAt(minutes(0, 400)));
  },
  "a refused write leaves those beside it alone": async ({ store }) => {
    const outcomes = await Promise.allSettled([
      store.commit(writeOf(minutes(0, 3))),
      store.commit(writeOf([60, 61], { ledger: [rowOf([0, 120])] })),
      store.commit(writeOf(minutes(180, 3))),
      store.commit(writeOf([0], { nodeId: "ohlcv:no:such/node:1m" })),
    ]);
    assert.deepEqual(outcomes.map(({ status }) => status), [
      "fulfilled",
      "rejected",
      "fulfilled",
      "rejected",
    ]);
    const state = (await store.state(NODE))!;
    assert.deepEqual([...state.final], [0, 360]);
    assert.equal(state.ledger.length, 0);
  },
  "a write under an older generation is LEASE_LOST": async ({ store, leases, clock }) => {
    const key = `${NODE}|0|54000`;
    const first = await leases.claim(key, 1000);
    assert.ok("lease" in first);
    const fence = { key, generation: first.lease.generation };
    await store.commit(writeOf([0], { fence }));
    await clock.advance(1001);
    // It ran out, but nobody else has it: what was fetched may still be written.
    await store.commit(writeOf([60], { fence }));
    const second = await leases.claim(key, 1000);
    assert.ok("lease" in second);
    await assert.rejects(store.commit(writeOf([120], { fence })), failsWith("LEASE_LOST"));
    await leases.complete(second.lease);
    await assert.rejects(store.commit(writeOf([120], { fence })), failsWith("LEASE_LOST"));
    await store.commit(writeOf([180], { fence: { key, generation: second.lease.generation } }));
    await store.commit(writeOf([240], { fence: { key: "never claimed", generation: 1 } }));
    assert.deepEqual([...(await storedBars(store)).ts], [0, 60, 180, 240]);
  },
  "probe() leaves nothing behind": async ({ store }) => {
    const before = await store.state(NODE);
    await store.probe();
    assert.equal(await store.state(NODE), before);
    assert.equal((await store.nodes({ limit: 10 })).length, 1);
  },
  "close() finishes what was begun, and then everything is refused": async ({ store, second }) => {
    const begun = store.commit(writeOf(minutes(0, 5)));
    await Promise.all([store.close(), begun]);
    await store.close();
    const refused = failsWith("CANCELLED");
    await assert.rejects(store.commit(writeOf([0])), refused);
    await assert.rejects(store.state(NODE), refused);
    await assert.rejects(store.stateWithin(NODE, EVER), refused);
    await assert.rejects(store.version(), refused);
    await assert.rejects(chunksOf(store), refused);
    await assert.rejects(store.revisions(NODE, EVER), refused);
    await assert.rejects(store.nodes({ limit: 1 }), refused);
    await assert.rejects(store.ensureNode({ nodeId: NODE, grid: GRID, volumeUnit: "base" }), refused);
    await assert.rejects(store.quarantined("ab"), refused);
    await assert.rejects(store.probe(), refused);
    if (second !== store) assert.equal((await storedBars(second)).ts.length, 5);
  },
};
