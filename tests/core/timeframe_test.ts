import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import {
  checkGrid,
  type Grid,
  gridOf,
  gridRecord,
  intervalOf,
  isOnGrid,
  isTimeframe,
  slotAtOrAfter,
  slotCount,
  slotOf,
  slotStart,
  snapInward,
  snapOutward,
} from "../../src/core/timeframe.ts";
import { SeededDice } from "../fake_clock.ts";
import { wrong } from "../wrong.ts";

const MONTHS: Grid = { unit: "month" };
const month = (year: number, index: number) => {
  const date = new Date(0);
  date.setUTCFullYear(year, index, 1);
  return date.getTime() / 1000;
};

Deno.test("timeframes are a number without leading zeros and one of s m h d w, or 1M; case matters", () => {
  for (const text of ["1s", "1m", "15m", "90m", "4h", "1d", "7d", "1w", "1M"]) {
    strictEqual(isTimeframe(text), true, text);
  }
  for (
    const text of ["", "m", "0m", "01m", "1", "1x", "1D", "1H", "3M", "12M", "-1m", "1.5h", " 1m", "1m "]
  ) {
    strictEqual(isTimeframe(text), false, text);
  }
  strictEqual(isTimeframe(`${"9".repeat(20)}w`), false, "longer than any time that can be addressed");
});

Deno.test("gridOf() anchors weeks on Monday, all else at the epoch, and 7d is not 1w", () => {
  deepStrictEqual(gridOf("1w"), { step: 604_800, anchor: 345_600 });
  deepStrictEqual(gridOf("7d"), { step: 604_800, anchor: 0 });
  deepStrictEqual(gridOf("1d", 57_600), { step: 86_400, anchor: 57_600 });
  deepStrictEqual(gridOf("1M"), MONTHS);
  strictEqual(new Date(slotStart(slotOf(1_700_000_000, gridOf("1w")), gridOf("1w")) * 1000).getUTCDay(), 1);
  throws(() => gridOf("1x"), RangeError);
  throws(() => gridOf("1M", 86_400), RangeError);
  throws(() => gridOf("1d", 0.5), RangeError);
});

Deno.test("months are counted from 1970-01 and agree with the calendar for 9,000 years", () => {
  const dice = new SeededDice(3);
  for (let i = 0; i < 5_000; i++) {
    const [year, index] = [100 + Math.floor(dice.random() * 9_000), Math.floor(dice.random() * 12)];
    const slot = (year - 1970) * 12 + index;
    strictEqual(slotStart(slot, MONTHS), month(year, index));
    const within = month(year, index) + Math.floor(dice.random() * 28 * 86_400);
    strictEqual(slotOf(within, MONTHS), slot);
    strictEqual(slotOf(month(year, index) - 1, MONTHS), slot - 1);
  }
  strictEqual(intervalOf(MONTHS), 2_592_000);
});

Deno.test("slots cover time without holes, before 1970 and off the epoch alike", () => {
  const dice = new SeededDice(8);
  const grids: Grid[] = [gridOf("1m"), gridOf("1w"), gridOf("1d", 57_600), MONTHS, { step: 7, anchor: -3 }];
  for (let i = 0; i < 5_000; i++) {
    const grid = grids[i % grids.length];
    const t = Math.floor((dice.random() - 0.5) * 1e10) + (i % 3 === 0 ? 0.5 : 0);
    const slot = slotOf(t, grid);
    strictEqual(slotStart(slot, grid) <= t && t < slotStart(slot + 1, grid), true, `${t}`);
    strictEqual(slotAtOrAfter(t, grid), isOnGrid(t, grid) ? slot : slot + 1);
  }
});

Deno.test("what is wanted snaps outward, what is held snaps inward", () => {
  const tens: Grid = { step: 10 };
  deepStrictEqual(snapOutward([5, 15], tens), [0, 20]);
  deepStrictEqual(snapOutward([10, 20], tens), [10, 20]);
  deepStrictEqual(snapOutward([15, 15], tens), [10, 10]);
  deepStrictEqual(snapOutward([25, 15], tens), [20, 20]);
  strictEqual(snapInward([5, 15], tens), null);
  strictEqual(snapInward([15, 25], tens), null);
  deepStrictEqual(snapInward([5, 25], tens), [10, 20]);
  strictEqual(snapInward([30, 10], tens), null);
  strictEqual(slotCount([0, 100], tens), 10);
  strictEqual(slotCount([100, 0], tens), 0);
  strictEqual(slotCount([month(2024, 0), month(2025, 0)], MONTHS), 12);
});

Deno.test("checkGrid() names what no grid can be", () => {
  for (const step of [0, -60, 1.5, NaN, Infinity, 2 ** 43]) throws(() => checkGrid({ step }), RangeError);
  throws(() => checkGrid({ step: 60, anchor: 0.5 }), RangeError);
  throws(() => checkGrid(wrong({ unit: "year" })), RangeError);
  throws(() => checkGrid(wrong(null)), TypeError);
  throws(() => checkGrid(wrong({ step: "60" })), TypeError);
});

Deno.test("gridRecord() always says the anchor", () => {
  deepStrictEqual(gridRecord({ step: 60 }), { step: 60, anchor: 0 });
  deepStrictEqual(gridRecord(MONTHS), { unit: "month" });
});
