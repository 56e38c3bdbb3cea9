import { strictEqual, throws } from "node:assert/strict";
import { formatAsOf, parseAsOfMs, parseSeconds, writeSeconds } from "../../src/core/instant.ts";
import { wrong } from "../wrong.ts";

const badTime = (matching: RegExp) => (error: unknown) => {
  const { code, message, hint } = error as { code: string; message: string; hint: string };
  strictEqual(code, "BAD_TIME");
  strictEqual(matching.test(`${message} ${hint}`), true, `${message} ${hint}`);
  return true;
};

Deno.test("parseSeconds() reads whole seconds, dates, and RFC 3339 with and without zone", () => {
  const cases: [number | string, number][] = [
    [1679616000, 1679616000],
    ["1679616000", 1679616000],
    ["-60", -60],
    ["0", 0],
    ["2023-03-24", 1679616000],
    ["2023-03-24T00:00", 1679616000],
    ["2023-03-24T00:00:00", 1679616000],
    ["2023-03-24 00:00:00Z", 1679616000],
    ["2023-03-24T00:00:00.000000Z", 1679616000],
    ["2023-03-24T01:00:00+01:00", 1679616000],
    ["2023-03-23T19:00:00-05:00", 1679616000],
    ["1969-12-31", -86400],
    ["0001-01-01", -62135596800],
    ["2024-02-29", 1709164800],
  ];
  for (const [text, seconds] of cases) strictEqual(parseSeconds(text, "start"), seconds, String(text));
});

Deno.test("writeSeconds() writes what parseSeconds() reads back, also where the number looks like milliseconds", () => {
  for (
    const text of ["9999-12-31", "5138-11-16T09:46:40Z", "5138-11-16T09:46:39Z", "2024-01-01", "0001-01-01"]
  ) {
    const seconds = parseSeconds(text, "end");
    strictEqual(parseSeconds(writeSeconds(seconds), "end"), seconds, text);
  }
  strictEqual(writeSeconds(1e11 - 1), 1e11 - 1);
  strictEqual(writeSeconds(1e11), "5138-11-16T09:46:40.000Z");
});

Deno.test("parseSeconds() refuses milliseconds, fractions and what is no time, each with its way out", () => {
  throws(() => parseSeconds(1679616000000, "start"), badTime(/looks like milliseconds.*1679616000/));
  throws(() => parseSeconds("1679616000000", "start"), badTime(/looks like milliseconds/));
  throws(() => parseSeconds("-100000000000", "start"), badTime(/looks like milliseconds/));
  throws(() => parseSeconds(1.5, "start"), badTime(/fraction.*whole seconds: 1/));
  throws(() => parseSeconds("2023-03-24T00:00:00.5Z", "start"), badTime(/fraction/));
  throws(() => parseSeconds("2023-03-24T00:00:00.0000001Z", "start"), badTime(/fraction/));
  throws(() => parseSeconds("2023-03-24T00:00:00 01:00", "start"), badTime(/%2B/));
  for (
    const text of [
      "",
      "now",
      "NaN",
      "Infinity",
      "1e9",
      "2023-02-29",
      "2023-13-01",
      "2023-03-24T24:00:00Z",
      "2023-03-24T00:00:60Z",
      "2023-03-24t00:00:00z",
      "2023-03-24T00:00:00+0100",
      "2023-03-24T00:00:00+24:00",
      "24/03/2023",
      "0x10",
      "'; DROP TABLE bars",
    ]
  ) throws(() => parseSeconds(text, "start"), badTime(/start/), text);
  throws(() => parseSeconds(NaN, "start"), badTime(/no time/));
});

Deno.test("parseAsOfMs() keeps milliseconds, cuts finer digits off and writes them back as as_of", () => {
  strictEqual(formatAsOf(parseAsOfMs("2026-01-01T00:00:00.1239Z")), "2026-01-01T00:00:00.123Z");
  strictEqual(formatAsOf(parseAsOfMs("2026-01-01T01:00:00+01:00")), "2026-01-01T00:00:00.000Z");
  strictEqual(formatAsOf(parseAsOfMs("1767225600")), "2026-01-01T00:00:00.000Z");
  throws(() => parseAsOfMs("yesterday"), badTime(/as_of/));
});

Deno.test("what is neither a number nor a text is no time, and is told so", () => {
  for (const value of [new Date(0), {}, null, true, [1679616000], 1679616000n]) {
    throws(
      () => parseSeconds(wrong(value), "start"),
      badTime(/Cannot read start .* it is no time/),
    );
    throws(() => parseAsOfMs(wrong(value)), badTime(/Cannot read as_of .* it is no time/));
  }
});
