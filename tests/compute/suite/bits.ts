/** The notations of the shared vectors: numbers as 16 hex digits of their bits, frames of them, cells with a type. */
import type { Bars, Cell, Trades } from "../../../src/compute/mod.ts";

const bytes = new DataView(new ArrayBuffer(8));

/** The number with these bits (16 hex digits, big-endian). */
export function fromBits(hex: string): number {
  bytes.setBigUint64(0, BigInt(`0x${hex}`));
  return bytes.getFloat64(0);
}

/** A number's canonical bits: −0 is +0, any NaN is one NaN. */
export function toBits(x: number): string {
  if (Number.isNaN(x)) return "7ff8000000000000";
  bytes.setFloat64(0, x === 0 ? 0 : x);
  return bytes.getBigUint64(0).toString(16).padStart(16, "0");
}

type Columns = Record<string, (string | number)[]>;

/** Bars of a vector: `ts` as integers, the rest as bits. */
export function barsOf(columns: Columns): Bars {
  const values = (name: string) => Float64Array.from(columns[name] as string[], fromBits);
  return {
    ts: Float64Array.from(columns.ts as number[]),
    open: values("open"),
    high: values("high"),
    low: values("low"),
    close: values("close"),
    volume: values("volume"),
  };
}

/** Trades of a vector: `ts_ms` and `side` as integers, ids as text, the rest as bits. */
export function tradesOf(columns: Columns): Trades {
  return {
    ts_ms: Float64Array.from(columns.ts_ms as number[]),
    price: Float64Array.from(columns.price as string[], fromBits),
    amount: Float64Array.from(columns.amount as string[], fromBits),
    side: Int8Array.from(columns.side as number[]),
    id: columns.id as string[],
  };
}

/** A frame as vectors write it: canonical bits but for times, sides and ids. */
export function written(frame: Bars | Trades): Columns {
  const plain = new Set(["ts", "ts_ms", "side", "id"]);
  return Object.fromEntries(
    Object.entries(frame).map(([name, column]) => [
      name,
      plain.has(name)
        ? Array.from(column as ArrayLike<number>)
        : Array.from(column as ArrayLike<number>, toBits),
    ]),
  );
}

/** A cell of the conformance vectors. */
export function cellOf(cell: unknown): Cell {
  if (cell === null || typeof cell !== "object") return cell as Cell;
  if ("bits" in cell) return fromBits(cell.bits as string);
  if ("bigint" in cell) return BigInt(cell.bigint as string);
  return new Date((cell as { date: number | null }).date ?? NaN);
}
