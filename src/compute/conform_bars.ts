/** Conformance of bars, from "usable time" on. WASM does it; here stand the copies and the reading of its results. */
import type { Bars } from "../core/bar_frame.ts";
import { type Grid, slotOf, snapOutward } from "../core/timeframe.ts";
import type { TimeRange } from "../core/time_range.ts";
import { copyColumns, readBars, strideOf } from "./columns.ts";
import { type Policy, raise } from "./findings.ts";
import type { Door } from "./door.ts";
import type { TimeColumn } from "./time_cells.ts";
import type { Conformed } from "./types.ts";

/** Rows of bars with their cells read, and the flags that grow. */
type BarRows = {
  times: TimeColumn;
  columns: Float64Array[];
  observedAt: Float64Array | null;
  policy: Policy;
  flags: Record<string, number>;
};

type Found = Pick<Conformed, "frame" | "setAside" | "conflicts">;

/** Fields of the results, by the numbers of wasm/conformance.ts. */
const RESULT = { columns: 6, stride: 7, conflicts: 8 } as const;
const COUNTED = [
  "invalid_timestamp",
  "non_finite",
  "misaligned_ts",
  "duplicate_ts",
  "conflict",
  "ohlc_invariant",
];
/** What became of a row, by the numbers of wasm/conformance.ts; the others are kept or dropped, not set aside. */
const SET_ASIDE: Record<number, string> = { 2: "non_finite", 3: "misaligned_ts", 5: "ohlc_invariant" };

/** Conforms bars: see `Compute.conform`. */
export function conformBars(door: Door, rows: BarRows): Found {
  const { times, policy, flags } = rows;
  raise(flags, "ts_cast", times.cast);
  raise(flags, "ts_timezone_normalized", times.zoned);
  const found = door.scoped(() => run(door, rows));
  raise(flags, "gap", countGaps((found.frame as Bars).ts, policy.grid, policy.range));
  return found;
}

function run(door: Door, { times, columns, observedAt, policy, flags }: BarRows): Found {
  const count = times.values.length;
  const stride = strideOf(count);
  door.useGrid(policy.grid);
  const at = copyColumns(door, [times.values, ...columns], stride);
  const observed = observedAt === null ? 0 : door.copyIn(observedAt);
  const state = door.alloc(count);
  const floor = policy.align === "floor" ? 1 : 0;
  const quarantine = policy.invariant === "quarantine" ? 1 : 0;
  const kept = door.wasm.conformBars(at, stride, count, observed, floor, quarantine, state);
  door.checked(kept, "conform bars");
  COUNTED.forEach((flag, field) => raise(flags, flag, door.result(field)));
  return {
    frame: readBars(door, door.result(RESULT.columns), door.result(RESULT.stride), kept),
    setAside: readSetAside(door.bytes(state, count), flags),
    conflicts: readConflicts(door, times.values, policy.grid, flags.conflict ?? 0),
  };
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

/** The conflicts by dropped row. Their time is that of their slot, also where the row's own was floored. */
function readConflicts(door: Door, ts: Float64Array, grid: Grid, count: number): Conformed["conflicts"] {
  if (count === 0) return [];
  const pairs = door.u32(door.result(RESULT.conflicts), count * 2);
  const conflicts: Conformed["conflicts"] = [];
  for (let i = 0; i < pairs.length; i += 2) {
    const [droppedRow, keptRow] = [pairs[i], pairs[i + 1]];
    conflicts.push({ ts: snapOutward([ts[keptRow], ts[keptRow]], grid)[0], keptRow, droppedRow });
  }
  return conflicts.sort((a, b) => a.droppedRow - b.droppedRow);
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
