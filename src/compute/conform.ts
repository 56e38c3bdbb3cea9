/**
 * Conformance v2 (spec §5): rows as they came become a frame, and everything found on the way is counted.
 *
 * This module reads cells (columns, types, times); what is then done with rows stands in conform_bars.ts and
 * conform_trades.ts.
 */
import { BAR_COLUMNS, emptyBars, emptyTrades, TRADE_COLUMNS } from "../core/bar_frame.ts";
import { checkGrid } from "../core/timeframe.ts";
import { checkRange } from "./arguments.ts";
import { cleanBars, conformBars, raiseGap } from "./conform_bars.ts";
import { conformTrades } from "./conform_trades.ts";
import type { Door } from "./door.ts";
import { type Policy, raise, warningsOf } from "./findings.ts";
import { type NumberColumn, readNumbers } from "./number_cells.ts";
import { readMilliseconds, readSeconds } from "./time_cells.ts";
import { readIds, readSides, type SideColumn, type TextColumn } from "./trade_cells.ts";
import type { Cell, Conformed, ConformInput, ConformOptions } from "./types.ts";

/** Rows of one call: two years of seconds. A list that only claims to be longer must not cost its length. */
const ROWS_MAX = 2 ** 26;

/** See `Compute.conform`. */
export function conform(door: Door, input: ConformInput, options: ConformOptions): Conformed {
  const policy = checkPolicy(options);
  const columns = checkColumns(input);
  const observedAt = checkObserved(input.observedAt, columns.rows);
  const flags: Record<string, number> = {};
  raise(flags, "missing_column", columns.missing);
  const cells = columns.present;
  if (input.kind === "ohlcv" && columns.missing === 0) {
    const frame = cleanBars(door, cells, policy);
    if (frame !== null) {
      raiseGap(flags, frame, policy);
      return report({ frame, setAside: [], conflicts: [] }, flags, policy);
    }
  }
  const types = readTypes(input.kind, cells, flags, policy.dtypePolicy === "lenient");
  if (columns.missing > 0 || flags.dtype_mismatch > 0) return blockedBy(input.kind, flags);
  const time = cells[input.kind === "ohlcv" ? "ts" : "ts_ms"];
  const found = input.kind === "ohlcv"
    ? conformBars(door, {
      times: readSeconds(time, policy.timeUnit),
      columns: types.numbers.map((column) => column.values),
      observedAt,
      policy,
      flags,
    })
    : conformTrades(door, {
      times: readMilliseconds(time, policy.timeUnit),
      price: types.numbers[0].values,
      amount: types.numbers[1].values,
      side: types.side!,
      id: types.id!,
      observedAt,
      flags,
    });
  return report(found, flags, policy);
}

function report(
  found: Pick<Conformed, "frame" | "setAside" | "conflicts">,
  flags: Record<string, number>,
  policy: Policy,
): Conformed {
  const blocked = policy.blocking.some((flag) => flags[flag] > 0);
  return { ...found, flags, warnings: warningsOf(flags), blocked };
}

function blockedBy(kind: "ohlcv" | "trades", flags: Record<string, number>): Conformed {
  const frame = kind === "ohlcv" ? emptyBars() : emptyTrades();
  return { frame, flags, warnings: warningsOf(flags), blocked: true, setAside: [], conflicts: [] };
}

type Types = { numbers: NumberColumn[]; side?: SideColumn; id?: TextColumn };

/** Reads every column that is there but the time, and flags the ones that were cast or could not be. */
function readTypes(
  kind: "ohlcv" | "trades",
  cells: Record<string, ArrayLike<Cell>>,
  flags: Record<string, number>,
  lenient: boolean,
): Types {
  const names = kind === "ohlcv" ? BAR_COLUMNS.slice(1) : ["price", "amount"];
  const numbers = names.filter((name) => name in cells).map((name) => readNumbers(cells[name]));
  const types: Types = { numbers };
  if (kind === "trades" && "side" in cells) types.side = readSides(cells.side);
  if (kind === "trades" && "id" in cells) types.id = readIds(cells.id);
  const all = [...numbers, types.side, types.id].filter((column) => column !== undefined);
  const mismatched = all.filter((column) => column.bad > 0 && !lenient).length;
  raise(flags, "dtype_mismatch", mismatched);
  raise(flags, "dtype_cast", all.filter((column) => column.bad > 0 ? lenient : column.cast).length);
  return types;
}

function checkPolicy(o: ConformOptions): Policy {
  if (o === null || typeof o !== "object") throw new TypeError("conform needs options with a grid");
  checkGrid(o.grid);
  if (o.range !== undefined) checkRange(o.range, "range");
  const blocking = o.blocking ?? ["missing_column", "dtype_mismatch"];
  if (!Array.isArray(blocking) || blocking.some((flag) => typeof flag !== "string")) {
    throw new TypeError("blocking must be a list of flags");
  }
  return {
    grid: o.grid,
    range: o.range,
    align: oneOf("align", o.align ?? "reject", ["reject", "floor"]),
    invariant: oneOf("invariant", o.invariant ?? "flag", ["flag", "quarantine"]),
    dtypePolicy: oneOf("dtypePolicy", o.dtypePolicy ?? "strict", ["strict", "lenient"]),
    timeUnit: oneOf("timeUnit", o.timeUnit ?? "auto", ["auto", "s", "ms", "us", "ns"]),
    blocking,
  };
}

function oneOf<T extends string>(name: string, value: T, allowed: readonly T[]): T {
  if (allowed.includes(value)) return value;
  throw new TypeError(`${name} must be one of ${allowed.join(", ")}, not ${String(value)}`);
}

/** The columns of the schema that are there, all of one length, and how many are not. */
function checkColumns(input: ConformInput) {
  if (input === null || typeof input !== "object") {
    throw new TypeError("conform needs rows: { kind, columns }");
  }
  oneOf("kind", input.kind, ["ohlcv", "trades"]);
  if (input.columns === null || typeof input.columns !== "object") {
    throw new TypeError("columns must be an object of columns");
  }
  const schema: readonly string[] = input.kind === "ohlcv" ? BAR_COLUMNS : TRADE_COLUMNS;
  const present: Record<string, ArrayLike<Cell>> = {};
  let rows = -1;
  for (const name of schema) {
    const column = input.columns[name];
    if (column === undefined || column === null) continue;
    const length = typeof column === "object" ? column.length : NaN;
    if (!Number.isSafeInteger(length) || length < 0) {
      throw new TypeError(`Column ${name} is no list of cells`);
    }
    if (rows >= 0 && length !== rows) {
      throw new TypeError(`Columns are not equally long: ${name} has ${length} cells, others ${rows}`);
    }
    if (length > ROWS_MAX) {
      throw new RangeError(`Column ${name} has ${length} cells; at most ${ROWS_MAX} are taken`);
    }
    rows = length;
    present[name] = column;
  }
  return { present, missing: schema.length - Object.keys(present).length, rows: Math.max(rows, 0) };
}

function checkObserved(observedAt: ArrayLike<number> | undefined, rows: number): Float64Array | null {
  if (observedAt === undefined || observedAt === null) return null;
  if (typeof observedAt !== "object" || observedAt.length !== rows) {
    throw new TypeError(`observedAt must have one time for each of ${rows} rows`);
  }
  const times = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    const t = observedAt[i];
    if (typeof t !== "number" || Number.isNaN(t)) {
      throw new TypeError(`observedAt of row ${i} is not a number`);
    }
    times[i] = t;
  }
  return times;
}
