import assert from "node:assert/strict";
import { digestOfChunk } from "../../../src/adapters/bar_store/chunk_digest.ts";
import { load } from "../../../src/compute/mod.ts";
import { makeBars } from "../../../src/core/bar_frame.ts";
import { encodeRows } from "../../../src/core/stored_chunk.ts";
import { SeededDice } from "../../fake_clock.ts";

Deno.test("digestOfChunk() by the host's SHA-256 and the compute core agree, at any size of a chunk", async () => {
  const compute = await load();
  const dice = new SeededDice(3);
  for (const rows of [1, 2, 7, 8, 63, 64, 900, 4095, 4096]) {
    for (const k of [-2, 0, 1234]) {
      const bars = makeBars(rows);
      for (let i = 0; i < rows; i++) {
        bars.ts[i] = (k * 4096 + i) * 60;
        bars.open[i] = dice.random() * 1e5;
        bars.high[i] = dice.random() < 0.1 ? NaN : dice.random();
        bars.low[i] = dice.random() < 0.1 ? -0 : -dice.random();
        bars.volume[i] = Math.round(dice.random());
      }
      const claims = {
        nodeId: "ohlcv:a:b:1m",
        grid: { step: 60 },
        range: [0, 60] as const,
        conformanceVersion: "v2",
      };
      const [expected] = compute.fingerprint(bars, claims).chunks;
      assert.deepEqual({ k, rows, ...digestOfChunk({ k, rows, bytes: encodeRows(bars) }) }, expected);
    }
  }
});
