import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { planWindows, widenToWindows, windowAround, windowKey } from "../../src/backfill/plan.ts";
import { type Grid, slotOf, slotStart } from "../../src/core/timeframe.ts";
import { type TimeRange, toRanges } from "../../src/core/time_range.ts";
import { SeededDice } from "../fake_clock.ts";
import { LATE_DAYS, MINUTES, MONTHS } from "./made.ts";

const at = (slot: number, grid: Grid) => slotStart(slot, grid);

function runsOf(slots: number[], grid: Grid): TimeRange[] {
  const runs: [number, number][] = [];
  for (const slot of slots) {
    const last = runs.at(-1);
    if (last !== undefined && last[1] === at(slot, grid)) last[1] = at(slot + 1, grid);
    else runs.push([at(slot, grid), at(slot + 1, grid)]);
  }
  return runs;
}

for (const [name, grid] of Object.entries({ MINUTES, MONTHS, LATE_DAYS })) {
  Deno.test(`planWindows() names fixed, disjoint windows that hold exactly what is due, on 1,000 random cases (${name})`, () => {
    const dice = new SeededDice(33 + name.length);
    const below = (n: number) => Math.floor(dice.random() * n);
    for (let round = 0; round < 1_000; round++) {
      const base = slotOf(below(2) === 0 ? 1_700_000_000 : -500_000_000, grid);
      const windowBars = 1 + below(9);
      const from = base + below(30);
      const to = from + below(30);
      const wanted: TimeRange = [at(from, grid), at(to, grid)];
      const wide = widenToWindows(wanted, grid, windowBars);
      const dueSlots: number[] = [];
      for (let slot = slotOf(wide[0], grid); slot < slotOf(wide[1], grid); slot++) {
        if (below(3) === 0) dueSlots.push(slot);
      }
      const due = toRanges(runsOf(dueSlots, grid));
      const windows = planWindows({ due, wanted, grid, windowBars, order: "oldest" });

      // The slow way: each window that has a wanted due slot, with the first and last due slot in it.
      const byWindow = new Map<number, number[]>();
      for (const slot of dueSlots) {
        const index = Math.floor(slot / windowBars);
        byWindow.set(index, [...byWindow.get(index) ?? [], slot]);
      }
      const expected = [...byWindow].filter(([, slots]) => slots.some((slot) => slot >= from && slot < to))
        .map(([index, slots]) => ({
          start: at(index * windowBars, grid),
          end: at((index + 1) * windowBars, grid),
          ask: [at(slots[0], grid), at(slots[slots.length - 1] + 1, grid)],
          slots: slots.length,
        }));
      deepStrictEqual(windows, expected);
      deepStrictEqual(
        planWindows({ due, wanted, grid, windowBars, order: "newest" }),
        [...expected].reverse(),
      );
    }
  });
}

Deno.test("overlapping requests name the same windows", () => {
  const plan = (wanted: TimeRange) =>
    planWindows({
      due: toRanges([widenToWindows(wanted, MINUTES, 900)]),
      wanted,
      grid: MINUTES,
      windowBars: 900,
      order: "oldest",
    }).map((window) => windowKey("n", window));
  const wide = plan([0, 60 * 5_000]);
  const narrow = plan([60 * 1_000, 60 * 2_000]);
  strictEqual(narrow.length, 2);
  strictEqual(narrow.every((key) => wide.includes(key)), true);
});

Deno.test("windowAround() cuts where the slot number is a multiple of the window's bars, before 1970 too", () => {
  deepStrictEqual(windowAround(0, MINUTES, 900), [0, 54_000]);
  deepStrictEqual(windowAround(53_940, MINUTES, 900), [0, 54_000]);
  deepStrictEqual(windowAround(54_000, MINUTES, 900), [54_000, 108_000]);
  deepStrictEqual(windowAround(-60, MINUTES, 900), [-54_000, 0]);
  deepStrictEqual(windowAround(Date.UTC(1970, 7, 1) / 1000, MONTHS, 6), [
    Date.UTC(1970, 6, 1) / 1000,
    Date.UTC(1971, 0, 1) / 1000,
  ]);
});

Deno.test("widenToWindows() of nothing is nothing", () => {
  deepStrictEqual(widenToWindows([120, 120], MINUTES, 900), [120, 120]);
  deepStrictEqual(widenToWindows([180, 120], MINUTES, 900), [180, 180]);
  deepStrictEqual(widenToWindows([54_000, 108_000], MINUTES, 900), [54_000, 108_000]);
});

Deno.test("windowKey() is the node with the whole window's borders", () => {
  strictEqual(
    windowKey("ohlcv:binance:BTC/USDT:1m", { start: 0, end: 54_000 }),
    "ohlcv:binance:BTC/USDT:1m|0|54000",
  );
});
