import assert from "node:assert/strict";
import { decodeRuns, encodeRuns, joinRuns, touchesRuns } from "../../../src/adapters/bar_store/chunk_runs.ts";
import { load } from "../../../src/compute/mod.ts";
import { gridOf, slotStart } from "../../../src/core/timeframe.ts";
import type { Grid } from "../../../src/core/timeframe.ts";
import { SeededDice } from "../../fake_clock.ts";

/** Random slots of chunk `k`, every `keep`th or so. */
function timesOf(grid: Grid, { k, keep, dice }: { k: number; keep: number; dice: SeededDice }): Float64Array {
  const slots = Array.from({ length: 4096 }, (_, i) => k * 4096 + i).filter(() => dice.random() < keep);
  return Float64Array.from(slots, (slot) => slotStart(slot, grid));
}

Deno.test("runs of a chunk come back as the compute core finds them", async () => {
  const compute = await load();
  const dice = new SeededDice(5);
  for (const grid of [gridOf("1m"), gridOf("1w"), gridOf("1d", 57_600), gridOf("1M")]) {
    for (const k of [-1, 0, 3]) {
      for (const keep of [0.01, 0.5, 0.999, 1]) {
        const ts = timesOf(grid, { k, keep, dice });
        assert.deepEqual(decodeRuns(encodeRuns(ts, k, grid), k, grid), compute.segmentsOf(ts, grid));
      }
    }
  }
});

Deno.test("joinRuns() joins what goes on in the next chunk", () => {
  const parts = [[0, 60], [60, 120, 240, 300], [], [300, 360], [420, 480]].map((part) =>
    Float64Array.from(part)
  );
  assert.deepEqual([...joinRuns(parts)], [0, 120, 240, 360, 420, 480]);
  assert.deepEqual([...joinRuns([])], []);
});

Deno.test("touchesRuns() sees an overlap of one second, and none where ranges only meet", () => {
  const runs = Float64Array.from([60, 120, 240, 300]);
  assert.equal(touchesRuns(runs, 119, 240), true);
  assert.equal(touchesRuns(runs, 120, 240), false);
  assert.equal(touchesRuns(runs, 120, 241), true);
  assert.equal(touchesRuns(runs, 0, 60), false);
  assert.equal(touchesRuns(runs, 300, 900), false);
  assert.equal(touchesRuns(new Float64Array(0), 0, 900), false);
});
