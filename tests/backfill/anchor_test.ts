import { deepStrictEqual } from "node:assert/strict";
import { detectGrid } from "../../src/backfill/anchor.ts";
import { gridOf } from "../../src/core/timeframe.ts";
import { SeededDice } from "../fake_clock.ts";

const DAY = 86_400;
const days = (count: number, opensAt: number) =>
  Array.from({ length: count }, (_, i) => (19_000 + i) * DAY + opensAt);

Deno.test("detectGrid() finds daily bars that open at 16:00 UTC from three of them", () => {
  deepStrictEqual(detectGrid("1d", days(3, 57_600), gridOf("1d")), { step: DAY, anchor: 57_600 });
  deepStrictEqual(detectGrid("1d", days(100, 57_600), gridOf("1d")), { step: DAY, anchor: 57_600 });
});

Deno.test("detectGrid() stays with the timeframe's grid where fewer than three bars tell otherwise", () => {
  for (const count of [0, 1, 2]) {
    deepStrictEqual(detectGrid("1d", days(count, 57_600), gridOf("1d")), gridOf("1d"));
  }
  const [first] = days(1, 57_600);
  deepStrictEqual(
    detectGrid("1d", [first, first, first], gridOf("1d")),
    gridOf("1d"),
    "one bar sent three times is one",
  );
});

Deno.test("detectGrid() wants more than half of the bars to agree", () => {
  deepStrictEqual(detectGrid("1d", [...days(3, 57_600), ...days(3, 0)], gridOf("1d")), gridOf("1d"));
  deepStrictEqual(detectGrid("1d", [...days(4, 57_600), ...days(3, 0)], gridOf("1d")), {
    step: DAY,
    anchor: 57_600,
  });
  deepStrictEqual(detectGrid("1d", [...days(4, 0), ...days(3, 57_600)], gridOf("1d")), gridOf("1d"));
});

Deno.test("detectGrid() finds weeks that open on another day, from their Monday anchor on", () => {
  const thursdays = Array.from({ length: 5 }, (_, i) => (2_700 + i) * 7 * DAY);
  const found = detectGrid("1w", thursdays, gridOf("1w"));
  deepStrictEqual(thursdays.map((t) => (t - (found as { anchor: number }).anchor) % (7 * DAY)), [
    0,
    0,
    0,
    0,
    0,
  ]);
  const mondays = thursdays.map((t) => t + 345_600);
  deepStrictEqual(detectGrid("1w", mondays, gridOf("1w")), gridOf("1w"));
});

Deno.test("detectGrid() never moves months, nor grids finer than an hour", () => {
  const offMonths = Array.from({ length: 5 }, (_, i) => Date.UTC(2024, i, 2) / 1000);
  deepStrictEqual(detectGrid("1M", offMonths, gridOf("1M")), { unit: "month" });
  deepStrictEqual(detectGrid("1m", [7, 67, 127, 187], gridOf("1m")), gridOf("1m"));
  deepStrictEqual(detectGrid("4h", [3_600, 18_000, 32_400], gridOf("4h")), { step: 14_400, anchor: 3_600 });
});

Deno.test("detectGrid() passes over times that are none, and times before 1970 count alike", () => {
  const dirty = [null, "x", 1.5, NaN, ...days(3, 57_600)];
  deepStrictEqual(detectGrid("1d", dirty, gridOf("1d")), { step: DAY, anchor: 57_600 });
  deepStrictEqual(detectGrid("1d", [1, 2, 3].map((n) => -n * DAY + 57_600), gridOf("1d")), {
    step: DAY,
    anchor: 57_600,
  });
});

Deno.test("detectGrid() finds any whole offset, and what it found explains every bar", () => {
  const dice = new SeededDice(4);
  for (let i = 0; i < 200; i++) {
    const offset = Math.floor(dice.random() * DAY);
    const grid = detectGrid("1d", days(3 + i % 5, offset), gridOf("1d"));
    deepStrictEqual(grid, { step: DAY, anchor: offset });
  }
});
