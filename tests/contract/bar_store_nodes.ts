/** Nodes: what registering one fixes, and how they are listed. Every bar store must do this. */

import assert from "node:assert/strict";
import type { BarStore } from "../../src/core/ports.ts";
import { gridOf } from "../../src/core/timeframe.ts";
import {
  barsAt,
  chunksOf,
  EVER,
  failsWith,
  GRID,
  NODE,
  rowOf,
  storedBars,
  writeOf,
} from "./bar_store_samples.ts";
import type { BarStoreCheck } from "./bar_store_samples.ts";

export const NODE_CHECKS: Record<string, BarStoreCheck> = {
  "a node never seen has no state, no rows, no revisions, and takes no write": async ({ store }) => {
    const unseen = "ohlcv:kraken:ETH/USD:1h";
    assert.equal(await store.state(unseen), null);
    assert.equal(await store.stateWithin(unseen, EVER), null);
    assert.deepEqual(await chunksOf(store, EVER, unseen), []);
    assert.deepEqual(await store.revisions(unseen, EVER), []);
    await assert.rejects(store.commit(writeOf([0], { nodeId: unseen })), failsWith("NODE_UNKNOWN"));
  },
  "a registered node without a write has an empty state": async ({ store }) => {
    const state = (await store.state(NODE))!;
    assert.deepEqual(state.node, { nodeId: NODE, grid: GRID, volumeUnit: "base" });
    assert.equal(state.final.length + state.chunks.length + state.ledger.length + state.findings.length, 0);
    assert.equal(state.provisional.ts.length, 0);
  },
  "ensureNode() fixes grid and unit with the first bar": async ({ store, second }) => {
    await store.commit(writeOf([0]));
    const later = { nodeId: NODE, grid: { step: 60, anchor: 30 }, volumeUnit: "quote" };
    assert.deepEqual(await second.ensureNode(later), { nodeId: NODE, grid: GRID, volumeUnit: "base" });
    assert.deepEqual((await store.state(NODE))!.node.grid, GRID);
  },
  "a provisional bar fixes the grid too": async ({ store }) => {
    await store.commit(writeOf([], { provisional: barsAt([0]) }));
    const later = { nodeId: NODE, grid: { step: 60, anchor: 30 }, volumeUnit: "quote" };
    assert.deepEqual((await store.ensureNode(later)).grid, GRID);
  },
  "ensureNode() takes a later grid while the node has no bar": async ({ store, second }) => {
    await store.commit(writeOf([], { ledger: [rowOf([0, 60], { error: "X: failed", bars: 0 })] }));
    const before = await store.state(NODE);
    const later = { nodeId: NODE, grid: { step: 60, anchor: 30 }, volumeUnit: "quote" };
    assert.deepEqual(await second.ensureNode(later), later);
    const after = (await store.state(NODE))!;
    assert.deepEqual(after.node, later);
    assert.notEqual(after, before);
  },
  "a node of calendar months keeps its grid and its bars": async ({ store }) => {
    const nodeId = "ohlcv:binance:BTC/USDT:1M";
    const record = { nodeId, grid: gridOf("1M"), volumeUnit: "base" };
    assert.deepEqual(await store.ensureNode(record), record);
    const times = [Date.UTC(1969, 11), Date.UTC(1970, 0), Date.UTC(2024, 1), Date.UTC(2024, 2)].map((ms) =>
      ms / 1000
    );
    await store.commit(writeOf(times, { nodeId }));
    const state = (await store.state(nodeId))!;
    assert.deepEqual(state.chunks.map(({ k, rows }) => [k, rows]), [[-1, 1], [0, 3]]);
    const ends = [times[0], Date.UTC(1970, 1) / 1000, times[2], Date.UTC(2024, 3) / 1000];
    assert.deepEqual([...state.final], ends);
    assert.deepEqual([...(await storedBars(store, EVER, nodeId)).ts], times);
  },
  "nodes() lists ascending, page by page, of one exchange or all": async ({ store }) => {
    for (const nodeId of ["ohlcv:kraken:B/C:1m", "ohlcv:binance:A/B:1m", "ohlcv:kraken:A/B:PERP:1m"]) {
      await store.ensureNode({ nodeId, grid: GRID, volumeUnit: "base" });
    }
    const ids = async (page: Parameters<BarStore["nodes"]>[0]) =>
      (await store.nodes(page)).map(({ nodeId }) => nodeId);
    const all = ["ohlcv:binance:A/B:1m", NODE, "ohlcv:kraken:A/B:PERP:1m", "ohlcv:kraken:B/C:1m"];
    assert.deepEqual(await ids({ limit: 10 }), all);
    assert.deepEqual(await ids({ limit: 2 }), all.slice(0, 2));
    assert.deepEqual(await ids({ limit: 2, after: all[1] }), all.slice(2));
    assert.deepEqual(await ids({ limit: 10, exchange: "kraken" }), all.slice(2));
    assert.deepEqual(await ids({ limit: 10, exchange: "kraken", after: all[2] }), all.slice(3));
    assert.deepEqual(await ids({ limit: 10, exchange: "krake" }), []);
  },
};
