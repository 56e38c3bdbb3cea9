import assert from "node:assert/strict";
import { findLastHolding, searchLastHolding } from "../../src/core/snapshot_search.ts";

/** Runs the search over a log of `last` entries and counts how often it looks. */
function search(last: number, known = 0): { found: number; reads: number } {
  const steps = searchLastHolding(known);
  let reads = 0;
  for (let turn = steps.next();; reads++) {
    if (turn.done) return { found: turn.value, reads };
    assert.ok(turn.value > known, `${turn.value} was known`);
    turn = steps.next(turn.value <= last);
  }
}

Deno.test("the search finds the last entry of every log up to 3,000", () => {
  for (let last = 0; last <= 3000; last++) assert.equal(search(last).found, last);
});

Deno.test("the search finds the last entry from every known one", () => {
  for (let last = 0; last <= 150; last++) {
    for (let known = 0; known <= last; known++) assert.equal(search(last, known).found, last);
  }
});

Deno.test("the search looks at most 40 times at a log of up to 100,000 entries", () => {
  let most = 0;
  for (const last of [0, 1, 65_535, 65_536, 65_537, 99_999, 100_000]) {
    most = Math.max(most, search(last).reads);
  }
  for (let last = 1; last <= 100_000; last += 977) most = Math.max(most, search(last).reads);
  assert.ok(most <= 40, `${most} looks`);
});

Deno.test("the search asks once when nothing was added to what is known", () => {
  assert.deepEqual(search(100_000, 100_000), { found: 100_000, reads: 1 });
  assert.deepEqual(search(100_001, 100_000), { found: 100_001, reads: 2 });
});

Deno.test("the search gives up on a log that never ends", async () => {
  await assert.rejects(findLastHolding(() => Promise.resolve(true)), /still holds/);
});

Deno.test("findLastHolding() runs the search against answers that come later", async () => {
  assert.equal(await findLastHolding((seq) => Promise.resolve(seq <= 777)), 777);
  assert.equal(await findLastHolding((seq) => Promise.resolve(seq <= 777), 700), 777);
});
