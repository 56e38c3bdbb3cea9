/** Random input of conformance: columns of every type that a file or a venue may give, with faults. */
import type { Cell, ConformInput, ConformOptions, Grid, TimeRange } from "../../../src/compute/mod.ts";
import { slotBegin } from "../twin/slots.ts";
import { randomGrid, randomId, randomNumber, randomSlot, randomTime } from "./inputs.ts";
import type { Dice } from "./random.ts";

/** A notation of times: what a column of a file looks like. */
const NOTATIONS = ["s", "s", "s", "ms", "us", "ns", "big", "text", "iso", "date", "mixed"] as const;
const FLAGS = ["gap", "duplicate_ts", "conflict", "ohlc_invariant", "misaligned_ts", "non_finite"];

/** Rows of bars or trades with options. */
export function randomInput(
  dice: Dice,
  kind: "ohlcv" | "trades",
): { input: ConformInput; options: ConformOptions } {
  const grid: Grid = kind === "ohlcv" ? randomGrid(dice) : { step: 1 };
  const around = randomSlot(dice, grid);
  const rows = dice.chance(0.05) ? 0 : dice.whole(1, 14);
  const faults = dice.pick([0, 0, 0.05, 0.3]);
  const times = randomTimes(dice, { kind, grid, around, rows, faults });
  const columns: Record<string, ArrayLike<Cell>> = kind === "ohlcv"
    ? { ts: times, ...barColumns(dice, rows, faults) }
    : { ts_ms: times, ...tradeColumns(dice, rows, faults) };
  if (dice.chance(0.02)) delete columns[dice.pick(Object.keys(columns))];
  const input: ConformInput = { kind, columns };
  if (dice.chance(0.4)) input.observedAt = Array.from({ length: rows }, () => dice.whole(0, 3));
  return { input, options: randomOptions(dice, grid, around) };
}

function randomOptions(dice: Dice, grid: Grid, around: number): ConformOptions {
  const options: ConformOptions = { grid };
  if (dice.chance(0.5)) {
    const start = around + dice.whole(-6, 12);
    options.range = [
      randomTime(dice, grid, start),
      randomTime(dice, grid, start + dice.whole(-2, 12)),
    ] as TimeRange;
  }
  if (dice.chance(0.5)) options.align = dice.pick(["reject", "floor"]);
  if (dice.chance(0.5)) options.invariant = dice.pick(["flag", "quarantine"]);
  if (dice.chance(0.3)) options.dtypePolicy = dice.pick(["strict", "lenient", "lenient"]);
  if (dice.chance(0.15)) options.timeUnit = dice.pick(["auto", "s", "ms", "us", "ns"]);
  if (dice.chance(0.3)) options.blocking = [dice.pick(FLAGS), dice.pick(FLAGS)];
  return options;
}

type TimesOf = { kind: "ohlcv" | "trades"; grid: Grid; around: number; rows: number; faults: number };

function randomTimes(dice: Dice, o: TimesOf): ArrayLike<Cell> {
  const notation = dice.pick(NOTATIONS);
  let slots = Array.from({ length: o.rows }, (_, i) => o.around + i);
  if (dice.chance(0.5)) slots = slots.map((slot) => slot + dice.whole(0, 3));
  if (dice.chance(0.4)) slots = dice.shuffled(slots);
  if (dice.chance(0.1)) slots = slots.map((slot) => slot * dice.pick([1, 1, 50, 4000]));
  const cells = slots.map((slot): Cell => {
    if (dice.chance(o.faults)) return randomFault(dice);
    const sec = dice.chance(o.faults) ? randomTime(dice, o.grid, slot) : slotBegin(slot, o.grid);
    const ms = o.kind === "trades" ? dice.pick([0, 0, 1, 500]) : 0;
    return writeTime(dice, notation === "mixed" ? dice.pick(NOTATIONS) : notation, sec, ms, o.kind);
  });
  const allNumbers = cells.every((cell) => typeof cell === "number");
  return allNumbers && dice.chance(0.5) ? Float64Array.from(cells as number[]) : cells;
}

/** Dates beyond what texts and `Date` can say are written as seconds. */
function writeTime(dice: Dice, notation: string, sec: number, ms: number, kind: string): Cell {
  const whole = Math.floor(sec);
  const inCalendar = whole > -62_000_000_000 && whole < 250_000_000_000;
  if (notation === "s") return kind === "trades" && dice.chance(0.8) ? sec * 1000 + ms : sec + ms / 1000;
  if (notation === "ms") return sec * 1000 + ms;
  if (notation === "us") return Math.round(sec * 1e6) + ms * 1000;
  if (notation === "ns") return Math.round(sec * 1e9) + ms * 1e6;
  if (notation === "big") {
    return BigInt(whole) * 1_000_000_000n + BigInt(dice.pick([0, 0, 0, 1, 250_000_000]) + ms * 1e6);
  }
  if (notation === "date") return inCalendar ? new Date(whole * 1000 + ms) : whole;
  if (notation === "text") return writeNumber(dice, kind === "trades" ? sec * 1000 + ms : sec);
  return inCalendar ? writeIso(dice, whole, ms) : whole;
}

function writeNumber(dice: Dice, x: number): string {
  if (dice.chance(0.8) || x === 0) return String(x);
  return dice.chance(0.5)
    ? `${x}${Number.isInteger(x) ? ".000000000000000000" : ""}${dice.pick(["", "1"])}`
    : x.toExponential();
}

function writeIso(dice: Dice, sec: number, ms: number): string {
  const zone = dice.pick(["Z", "Z", "", "+00:00", "-00:00", "+05:30", "-08:00", "+14:00", "+24:00"]);
  const offset = /^[+-]/.test(zone) ? Number(zone.slice(1, 3)) * 3600 + Number(zone.slice(4)) * 60 : 0;
  const iso = new Date((sec + (zone[0] === "-" ? -offset : offset)) * 1000).toISOString();
  if (!/^\d{4}-/.test(iso)) return iso;
  const date = iso.slice(0, 10);
  if (iso.slice(11, 19) === "00:00:00" && zone === "" && ms === 0 && dice.chance(0.5)) return date;
  const fraction = ms > 0
    ? `.${String(ms).padStart(3, "0")}`
    : dice.pick(["", "", ".0", ".000", ".25", ".000000001"]);
  return `${date}${dice.pick(["T", "T", " "])}${iso.slice(11, 19)}${fraction}${zone}`;
}

const FAULTS: Cell[] = [
  null,
  NaN,
  Infinity,
  -Infinity,
  1e300,
  2 ** 43,
  -(2 ** 43),
  1e11,
  -1e14,
  0,
  -0.5,
  "",
  "yesterday",
  "2023-02-30",
  "2023-02-28T24:00:00Z",
  "2023-02-28T23:59:60Z",
  "2023-02-28t12:00:00z",
  "2023-02-28T12:00:00+0100",
  "2024-02-29 12:00:00",
  "1e400",
  "1e-400",
  "+5",
  " 5",
  "0x10",
  "99999999999999999999999999999999",
  true,
  false,
  12345678901234567890n,
  10n ** 40n,
  10n ** 11n - 1n,
  10n ** 17n - 1n,
  1n - 10n ** 17n,
  10n ** 400n,
  "99999999999.5",
  "99999999999999999.5",
  `1700000100.${"0".repeat(80)}`,
  `1700000100${"0".repeat(80)}e-80`,
  `1700000100${"0".repeat(80)}1e-81`,
];

function randomFault(dice: Dice): Cell {
  return dice.chance(0.1) ? new Date(NaN) : dice.pick(FAULTS);
}

function barColumns(dice: Dice, rows: number, faults: number): Record<string, ArrayLike<Cell>> {
  const coarse = dice.chance(0.6);
  const column = (low: number) => {
    const numbers = Array.from(
      { length: rows },
      () => coarse ? low + dice.whole(0, 1) : randomNumber(dice, faults),
    );
    return writeColumn(dice, numbers, faults);
  };
  return { open: column(10), high: column(11), low: column(9), close: column(10), volume: column(0) };
}

const BAD: Cell[] = [true, "n/a", "", "+1", ".5", "1.", "01", "NaN", 9007199254740993n, -(10n ** 309n), " 1"];

function writeColumn(dice: Dice, numbers: number[], faults: number): ArrayLike<Cell> {
  const style = dice.pick(["float", "float", "array", "text", "big", "null", "bad"]);
  if (style === "float") return Float64Array.from(numbers);
  return numbers.map((x): Cell => {
    if (style === "text" && Number.isFinite(x)) return dice.chance(0.3) ? x.toExponential() : String(x);
    if (style === "big" && Number.isInteger(x)) return BigInt(x);
    if (style === "null" && dice.chance(faults)) return null;
    if (style === "bad" && dice.chance(faults / 3)) return dice.pick(BAD);
    return x;
  });
}

function tradeColumns(dice: Dice, rows: number, faults: number): Record<string, ArrayLike<Cell>> {
  const numbers = () => Array.from({ length: rows }, () => randomNumber(dice, faults));
  const side = Array.from({ length: rows }, (): Cell => {
    if (dice.chance(faults)) return dice.pick(["buy", "sell", null, "1", "-1", 1n]);
    return dice.chance(faults / 5) ? dice.pick(["BUY", 2, true, NaN]) : dice.whole(-1, 1);
  });
  const id = Array.from({ length: rows }, (): Cell => {
    if (dice.chance(faults)) return dice.pick([12, 9, 10n, 18446744073709551616n, 1e21]);
    return dice.chance(faults / 5) ? dice.pick([null, true, 1.5]) : randomId(dice);
  });
  return {
    price: writeColumn(dice, numbers(), faults),
    amount: writeColumn(dice, numbers(), faults),
    side,
    id,
  };
}
