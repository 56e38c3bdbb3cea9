import { strictEqual } from "node:assert/strict";
import { nearestName } from "../../src/core/nearest_name.ts";

Deno.test("nearestName() names what was probably meant, and nothing when nothing is near", () => {
  const known = ["node_id", "start", "end", "format", "limit"];
  strictEqual(nearestName("node", known), "node_id");
  strictEqual(nearestName("Strat", known), "start");
  strictEqual(nearestName("fromat", known), "format");
  strictEqual(nearestName("x", known), null);
  strictEqual(nearestName("apple", known), null);
  strictEqual(nearestName("q".repeat(100_000), known), null);
});
