/** What every snapshot index must do: name the newest snapshot of a node, and count them. */

import assert from "node:assert/strict";
import type { SnapshotEntry, SnapshotIndex } from "../../src/core/ports.ts";
import { holdTo } from "./promises.ts";

/** An empty index, and how to throw it away. */
export interface SnapshotIndexUnderTest {
  index: SnapshotIndex;
  /** A second door to the same index, as another process would have. */
  second: SnapshotIndex;
  dispose(): Promise<void>;
}

type Check = (under: SnapshotIndexUnderTest) => Promise<void>;

function entryOf(nodeId: string, seq: number): SnapshotEntry {
  return {
    nodeId,
    seq,
    asOfMs: 1_700_000_000_000 + seq,
    datasetFingerprint: `sfp1:${String(seq).padStart(64, "0")}`,
    manifestSha256: String(seq).padStart(64, "a"),
  };
}

const CHECKS: Record<string, Check> = {
  "a node without a snapshot has none": async ({ index }) => {
    assert.equal(await index.newest("n"), null);
    assert.equal(await index.count("n"), 0);
  },
  "the newest is the one with the highest number, whatever came last": async ({ index, second }) => {
    for (const seq of [1, 2, 10, 9]) await index.record(entryOf("n", seq));
    await index.record(entryOf("m", 11));
    assert.deepEqual(await second.newest("n"), entryOf("n", 10));
    assert.equal(await second.count("n"), 4);
    assert.deepEqual([await index.count("m"), await index.count("o")], [1, 0]);
  },
  "a snapshot recorded again is still one": async ({ index, second }) => {
    await index.record(entryOf("n", 1));
    await second.record(entryOf("n", 1));
    assert.equal(await index.count("n"), 1);
    assert.deepEqual(await index.newest("n"), entryOf("n", 1));
  },
};

/** Registers one test per promise of the port. `make` gives an empty index. */
export function snapshotIndexContract(name: string, make: () => Promise<SnapshotIndexUnderTest>): void {
  holdTo(name, { promises: CHECKS, make });
}
