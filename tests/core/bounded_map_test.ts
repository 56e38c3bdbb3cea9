import assert from "node:assert/strict";
import { BoundedMap, SharedBound } from "../../src/core/bounded_map.ts";

Deno.test("BoundedMap lets go of what was not used for longest", () => {
  const map = new BoundedMap<string, number>(3);
  map.set("a", 1);
  map.set("b", 2);
  map.set("c", 3);
  assert.equal(map.get("a"), 1);
  map.set("d", 4);
  assert.deepEqual(["a", "b", "c", "d"].map((key) => map.get(key)), [1, undefined, 3, 4]);
});

Deno.test("BoundedMap counts weights, and lets go of as many as it takes", () => {
  const map = new BoundedMap<string, string>(10);
  map.set("a", "", 4);
  map.set("b", "", 4);
  map.set("c", "", 9);
  assert.deepEqual([map.size, map.weight], [1, 9]);
  map.set("c", "", 2);
  assert.deepEqual([map.size, map.weight], [1, 2]);
  map.delete("c");
  map.delete("never there");
  assert.deepEqual([map.size, map.weight], [0, 0]);
});

Deno.test("BoundedMap does not keep what is heavier than all it may hold", () => {
  const map = new BoundedMap<string, string>(10);
  map.set("small", "kept", 1);
  map.set("big", "not kept", 11);
  assert.deepEqual([map.get("small"), map.get("big")], ["kept", undefined]);
});

Deno.test("maps under one bound let go of what was not used for longest in any of them", () => {
  const bound = new SharedBound(10);
  const [hot, cold] = [new BoundedMap<string, string>(bound), new BoundedMap<string, string>(bound)];
  hot.set("a", "", 4);
  cold.set("b", "", 4);
  hot.get("a");
  hot.set("c", "", 4);
  assert.deepEqual([hot.weight, cold.weight, bound.weight], [8, 0, 8]);
  cold.set("d", "", 10);
  assert.deepEqual([hot.size, cold.size, bound.weight], [0, 1, 10]);
  cold.delete("d");
  assert.equal(bound.weight, 0);
});
