import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { checkBounds, effectiveRange, formingStart, requestedRange } from "../../src/core/effective_range.ts";
import type { Grid } from "../../src/core/timeframe.ts";
import { refusal } from "../refusal.ts";

const MINUTES: Grid = { step: 60, anchor: 0 };
const MONTHS: Grid = { unit: "month" };
const LATE_DAYS: Grid = { step: 86_400, anchor: 57_600 };
const month = (index: number) => Date.UTC(2024, index, 1) / 1000;

Deno.test("formingStart() is the start of the bar that covers now", () => {
  strictEqual(formingStart(1_000_020, MINUTES), 1_000_020);
  strictEqual(formingStart(1_000_079.999, MINUTES), 1_000_020);
  strictEqual(formingStart(month(3) + 5.5, MONTHS), month(3));
  strictEqual(formingStart(Date.UTC(2024, 0, 2, 15, 59) / 1000, LATE_DAYS), Date.UTC(2024, 0, 1, 16) / 1000);
  strictEqual(formingStart(-1, MINUTES), -60);
});

Deno.test("requestedRange() ends at the forming bar when no end is given", () => {
  deepStrictEqual(requestedRange({ start: 17, end: null, last: null }, 600, MINUTES), [17, 600]);
  deepStrictEqual(requestedRange({ start: 17, end: 5_000, last: null }, 600, MINUTES), [17, 5_000]);
});

Deno.test("requestedRange() of a start in the future and no end is empty, not inverted", () => {
  deepStrictEqual(requestedRange({ start: 900, end: null, last: null }, 600, MINUTES), [900, 900]);
});

Deno.test("requestedRange() counts last back from end, or from the last closed bar", () => {
  deepStrictEqual(requestedRange({ start: null, end: null, last: 3 }, 600, MINUTES), [420, 600]);
  deepStrictEqual(requestedRange({ start: null, end: 300, last: 3 }, 600, MINUTES), [120, 300]);
  deepStrictEqual(requestedRange({ start: null, end: 301, last: 1 }, 600, MINUTES), [300, 360]);
  deepStrictEqual(requestedRange({ start: null, end: 9_000, last: 2 }, 600, MINUTES), [480, 9_000]);
  deepStrictEqual(requestedRange({ start: null, end: null, last: 14 }, month(2), MONTHS), [
    Date.UTC(2023, 0, 1) / 1000,
    month(2),
  ]);
});

Deno.test("requestedRange() refuses a last that reaches beyond what can be addressed", () => {
  for (const grid of [MONTHS, { step: 604_800, anchor: 345_600 }]) {
    const error = refusal(() => requestedRange({ start: null, end: null, last: 2 ** 31 }, month(0), grid));
    strictEqual(error.code, "RANGE_TOO_LARGE");
    strictEqual(error.hint.length > 0, true);
  }
  strictEqual(requestedRange({ start: null, end: null, last: 1e6 }, month(0), MONTHS)[0] > -(2 ** 43), true);
});

Deno.test("effectiveRange() snaps outward and is cut at the start of the forming bar", () => {
  deepStrictEqual(effectiveRange([61, 119], MINUTES, 600), [60, 120]);
  deepStrictEqual(effectiveRange([60, 120], MINUTES, 600), [60, 120]);
  deepStrictEqual(effectiveRange([61, 601], MINUTES, 600), [60, 600]);
  deepStrictEqual(effectiveRange([61, 9_999], MINUTES, null), [60, 10_020]);
  deepStrictEqual(effectiveRange([month(0) + 1, month(1) + 1], MONTHS, month(9)), [month(0), month(2)]);
});

Deno.test("effectiveRange() of a future or empty range has no slots and is never inverted", () => {
  deepStrictEqual(effectiveRange([900, 1_200], MINUTES, 600), [900, 900]);
  deepStrictEqual(effectiveRange([120, 120], MINUTES, 600), [120, 120]);
  deepStrictEqual(effectiveRange([125, 125], MINUTES, null), [120, 120]);
});

Deno.test("checkBounds() wants a start or last, not both, and no end before the start", () => {
  const none = { start: null, end: null, last: null };
  strictEqual(refusal(() => checkBounds(none)).code, "BAD_REQUEST");
  strictEqual(refusal(() => checkBounds({ ...none, end: 5 })).code, "BAD_REQUEST");
  strictEqual(refusal(() => checkBounds({ ...none, start: 1, last: 5 })).code, "BAD_REQUEST");
  strictEqual(refusal(() => checkBounds({ ...none, start: 2, end: 1 })).code, "BAD_TIME");
  checkBounds({ ...none, start: 1, end: 1 });
  checkBounds({ ...none, start: -5 });
  checkBounds({ ...none, last: 1 });
  for (const last of [0, -1, 1.5, NaN, Infinity, 2 ** 31 + 1]) {
    strictEqual(refusal(() => checkBounds({ ...none, last })).code, "BAD_REQUEST", String(last));
  }
});
