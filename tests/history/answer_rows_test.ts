import { notStrictEqual, strictEqual } from "node:assert/strict";
import { load } from "../../src/compute/mod.ts";
import { type Bars, barsBetween } from "../../src/core/bar_frame.ts";
import { gridOf } from "../../src/core/timeframe.ts";
import { remainderDigest } from "../../src/history/answer_rows.ts";
import { piecesOfBars } from "../../src/history/pieces.ts";
import { sampleBars } from "../formats/sample_bars.ts";

const compute = await load();
const grid = gridOf("1m");
const on = { compute, grid };
const START = 1_700_000_040;
const digestOf = (frames: Bars[], fromTs: number) =>
  remainderDigest(frames.flatMap((frame) => piecesOfBars(frame, on)), fromTs, on);

Deno.test("remainderDigest() is the same wherever final and provisional rows part", () => {
  const bars = sampleBars({ start: START, step: 60, rows: 10_000 });
  for (const fromTs of [-Infinity, START, START + 60 * 777, START + 60 * 9_999]) {
    const whole = digestOf([bars], fromTs);
    for (const cut of [1, 500, 4_096, 9_998, 9_999]) {
      const at = START + 60 * cut;
      const parts = [barsBetween(bars, -Infinity, at), barsBetween(bars, at, Infinity)];
      strictEqual(digestOf(parts, fromTs), whole, `from ${fromTs}, cut at ${cut}`);
    }
  }
});

Deno.test("remainderDigest() changes with a row that is still to come, and with none before", () => {
  const bars = sampleBars({ start: START, step: 60, rows: 6_000 });
  const fromTs = START + 60 * 3_000;
  const before = digestOf([bars], fromTs);
  bars.close[2_999] += 1;
  strictEqual(digestOf([bars], fromTs), before);
  bars.close[3_000] += 1;
  notStrictEqual(digestOf([bars], fromTs), before);
  const shorter = digestOf([barsBetween(bars, -Infinity, START + 60 * 5_999)], fromTs);
  notStrictEqual(shorter, digestOf([bars], fromTs));
  strictEqual(digestOf([bars], Infinity), digestOf([], 0));
});
