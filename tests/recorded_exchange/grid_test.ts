import { equal, throws } from "node:assert/strict";
import { gridOf } from "../../scripts/recorded_exchange/mod.ts";

const utc = (iso: string) => Date.parse(iso);

Deno.test("a grid floors, ceils and steps fixed timeframes from the epoch", () => {
  const grid = gridOf("4h");
  equal(grid.floor(utc("2024-02-01T05:30Z")), utc("2024-02-01T04:00Z"));
  equal(grid.ceil(utc("2024-02-01T05:30Z")), utc("2024-02-01T08:00Z"));
  equal(grid.ceil(utc("2024-02-01T04:00Z")), utc("2024-02-01T04:00Z"));
  equal(grid.step(utc("2024-02-01T04:00Z"), -2), utc("2024-01-31T20:00Z"));
  equal(grid.floor(-1), -14_400_000);
});

Deno.test("a week opens on Monday, and an anchor moves a day's open", () => {
  equal(gridOf("1w").floor(utc("2024-02-01T05:30Z")), utc("2024-01-29T00:00Z"));
  equal(gridOf("1d", 57_600_000).floor(utc("2024-02-01T05:30Z")), utc("2024-01-31T16:00Z"));
});

Deno.test("months follow the calendar, over the turn of a year and in threes", () => {
  const month = gridOf("1M");
  equal(month.floor(utc("2024-02-29T23:59Z")), utc("2024-02-01T00:00Z"));
  equal(month.step(utc("2023-12-01T00:00Z"), 1), utc("2024-01-01T00:00Z"));
  equal(month.step(utc("2024-01-01T00:00Z"), -1), utc("2023-12-01T00:00Z"));
  equal(month.ceil(utc("2024-02-01T00:00Z")), utc("2024-02-01T00:00Z"));
  equal(gridOf("3M").floor(utc("2024-05-15T00:00Z")), utc("2024-04-01T00:00Z"));
});

Deno.test("a timeframe that is not one is refused by name", () => {
  for (const text of ["", "m", "0m", "1x", "1.5h", "60"]) throws(() => gridOf(text), /timeframe/);
});
