/** Proofs of a part: a chunk against its digest, a column against its leaf. */
import {
  BAR_COLUMNS,
  BAR_SCHEMA,
  type Bars,
  rowCount,
  TRADE_COLUMNS,
  TRADE_SCHEMA,
  type Trades,
} from "../core/bar_frame.ts";
import { checkGrid, type Grid } from "../core/timeframe.ts";
import { checkFrame } from "./arguments.ts";
import { chunksOf, textBytes } from "./chunks.ts";
import type { Door } from "./door.ts";
import { finishRecord, leafAt, recordSize } from "./records.ts";
import { digestBytes, TAG, toHex } from "./sha256.ts";
import type { Chunk } from "./types.ts";

/** See `Compute.verifyChunk`. */
export function verifyChunk(
  door: Door,
  rows: Bars | Trades,
  chunk: Pick<Chunk, "k" | "rows" | "digest">,
  grid: Grid,
): boolean {
  checkFrame(rows, "rows");
  checkGrid(grid);
  checkChunk(chunk);
  if (rowCount(rows) !== chunk.rows) return false;
  const found = chunksOrNone(door, rows, grid);
  return found.length === 1 && found[0].k === chunk.k && found[0].digest === chunk.digest;
}

/** Rows that are no frame (unsorted, off the grid) have no chunks; that makes them wrong, not the call. */
function chunksOrNone(door: Door, rows: Bars | Trades, grid: Grid): Chunk[] {
  try {
    return chunksOf(door, rows, grid);
  } catch (error) {
    if (error instanceof RangeError) return [];
    throw error;
  }
}

/** See `Compute.verifyColumn`. */
export function verifyColumn(
  door: Door,
  values: ArrayLike<number> | string[],
  column: string,
  chunk: Chunk,
): boolean {
  checkChunk(chunk);
  if (!Array.isArray(chunk.leaves)) throw new TypeError("A chunk without leaves cannot prove a column");
  const trades = chunk.leaves.length === TRADE_COLUMNS.length;
  const names: readonly string[] = trades ? TRADE_COLUMNS : BAR_COLUMNS;
  const index = names.indexOf(column);
  if (index < 0 || chunk.leaves.length !== names.length) {
    throw new RangeError(`A chunk of ${chunk.leaves.length} leaves has no column "${column}"`);
  }
  if (values === null || typeof values !== "object") throw new TypeError("values must be a column");
  if (values.length !== chunk.rows || !leavesMatch(door, chunk)) return false;
  const type = (trades ? TRADE_SCHEMA : BAR_SCHEMA)[index].split(":")[1];
  return leafOf(door, values, type) === chunk.leaves[index];
}

function checkChunk(chunk: Pick<Chunk, "k" | "rows" | "digest">): void {
  if (chunk === null || typeof chunk !== "object") throw new TypeError("chunk must be an object");
  if (!Number.isSafeInteger(chunk.k)) throw new TypeError("chunk.k must be a whole number");
  if (!Number.isSafeInteger(chunk.rows) || chunk.rows < 0 || chunk.rows > 0xffff_ffff) {
    throw new TypeError("chunk.rows must be a count");
  }
  if (typeof chunk.digest !== "string") throw new TypeError("chunk.digest must be a text");
}

/** Whether the chunk's digest is that of its leaves. */
function leavesMatch(door: Door, chunk: Chunk): boolean {
  return door.scoped(() => {
    const count = chunk.leaves.length;
    const record = door.alloc(recordSize(count));
    const leaves = new Uint8Array(count * 32);
    if (!chunk.leaves.every((leaf, i) => digestBytes(leaf, leaves, i * 32))) return false;
    door.bytes(leafAt(record, 0), leaves.length).set(leaves);
    finishRecord(door, record, { k: chunk.k, rows: chunk.rows, leaves: count });
    return toHex(door.bytes(leafAt(record, count), 32)) === chunk.digest;
  });
}

/** The leaf of a column of one type, in hex; "" when a value has no place in it. */
function leafOf(door: Door, values: ArrayLike<number> | string[], type: string): string {
  return door.scoped(() => {
    const column = columnBytes(door, values, type);
    if (column === null) return "";
    const out = door.alloc(32);
    const job = door.alloc(16);
    door.u32(job, 3).set([column.at, column.bytes, out]);
    door.wasm.hashTagged(job, 1, TAG.leaf);
    return toHex(door.bytes(out, 32));
  });
}

function columnBytes(door: Door, values: ArrayLike<number> | string[], type: string) {
  const cells = Array.from<number | string>(values);
  const fits = type === "text"
    ? (cell: unknown) => typeof cell === "string"
    : (cell: unknown) => typeof cell === "number";
  if (!cells.every(fits)) throw new TypeError(`values must be of type ${type}`);
  if (type === "text") {
    const { lengths, bytes } = textBytes(cells as string[]);
    const all = new Uint8Array(lengths.length * 4 + bytes.length);
    all.set(new Uint8Array(lengths.buffer));
    all.set(bytes, lengths.length * 4);
    return { at: door.copyBytesIn(all), bytes: all.length };
  }
  const numbers = Float64Array.from(cells as number[]);
  if (type === "i8") {
    if (numbers.some((x) => x !== Math.trunc(x) || x < -128 || x > 127)) return null;
    return { at: door.copyBytesIn(new Uint8Array(Int8Array.from(numbers).buffer)), bytes: numbers.length };
  }
  if (type === "i64" && !numbers.every(Number.isSafeInteger)) return null;
  const at = door.copyIn(numbers);
  if (type === "i64") door.wasm.toInt64(at, numbers.length);
  else door.wasm.canonicalise(at, numbers.length);
  return { at, bytes: numbers.length * 8 };
}
