import assert from "node:assert/strict";
import { ChunkCache } from "../../../src/adapters/bar_store/chunk_cache.ts";

function entryOf(sizeBytes: number, revision = 1) {
  return { revision, chunk: { k: 0, rows: 0, bytes: new Uint8Array(sizeBytes), digest: "", leaves: [] } };
}

Deno.test("ChunkCache drops what was used longest ago when it is full", () => {
  const cache = new ChunkCache(100);
  for (const key of ["a", "b", "c"]) cache.put(key, entryOf(30));
  assert.notEqual(cache.get("a", 1), null);
  cache.put("d", entryOf(30));
  const kept = ["a", "b", "c", "d"].filter((key) => cache.get(key, 1) !== null);
  assert.deepEqual(kept, ["a", "c", "d"]);
  assert.equal(cache.sizeBytes, 90);
});

Deno.test("ChunkCache knows a chunk under its own revision alone", () => {
  const cache = new ChunkCache(100);
  cache.put("a", entryOf(10, 5));
  assert.equal(cache.get("a", 6), null);
  cache.put("a", entryOf(20, 6));
  assert.equal(cache.get("a", 6)?.bytes.length, 20);
  assert.equal(cache.sizeBytes, 20);
});

Deno.test("ChunkCache does not keep a chunk larger than itself, and drops nothing for it", () => {
  const cache = new ChunkCache(100);
  cache.put("a", entryOf(50));
  cache.put("b", entryOf(101));
  assert.deepEqual([cache.get("a", 1)?.bytes.length, cache.get("b", 1), cache.sizeBytes], [50, null, 50]);
});
