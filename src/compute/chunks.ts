/** Cuts frames into the chunks of SFP-1 and hashes them: leaves four at once, a slab of rows at a time. */
import {
  BAR_COLUMNS,
  type Bars,
  firstAtOrAfter,
  isTrades,
  type Trades,
  viewTrades,
} from "../core/bar_frame.ts";
import { CHUNK_SLOTS } from "../core/limits.ts";
import { type Grid, slotOf, slotStart } from "../core/timeframe.ts";
import { copyColumns, strideOf } from "./columns.ts";
import type { Door } from "./door.ts";
import { hashInPlace, mayHashInPlace } from "./host_chunks.ts";
import { nativeLeaf, takesNative } from "./native_leaves.ts";
import {
  addChunk,
  CHUNKS_PER_CALL,
  finishRecord,
  HEAD_BYTES,
  JOB_BYTES,
  readRecord,
  recordSize,
} from "./records.ts";
import { TAG } from "./sha256.ts";
import { checkTradeOrder } from "./trade_order.ts";
import type { Chunk } from "./types.ts";

/**
 * Chunks of bars in the arena at once: two full ones, whose twelve leaves fill four lanes three times and whose bytes
 * stay in a processor's second cache from the copy to the hash.
 */
const SLAB_CHUNKS = 2;
const BAR_LEAVES = 6;
const TRADE_LEAVES = 5;
const DIGEST_BYTES = 32;

const encoder = new TextEncoder();

/** See `Compute.chunksOf`. */
export function chunksOf(door: Door, frame: Bars | Trades, grid: Grid): Chunk[] {
  return isTrades(frame) ? chunksOfTrades(door, frame) : chunksOfBars(door, frame, grid);
}

/** The chunks of bars. Throws `RangeError` unless their times ascend on the grid. */
export function chunksOfBars(door: Door, frame: Bars, grid: Grid): Chunk[] {
  const rows = frame.ts.length;
  const chunks: Chunk[] = [];
  const inPlace = mayHashInPlace(door, frame);
  for (let from = 0; from < rows;) {
    const next = inPlace ? hashInPlace(door, frame, { grid, from }, chunks) : from;
    if (next > from) {
      from = next;
      continue;
    }
    const end = endOfChunks(frame.ts, { from, chunks: SLAB_CHUNKS, grid });
    door.scoped(() => hashSlab(door, { frame, grid, from, rows: end - from }, chunks));
    from = end;
  }
  return chunks;
}

/**
 * The end of whole chunks that begin at row `from`, as many as there are rows for in `chunks` full ones; where times do
 * not ascend, some row behind `from`, and WASM will say so.
 */
export function endOfChunks(ts: Float64Array, o: { from: number; chunks: number; grid: Grid }): number {
  const most = o.from + o.chunks * CHUNK_SLOTS;
  if (most >= ts.length) return ts.length;
  const border = slotStart(Math.floor(slotOf(ts[most], o.grid) / CHUNK_SLOTS) * CHUNK_SLOTS, o.grid);
  return o.from + Math.max(1, firstAtOrAfter(ts.subarray(o.from, most), border));
}

/** Rows `from` … `from + rows` of a frame. */
type Slab = { frame: Bars; grid: Grid; from: number; rows: number };

/** Hashes the chunks of one slab, which must come after those that are there. */
function hashSlab(door: Door, slab: Slab, chunks: Chunk[]): void {
  const { frame, from, rows } = slab;
  door.useGrid(slab.grid);
  const stride = strideOf(rows);
  const columns = copyColumns(
    door,
    BAR_COLUMNS.map((name) => frame[name].subarray(from, from + rows)),
    stride,
  );
  const recordBytes = recordSize(BAR_LEAVES);
  const out = door.alloc(recordBytes * CHUNKS_PER_CALL);
  const jobs = door.alloc(JOB_BYTES * BAR_LEAVES * CHUNKS_PER_CALL);
  for (let done = 0; done < rows;) {
    done = door.checked(door.wasm.cutChunks(columns, stride, done, rows, out, jobs), "fingerprint a frame");
    const count = door.result(0);
    hashLeaves(door, jobs, count * BAR_LEAVES);
    door.wasm.closeChunks(out, count, jobs);
    for (let i = 0; i < count; i++) addChunk(door, chunks, out + i * recordBytes, BAR_LEAVES);
  }
}

/** Hashes the leaves that jobs name: long ones by the host where it has a faster SHA-256, the others four at once here. */
function hashLeaves(door: Door, jobs: number, count: number): void {
  if (door.host.hostHash === undefined) {
    door.wasm.hashTagged(jobs, count, TAG.leaf);
    return;
  }
  let left = 0;
  for (let i = 0; i < count; i++) {
    const [data, bytes, out] = door.u32(jobs + i * JOB_BYTES, 3);
    if (takesNative(door, bytes)) {
      door.bytes(out, DIGEST_BYTES).set(nativeLeaf(door, door.bytes(data, bytes)));
    } else {
      door.u32(jobs + left++ * JOB_BYTES, 3).set([data, bytes, out]);
    }
  }
  if (left > 0) door.wasm.hashTagged(jobs, left, TAG.leaf);
}

/** The chunks of trades: their slots are whole seconds. Throws `RangeError` unless they ascend. */
export function chunksOfTrades(door: Door, trades: Trades): Chunk[] {
  checkTradeOrder(trades);
  const chunks: Chunk[] = [];
  const rows = trades.ts_ms.length;
  for (let from = 0; from < rows;) {
    const k = tradeChunk(trades.ts_ms[from]);
    const end = endOfTradeChunk(trades.ts_ms, from, 1);
    chunks.push(hashTradeChunk(door, k, viewTrades(trades, from, end)));
    from = end;
  }
  return chunks;
}

/** The end of the trades from row `from` on that stand in its chunk, or in the `chunks` from there on. */
export function endOfTradeChunk(times: Float64Array, from: number, chunks: number): number {
  const border = (tradeChunk(times[from]) + chunks) * CHUNK_SLOTS * 1000;
  return Math.max(from + 1, firstAtOrAfter(times, border));
}

/** The chunk of a trade at a millisecond. */
export function tradeChunk(tsMs: number): number {
  return Math.floor(Math.floor(tsMs / 1000) / CHUNK_SLOTS);
}

function hashTradeChunk(door: Door, k: number, rows: Trades): Chunk {
  return door.scoped(() => {
    const columns = copyTradeColumns(door, rows);
    const record = door.alloc(recordSize(TRADE_LEAVES));
    const jobs = door.alloc(TRADE_LEAVES * JOB_BYTES);
    columns.forEach(({ at, bytes }, c) => {
      door.u32(jobs + c * JOB_BYTES, 3).set([at, bytes, record + HEAD_BYTES + c * DIGEST_BYTES]);
    });
    hashLeaves(door, jobs, TRADE_LEAVES);
    finishRecord(door, record, { k, rows: rows.ts_ms.length, leaves: TRADE_LEAVES });
    return readRecord(door, record, TRADE_LEAVES);
  });
}

/** The canonical bytes of each column of trades, in the arena. */
function copyTradeColumns(door: Door, rows: Trades): { at: number; bytes: number }[] {
  const count = rows.ts_ms.length;
  const text = textBytes(rows.id);
  const [times, price, amount] = [rows.ts_ms, rows.price, rows.amount].map((column) => door.copyIn(column));
  const side = door.copyBytesIn(new Uint8Array(rows.side.buffer, rows.side.byteOffset, count));
  const ids = door.alloc(count * 4 + text.bytes.length);
  door.u32(ids, count).set(text.lengths);
  door.bytes(ids + count * 4, text.bytes.length).set(text.bytes);
  door.wasm.toInt64(times, count);
  door.wasm.canonicalise(price, count);
  door.wasm.canonicalise(amount, count);
  return [
    { at: times, bytes: count * 8 },
    { at: price, bytes: count * 8 },
    { at: amount, bytes: count * 8 },
    { at: side, bytes: count },
    { at: ids, bytes: count * 4 + text.bytes.length },
  ];
}

/** The UTF-8 length of each text, and all their bytes. Throws `TypeError` for a text that has no UTF-8 form. */
export function textBytes(texts: string[]): { lengths: Uint32Array; bytes: Uint8Array } {
  const all = texts.join("");
  const bytes = encoder.encode(all);
  if (bytes.length === all.length) return { lengths: Uint32Array.from(texts, (text) => text.length), bytes };
  const lengths = Uint32Array.from(texts, (text) => {
    if (!text.isWellFormed()) throw new TypeError("A trade id has a lone surrogate: it has no UTF-8 form");
    return encoder.encode(text).length;
  });
  return { lengths, bytes };
}
