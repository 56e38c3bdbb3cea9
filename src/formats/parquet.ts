/**
 * Bars as a Parquet file that is written while it is sent: row groups of at most 65,536 rows, one zstd page a column,
 * the footer last. Memory stays that of one row group, whatever the length of the answer. `ts` is INT64 seconds, the
 * rest DOUBLE, nothing is nullable; the whole metadata stand under the key `seamless`. Equal input gives equal bytes.
 *
 * Published segments are made elsewhere, by the codec of the artifact store; this is for answers.
 */

import { zstdCompressSync } from "node:zlib";
import { BAR_COLUMNS } from "../core/bar_frame.ts";
import type { BarSlice } from "../core/service.ts";
import type { EncodeInput } from "./format.ts";
import { nextTurn } from "./next_turn.ts";
import { encodeThrift, type ThriftStruct, type ThriftValue } from "./thrift.ts";

/** Rows of one row group: what is held at a time. */
const GROUP_ROWS = 65_536;
/** Columns compressed before others get their turn. */
const COLUMNS_A_TURN = 2;
const MAGIC = new Uint8Array([0x50, 0x41, 0x52, 0x31]);
/** Numbers of Parquet's format: types, encodings, codec. */
const INT64 = 2;
const DOUBLE = 5;
const REQUIRED = 0;
const PLAIN = 0;
const RLE = 3;
const ZSTD = 6;
const DATA_PAGE = 0;

interface Group {
  rows: number;
  columns: ThriftStruct[];
  plainBytes: number;
  storedBytes: number;
}

/** The pieces of the file: magic, row groups as they fill, footer. */
export async function* encodeParquet(input: EncodeInput): AsyncIterable<Uint8Array<ArrayBuffer>> {
  yield MAGIC;
  let at = MAGIC.length;
  const groups: Group[] = [];
  for await (const { rows, columns } of rowGroups(input.slices)) {
    const { group, pieces } = await encodeGroup({ rows, columns, at });
    yield* pieces;
    groups.push(group);
    at += group.storedBytes;
  }
  yield footer(groups, input.metadataJson);
}

/** Gathers slices into row groups: per column the plain bytes. */
async function* rowGroups(slices: AsyncIterable<BarSlice>) {
  let held: { slice: BarSlice; from: number; to: number }[] = [];
  let rows = 0;
  for await (const slice of slices) {
    for (let from = 0; from < slice.rows;) {
      const to = Math.min(slice.rows, from + GROUP_ROWS - rows);
      held.push({ slice, from, to });
      rows += to - from;
      from = to;
      if (rows < GROUP_ROWS) continue;
      yield { rows, columns: gather(held, rows) };
      held = [];
      rows = 0;
    }
  }
  if (rows > 0) yield { rows, columns: gather(held, rows) };
}

function gather(parts: { slice: BarSlice; from: number; to: number }[], rows: number): Uint8Array[] {
  return BAR_COLUMNS.map((_, column) => {
    const plain = new Uint8Array(8 * rows);
    let at = 0;
    for (const { slice, from, to } of parts) {
      const start = 8 * slice.rows * column;
      plain.set(slice.bytes.subarray(start + 8 * from, start + 8 * to), at);
      at += 8 * (to - from);
    }
    return plain;
  });
}

async function encodeGroup(input: { rows: number; columns: Uint8Array[]; at: number }) {
  const pages: Uint8Array<ArrayBuffer>[] = [];
  for (const plain of input.columns) {
    pages.push(zstdPage(plain));
    // A column takes some milliseconds: whoever else waits comes in between.
    if (pages.length % COLUMNS_A_TURN === 0) await nextTurn();
  }
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  const group: Group = { rows: input.rows, columns: [], plainBytes: 0, storedBytes: 0 };
  pages.forEach((page, column) => {
    const plain = input.columns[column];
    const header = pageHeader({ rows: input.rows, plainBytes: plain.length, storedBytes: page.length });
    const plainBytes = header.length + plain.length;
    const storedBytes = header.length + page.length;
    const start = input.at + group.storedBytes;
    const statistics = column === 0 ? timeBounds(plain, input.rows) : null;
    group.columns.push(columnChunk({ column, rows: input.rows, start, plainBytes, storedBytes, statistics }));
    group.plainBytes += plainBytes;
    group.storedBytes += storedBytes;
    pieces.push(header, page);
  });
  return { group, pieces };
}

function pageHeader(page: { rows: number; plainBytes: number; storedBytes: number }) {
  return encodeThrift([
    [1, { i32: DATA_PAGE }],
    [2, { i32: page.plainBytes }],
    [3, { i32: page.storedBytes }],
    [5, { struct: [[1, { i32: page.rows }], [2, { i32: PLAIN }], [3, { i32: RLE }], [4, { i32: RLE }]] }],
  ]);
}

function columnChunk(
  chunk: {
    column: number;
    rows: number;
    start: number;
    plainBytes: number;
    storedBytes: number;
    statistics: ThriftStruct | null;
  },
): ThriftStruct {
  const meta: ThriftStruct = [
    [1, { i32: physicalType(chunk.column) }],
    [2, { list: [{ i32: PLAIN }, { i32: RLE }] }],
    [3, { list: [{ text: BAR_COLUMNS[chunk.column] }] }],
    [4, { i32: ZSTD }],
    [5, { i64: chunk.rows }],
    [6, { i64: chunk.plainBytes }],
    [7, { i64: chunk.storedBytes }],
    [9, { i64: chunk.start }],
  ];
  if (chunk.statistics) meta.push([12, { struct: chunk.statistics }]);
  return [[2, { i64: chunk.start }], [3, { struct: meta }]];
}

/** First and last `ts`: readers skip row groups by them. */
function timeBounds(plain: Uint8Array, rows: number): ThriftStruct {
  return [
    [3, { i64: 0 }],
    [5, { binary: plain.subarray(8 * (rows - 1)) }],
    [6, { binary: plain.subarray(0, 8) }],
  ];
}

function footer(groups: Group[], metadataJson: string): Uint8Array<ArrayBuffer> {
  const leaves = BAR_COLUMNS.map((name, column): ThriftValue => ({
    struct: [[1, { i32: physicalType(column) }], [3, { i32: REQUIRED }], [4, { text: name }]],
  }));
  const root: ThriftValue = { struct: [[4, { text: "bars" }], [5, { i32: BAR_COLUMNS.length }]] };
  const order: ThriftValue = { struct: [[1, { struct: [] }]] };
  const meta = encodeThrift([
    [1, { i32: 1 }],
    [2, { list: [root, ...leaves] }],
    [3, { i64: groups.reduce((rows, group) => rows + group.rows, 0) }],
    [4, { list: groups.map(rowGroup) }],
    [5, { list: [{ struct: [[1, { text: "seamless" }], [2, { text: metadataJson }]] }] }],
    [6, { text: "seamless" }],
    [7, { list: BAR_COLUMNS.map(() => order) }],
  ]);
  const bytes = new Uint8Array(meta.length + 8);
  bytes.set(meta);
  new DataView(bytes.buffer).setUint32(meta.length, meta.length, true);
  bytes.set(MAGIC, meta.length + 4);
  return bytes;
}

function rowGroup(group: Group): ThriftValue {
  return {
    struct: [
      [1, { list: group.columns.map((struct) => ({ struct })) }],
      [2, { i64: group.plainBytes }],
      [3, { i64: group.rows }],
      [6, { i64: group.storedBytes }],
    ],
  };
}

function physicalType(column: number): number {
  return column === 0 ? INT64 : DOUBLE;
}

/** Compresses here and now: the asynchronous form runs on this thread too, and lets nobody in between its pieces. */
function zstdPage(plain: Uint8Array): Uint8Array<ArrayBuffer> {
  const packed = zstdCompressSync(plain);
  return new Uint8Array(packed.buffer as ArrayBuffer, packed.byteOffset, packed.byteLength);
}
