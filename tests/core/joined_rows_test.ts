/** Frames that are put together from canonical bytes: every value as it was, whatever the parts look like. */

import assert from "node:assert/strict";
import { BAR_COLUMNS, type Bars, concatBars, makeBars } from "../../src/core/bar_frame.ts";
import { JoinedRows } from "../../src/core/joined_rows.ts";
import { CHUNK_SLOTS, JOINED_AT_ONCE_ROWS } from "../../src/core/limits.ts";
import { encodeRows, ROW_BYTES } from "../../src/core/stored_chunk.ts";
import type { Grid } from "../../src/core/timeframe.ts";

const MINUTES: Grid = { step: 60 };

/** Bars at these times; each value column counts from its own number. */
function barsAt(times: ArrayLike<number>): Bars {
  const bars = makeBars(times.length);
  bars.ts.set(times);
  BAR_COLUMNS.slice(1).forEach((name, c) => bars[name].set(bars.ts.map((ts) => 1000 * c + ts)));
  return bars;
}

function evenly(from: number, rows: number, step = 60): number[] {
  return Array.from({ length: rows }, (_, i) => from + i * step);
}

function joinedOf(parts: readonly Bars[], grid: Grid): Bars {
  const joined = new JoinedRows(parts.reduce((sum, { ts }) => sum + ts.length, 0), grid);
  for (const part of parts) joined.add(encodeRows(part));
  return joined.end();
}

Deno.test("rows stand behind one another, wherever their bytes lie", () => {
  const [first, second] = [barsAt([-60, 0]), barsAt(evenly(2 ** 33, 3))];
  const joined = new JoinedRows(5, MINUTES);
  joined.add(encodeRows(first));
  const shifted = new Uint8Array(3 + 3 * ROW_BYTES);
  shifted.set(encodeRows(second), 3);
  joined.add(shifted.subarray(3));
  joined.add(new Uint8Array(0));
  assert.deepEqual(joined.end(), concatBars([first, second]));
});

Deno.test("a frame without rows has its columns", () => {
  assert.deepEqual(new JoinedRows(0, MINUTES).end(), makeBars(0));
});

Deno.test("more rows than were announced, or fewer, are no frame", () => {
  const bytes = encodeRows(barsAt([0, 60]));
  const short = new JoinedRows(3, MINUTES);
  short.add(bytes);
  assert.throws(() => short.end(), /2 rows came of 3/);
  const long = new JoinedRows(3, MINUTES);
  long.add(bytes);
  long.add(bytes);
  assert.throws(() => long.end(), /More than 3 rows came/);
});

Deno.test("every time is what it was, of rows with holes and without, across 1970 and 2^32", () => {
  for (const from of [-(2 ** 43) + 1, -(2 ** 32) - 180, -300, 0, 2 ** 32 - 300, 2 ** 43 - 3_600]) {
    for (const rows of [1, 2, 3, 4, 5, 7, 8, 11]) {
      const whole = evenly(from, rows);
      const torn = whole.map((t, i) => i < rows >> 1 ? t : t + 120);
      for (const times of [whole, torn]) {
        assert.deepEqual(joinedOf([barsAt(times)], MINUTES), barsAt(times));
      }
    }
  }
});

Deno.test("two holes that look like a wider grid are not filled", () => {
  const times = [0, 120, 180, 360];
  assert.deepEqual(joinedOf([barsAt(times)], MINUTES), barsAt(times));
});

Deno.test("months are read, not counted, though February to May are as long as four of thirty days", () => {
  const months = [1, 2, 3, 4, 5].map((month) => Date.UTC(2023, month, 1) / 1000);
  assert.equal(months[4] - months[0], 4 * 30 * 86_400);
  assert.deepEqual(joinedOf([barsAt(months)], { unit: "month" }), barsAt(months));
});

Deno.test("a long frame is taken in stretches, and is the same", () => {
  const chunks = JOINED_AT_ONCE_ROWS / CHUNK_SLOTS + 2;
  const hole = 7;
  const parts = Array.from({ length: chunks }, (_, k) => {
    const times = evenly(60 * CHUNK_SLOTS * k, CHUNK_SLOTS);
    return barsAt(k === chunks - 1 ? times.filter((_, i) => i !== hole) : times);
  });
  assert.deepEqual(joinedOf(parts, MINUTES), concatBars(parts));
});

Deno.test("a frame has memory of its own", () => {
  const bytes = encodeRows(barsAt([0, 60]));
  const joined = new JoinedRows(2, MINUTES);
  joined.add(bytes);
  const frame = joined.end();
  frame.close[0] = 7;
  assert.deepEqual(bytes, encodeRows(barsAt([0, 60])));
});
