/**
 * Canonical bytes joined to a frame: what a strategy in the same process waits for, so that it goes at the pace of
 * memory. A column is filled as soon as it is allocated, while the memory that the engine has just cleared is still in
 * the processor's cache, and times without holes are counted instead of read.
 */

import { BAR_COLUMNS, type Bars } from "./bar_frame.ts";
import { JOINED_AT_ONCE_ROWS } from "./limits.ts";
import { decodeTimes, ROW_BYTES, timeOf } from "./stored_chunk.ts";
import { type Grid, isMonthGrid } from "./timeframe.ts";

/** Takes canonical bytes of rows on `grid`, ascending, until all `rows` are there. The frame has memory of its own. */
export class JoinedRows {
  readonly #rows: number;
  readonly #grid: Grid;
  readonly #frame: Partial<Bars> = {};
  #waiting: Uint8Array[] = [];
  #waitingRows = 0;
  #joined = 0;

  constructor(rows: number, grid: Grid) {
    this.#rows = rows;
    this.#grid = grid;
  }

  /** Adds rows behind those that are there. The bytes are kept until they are joined: not to be written to before `end`. */
  add(bytes: Uint8Array): void {
    this.#waiting.push(bytes.byteOffset % 8 === 0 ? bytes : bytes.slice());
    this.#waitingRows += bytes.length / ROW_BYTES;
    if (this.#waitingRows >= JOINED_AT_ONCE_ROWS) this.#join();
  }

  /** The frame. Throws when it has more rows than were announced, or fewer. */
  end(): Bars {
    this.#join();
    if (this.#joined !== this.#rows) throw new Error(`${this.#joined} rows came of ${this.#rows}`);
    return this.#frame as Bars;
  }

  #join(): void {
    if (this.#joined + this.#waitingRows > this.#rows) {
      throw new Error(`More than ${this.#rows} rows came`);
    }
    BAR_COLUMNS.forEach((name, c) => this.#fill(name, c));
    this.#joined += this.#waitingRows;
    this.#waiting = [];
    this.#waitingRows = 0;
  }

  /** Column `c` of what waits. */
  #fill(name: typeof BAR_COLUMNS[number], c: number): void {
    const column = this.#frame[name] ??= new Float64Array(this.#rows);
    let at = this.#joined;
    for (const { buffer, byteOffset, length } of this.#waiting) {
      const rows = length / ROW_BYTES;
      if (c > 0) column.set(new Float64Array(buffer, byteOffset + 8 * rows * c, rows), at);
      else {
        const words = new Uint32Array(buffer, byteOffset, 2 * rows);
        const into = column.subarray(at, at + rows);
        if (!countTimes(words, into, this.#grid)) decodeTimes(words, into);
      }
      at += rows;
    }
  }
}

/** Writes times that have no hole between the first and the last, which takes no look at the others; else false. */
function countTimes(words: Uint32Array, into: Float64Array, grid: Grid): boolean {
  const rows = into.length;
  if (isMonthGrid(grid) || rows === 0) return false;
  const { step } = grid;
  const first = timeOf(words, 0);
  if (timeOf(words, rows - 1) - first !== (rows - 1) * step) return false;
  // Four times side by side: no sum waits for the one before it.
  let [a, b, c, d] = [first, first + step, first + 2 * step, first + 3 * step];
  let row = 0;
  for (; row + 4 <= rows; row += 4) {
    into[row] = a;
    into[row + 1] = b;
    into[row + 2] = c;
    into[row + 3] = d;
    a += 4 * step;
    b += 4 * step;
    c += 4 * step;
    d += 4 * step;
  }
  for (; row < rows; row++) into[row] = first + row * step;
  return true;
}
