/** Conformance, slow and obvious: a list of rows, one step after the other, as spec §5 lists them. */
import type { Cell, ConformInput, ConformOptions } from "../../../src/compute/mod.ts";
import { slotAt, slotBegin } from "./slots.ts";
import { floorOf, timeOf } from "./times.ts";

type Flags = Record<string, number>;
type Row = { row: number; time: number; fraction: boolean; observed: number; values: number[]; id: string };

const PRICES = ["open", "high", "low", "close"];
const NUMBERS = { ohlcv: [...PRICES, "volume"], trades: ["price", "amount"] };

/** A report as `conform` gives it, with the frame as rows: [time, ...values, id?]. */
export function conform(input: ConformInput, o: ConformOptions) {
  const flags: Flags = {};
  const count = (flag: string, by = 1) => by > 0 && (flags[flag] = (flags[flag] ?? 0) + by);
  const setAside: { row: number; flag: string }[] = [];
  const types = castColumns(input, o.dtypePolicy === "lenient", count);
  if (flags.missing_column > 0 || flags.dtype_mismatch > 0) return { blocked: true, flags };
  let rows = readRows(input, o, types, count);
  rows = checkFinite(input.kind, rows, types, count, setAside);
  if (input.kind === "ohlcv") rows = align(rows, o, count, setAside);
  const { stay, conflicts } = dropDuplicates(input.kind, rows, count);
  let frame = stay;
  if (input.kind === "ohlcv") {
    frame = checkInvariants(frame, o, count, setAside);
    count("gap", gaps(frame, o));
  }
  setAside.sort((a, b) => a.row - b.row);
  return {
    blocked: (o.blocking ?? []).some((flag) => flags[flag] > 0),
    flags,
    setAside,
    conflicts,
    frame: frame.map((row) => [row.time, ...row.values, ...(input.kind === "trades" ? [row.id] : [])]),
  };
}

type Types = { values: Record<string, number[]>; ids: (string | null)[]; badCells: Set<string> };

function castColumns(
  input: ConformInput,
  lenient: boolean,
  count: (flag: string, by?: number) => void,
): Types {
  const types: Types = { values: {}, ids: [], badCells: new Set() };
  const names = input.kind === "ohlcv"
    ? ["ts", ...NUMBERS.ohlcv]
    : ["ts_ms", ...NUMBERS.trades, "side", "id"];
  for (const name of names) {
    const column = input.columns[name];
    if (column === undefined) {
      count("missing_column");
      continue;
    }
    if (name === "ts" || name === "ts_ms") continue;
    const cast = name === "id" ? idOf : name === "side" ? sideOf : numberOf;
    const cells = Array.from(column as ArrayLike<Cell>, cast);
    const bad = cells.some((cell) => cell === BAD);
    if (bad && !lenient) count("dtype_mismatch");
    else if (bad || cells.some((cell) => typeof cell === "object" && cell.cast)) count("dtype_cast");
    cells.forEach((cell, row) => cell === BAD && types.badCells.add(`${name} ${row}`));
    const plain = cells.map((cell) => cell === BAD ? null : typeof cell === "object" ? cell.value : cell);
    if (name === "id") types.ids = plain as (string | null)[];
    else types.values[name] = plain.map((x) => typeof x === "number" ? x : name === "side" ? 0 : NaN);
  }
  return types;
}

const BAD = Symbol("bad");
type Cast = number | string | typeof BAD | { cast: true; value: number | string };

function numberOf(cell: Cell): Cast {
  if (cell === null) return NaN;
  if (typeof cell === "number") return cell;
  if (typeof cell === "bigint") {
    const value = Number(cell);
    return Number.isFinite(value) && BigInt(value) === cell ? { cast: true, value } : BAD;
  }
  if (typeof cell !== "string" || cell.trim() !== cell) return BAD;
  try {
    const value = JSON.parse(cell);
    return typeof value === "number" ? { cast: true, value } : BAD;
  } catch {
    return BAD;
  }
}

function sideOf(cell: Cell): Cast {
  if (cell === null) return 0;
  if (typeof cell === "number") return [0, 1, -1].includes(cell) ? cell : BAD;
  const known = { buy: 1, sell: -1, "1": 1, "0": 0, "-1": -1 } as Record<string, number>;
  const text = typeof cell === "bigint" ? String(cell) : cell;
  return typeof text === "string" && text in known ? { cast: true, value: known[text] } : BAD;
}

function idOf(cell: Cell): Cast {
  if (typeof cell === "string") return cell;
  if (typeof cell === "bigint") return { cast: true, value: String(cell) };
  return Number.isInteger(cell) ? { cast: true, value: String(BigInt(cell as number)) } : BAD;
}

function readRows(
  input: ConformInput,
  o: ConformOptions,
  types: Types,
  count: (flag: string, by?: number) => void,
): Row[] {
  const cells = Array.from(input.columns[input.kind === "ohlcv" ? "ts" : "ts_ms"]);
  const names = input.kind === "ohlcv" ? NUMBERS.ohlcv : [...NUMBERS.trades, "side"];
  return cells.flatMap((cell, row) => {
    const time = timeOf(cell, o.timeUnit ?? "auto", input.kind);
    if (time === null) {
      count("invalid_timestamp");
      return [];
    }
    if (time.cast) count("ts_cast");
    if (time.zoned) count("ts_timezone_normalized");
    const scale = input.kind === "ohlcv" ? 1n : 1000n;
    return [{
      row,
      time: Number(floorOf(time.n * scale, time.d)),
      fraction: (time.n * scale) % time.d !== 0n,
      observed: input.observedAt?.[row] ?? 0,
      values: names.map((name) => types.values[name][row]),
      id: types.ids[row] ?? "",
    }];
  });
}

function checkFinite(
  kind: string,
  rows: Row[],
  types: Types,
  count: (flag: string, by?: number) => void,
  setAside: { row: number; flag: string }[],
): Row[] {
  return rows.filter((row) => {
    const numbers = kind === "ohlcv" ? row.values : row.values.slice(0, 2);
    count("non_finite", numbers.filter((x) => !Number.isFinite(x)).length);
    row.values = row.values.map((x) => Number.isFinite(x) ? x : NaN);
    for (const name of ["side", "id"]) if (types.badCells.has(`${name} ${row.row}`)) count("non_finite");
    const useless = kind === "ohlcv"
      ? row.values.slice(0, 4).every(Number.isNaN)
      : types.badCells.has(`id ${row.row}`);
    if (useless) setAside.push({ row: row.row, flag: "non_finite" });
    return !useless;
  });
}

function align(
  rows: Row[],
  o: ConformOptions,
  count: (flag: string, by?: number) => void,
  setAside: { row: number; flag: string }[],
): Row[] {
  return rows.filter((row) => {
    const opens = slotBegin(slotAt(row.time, o.grid), o.grid);
    if (opens === row.time && !row.fraction) return true;
    count("misaligned_ts");
    row.time = opens;
    if (o.align !== "floor") setAside.push({ row: row.row, flag: "misaligned_ts" });
    return o.align === "floor";
  });
}

function same(x: number, y: number): boolean {
  return x === y || (Number.isNaN(x) && Number.isNaN(y));
}

function dropDuplicates(kind: string, rows: Row[], count: (flag: string, by?: number) => void) {
  const key = (row: Row) => kind === "ohlcv" ? String(row.time) : row.id;
  const groups = new Map<string, Row[]>();
  for (const row of rows) groups.set(key(row), [...(groups.get(key(row)) ?? []), row]);
  const stay: Row[] = [];
  const conflicts: { ts: number; keptRow: number; droppedRow: number }[] = [];
  for (const group of groups.values()) {
    group.sort((a, b) => a.observed - b.observed || a.row - b.row);
    const kept = group.pop()!;
    stay.push(kept);
    for (const dropped of group) {
      count("duplicate_ts");
      if (dropped.time === kept.time && dropped.values.every((x, i) => same(x, kept.values[i]))) continue;
      count("conflict");
      const ts = kind === "ohlcv" ? kept.time : Math.floor(kept.time / 1000);
      conflicts.push({ ts, keptRow: kept.row, droppedRow: dropped.row });
    }
  }
  stay.sort((a, b) => a.time - b.time || compareIds(a.id, b.id));
  return { stay, conflicts: conflicts.sort((a, b) => a.droppedRow - b.droppedRow) };
}

/** Ids of digits as numbers, before all others; equal numbers and others by their UTF-8 bytes. */
export function compareIds(a: string, b: string): number {
  const [x, y] = [a, b].map((id) => /^[0-9]+$/.test(id));
  if (x !== y) return x ? -1 : 1;
  if (x && BigInt(a) !== BigInt(b)) return BigInt(a) < BigInt(b) ? -1 : 1;
  const [p, q] = [a, b].map((id) =>
    [...new TextEncoder().encode(id)].map((n) => String.fromCharCode(n)).join("")
  );
  return p < q ? -1 : p > q ? 1 : 0;
}

function checkInvariants(
  rows: Row[],
  o: ConformOptions,
  count: (flag: string, by?: number) => void,
  setAside: { row: number; flag: string }[],
): Row[] {
  return rows.filter((row) => {
    const [open, high, low, close, volume] = row.values;
    const broken = [high < open, high < close, low > open, low > close, volume < 0].some((found) => found) ||
      [open, high, low, close].some((price) => price <= 0);
    if (!broken) return true;
    count("ohlc_invariant");
    if (o.invariant !== "quarantine") return true;
    setAside.push({ row: row.row, flag: "ohlc_invariant" });
    return false;
  });
}

function gaps(rows: Row[], o: ConformOptions): number {
  const slots = rows.map((row) => slotAt(row.time, o.grid));
  if (o.range !== undefined && o.range[0] < o.range[1]) {
    const end = slotAt(o.range[1], o.grid);
    slots.push(slotAt(o.range[0], o.grid), slotBegin(end, o.grid) < o.range[1] ? end : end - 1);
  }
  return slots.length === 0 ? 0 : Math.max(...slots) - Math.min(...slots) + 1 - rows.length;
}
