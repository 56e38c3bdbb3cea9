/**
 * The fingerprint of a growing dataset. Kept are the hash states of the open chunk's columns and of the root, so that
 * appending costs the time of the new rows, whatever came before.
 */
import {
  type Bars,
  firstAtOrAfter,
  isTrades,
  rowCount,
  type Trades,
  viewBars,
  viewTrades,
} from "../core/bar_frame.ts";
import { CHUNK_SLOTS } from "../core/limits.ts";
import { type Grid, slotOf, slotStart } from "../core/timeframe.ts";
import type { TimeRange } from "../core/time_range.ts";
import { AppendState, OpenChunk } from "./append_state.ts";
import { checkBarTimes, checkClaimedRange, checkClaims, checkFrame } from "./arguments.ts";
import { chunksOf, textBytes, tradeChunk } from "./chunks.ts";
import type { Door } from "./door.ts";
import { closeRoot, type Kind } from "./fingerprint.ts";
import { checkTradeOrder } from "./trade_order.ts";
import type { Appender, Chunk, Claims } from "./types.ts";

/** See `Compute.appender`. */
export function appender(door: Door, claims: Omit<Claims, "range">, resume?: Uint8Array): Appender {
  checkClaims(claims);
  const state = resume === undefined
    ? AppendState.empty(door, claims)
    : AppendState.read(door, claims, resume);
  return {
    append: (frame) => append(door, state, frame),
    fingerprint: (range) => fingerprintSoFar(state, claims, range),
    chunks: () => state.allChunks().map((chunk) => ({ ...chunk, leaves: [...chunk.leaves] })),
    state: () => state.write(),
  };
}

function fingerprintSoFar(state: AppendState, claims: Omit<Claims, "range">, range: TimeRange): string {
  checkClaimedRange(range);
  const open = state.openChunk();
  const root = state.root.copy();
  if (open !== null) root.update(digestOf(open));
  return closeRoot(root, state.count, { ...claims, range }, state.kind);
}

function digestOf(chunk: Chunk): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => parseInt(chunk.digest.slice(2 * i, 2 * i + 2), 16));
}

/** Everything is checked before anything is taken, and what fails on the way is taken back: a frame leaves the state as it was, or all of it is in. */
function append(door: Door, state: AppendState, frame: Bars | Trades): void {
  checkFrame(frame, "frame");
  const kind: Kind = isTrades(frame) ? "trades" : "ohlcv";
  const rows = rowCount(frame);
  if (rows === 0) return;
  if (kind !== state.kind && !state.isEmpty) throw new TypeError(`Cannot append ${kind} to ${state.kind}`);
  if (isTrades(frame)) {
    checkTradeOrder(frame, state.isEmpty ? undefined : { ts_ms: state.lastTime, id: state.lastId });
    textBytes(frame.id);
  } else {
    checkBarTimes(frame.ts, state.grid, state.isEmpty ? -Infinity : state.lastTime);
  }
  const restore = state.keep();
  try {
    state.kind = kind;
    for (let from = 0; from < rows;) from = takeSome(door, state, frame, from);
  } catch (error) {
    restore();
    throw error;
  }
  const times = isTrades(frame) ? frame.ts_ms : frame.ts;
  state.lastTime = times[rows - 1];
  state.lastId = isTrades(frame) ? frame.id[rows - 1] : "";
}

/** Takes the rows of one chunk, or all chunks that are whole within the frame, and answers the first row not taken. */
function takeSome(door: Door, state: AppendState, frame: Bars | Trades, from: number): number {
  const times = isTrades(frame) ? frame.ts_ms : frame.ts;
  const rows = times.length;
  const k = chunkAt(frame, times[from], state.grid);
  if (state.open !== null && state.open.k !== k) state.close();
  const lastStart = startOfChunk(frame, times, chunkAt(frame, times[rows - 1], state.grid), state.grid);
  if (state.open === null && from < lastStart) {
    for (const chunk of chunksOf(door, viewOf(frame, from, lastStart), state.grid)) {
      state.closed.push(chunk);
      state.root.update(digestOf(chunk));
    }
    return lastStart;
  }
  const end = startOfChunk(frame, times, k + 1, state.grid);
  state.open ??= OpenChunk.start(door, k, state.kind);
  feed(state.open, viewOf(frame, from, end));
  return end;
}

function chunkAt(frame: Bars | Trades, time: number, grid: Grid): number {
  return isTrades(frame) ? tradeChunk(time) : Math.floor(slotOf(time, grid) / CHUNK_SLOTS);
}

/** The first row at or after the start of chunk `k`. */
function startOfChunk(frame: Bars | Trades, times: Float64Array, k: number, grid: Grid): number {
  const border = isTrades(frame) ? k * CHUNK_SLOTS * 1000 : slotStart(k * CHUNK_SLOTS, grid);
  return firstAtOrAfter(times, border);
}

function viewOf(frame: Bars | Trades, from: number, end: number): Bars | Trades {
  return isTrades(frame) ? viewTrades(frame, from, end) : viewBars(frame, from, end);
}

/** Takes rows that all belong to the open chunk. */
function feed(open: OpenChunk, rows: Bars | Trades): void {
  if (!isTrades(rows)) {
    open.takeBars(rows);
    return;
  }
  open.takeNumbers(0, rows.ts_ms, true);
  open.takeNumbers(1, rows.price, false);
  open.takeNumbers(2, rows.amount, false);
  open.takeBytes(3, new Uint8Array(rows.side.buffer, rows.side.byteOffset, rows.side.length));
  const { lengths, bytes } = textBytes(rows.id);
  open.takeBytes(4, new Uint8Array(lengths.buffer));
  open.takeText(bytes);
  open.rows += rows.ts_ms.length;
}
