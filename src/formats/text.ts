/** Bars as CSV, NDJSON and JSON: numbers in their shortest round-trip form, `ts` in epoch seconds, NaN as nothing. */

import { BAR_COLUMNS, type Bars } from "../core/bar_frame.ts";
import type { BarSlice } from "../core/service.ts";
import { decodeRows } from "../core/stored_chunk.ts";
import type { EncodeInput } from "./format.ts";

/** Rows turned into text at once: bounds the length of one text, and the pause that making it means for others. */
const ROWS_PER_TEXT = 1024;

const encoder = new TextEncoder();

/** The columns after the time. */
const VALUES = ["open", "high", "low", "close", "volume"] as const;

/** A header line, then a line per bar; the cell of a NaN is empty. Lines end in CRLF-free "\n". */
export async function* encodeCsv(input: EncodeInput): AsyncIterable<Uint8Array<ArrayBuffer>> {
  yield encoder.encode(`${BAR_COLUMNS.join(",")}\n`);
  yield* textOfRows(input.slices, (bars, i) => {
    let line = String(bars.ts[i]);
    for (const name of VALUES) line += Number.isFinite(bars[name][i]) ? `,${bars[name][i]}` : ",";
    return `${line}\n`;
  });
}

/** One JSON object a line; NaN is `null`. */
export async function* encodeNdjson(input: EncodeInput): AsyncIterable<Uint8Array<ArrayBuffer>> {
  yield* textOfRows(input.slices, (bars, i) => {
    let line = `{"ts":${bars.ts[i]}`;
    for (const name of VALUES) line += `,"${name}":${jsonNumber(bars[name][i])}`;
    return `${line}}\n`;
  });
}

/** `{metadata, columns, rows, next}`; NaN is `null`. */
export async function* encodeJson(input: EncodeInput): AsyncIterable<Uint8Array<ArrayBuffer>> {
  const columns = JSON.stringify(BAR_COLUMNS);
  yield encoder.encode(`{"metadata":${input.metadataJson},"columns":${columns},"rows":[`);
  yield* input.rowsMade ?? jsonRows(input.slices);
  yield encoder.encode(`],"next":${JSON.stringify(input.next)}}\n`);
}

/** The rows alone, as `encodeJson` writes them: arrays with commas between. */
export function jsonRows(slices: AsyncIterable<BarSlice>): AsyncIterable<Uint8Array<ArrayBuffer>> {
  let separator = "";
  return textOfRows(slices, (bars, i) => {
    let row = `${separator}[${bars.ts[i]}`;
    for (const name of VALUES) row += `,${jsonNumber(bars[name][i])}`;
    separator = ",";
    return `${row}]`;
  });
}

async function* textOfRows(
  slices: AsyncIterable<BarSlice>,
  textOf: (bars: Bars, row: number) => string,
): AsyncIterable<Uint8Array<ArrayBuffer>> {
  for await (const slice of slices) {
    const bars = decodeRows(slice.bytes);
    for (let from = 0; from < slice.rows; from += ROWS_PER_TEXT) {
      const to = Math.min(slice.rows, from + ROWS_PER_TEXT);
      let text = "";
      for (let i = from; i < to; i++) text += textOf(bars, i);
      yield encoder.encode(text);
    }
  }
}

function jsonNumber(value: number): string {
  return Number.isFinite(value) ? String(value) : "null";
}
