/** Paging as pure decisions: each rule by itself. */

import assert from "node:assert/strict";
import type { CcxtRow } from "../../../src/adapters/exchange/ccxt_client.ts";
import { pageAt, type Question, questionOf, readPage } from "../../../src/adapters/exchange/paging.ts";
import { gridOf } from "../../../src/core/timeframe.ts";

const GRID = { step: 60, anchor: 0 };
const QUESTION: Question = { grid: GRID, start: 100, end: 110, forming: 1000, pageRows: 50 };

/** Rows that open at these slots. */
function rows(...slots: number[]): CcxtRow[] {
  return slots.map((slot) => [slot * 60_000, 1, 1, 1, 1, 1]);
}

/** Slots of the rows that are kept. */
function keptOf(sent: CcxtRow[], reading: { kept: number[] }): number[] {
  return reading.kept.map((index) => sent[index][0]! / 60_000);
}

Deno.test("a question ends at the forming bar", () => {
  const question = questionOf({ range: [0, 6000], grid: GRID, venueNowSec: 3030, pageRows: 5 });
  assert.deepEqual([question.start, question.end, question.forming], [0, 50, 50]);
});

Deno.test("a page asks one bar more than is wanted, within the venue's page, never the forming one", () => {
  assert.deepEqual(pageAt(100, QUESTION), { from: 100, limit: 11 });
  assert.deepEqual(pageAt(100, { ...QUESTION, pageRows: 5 }), { from: 100, limit: 5 });
  assert.deepEqual(pageAt(100, { ...QUESTION, forming: 110 }), { from: 100, limit: 10 });
  assert.deepEqual(pageAt(109, { ...QUESTION, forming: 110 }), { from: 109, limit: 1 });
});

Deno.test("rows up to the end with one behind it answer the question whole", () => {
  const sent = rows(100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110);
  const reading = readPage(sent, pageAt(100, QUESTION), QUESTION);
  assert.deepEqual(keptOf(sent, reading), [100, 101, 102, 103, 104, 105, 106, 107, 108, 109]);
  assert.deepEqual([reading.answered, reading.next], [{ start: 100, end: 110 }, 110]);
});

Deno.test("the last bar of a page that ends early is not kept, and asked again", () => {
  const sent = rows(100, 101, 102, 102);
  const reading = readPage(sent, pageAt(100, QUESTION), QUESTION);
  assert.deepEqual(keptOf(sent, reading), [100, 101]);
  assert.deepEqual([reading.answered, reading.next], [{ start: 100, end: 102 }, 102]);
});

Deno.test("the last bar is kept where nothing can follow it: it is the last closed one", () => {
  const question = { ...QUESTION, forming: 110 };
  const sent = rows(105, 106, 109);
  const reading = readPage(sent, pageAt(100, question), question);
  assert.deepEqual(keptOf(sent, reading), [105, 106, 109]);
  assert.deepEqual([reading.answered, reading.next], [{ start: 100, end: 110 }, 110]);
});

Deno.test("a page of nothing but its own first bar keeps it and goes on behind it", () => {
  const sent = rows(104);
  const reading = readPage(sent, pageAt(104, QUESTION), QUESTION);
  assert.deepEqual(keptOf(sent, reading), [104]);
  assert.deepEqual([reading.answered, reading.next], [{ start: 104, end: 105 }, 105]);
});

Deno.test("an empty page answers the span that was asked", () => {
  const question = { ...QUESTION, end: 400 };
  const reading = readPage([], pageAt(100, question), question);
  assert.deepEqual([reading.answered, reading.next], [{ start: 100, end: 150 }, 150]);
});

Deno.test("an empty page of months answers no more than its limit can span in days", () => {
  const grid = gridOf("1M");
  const question: Question = { grid, start: 0, end: 500, forming: 600, pageRows: 100 };
  const reading = readPage([], pageAt(0, question), question);
  assert.equal(reading.next, 90);
});

Deno.test("rows from before the question answer nothing", () => {
  const reading = readPage(rows(10, 11, 12), pageAt(100, QUESTION), QUESTION);
  assert.deepEqual([reading.kept, reading.next], [[], 100]);
  assert.ok(reading.answered.start >= reading.answered.end);
});

Deno.test("a bar or two early is no surprise: nothing after them is nothing in the span", () => {
  const reading = readPage(rows(98, 99), pageAt(100, QUESTION), QUESTION);
  assert.deepEqual([reading.answered, reading.next], [{ start: 100, end: 110 }, 110]);
});

Deno.test("rows behind the question prove its slots empty, and are not kept", () => {
  const reading = readPage(rows(500, 501), pageAt(100, QUESTION), QUESTION);
  assert.deepEqual([reading.kept, reading.answered], [[], { start: 100, end: 110 }]);
  assert.deepEqual([reading.first, reading.last], [500, 501]);
});

Deno.test("rows after the forming bar count for nothing but a warning", () => {
  const question = { ...QUESTION, forming: 110 };
  const sent = rows(108, 109, 110, 111, 112);
  const reading = readPage(sent, pageAt(108, question), question);
  assert.deepEqual([keptOf(sent, reading), reading.future, reading.last], [[108, 109], 2, 110]);
});

Deno.test("a row without a time is kept for conformance to judge, and moves nothing", () => {
  const sent: CcxtRow[] = [...rows(100), [undefined, 1, 1, 1, 1, 1], ...rows(110)];
  const reading = readPage(sent, pageAt(100, QUESTION), QUESTION);
  assert.deepEqual([reading.kept, reading.next, reading.distinct], [[0, 1], 110, 2]);
});

Deno.test("rows off the grid belong to the slot that they fall into", () => {
  const sent: CcxtRow[] = [[100 * 60_000 + 14_789, 1, 1, 1, 1, 1], ...rows(110)];
  const reading = readPage(sent, pageAt(100, QUESTION), QUESTION);
  assert.deepEqual([reading.kept, reading.first], [[0], 100]);
});
