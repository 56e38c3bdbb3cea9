/** Conformance of trades, from "usable time" on: finite values, one row for each id, order by time and id. */
import type { Trades } from "../core/bar_frame.ts";
import { raise } from "./findings.ts";
import type { Door } from "./door.ts";
import { compareIds } from "./ids.ts";
import type { TimeColumn } from "./time_cells.ts";
import type { SideColumn, TextColumn } from "./trade_cells.ts";
import type { Conformed } from "./types.ts";

/** Rows of trades with their cells read, and the flags that grow. */
type TradeRows = {
  times: TimeColumn;
  price: Float64Array;
  amount: Float64Array;
  side: SideColumn;
  id: TextColumn;
  observedAt: Float64Array | null;
  flags: Record<string, number>;
};

type Found = Pick<Conformed, "frame" | "setAside" | "conflicts">;

/** Conforms trades: see `Compute.conform`. They have no slots, so that nothing is off the grid and nothing is a gap. */
export function conformTrades(door: Door, rows: TradeRows): Found {
  const { times, flags, id } = rows;
  raise(flags, "ts_cast", times.cast);
  raise(flags, "ts_timezone_normalized", times.zoned);
  raise(flags, "invalid_timestamp", times.values.filter(Number.isNaN).length);
  raise(flags, "non_finite", countNonFinite(rows));
  // A row without an id cannot be told from another one: under the lenient policy it is set aside, not made up.
  const nameless = new Set(id.badRows.filter((row) => !Number.isNaN(times.values[row])));
  const { stays, conflicts, dropped } = dropDuplicates(rows, nameless);
  raise(flags, "duplicate_ts", dropped);
  raise(flags, "conflict", conflicts.length);
  return {
    frame: gather(rows, sortRows(door, rows, stays)),
    setAside: [...nameless].map((row) => ({ row, flag: "non_finite" })),
    conflicts,
  };
}

function countNonFinite({ times, price, amount, side, id }: TradeRows): number {
  let count = 0;
  for (let i = 0; i < times.values.length; i++) {
    if (Number.isNaN(times.values[i])) continue;
    if (!Number.isFinite(price[i])) count++;
    if (!Number.isFinite(amount[i])) count++;
  }
  for (const row of [...side.badRows, ...id.badRows]) if (!Number.isNaN(times.values[row])) count++;
  return count;
}

/** Of each id the row observed last stays, else the later one. `stays` ascends by row. */
function dropDuplicates(rows: TradeRows, nameless: Set<number>) {
  const { times, id, observedAt } = rows;
  const holder = new Map<string, number>();
  const lost: number[] = [];
  for (let i = 0; i < times.values.length; i++) {
    if (Number.isNaN(times.values[i]) || nameless.has(i)) continue;
    const other = holder.get(id.values[i]);
    const displaces = other === undefined || observedAt === null || observedAt[i] >= observedAt[other];
    if (displaces) holder.set(id.values[i], i);
    if (other !== undefined) lost.push(displaces ? other : i);
  }
  const stays = Uint32Array.from(holder.values()).sort();
  const conflicts: Conformed["conflicts"] = [];
  for (const droppedRow of lost.sort((a, b) => a - b)) {
    const keptRow = holder.get(id.values[droppedRow])!;
    if (differ(rows, droppedRow, keptRow)) {
      conflicts.push({ ts: Math.floor(times.values[keptRow] / 1000), keptRow, droppedRow });
    }
  }
  return { stays, conflicts, dropped: lost.length };
}

function differ({ times, price, amount, side }: TradeRows, a: number, b: number): boolean {
  return times.values[a] !== times.values[b] || !same(price[a], price[b]) || !same(amount[a], amount[b]) ||
    side.values[a] !== side.values[b];
}

/** Canonical bits, after ±inf has become NaN. */
function same(x: number, y: number): boolean {
  return x === y || (!Number.isFinite(x) && !Number.isFinite(y));
}

/** Rows in order of time, then of id. WASM sorts the times; only runs of one millisecond are compared by id. */
function sortRows(door: Door, { times, id }: TradeRows, stays: Uint32Array): Uint32Array {
  const keys = Float64Array.from(stays, (row) => times.values[row]);
  const order = door.scoped(() => {
    const at = door.copyIn(keys);
    const out = door.alloc(keys.length * 4);
    if (door.wasm.sortOrder(at, keys.length, out) === 0) {
      throw new RangeError("Cannot sort: the input is too large");
    }
    return door.u32(out, keys.length).slice();
  });
  for (let first = 0; first < order.length;) {
    let end = first + 1;
    while (end < order.length && keys[order[end]] === keys[order[first]]) end++;
    if (end - first > 1) {
      order.subarray(first, end).sort((a, b) => compareIds(id.values[stays[a]], id.values[stays[b]]));
    }
    first = end;
  }
  return order.map((i) => stays[i]);
}

function gather({ times, price, amount, side, id }: TradeRows, order: Uint32Array): Trades {
  const finite = (x: number) => Number.isFinite(x) ? x : NaN;
  return {
    ts_ms: Float64Array.from(order, (row) => times.values[row]),
    price: Float64Array.from(order, (row) => finite(price[row])),
    amount: Float64Array.from(order, (row) => finite(amount[row])),
    side: Int8Array.from(order, (row) => side.values[row]),
    id: Array.from(order, (row) => id.values[row]),
  };
}
