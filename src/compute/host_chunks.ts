/**
 * Chunks of bars whose leaves the host hashes: straight from the caller's columns, since most hold canonical numbers
 * already. Each column is copied in after that, while a processor's caches still have it, and looked through; one that
 * was not canonical is hashed again.
 */
import { BAR_COLUMNS, type Bars, firstAtOrAfter } from "../core/bar_frame.ts";
import { CHUNK_SLOTS } from "../core/limits.ts";
import { type Grid, slotOf, slotStart } from "../core/timeframe.ts";
import { anchorOf, type Door, stepOf } from "./door.ts";
import { nativeLeaf, takesNative } from "./native_leaves.ts";
import { addChunk, JOB_BYTES, leafAt, recordSize, writeHead } from "./records.ts";
import type { Chunk } from "./types.ts";

/** Chunks whose digests are closed together, four lanes at a time. */
const BATCH_CHUNKS = 32;
const LEAVES = BAR_COLUMNS.length;

/** Whether the host is to hash columns where they are: memory that another thread may change is copied first. */
export function mayHashInPlace(door: Door, frame: Bars): boolean {
  // Asked for the longest leaf there is, which is when the host is measured: later, memory must not grow.
  if (!takesNative(door, Math.min(frame.ts.length, CHUNK_SLOTS) * 8)) return false;
  return BAR_COLUMNS.every((name) => frame[name].buffer[Symbol.toStringTag] === "ArrayBuffer");
}

/**
 * Adds the chunks from row `from` on, as many as are long enough for the host, at most a batch. Answers the first row not
 * done. Throws `RangeError` unless their times ascend on the grid.
 */
export function hashInPlace(
  door: Door,
  frame: Bars,
  { grid, from }: { grid: Grid; from: number },
  chunks: Chunk[],
): number {
  return door.scoped(() => {
    const records = door.alloc(BATCH_CHUNKS * recordSize(LEAVES));
    const jobs = door.alloc(BATCH_CHUNKS * JOB_BYTES);
    // Last, since it keeps a view.
    const look = new Look(door, grid);
    let count = 0;
    for (; count < BATCH_CHUNKS && from < frame.ts.length; count++) {
      const k = Math.floor(slotOf(frame.ts[from], grid) / CHUNK_SLOTS);
      const end = firstAtOrAfter(
        frame.ts.subarray(from, from + CHUNK_SLOTS),
        slotStart((k + 1) * CHUNK_SLOTS, grid),
      );
      if (!takesNative(door, end * 8)) break;
      const record = records + count * recordSize(LEAVES);
      BAR_COLUMNS.forEach((name, c) => {
        const leaf = look.leafOf(frame[name].subarray(from, from + end), c);
        door.bytes(leafAt(record, c), leaf.length).set(leaf);
      });
      writeHead(door, record, { k, rows: end, leaves: LEAVES });
      from += end;
    }
    door.wasm.closeChunks(records, count, jobs);
    for (let i = 0; i < count; i++) addChunk(door, chunks, records + i * recordSize(LEAVES), LEAVES);
    return from;
  });
}

/** One column of one chunk at a time in the arena. */
class Look {
  readonly #door: Door;
  readonly #grids: readonly [number, number, number, number];
  readonly #at: number;
  readonly #view: Float64Array;
  /** Columns that were not canonical in their last chunk probably are not in the next: they are hashed after the look only. */
  readonly #odd = BAR_COLUMNS.map(() => false);

  constructor(door: Door, grid: Grid) {
    this.#door = door;
    this.#grids = [stepOf(grid), anchorOf(grid), stepOf(grid), anchorOf(grid)];
    this.#at = door.alloc(CHUNK_SLOTS * 8);
    this.#view = door.f64(this.#at, CHUNK_SLOTS);
  }

  /** The leaf of column `c`'s rows in a chunk. Throws `RangeError` for times that do not ascend on the grid. */
  leafOf(column: Float64Array, c: number): Uint8Array {
    const door = this.#door;
    const bytes = column.length * 8;
    if (c === 0) {
      this.#view.set(column);
      door.checked(door.wasm.checkSource(this.#at, column.length, ...this.#grids), "fingerprint a frame");
      door.wasm.toInt64(this.#at, column.length);
      return nativeLeaf(door, door.bytes(this.#at, bytes));
    }
    const early = this.#odd[c]
      ? null
      : nativeLeaf(door, new Uint8Array(column.buffer, column.byteOffset, bytes));
    this.#view.set(column);
    this.#odd[c] = door.wasm.canonicalise(this.#at, column.length) !== 0;
    return early !== null && !this.#odd[c] ? early : nativeLeaf(door, door.bytes(this.#at, bytes));
  }
}
