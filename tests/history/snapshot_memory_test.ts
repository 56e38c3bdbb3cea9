import assert from "node:assert/strict";
import { SharedBound } from "../../src/core/bounded_map.ts";
import { CHUNK_SLOTS, LONG_READ_KEPT_CHUNKS } from "../../src/core/limits.ts";
import type { Manifest } from "../../src/core/manifest.ts";
import { ROW_BYTES } from "../../src/core/stored_chunk.ts";
import type { TimeRange } from "../../src/core/time_range.ts";
import { createSnapshots } from "../../src/history/snapshots.ts";
import type { Snapshots } from "../../src/history/snapshots.ts";
import { FakeClock } from "../fake_clock.ts";
import { barsOf, codec, compute, holding, START } from "./holdings.ts";
import { publishing, T0 } from "./publisher_fixture.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };
const CHUNK = CHUNK_SLOTS * 60;
const CHUNK_BYTES = CHUNK_SLOTS * ROW_BYTES;

/** Readers of a snapshot of so many whole chunks, under a bound of so many. */
async function readersOf(chunks: number, bound: number) {
  const { publisher, artifacts } = publishing();
  const { entry: { manifest } } = await publisher.publish(holding(barsOf([START, START + chunks * CHUNK])));
  const kept = new SharedBound(bound * CHUNK_BYTES);
  const settings = { asOfSettleSec: 30 };
  return {
    readers: createSnapshots({ artifacts, codec, compute, clock: new FakeClock(T0), settings, kept }),
    manifest,
    kept,
  };
}

async function countOf(readers: Snapshots, manifest: Manifest, range: TimeRange = manifest.range) {
  let count = 0;
  for await (const _ of readers.readChunks(manifest, range)) count++;
  return count;
}

Deno.test({ ...strict, name: "a read that fits stays at hand whole" }, async () => {
  const { readers, manifest, kept } = await readersOf(30, 30);
  assert.equal(await countOf(readers, manifest), 30);
  assert.equal(kept.weight, 30 * CHUNK_BYTES);
});

Deno.test({
  ...strict,
  name: "a read longer than what is kept leaves what is at hand, and only its beginning",
}, async () => {
  const { readers, manifest, kept } = await readersOf(40, LONG_READ_KEPT_CHUNKS + 4);
  const end = START + 40 * CHUNK;
  assert.equal(await countOf(readers, manifest, [end - 3 * CHUNK, end]), 3);
  assert.equal(kept.weight, 3 * CHUNK_BYTES);
  assert.equal(await countOf(readers, manifest), 40);
  assert.equal(kept.weight, (LONG_READ_KEPT_CHUNKS + 3) * CHUNK_BYTES);
});
