/**
 * Reads the Arrow streams that the service sends: bars of exactly our schema, without compression and without nulls.
 * Written out here so that the client in a browser is a few kilobytes and the core.
 */

import { BAR_COLUMNS, type Bars, makeBars } from "../core/bar_frame.ts";
import { HistoryError } from "../core/errors.ts";

/** Union tags and numbers of Arrow's Message.fbs and Schema.fbs. */
const HEADER_SCHEMA = 1;
const HEADER_RECORD_BATCH = 3;
const TYPE_INT = 2;
const TYPE_FLOATING_POINT = 3;
const PRECISION_DOUBLE = 2;
const CONTINUATION = 0xffffffff;

/** What a stream held: the text under the schema key `seamless`, and the rows. */
export interface ArrowBars {
  metadataText: string;
  bars: Bars;
}

/** Reads a whole stream. `INTERNAL` when it is cut short or is not one of ours. */
export function readArrowBars(bytes: Uint8Array): ArrowBars {
  try {
    return readStream(bytes);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw unreadable("it is cut short");
  }
}

function readStream(bytes: Uint8Array): ArrowBars {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let metadataText: string | null = null;
  const batches: { rows: number; body: number }[] = [];
  let at = 0;
  for (;;) {
    if (view.getUint32(at, true) !== CONTINUATION) {
      throw unreadable("a message does not begin where it should");
    }
    const size = view.getUint32(at + 4, true);
    if (size === 0) break;
    const message = rootOf(view, at + 8);
    const header = message.table(2);
    const body = at + 8 + size;
    if (message.uint8(1) === HEADER_SCHEMA) metadataText = readSchema(header);
    else if (message.uint8(1) === HEADER_RECORD_BATCH) batches.push({ rows: readBatch(header), body });
    else throw unreadable("it holds a message of another kind");
    at = body + message.int64(3);
  }
  if (metadataText === null) throw unreadable("it has no schema");
  return { metadataText, bars: gather(bytes, batches) };
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
  const nulls = batch.structs(1, 16).some(({ second }) => second !== 0);
  const data = batch.structs(2, 16).filter((_, i) => i % 2 === 1);
  const laidOut = data.length === BAR_COLUMNS.length &&
    data.every(({ first, second }, i) => first === 8 * rows * i && second === 8 * rows);
  if (nulls || !laidOut || batch.has(3)) throw unreadable("a batch is laid out in another way");
  return rows;
}

function gather(bytes: Uint8Array, batches: { rows: number; body: number }[]): Bars {
  const total = batches.reduce((rows, batch) => rows + batch.rows, 0);
  if (8 * BAR_COLUMNS.length * total > bytes.length) throw unreadable("it says it has more rows than it can");
  const bars = makeBars(total);
  let row = 0;
  for (const { rows, body } of batches) {
    const size = 8 * rows * BAR_COLUMNS.length;
    if (body + size > bytes.length) throw unreadable("it is cut short");
    // A copy starts on an 8-byte border, wherever the body lay.
    const copy = bytes.slice(body, body + size).buffer;
    const ts = new BigInt64Array(copy, 0, rows);
    for (let i = 0; i < rows; i++) bars.ts[row + i] = Number(ts[i]);
    BAR_COLUMNS.slice(1).forEach((name, i) => {
      bars[name].set(new Float64Array(copy, 8 * rows * (i + 1), rows), row);
    });
    row += rows;
  }
  return bars;
}

function rootOf(view: DataView, at: number): FlatTable {
  return new FlatTable(view, at + view.getUint32(at, true));
}

/** A table of a FlatBuffer; absent fields read as zero. Offsets beyond the buffer throw `RangeError`. */
class FlatTable {
  readonly #view: DataView;
  readonly #at: number;

  constructor(view: DataView, at: number) {
    this.#view = view;
    this.#at = at;
  }

  has(slot: number): boolean {
    return this.#field(slot) !== null;
  }

  uint8(slot: number): number {
    const at = this.#field(slot);
    return at === null ? 0 : this.#view.getUint8(at);
  }

  int16(slot: number): number {
    const at = this.#field(slot);
    return at === null ? 0 : this.#view.getInt16(at, true);
  }

  int32(slot: number): number {
    const at = this.#field(slot);
    return at === null ? 0 : this.#view.getInt32(at, true);
  }

  /** Never negative, never beyond what a number can hold, in what we read: else `RangeError`. */
  int64(slot: number): number {
    const at = this.#field(slot);
    return at === null ? 0 : this.#int64At(at);
  }

  text(slot: number): string {
    const at = this.#target(slot);
    const size = this.#view.getUint32(at, true);
    const bytes = new Uint8Array(this.#view.buffer, this.#view.byteOffset + at + 4, size);
    return new TextDecoder().decode(bytes);
  }

  table(slot: number): FlatTable {
    return new FlatTable(this.#view, this.#target(slot));
  }

  tables(slot: number): FlatTable[] {
    if (!this.has(slot)) return [];
    const at = this.#target(slot);
    return this.#items(at, 4).map((item) =>
      new FlatTable(this.#view, item + this.#view.getUint32(item, true))
    );
  }

  /** Structs of two 64-bit integers. */
  structs(slot: number, size: number): { first: number; second: number }[] {
    const items = this.#items(this.#target(slot), size);
    return items.map((item) => ({ first: this.#int64At(item), second: this.#int64At(item + 8) }));
  }

  #items(vector: number, size: number): number[] {
    const count = this.#view.getUint32(vector, true);
    if (vector + 4 + count * size > this.#view.byteLength) throw new RangeError("A vector leaves its buffer");
    return Array.from({ length: count }, (_, i) => vector + 4 + i * size);
  }

  #int64At(at: number): number {
    const value = Number(this.#view.getBigInt64(at, true));
    if (value < 0 || !Number.isSafeInteger(value)) throw new RangeError("A length is no length");
    return value;
  }

  #target(slot: number): number {
    const at = this.#field(slot);
    if (at === null) throw unreadable("a part of a message is missing");
    return at + this.#view.getUint32(at, true);
  }

  #field(slot: number): number | null {
    const vtable = this.#at - this.#view.getInt32(this.#at, true);
    if (4 + 2 * slot >= this.#view.getUint16(vtable, true)) return null;
    const offset = this.#view.getUint16(vtable + 4 + 2 * slot, true);
    return offset === 0 ? null : this.#at + offset;
  }
}

function unreadable(why: string): HistoryError {
  return new HistoryError("INTERNAL", `Cannot read the answer's Arrow stream: ${why}`, {
    hint: "Ask again; if it stays so, the service and this client are of different versions",
  });
}
