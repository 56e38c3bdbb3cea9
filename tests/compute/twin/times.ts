/** Times of cells, slow and obvious: exact fractions of whole numbers. */
import type { Cell } from "../../../src/compute/mod.ts";

/** n / d seconds, whether the cell was converted, whether it had an offset other than zero. */
export type Time = { n: bigint; d: bigint; cast: boolean; zoned: boolean };
type Fraction = { n: bigint; d: bigint };
type Kind = "ohlcv" | "trades";

const PER_SECOND: Record<string, bigint> = { s: 1n, ms: 1000n, us: 1_000_000n, ns: 1_000_000_000n };
const bits = new DataView(new ArrayBuffer(8));

/** What a time cell says, or `null`. */
export function timeOf(cell: Cell, unit: string, kind: Kind): Time | null {
  const time = readCell(cell, unit, kind);
  if (time === null || abs(time.n) >= time.d * 2n ** 43n) return null;
  return time;
}

function readCell(cell: Cell, unit: string, kind: Kind): Time | null {
  if (typeof cell === "number") {
    if (!Number.isFinite(cell)) return null;
    return ofNumber(exact(cell), unit, kind, cell);
  }
  if (typeof cell === "bigint") return ofNumber({ n: cell, d: 1n }, unit, kind);
  if (cell instanceof Date) {
    if (Number.isNaN(cell.getTime())) return null;
    return { n: BigInt(cell.getTime()), d: 1000n, cast: true, zoned: false };
  }
  return typeof cell === "string" ? ofText(cell, unit, kind) : null;
}

function ofNumber(value: Fraction, unit: string, kind: Kind, float?: number): Time {
  const size = (power: bigint) => abs(value.n) < value.d * 10n ** power;
  const found = unit !== "auto" ? unit : size(11n) ? "s" : size(14n) ? "ms" : size(17n) ? "us" : "ns";
  const own = kind === "ohlcv" ? "s" : "ms";
  // Seconds of trades are floats that stand for decimals: they are multiplied as such.
  if (kind === "trades" && found === "s" && float !== undefined) {
    return { n: BigInt(Math.floor(float * 1000)), d: 1000n, cast: true, zoned: false };
  }
  const cast = found !== own || (kind === "trades" && value.n % value.d !== 0n);
  return { n: value.n, d: value.d * PER_SECOND[found], cast, zoned: false };
}

function ofText(text: string, unit: string, kind: Kind): Time | null {
  if (/^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$/.test(text)) {
    return { ...ofNumber(decimal(text), unit, kind), cast: true };
  }
  const parts = text.match(
    /^([0-9]{4}-[0-9]{2}-[0-9]{2})([T ]([0-9]{2}:[0-9]{2}:[0-9]{2})(\.([0-9]+))?(Z|[+-][0-9]{2}:[0-9]{2})?)?$/,
  );
  if (parts === null) return null;
  const [date, clock, fraction, zone] = [parts[1], parts[3] ?? "00:00:00", parts[5] ?? "0", parts[6] ?? "Z"];
  const local = new Date(`${date}T${clock}.000Z`);
  // A day or an hour that does not exist is refused by Date, or comes back as another one.
  if (Number.isNaN(local.getTime()) || local.toISOString() !== `${date}T${clock}.000Z`) return null;
  const offset = offsetOf(zone);
  if (offset === null) return null;
  const scale = 10n ** BigInt(fraction.length);
  const seconds = BigInt(local.getTime() / 1000 - offset);
  return { n: seconds * scale + BigInt(fraction), d: scale, cast: true, zoned: offset !== 0 };
}

function offsetOf(zone: string): number | null {
  if (zone === "Z") return 0;
  const [hours, minutes] = zone.slice(1).split(":").map(Number);
  if (hours >= 24 || minutes >= 60) return null;
  const seconds = hours * 3600 + minutes * 60;
  return zone[0] === "-" ? 0 - seconds : seconds;
}

function decimal(text: string): Fraction {
  const [mantissa, power] = text.toLowerCase().split("e");
  const [whole, fraction] = mantissa.split(".");
  const digits = BigInt(whole + (fraction ?? ""));
  const exponent = Number(power ?? 0) - (fraction ?? "").length;
  return exponent >= 0
    ? { n: digits * 10n ** BigInt(exponent), d: 1n }
    : { n: digits, d: 10n ** BigInt(-exponent) };
}

/** A float's exact value: its mantissa times a power of two. */
function exact(x: number): Fraction {
  bits.setFloat64(0, x);
  const raw = bits.getBigUint64(0);
  const exponent = Number((raw >> 52n) & 0x7ffn);
  const mantissa = (raw & 0xfffffffffffffn) | (exponent === 0 ? 0n : 1n << 52n);
  const signed = x < 0 ? -mantissa : mantissa;
  const power = Math.max(exponent, 1) - 1075;
  return power >= 0 ? { n: signed << BigInt(power), d: 1n } : { n: signed, d: 1n << BigInt(-power) };
}

function abs(x: bigint): bigint {
  return x < 0n ? -x : x;
}

/** The floor of n / d. */
export function floorOf(n: bigint, d: bigint): bigint {
  const rest = n % d;
  return (n - rest) / d - (rest < 0n ? 1n : 0n);
}
