/**
 * Chunks as bytes: the canonical columns of up to 4,096 consecutive slots, one after the other, as they are hashed,
 * stored and sent (fingerprint.md).
 *
 * Two frames with the same rows have the same bytes: −0 becomes +0 and every NaN the one NaN. Rows are cut out of
 * chunks by columns, never one by one. Typed arrays are little-endian on every machine that V8 runs on.
 */

import { BAR_COLUMNS, concatBars, firstAtOrAfter, makeBars } from "./bar_frame.ts";
import type { Bars } from "./bar_frame.ts";
import { CHUNK_SLOTS } from "./limits.ts";
import type { StoredChunk } from "./ports.ts";
import { slotOf, slotStart } from "./timeframe.ts";
import type { Grid } from "./timeframe.ts";
import type { TimeRange } from "./time_range.ts";

/** Open, high, low, close and volume of one bar. */
export type BarValues = [number, number, number, number, number];

/** Bytes of one row: six columns of eight. */
export const ROW_BYTES = 8 * BAR_COLUMNS.length;

const NAN_HIGH_WORD = 0x7ff80000;
const WORD = 2 ** 32;

/** The canonical bytes of rows: ts as int64, then the five value columns as float64, 8 · rows bytes each. */
export function encodeRows(bars: Bars): Uint8Array<ArrayBuffer> {
  const rows = bars.ts.length;
  const buffer = new ArrayBuffer(rows * ROW_BYTES);
  writeTimes(bars.ts, new Uint32Array(buffer, 0, 2 * rows));
  for (let c = 1; c < BAR_COLUMNS.length; c++) {
    const column = new Float64Array(buffer, 8 * rows * c, rows);
    column.set(bars[BAR_COLUMNS[c]]);
    canonicalize(column);
  }
  return new Uint8Array(buffer);
}

/** Rows (all, or `[from, to)`) of canonical bytes. Value columns are views where they lie aligned: not to be written to. */
export function decodeRows(bytes: Uint8Array, [from, to]: readonly [number, number] = allRows(bytes)): Bars {
  const { buffer, byteOffset, length } = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
  const rows = length / ROW_BYTES;
  const column = (c: number) => new Float64Array(buffer, byteOffset + 8 * (rows * c + from), to - from);
  return {
    ts: readTimes(new Uint32Array(buffer, byteOffset + 8 * from, 2 * (to - from))),
    open: column(1),
    high: column(2),
    low: column(3),
    close: column(4),
    volume: column(5),
  };
}

function allRows(bytes: Uint8Array): [number, number] {
  return [0, bytes.length / ROW_BYTES];
}

/** The same values in canonical form, in new memory. */
export function canonicalBars(bars: Bars): Bars {
  return decodeRows(encodeRows(bars));
}

/** Rows `[from, to)` of a chunk whose `ts` lies in the range; found in the bytes, without decoding them. */
export function rowsWithin(
  chunk: { rows: number; bytes: Uint8Array },
  [start, end]: TimeRange,
): [number, number] {
  const view = new DataView(chunk.bytes.buffer, chunk.bytes.byteOffset, 8 * chunk.rows);
  const firstFrom = (t: number) => {
    let low = 0;
    let high = chunk.rows;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (timeAt(view, middle) < t) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const { rows } = chunk;
  // Most chunks of a long answer lie inside it.
  const from = rows === 0 || timeAt(view, 0) >= start ? 0 : firstFrom(start);
  const to = rows === 0 || timeAt(view, rows - 1) < end ? rows : firstFrom(end);
  return [from, Math.max(from, to)];
}

/** The bytes of rows `[from, to)`, laid out as a chunk's: the chunk's own when that is all of them. */
export function sliceRows(chunk: { rows: number; bytes: Uint8Array }, from: number, to: number): Uint8Array {
  if (from === 0 && to === chunk.rows) return chunk.bytes;
  const rows = to - from;
  const bytes = new Uint8Array(rows * ROW_BYTES);
  for (let c = 0; c < BAR_COLUMNS.length; c++) {
    const column = 8 * chunk.rows * c;
    bytes.set(chunk.bytes.subarray(column + 8 * from, column + 8 * to), 8 * rows * c);
  }
  return bytes;
}

/** The rows of stored chunks (ascending k) whose `ts` lies in the range, as one frame in memory of its own. */
export function barsOfChunks(chunks: readonly StoredChunk[], range: TimeRange): Bars {
  const cuts = chunks.map((chunk) => rowsWithin(chunk, range));
  const bars = makeBars(cuts.reduce((rows, [from, to]) => rows + to - from, 0));
  let at = 0;
  chunks.forEach((chunk, i) => {
    const [from, to] = cuts[i];
    const part = decodeRows(chunk.bytes, [from, to]);
    for (const name of BAR_COLUMNS) bars[name].set(part[name], at);
    at += to - from;
  });
  return bars;
}

/** A final bar whose values are not the ones that were stored. */
export interface RowChange {
  ts: number;
  before: BarValues;
  after: BarValues;
}

/** What a merge made of stored and incoming rows; `rows` is `stored` itself when nothing is new in them. */
export interface MergedRows {
  rows: Bars;
  inserted: number;
  changed: RowChange[];
}

/** Puts incoming rows among the stored ones; where both have a `ts`, the incoming row stays. Both ascend and are canonical. */
export function mergeRows(stored: Bars, incoming: Bars): MergedRows {
  if (incoming.ts.length === 0) return { rows: stored, inserted: 0, changed: [] };
  if (stored.ts.length === 0) return { rows: incoming, inserted: incoming.ts.length, changed: [] };
  if (incoming.ts[0] > stored.ts[stored.ts.length - 1]) {
    return { rows: concatBars([stored, incoming]), inserted: incoming.ts.length, changed: [] };
  }
  const { order, inserted, changed } = orderOfMerge(stored, incoming);
  if (inserted === 0 && changed.length === 0) return { rows: stored, inserted, changed };
  const rows = makeBars(order.length);
  for (const name of BAR_COLUMNS) {
    const [target, old, fresh] = [rows[name], stored[name], incoming[name]];
    for (let i = 0; i < order.length; i++) target[i] = order[i] < 0 ? fresh[~order[i]] : old[order[i]];
  }
  return { rows, inserted, changed };
}

/** For each row of the merge: its index among the stored rows, or the complement of that among the incoming. */
function orderOfMerge(
  stored: Bars,
  incoming: Bars,
): { order: Int32Array; inserted: number; changed: RowChange[] } {
  const order = new Int32Array(stored.ts.length + incoming.ts.length);
  const changed: RowChange[] = [];
  let inserted = 0;
  let [s, at] = [0, 0];
  for (let i = 0; i < incoming.ts.length; i++) {
    const t = incoming.ts[i];
    while (s < stored.ts.length && stored.ts[s] < t) order[at++] = s++;
    order[at++] = ~i;
    if (s >= stored.ts.length || stored.ts[s] !== t) {
      inserted++;
      continue;
    }
    if (!sameRow(stored, s, incoming, i)) {
      changed.push({ ts: t, before: valuesAt(stored, s), after: valuesAt(incoming, i) });
    }
    s++;
  }
  while (s < stored.ts.length) order[at++] = s++;
  return { order: order.subarray(0, at), inserted, changed };
}

/** Open, high, low, close and volume of row `i`. */
export function valuesAt(bars: Bars, i: number): BarValues {
  return [bars.open[i], bars.high[i], bars.low[i], bars.close[i], bars.volume[i]];
}

/** Whether two bars have the same values in canonical bits: NaN equals NaN, −0 equals +0. */
export function sameValues(a: BarValues, b: BarValues): boolean {
  return a.every((value, i) => sameCell(value, b[i]));
}

function sameRow(a: Bars, i: number, b: Bars, j: number): boolean {
  return sameCell(a.open[i], b.open[j]) && sameCell(a.high[i], b.high[j]) && sameCell(a.low[i], b.low[j]) &&
    sameCell(a.close[i], b.close[j]) && sameCell(a.volume[i], b.volume[j]);
}

function sameCell(a: number, b: number): boolean {
  return a === b || (a !== a && b !== b);
}

/** The chunk that holds the slot of `ts`. */
export function chunkOf(ts: number, grid: Grid): number {
  return Math.floor(slotOf(ts, grid) / CHUNK_SLOTS);
}

/** The range of the slots of chunk `k`. */
export function chunkRange(k: number, grid: Grid): TimeRange {
  return [slotStart(k * CHUNK_SLOTS, grid), slotStart((k + 1) * CHUNK_SLOTS, grid)];
}

/** Cuts ascending times at chunk borders: rows `[from, to)` belong to chunk `k`. */
export function chunkParts(ts: Float64Array, grid: Grid): { k: number; from: number; to: number }[] {
  const parts: { k: number; from: number; to: number }[] = [];
  for (let from = 0; from < ts.length;) {
    const k = chunkOf(ts[from], grid);
    const to = firstAtOrAfter(ts, chunkRange(k, grid)[1]);
    parts.push({ k, from, to });
    from = to;
  }
  return parts;
}

function writeTimes(times: Float64Array, words: Uint32Array): void {
  for (let i = 0; i < times.length; i++) {
    const high = Math.floor(times[i] / WORD);
    words[2 * i] = times[i] - high * WORD;
    words[2 * i + 1] = high;
  }
}

/** Times lie within ±2^43, so that both words together are exact in a double. */
function readTimes(words: Uint32Array): Float64Array {
  const times = new Float64Array(words.length / 2);
  decodeTimes(words, times);
  return times;
}

/**
 * Times of canonical bytes, two words each, as numbers. They ascend: where the first and the last have one high word,
 * all between them have it too.
 */
export function decodeTimes(words: Uint32Array, into: Float64Array): void {
  const rows = into.length;
  if (rows > 0 && words[1] === words[2 * rows - 1]) {
    const high = (words[1] | 0) * WORD;
    for (let i = 0; i < rows; i++) into[i] = high + words[2 * i];
    return;
  }
  for (let i = 0; i < rows; i++) into[i] = timeOf(words, i);
}

/** One time of canonical bytes. */
export function timeOf(words: Uint32Array, row: number): number {
  return (words[2 * row + 1] | 0) * WORD + words[2 * row];
}

function timeAt(view: DataView, row: number): number {
  return view.getInt32(8 * row + 4, true) * WORD + view.getUint32(8 * row, true);
}

/** NaN is written by its words: which of the many a number variable holds is the engine's choice. */
function canonicalize(column: Float64Array): void {
  let words: Uint32Array | null = null;
  for (let i = 0; i < column.length; i++) {
    const value = column[i];
    if (value === 0) column[i] = 0;
    else if (value !== value) {
      words ??= new Uint32Array(column.buffer, column.byteOffset, 2 * column.length);
      words[2 * i] = 0;
      words[2 * i + 1] = NAN_HIGH_WORD;
    }
  }
}
