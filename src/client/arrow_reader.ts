/**
 * Reads the Arrow streams that the service sends, message by message as they arrive: bars of exactly our schema, without
 * compression and without nulls. Written out here so that the client in a browser is a few kilobytes and the core.
 */

import {
  HEADER_RECORD_BATCH,
  HEADER_SCHEMA,
  PRECISION_DOUBLE,
  TYPE_FLOATING_POINT,
  TYPE_INT,
} from "../core/arrow_numbers.ts";
import { BAR_COLUMNS } from "../core/bar_frame.ts";
import { HistoryError } from "../core/errors.ts";
import type { BarSlice } from "../core/service.ts";
import { ROW_BYTES } from "../core/stored_chunk.ts";
import { ByteFeed } from "./byte_feed.ts";
import { FlatTable } from "./flat_table.ts";

/** Before each message of a stream. */
const CONTINUATION = 0xffffffff;
/** A message header is a few hundred bytes, a schema as long as its metadata: more is no stream of ours. */
const HEADER_MAX_BYTES = 16 * 1024 * 1024;
/** A batch is a chunk of 4,096 rows, or what a store without chunks sends at once. */
const BODY_MAX_BYTES = 1024 * 1024 * 1024;

/** A stream whose schema has come: the text under its key `seamless`, and the rows as they follow. */
export interface ArrowBars {
  metadataText: string;
  slices: AsyncIterable<BarSlice>;
}

/** Reads up to the schema. `INTERNAL`, here or from `slices`, when the stream is cut short or is not one of ours. */
export async function openArrowBars(pieces: AsyncIterable<Uint8Array>): Promise<ArrowBars> {
  const feed = new ByteFeed(pieces);
  const schema = await nextMessage(feed);
  if (schema?.type !== HEADER_SCHEMA) throw unreadable("it does not begin with a schema");
  return { metadataText: reading(() => readSchema(schema.header)), slices: slicesOf(feed) };
}

async function* slicesOf(feed: ByteFeed): AsyncIterable<BarSlice> {
  try {
    for (let message = await nextMessage(feed); message !== null; message = await nextMessage(feed)) {
      const { type, header, bodyBytes } = message;
      if (type !== HEADER_RECORD_BATCH) throw unreadable("it holds a message of another kind");
      const rows = reading(() => readBatch(header));
      if (bodyBytes !== rows * ROW_BYTES) throw unreadable("a batch is longer or shorter than its rows");
      yield { rows, bytes: await taken(feed, bodyBytes) };
    }
  } finally {
    await feed.close();
  }
}

interface Message {
  type: number;
  header: FlatTable;
  bodyBytes: number;
}

/** The next message without its body; null at the end mark. */
async function nextMessage(feed: ByteFeed): Promise<Message | null> {
  const frame = viewOf(await taken(feed, 8));
  if (frame.getUint32(0, true) !== CONTINUATION) {
    throw unreadable("a message does not begin where it should");
  }
  const size = frame.getUint32(4, true);
  if (size === 0) return null;
  if (size > HEADER_MAX_BYTES) throw unreadable("a message header is too long");
  const bytes = viewOf(await taken(feed, size));
  return reading(() => {
    const root = FlatTable.rootOf(bytes);
    const bodyBytes = root.int64(3);
    if (bodyBytes > BODY_MAX_BYTES) throw unreadable("a batch is too long");
    return { type: root.uint8(1), header: root.table(2), bodyBytes };
  });
}

async function taken(feed: ByteFeed, size: number): Promise<Uint8Array> {
  const bytes = await feed.take(size);
  if (bytes === null) throw unreadable("it is cut short");
  return bytes;
}

/** What leads out of a message's bytes is a fault of the message. */
function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw unreadable("a message points outside itself");
  }
}

function readSchema(schema: FlatTable): string {
  const columns = schema.tables(1).map((field) => {
    const type = field.table(3);
    const isInt64 = field.uint8(2) === TYPE_INT && type.int32(0) === 64 && type.uint8(1) === 1;
    const isDouble = field.uint8(2) === TYPE_FLOATING_POINT && type.int16(0) === PRECISION_DOUBLE;
    return `${field.text(0)}:${isInt64 ? "i64" : isDouble ? "f64" : "?"}`;
  });
  const wanted = BAR_COLUMNS.map((name) => `${name}:${name === "ts" ? "i64" : "f64"}`);
  if (columns.join() !== wanted.join()) throw unreadable(`its columns are ${columns.join(" ")}`);
  const pair = schema.tables(2).find((entry) => entry.text(0) === "seamless");
  if (pair === undefined) throw unreadable("its schema has no key seamless");
  return pair.text(1);
}

/** The row count of a batch whose columns lie one after the other, 8·rows bytes each. */
function readBatch(batch: FlatTable): number {
  const rows = batch.int64(0);
  const nulls = batch.structs(1).some(({ second }) => second !== 0);
  const data = batch.structs(2).filter((_, i) => i % 2 === 1);
  const laidOut = data.length === BAR_COLUMNS.length &&
    data.every(({ first, second }, i) => first === 8 * rows * i && second === 8 * rows);
  if (nulls || !laidOut || batch.has(3)) throw unreadable("a batch is laid out in another way");
  return rows;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function unreadable(why: string): HistoryError {
  return new HistoryError("INTERNAL", `Cannot read the answer's Arrow stream: ${why}`, {
    hint: "Ask again; if it stays so, the service and this client are of different versions",
  });
}
