import assert from "node:assert/strict";
import { BAR_COLUMNS, makeBars } from "../../src/core/bar_frame.ts";
import type { Bars } from "../../src/core/bar_frame.ts";
import {
  barsOfChunks,
  canonicalBars,
  chunkOf,
  chunkParts,
  chunkRange,
  decodeRows,
  encodeRows,
  mergeRows,
  ROW_BYTES,
  rowsWithin,
  sameValues,
  sliceRows,
} from "../../src/core/stored_chunk.ts";
import { gridOf } from "../../src/core/timeframe.ts";

/** Bars at these times; each value column counts from its own number. */
function barsAt(times: number[], shift = 0): Bars {
  const bars = makeBars(times.length);
  times.forEach((ts, i) => {
    bars.ts[i] = ts;
    BAR_COLUMNS.slice(1).forEach((name, c) => bars[name][i] = 1000 * c + ts + shift);
  });
  return bars;
}

function chunkWith(times: number[], k = 0) {
  return { k, rows: times.length, bytes: encodeRows(barsAt(times)), digest: "", leaves: [] };
}

Deno.test("encodeRows() lays columns out one after the other, times as whole 64-bit numbers", () => {
  const bytes = encodeRows(barsAt([-60, 0, 2 ** 43 - 60]));
  assert.equal(bytes.length, 3 * ROW_BYTES);
  assert.deepEqual([...new BigInt64Array(bytes.buffer, 0, 3)], [-60n, 0n, 2n ** 43n - 60n]);
  assert.deepEqual([...new Float64Array(bytes.buffer, 24, 3)], [-60, 0, 2 ** 43 - 60]);
  assert.deepEqual([...new Float64Array(bytes.buffer, 5 * 24, 3)].map((v) => v - 4000), [
    -60,
    0,
    2 ** 43 - 60,
  ]);
});

Deno.test("encodeRows() writes +0 for −0 and one NaN for all, whatever their bits were", () => {
  const bars = barsAt([0, 60, 120]);
  const words = new BigUint64Array(bars.close.buffer);
  words.set([0x8000000000000000n, 0xfff8000000000001n, 0x7ff0000000000001n]);
  const bytes = encodeRows(bars);
  const nan = 0x7ff8000000000000n;
  assert.deepEqual([...new BigUint64Array(bytes.buffer, 4 * 24, 3)], [0n, nan, nan]);
  assert.deepEqual([...words], [0x8000000000000000n, 0xfff8000000000001n, 0x7ff0000000000001n]);
});

Deno.test("decodeRows() undoes encodeRows(), also where the bytes do not lie on eight", () => {
  const bars = barsAt([-(2 ** 42), -60, 0, 60, 2 ** 42]);
  const bytes = encodeRows(bars);
  assert.deepEqual(decodeRows(bytes), bars);
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  assert.deepEqual(decodeRows(shifted.subarray(3)), bars);
  assert.deepEqual(decodeRows(bytes, [1, 3]), barsAt([-60, 0]));
  assert.deepEqual(decodeRows(new Uint8Array(0)), makeBars(0));
  assert.deepEqual(canonicalBars(bars), bars);
});

Deno.test("rowsWithin() finds the rows of a range in the bytes", () => {
  const chunk = chunkWith([-120, -60, 0, 120, 180]);
  assert.deepEqual(rowsWithin(chunk, [-60, 120]), [1, 3]);
  assert.deepEqual(rowsWithin(chunk, [-59, 121]), [2, 4]);
  assert.deepEqual(rowsWithin(chunk, [-(2 ** 42), 2 ** 42]), [0, 5]);
  assert.deepEqual(rowsWithin(chunk, [60, 60]), [3, 3]);
  assert.deepEqual(rowsWithin(chunk, [120, 0]), [3, 3]);
});

Deno.test("sliceRows() gives the bytes that the rows alone would have, and all of them without a copy", () => {
  const chunk = chunkWith([0, 60, 120, 180]);
  assert.deepEqual(sliceRows(chunk, 1, 3), encodeRows(barsAt([60, 120])));
  assert.equal(sliceRows(chunk, 0, 4), chunk.bytes);
  assert.equal(sliceRows(chunk, 2, 2).length, 0);
});

Deno.test("barsOfChunks() joins the rows of the range", () => {
  const chunks = [chunkWith([0, 60]), chunkWith([120, 180], 1), chunkWith([240], 2)];
  assert.deepEqual(barsOfChunks(chunks, [60, 240]), barsAt([60, 120, 180]));
  assert.deepEqual(barsOfChunks([], [0, 1]), makeBars(0));
});

Deno.test("mergeRows() puts rows among rows, and the incoming one stays", () => {
  const merged = mergeRows(barsAt([0, 120, 240]), barsAt([60, 120, 300], 1));
  assert.deepEqual([...merged.rows.ts], [0, 60, 120, 240, 300]);
  assert.deepEqual([...merged.rows.open], [0, 61, 121, 240, 301]);
  assert.equal(merged.inserted, 2);
  assert.deepEqual(merged.changed, [
    { ts: 120, before: [120, 1120, 2120, 3120, 4120], after: [121, 1121, 2121, 3121, 4121] },
  ]);
});

Deno.test("mergeRows() hands the stored rows back when nothing is new", () => {
  const stored = barsAt([0, 60, 120]);
  stored.high[1] = NaN;
  const again = barsAt([60]);
  again.high[0] = NaN;
  for (const incoming of [again, barsAt([]), barsAt([0])]) {
    const merged = mergeRows(stored, incoming);
    assert.equal(merged.rows, stored);
    assert.deepEqual([merged.inserted, merged.changed], [0, []]);
  }
});

Deno.test("mergeRows() appends, prepends and starts from nothing", () => {
  for (const [stored, incoming] of [[[0, 60], [120]], [[120], [0, 60]], [[], [0, 60, 120]]]) {
    const merged = mergeRows(barsAt(stored), barsAt(incoming));
    assert.deepEqual(merged.rows, barsAt([0, 60, 120]));
    assert.equal(merged.inserted, incoming.length);
  }
});

Deno.test("sameValues() compares canonical bits", () => {
  assert.equal(sameValues([NaN, 0, 1, 2, 3], [NaN, -0, 1, 2, 3]), true);
  assert.equal(sameValues([NaN, 0, 1, 2, 3], [0, 0, 1, 2, 3]), false);
});

Deno.test("chunkParts() cuts at chunk borders, below zero and over empty chunks", () => {
  const grid = gridOf("1m");
  const [start, end] = chunkRange(0, grid);
  assert.deepEqual([start, end], [0, 4096 * 60]);
  const ts = Float64Array.from([start - 60, start, end - 60, end, 5 * end]);
  assert.deepEqual(chunkParts(ts, grid), [
    { k: -1, from: 0, to: 1 },
    { k: 0, from: 1, to: 3 },
    { k: 1, from: 3, to: 4 },
    { k: 5, from: 4, to: 5 },
  ]);
  assert.deepEqual(chunkParts(new Float64Array(0), grid), []);
  assert.equal(chunkOf(-1, gridOf("1M")), -1);
});
