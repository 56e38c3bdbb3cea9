/**
 * Bars as an Arrow IPC stream at the speed of a copy: the header of a record batch depends on its row count alone, and
 * its body is a slice's bytes as they are stored. `ts` is int64 seconds, the rest float64, nothing is nullable; the
 * whole metadata stand under the schema key `seamless`.
 */

import {
  HEADER_RECORD_BATCH,
  HEADER_SCHEMA,
  PRECISION_DOUBLE,
  TYPE_FLOATING_POINT,
  TYPE_INT,
} from "../core/arrow_numbers.ts";
import { BAR_COLUMNS } from "../core/bar_frame.ts";
import type { BarSlice } from "../core/service.ts";
import { ROW_BYTES } from "../core/stored_chunk.ts";
import { encodeFlatBuffer, type FlatObject, prepareFlatBuffer } from "./flatbuffer.ts";
import type { EncodeInput } from "./format.ts";

/** `MetadataVersion.V5` of Arrow's Schema.fbs. */
const VERSION_5 = 4;
/** Headers kept by row count: whole chunks share one, edges have their own. */
const HEADERS_KEPT_MAX = 512;

/** The end-of-stream mark. */
const END = new Uint8Array([255, 255, 255, 255, 0, 0, 0, 0]);

/** The pieces of the stream: the schema, a header and a body per slice, the end mark. */
export async function* encodeArrow(input: EncodeInput): AsyncIterable<Uint8Array<ArrayBuffer>> {
  yield arrowSchema(input.metadataJson);
  for await (const slice of input.slices) {
    if (slice.rows === 0) continue;
    yield arrowBatchHeader(slice.rows);
    yield bodyOf(slice);
  }
  yield END;
}

/** The schema message; `metadataJson` becomes its key `seamless`. */
export function arrowSchema(metadataJson: string): Uint8Array<ArrayBuffer> {
  completeSchema ??= prepareFlatBuffer(schemaMessage());
  return frame(completeSchema(metadataJson));
}

let completeSchema: ((metadataJson: string) => Uint8Array<ArrayBuffer>) | null = null;

/** The value of the one pair of metadata is the last text of the message: all before it is always the same. */
function schemaMessage(): FlatObject {
  const pair: FlatObject = { table: [{ ref: { text: "seamless" } }, { ref: { text: "" } }] };
  return message(HEADER_SCHEMA, {
    table: [null, { ref: { vector: FIELDS } }, { ref: { vector: [pair] } }],
  }, 0);
}

const headers = new Map<number, Uint8Array<ArrayBuffer>>();

/** The header of a record batch with `rows` rows; the body that follows has 48·rows bytes. */
export function arrowBatchHeader(rows: number): Uint8Array<ArrayBuffer> {
  let header = headers.get(rows);
  if (header === undefined) {
    header = makeBatchHeader(rows);
    if (headers.size >= HEADERS_KEPT_MAX) headers.clear();
    headers.set(rows, header);
  }
  return header;
}

function makeBatchHeader(rows: number): Uint8Array<ArrayBuffer> {
  const nodes: number[] = [];
  const buffers: number[] = [];
  for (let column = 0; column < BAR_COLUMNS.length; column++) {
    nodes.push(rows, 0);
    // A column without nulls needs no validity bitmap: its buffer is empty.
    buffers.push(8 * rows * column, 0, 8 * rows * column, 8 * rows);
  }
  const batch: FlatObject = {
    table: [
      { i64: rows },
      { ref: { structs: nodes, perStruct: 2 } },
      { ref: { structs: buffers, perStruct: 2 } },
    ],
  };
  return frame(encodeFlatBuffer(message(HEADER_RECORD_BATCH, batch, ROW_BYTES * rows)));
}

const FIELDS: FlatObject[] = BAR_COLUMNS.map((name) => {
  const type: FlatObject = name === "ts"
    ? { table: [{ i32: 64 }, { u8: 1 }] }
    : { table: [{ i16: PRECISION_DOUBLE }] };
  const tag = name === "ts" ? TYPE_INT : TYPE_FLOATING_POINT;
  // Readers want the list of children even where there are none.
  const children: FlatObject = { vector: [] };
  return { table: [{ ref: { text: name } }, null, { u8: tag }, { ref: type }, null, { ref: children }] };
});

function message(headerType: number, header: FlatObject, bodyLength: number): FlatObject {
  return { table: [{ i16: VERSION_5 }, { u8: headerType }, { ref: header }, { i64: bodyLength }] };
}

/** Puts the continuation mark and the length before a message. */
function frame(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const framed = new Uint8Array(8 + message.length);
  const view = new DataView(framed.buffer);
  view.setUint32(0, 0xffffffff, true);
  view.setUint32(4, message.length, true);
  framed.set(message, 8);
  return framed;
}

function bodyOf(slice: BarSlice): Uint8Array<ArrayBuffer> {
  return slice.bytes as Uint8Array<ArrayBuffer>;
}
