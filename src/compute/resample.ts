/** Bars from finer bars, and bars from trades (spec §20). */
import { BAR_COLUMNS, type Bars, firstAtOrAfter, type Trades, viewBars } from "../core/bar_frame.ts";
import { CHUNK_SLOTS } from "../core/limits.ts";
import { checkGrid, type Grid, isMonthGrid, slotOf, slotStart } from "../core/timeframe.ts";
import type { Ranges } from "../core/time_range.ts";
import { checkBars, checkOptions, checkRanges, checkTrades } from "./arguments.ts";
import { copyColumns, readBars, strideOf } from "./columns.ts";
import { anchorOf, type Door, stepOf } from "./door.ts";
import { compareIds } from "./ids.ts";

const DAY_SEC = 86_400;

/** Rows in the arena at once, unless one target bar has more. */
const SLAB_ROWS = 3 * CHUNK_SLOTS;
const PAIR_BYTES = 16;
/** Bars do not depend on ids but where two trades share a millisecond; to look at all of them would take most of the time. */
const IDS_LOOKED_AT = 4096;

/** See `Compute.resample`. */
export function resample(
  door: Door,
  frame: Bars,
  o: { from: Grid; to: Grid; covered: Ranges },
): { frame: Bars; incomplete: Ranges } {
  checkBars(frame, "frame");
  checkOptions(o, "resample");
  checkGrid(o.from);
  checkGrid(o.to);
  checkRanges(o.covered, "covered");
  checkBorders(o.from, o.to);
  return door.scoped(() => {
    const grids = [stepOf(o.from), anchorOf(o.from), stepOf(o.to), anchorOf(o.to)] as const;
    const incomplete = coverTargets(door, o.covered, grids);
    const bars: Bars[] = [];
    for (let from = 0; from < frame.ts.length;) {
      const end = endOfSlab(frame.ts, from, (t) => borderAfter(t, o.to));
      if (from > 0 && !(frame.ts[from] > frame.ts[from - 1])) refuseOrder(from);
      bars.push(resampleSlab(door, viewBars(frame, from, end), grids));
      from = end;
    }
    return { frame: joinBars(bars), incomplete };
  });
}

function resampleSlab(door: Door, rows: Bars, grids: Grids): Bars {
  return door.scoped(() => {
    const count = rows.ts.length;
    const stride = strideOf(count);
    const columns = copyColumns(door, BAR_COLUMNS.map((name) => rows[name]), stride);
    door.checked(door.wasm.checkSource(columns, count, ...grids), "resample");
    const out = door.alloc(stride * BAR_COLUMNS.length);
    return readBars(door, out, stride, door.wasm.resampleRows(columns, stride, count, out, stride, 0));
  });
}

/** Step and anchor of the source's grid, then of the target's. */
type Grids = readonly [fromStep: number, fromAnchor: number, toStep: number, toAnchor: number];

/** Tells WASM which target slots are covered, and answers those that are so in part. */
function coverTargets(door: Door, ranges: Ranges, grids: Grids): Ranges {
  const covered = door.copyIn(ranges);
  const part = door.alloc(ranges.length * PAIR_BYTES);
  const parts = door.wasm.coverTargets(covered, ranges.length / 2, ...grids, part);
  return door.f64(part, door.checked(parts, "snap what is covered") * 2).slice();
}

/** See `Compute.barsFromTrades`. */
export function barsFromTrades(
  door: Door,
  trades: Trades,
  o: { grid: Grid; covered: Ranges },
): { frame: Bars; empty: Ranges; incomplete: Ranges } {
  checkTrades(trades, "trades", IDS_LOOKED_AT);
  checkOptions(o, "make bars from trades");
  checkGrid(o.grid);
  checkRanges(o.covered, "covered");
  return door.scoped(() => {
    const incomplete = coverTargets(door, o.covered, [1, 0, stepOf(o.grid), anchorOf(o.grid)]);
    const ranges = o.covered.length / 2;
    const bars: Bars[] = [];
    const empty: Ranges[] = [];
    const times = trades.ts_ms;
    for (let from = 0; from < times.length;) {
      const end = endOfSlab(times, from, (ms) => borderAfter(Math.floor(ms / 1000), o.grid) * 1000);
      const slab = foldSlab(door, trades, { from, end, ranges });
      bars.push(slab.frame);
      empty.push(slab.empty);
      from = end;
    }
    const rest = door.alloc((ranges + 1) * PAIR_BYTES);
    empty.push(door.f64(rest, door.wasm.closeTrades(rest) * 2).slice());
    return { frame: joinBars(bars), empty: join(empty), incomplete };
  });
}

/** Folds trades `from` … `end`. `ranges`: how many covered ranges there are, each of which may end without a trade. */
function foldSlab(
  door: Door,
  trades: Trades,
  { from, end, ranges }: { from: number; end: number; ranges: number },
): { frame: Bars; empty: Ranges } {
  return door.scoped(() => {
    const rows = end - from;
    const stride = strideOf(rows);
    const numbers = [trades.ts_ms, trades.price, trades.amount];
    const columns = copyColumns(door, numbers.map((column) => column.subarray(from, end)), stride);
    const ties = door.alloc(rows * 4);
    const before = from > 0 ? trades.ts_ms[from - 1] : -Infinity;
    const tied = door.checked(door.wasm.checkTradeTimes(columns, rows, before, ties), "read trades");
    checkTies(trades.id, from, door.u32(ties, tied));
    const out = door.alloc(stride * BAR_COLUMNS.length);
    const empty = door.alloc((ranges + rows) * PAIR_BYTES);
    const bars = door.wasm.foldTrades(columns, stride, rows, out, stride, empty, 0);
    const frame = readBars(door, out, stride, bars);
    return { frame, empty: door.f64(empty, door.result(0) * 2).slice() };
  });
}

/** Throws unless the ids of trades that share a millisecond with the one before ascend. `ties`: their rows, from `from` on. */
function checkTies(ids: string[], from: number, ties: Uint32Array): void {
  // Ids lie all over memory: to ask for their types first waits for many of them at once, not for one after the other.
  let texts = 0;
  while (texts < ties.length && isText(ids, from + ties[texts])) texts++;
  for (let i = 0; i < texts; i++) {
    const row = from + ties[i];
    if (compareIds(ids[row], ids[row - 1]) <= 0) refuseOrder(row);
  }
  if (texts < ties.length) throw new TypeError("trades.id must hold texts only");
}

/** Whether the ids of a row and of the one before it are texts. */
function isText(ids: string[], row: number): boolean {
  return typeof ids[row] === "string" && typeof ids[row - 1] === "string";
}

/** The end of the slab that begins at row `from`: a border of the target grid, so that no bar is cut in two. */
function endOfSlab(times: Float64Array, from: number, borderOf: (t: number) => number): number {
  const most = from + SLAB_ROWS;
  if (most >= times.length) return times.length;
  // The last bar that begins in the slab is taken whole. Where times do not ascend this is some row, which WASM refuses.
  return from + Math.max(1, firstAtOrAfter(times.subarray(from), borderOf(times[most - 1])));
}

/** The start of the slot after the one that contains `t`. */
function borderAfter(t: number, grid: Grid): number {
  return slotStart(slotOf(t, grid) + 1, grid);
}

function refuseOrder(row: number): never {
  throw new RangeError(`Rows do not ascend at row ${row}`);
}

function joinBars(pieces: Bars[]): Bars {
  const [ts, open, high, low, close, volume] = BAR_COLUMNS.map((name) =>
    join(pieces.map((one) => one[name]))
  );
  return { ts, open, high, low, close, volume };
}

function join(pieces: Float64Array[]): Float64Array {
  const all = new Float64Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** Throws `RangeError` when a border of the target grid is none of the source's: its slots could not be made of whole ones. */
function checkBorders(from: Grid, to: Grid): void {
  if (isMonthGrid(from) && isMonthGrid(to)) return;
  const bad = () =>
    new RangeError("Cannot resample: a border of the target grid is no border of the source grid");
  if (isMonthGrid(from)) throw bad();
  // Months begin at midnight and their lengths differ by single days.
  const [step, anchor] = isMonthGrid(to) ? [DAY_SEC, 0] : [to.step, to.anchor ?? 0];
  if (step % from.step !== 0 || (anchor - (from.anchor ?? 0)) % from.step !== 0) throw bad();
}
