/**
 * Conformance of bars, from "usable time" on. WASM looks at rows slab by slab and says what became of each and which
 * rows, in which order, make up the frame; here stand the copies, the gathering, and the reading of its results.
 */
import { BAR_COLUMNS, type Bars, makeBars } from "../core/bar_frame.ts";
import { CHUNK_SLOTS, TIME_LIMIT_SEC } from "../core/limits.ts";
import { type Grid, slotOf, snapOutward } from "../core/timeframe.ts";
import type { TimeRange } from "../core/time_range.ts";
import { isFloat64Array } from "./arguments.ts";
import { copyColumns, strideOf } from "./columns.ts";
import { type Policy, raise } from "./findings.ts";
import type { Door } from "./door.ts";
import type { TimeColumn } from "./time_cells.ts";
import type { Cell, Conformed } from "./types.ts";

/** Rows of bars with their cells read, and the flags that grow. */
type BarRows = {
  times: TimeColumn;
  columns: Float64Array[];
  observedAt: Float64Array | null;
  policy: Policy;
  flags: Record<string, number>;
};

type Found = Pick<Conformed, "frame" | "setAside" | "conflicts">;

/** Rows in the arena at once: their six columns stay in a processor's second cache between copy and look. */
const SLAB_ROWS = 2 * CHUNK_SLOTS;
/** Below this size numbers are seconds when the unit is to be guessed (spec §5). */
const SECONDS_BELOW = 1e11;

/** Fields of the results, by the numbers of wasm/conformance.ts. */
const RESULT = {
  invalid_timestamp: 0,
  non_finite: 1,
  misaligned_ts: 2,
  duplicate_ts: 3,
  ohlc_invariant: 4,
  infinite: 5,
  inPlace: 6,
  pairs: 7,
} as const;
/** What became of a row, by the numbers of wasm/conformance.ts; the others are kept or dropped, not set aside. */
const SET_ASIDE: Record<number, string> = { 2: "non_finite", 3: "misaligned_ts", 5: "ohlc_invariant" };

/**
 * The bars themselves, not a copy, when there is nothing to find in them; `null` when there is, or when they are not
 * columns of numbers of seconds, and `conformBars` must look closer.
 */
export function cleanBars(door: Door, cells: Record<string, ArrayLike<Cell>>, policy: Policy): Bars | null {
  if (policy.timeUnit !== "auto" && policy.timeUnit !== "s") return null;
  if (!BAR_COLUMNS.every((name) => isFloat64Array(cells[name]))) return null;
  const limit = policy.timeUnit === "s" ? TIME_LIMIT_SEC : SECONDS_BELOW;
  const columns = BAR_COLUMNS.map((name) => cells[name] as unknown as Float64Array);
  const rows = columns[0].length;
  // Of no rows the frame is its own: a column without length may be one whose buffer is gone.
  if (rows === 0) return makeBars(0);
  let before = -Infinity;
  for (let from = 0; from < rows; from += SLAB_ROWS) {
    const taken = Math.min(SLAB_ROWS, rows - from);
    const clean = door.scoped(() => {
      door.useGrid(policy.grid);
      const stride = strideOf(taken);
      const at = copyColumns(door, columns.map((column) => column.subarray(from, from + taken)), stride);
      return door.wasm.cleanRows(at, stride, taken, before, limit);
    });
    if (clean < taken) return null;
    before = columns[0][from + taken - 1];
  }
  const [ts, open, high, low, close, volume] = columns;
  return { ts, open, high, low, close, volume };
}

/** Conforms bars: see `Compute.conform`. Columns in which nothing changes are the input's own. */
export function conformBars(door: Door, rows: BarRows): Found {
  const { times, policy, flags } = rows;
  raise(flags, "ts_cast", times.cast);
  raise(flags, "ts_timezone_normalized", times.zoned);
  const found = door.scoped(() => run(door, rows));
  raiseGap(flags, found.frame as Bars, policy);
  return found;
}

/** Counts the slots without a bar. */
export function raiseGap(flags: Record<string, number>, frame: Bars, policy: Policy): void {
  raise(flags, "gap", countGaps(frame.ts, policy.grid, policy.range));
}

function run(door: Door, rows: BarRows): Found {
  const { times, observedAt, policy, flags } = rows;
  const count = times.values.length;
  door.useGrid(policy.grid);
  const timesAt = door.alloc(count * 8);
  const state = door.alloc(count);
  judge(door, rows, { timesAt, state });
  const observed = observedAt === null ? 0 : door.copyIn(observedAt);
  const quarantine = policy.invariant === "quarantine" ? 1 : 0;
  const order = door.alloc(count * 4);
  const kept = door.wasm.orderRows(timesAt, state, count, observed, quarantine, order, 0);
  door.checked(kept, "conform bars");
  raise(flags, "invalid_timestamp", door.result(RESULT.invalid_timestamp));
  raise(flags, "non_finite", door.result(RESULT.non_finite));
  raise(flags, "misaligned_ts", door.result(RESULT.misaligned_ts));
  raise(flags, "duplicate_ts", door.result(RESULT.duplicate_ts));
  const conflicts = readConflicts(door, rows, flags.duplicate_ts ?? 0);
  raise(flags, "conflict", conflicts.length);
  raise(flags, "ohlc_invariant", door.result(RESULT.ohlc_invariant));
  return {
    frame: readFrame(door, rows, { timesAt, order, kept }),
    setAside: readSetAside(door.bytes(state, count), flags),
    conflicts,
  };
}

/** Gives all rows to WASM, slab by slab. */
function judge(door: Door, rows: BarRows, o: { timesAt: number; state: number }): void {
  const columns = [rows.times.values, ...rows.columns];
  const count = rows.times.values.length;
  const floor = rows.policy.align === "floor" ? 1 : 0;
  door.wasm.openJudge();
  for (let from = 0; from < count; from += SLAB_ROWS) {
    const taken = Math.min(SLAB_ROWS, count - from);
    door.scoped(() => {
      const stride = strideOf(taken);
      const at = copyColumns(door, columns.map((column) => column.subarray(from, from + taken)), stride);
      door.wasm.judgeRows(at, stride, taken, o.timesAt + from * 8, o.state + from, floor);
    });
  }
}

/** The rows of the frame in their order: as they lie when all of them stay in their places, else gathered. */
function readFrame(
  door: Door,
  { times, columns, flags, policy }: BarRows,
  o: { timesAt: number; order: number; kept: number },
): Bars {
  const inPlace = o.kept > 0 && door.result(RESULT.inPlace) === 1;
  const floored = policy.align === "floor" && flags.misaligned_ts > 0;
  const judged = door.f64(o.timesAt, times.values.length);
  const ts = floored ? judged : times.values;
  const order = door.u32(o.order, o.kept);
  const finite = door.result(RESULT.infinite) === 0;
  const frame = inPlace
    ? { ts: floored ? judged.slice() : ts } as Bars
    : { ...makeBars(0), ts: gather(ts, order) };
  BAR_COLUMNS.slice(1).forEach((name, c) => {
    const column = inPlace ? columns[c] : gather(columns[c], order);
    frame[name] = finite ? column : column.map((x) => Number.isFinite(x) ? x : NaN);
  });
  return frame;
}

function gather(column: Float64Array, order: Uint32Array): Float64Array {
  const rows = new Float64Array(order.length);
  for (let i = 0; i < rows.length; i++) rows[i] = column[order[i]];
  return rows;
}

function readSetAside(fates: Uint8Array, flags: Record<string, number>): { row: number; flag: string }[] {
  const rows: { row: number; flag: string }[] = [];
  if (!Object.values(SET_ASIDE).some((flag) => flags[flag] > 0)) return rows;
  for (let row = 0; row < fates.length; row++) {
    const flag = SET_ASIDE[fates[row]];
    if (flag !== undefined) rows.push({ row, flag });
  }
  return rows;
}

/**
 * Of the dropped rows those that differ from the row that stays, by dropped row. Their time is that of their slot, also
 * where the row's own was floored.
 */
function readConflicts(door: Door, rows: BarRows, duplicates: number): Conformed["conflicts"] {
  if (duplicates === 0) return [];
  const pairs = door.u32(door.result(RESULT.pairs), duplicates * 2);
  const ts = rows.times.values;
  const conflicts: Conformed["conflicts"] = [];
  for (let i = 0; i < pairs.length; i += 2) {
    const [droppedRow, keptRow] = [pairs[i], pairs[i + 1]];
    if (rows.columns.every((column) => same(column[droppedRow], column[keptRow]))) continue;
    conflicts.push({ ts: snapOutward([ts[keptRow], ts[keptRow]], rows.policy.grid)[0], keptRow, droppedRow });
  }
  return conflicts.sort((a, b) => a.droppedRow - b.droppedRow);
}

/** Canonical bits, after what is not finite has become NaN. */
function same(x: number, y: number): boolean {
  return x === y || (!Number.isFinite(x) && !Number.isFinite(y));
}

/** Slots without a bar from the first to the last of rows and asked range together. */
function countGaps(ts: Float64Array, grid: Grid, range: TimeRange | undefined): number {
  let first = Infinity;
  let end = -Infinity;
  if (ts.length > 0) {
    first = slotOf(ts[0], grid);
    end = slotOf(ts[ts.length - 1], grid) + 1;
  }
  if (range !== undefined && range[0] < range[1]) {
    const [from, to] = snapOutward(range, grid);
    first = Math.min(first, slotOf(from, grid));
    end = Math.max(end, slotOf(to, grid));
  }
  return first < end ? end - first - ts.length : 0;
}
