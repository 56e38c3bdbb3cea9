/** Bars as CSV, NDJSON and JSON: numbers in their shortest round-trip form, `ts` in epoch seconds, NaN as nothing. */

import { BAR_COLUMNS } from "../core/bar_frame.ts";
import type { BarSlice } from "../core/service.ts";
import { columnsOf, type SliceColumns } from "./bar_slice.ts";
import type { EncodeInput } from "./format.ts";

/** Rows turned into text at once: bounds the length of one text, and the pause that making it means for others. */
const ROWS_PER_TEXT = 4096;

const encoder = new TextEncoder();

/** A header line, then a line per bar; the cell of a NaN is empty. Lines end in CRLF-free "\n". */
export async function* encodeCsv(input: EncodeInput): AsyncIterable<Uint8Array<ArrayBuffer>> {
  yield encoder.encode(`${BAR_COLUMNS.join(",")}\n`);
  yield* encodeRows(input.slices, (columns, i) => {
    let line = columns.ts[i].toString();
    for (const column of columns.values) line += Number.isFinite(column[i]) ? `,${column[i]}` : ",";
    return `${line}\n`;
  });
}

/** One JSON object a line; NaN is `null`. */
export async function* encodeNdjson(input: EncodeInput): AsyncIterable<Uint8Array<ArrayBuffer>> {
  const keys = BAR_COLUMNS.slice(1).map((name) => `,"${name}":`);
  yield* encodeRows(input.slices, (columns, i) => {
    let line = `{"ts":${columns.ts[i]}`;
    for (let c = 0; c < keys.length; c++) line += keys[c] + jsonNumber(columns.values[c][i]);
    return `${line}}\n`;
  });
}

/** `{metadata, columns, rows, next}`; NaN is `null`. */
export async function* encodeJson(input: EncodeInput): AsyncIterable<Uint8Array<ArrayBuffer>> {
  const columns = JSON.stringify(BAR_COLUMNS);
  yield encoder.encode(`{"metadata":${input.metadataJson},"columns":${columns},"rows":[`);
  let separator = "";
  yield* encodeRows(input.slices, (columns, i) => {
    let row = `${separator}[${columns.ts[i]}`;
    for (const column of columns.values) row += `,${jsonNumber(column[i])}`;
    separator = ",";
    return `${row}]`;
  });
  yield encoder.encode(`],"next":${JSON.stringify(input.next)}}\n`);
}

async function* encodeRows(
  slices: AsyncIterable<BarSlice>,
  textOf: (columns: SliceColumns, row: number) => string,
): AsyncIterable<Uint8Array<ArrayBuffer>> {
  for await (const slice of slices) {
    const columns = columnsOf(slice);
    for (let from = 0; from < slice.rows; from += ROWS_PER_TEXT) {
      const to = Math.min(slice.rows, from + ROWS_PER_TEXT);
      let text = "";
      for (let i = from; i < to; i++) text += textOf(columns, i);
      yield encoder.encode(text);
    }
  }
}

function jsonNumber(value: number): string {
  return Number.isFinite(value) ? String(value) : "null";
}
