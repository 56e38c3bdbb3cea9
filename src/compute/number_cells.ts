/** Cells of number columns: what is a number already, what can be read as one, and what cannot (spec §5, types). */
import type { Cell } from "./types.ts";

/** A number as JSON writes it: no plus, no leading zero, no bare point, no hexadecimal. */
export const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** A column as numbers. Null and bad cells are NaN; `cast` tells that some cell was no number to begin with. */
export type NumberColumn = { values: Float64Array; cast: boolean; bad: number };

/** Reads a column of numbers. The values of a Float64Array are the array itself, not a copy. */
export function readNumbers(cells: ArrayLike<Cell>): NumberColumn {
  if (ArrayBuffer.isView(cells)) {
    const tag = (cells as Float64Array)[Symbol.toStringTag];
    if (tag === "Float64Array") return { values: cells as unknown as Float64Array, cast: false, bad: 0 };
  }
  const column: NumberColumn = { values: new Float64Array(cells.length), cast: false, bad: 0 };
  for (let i = 0; i < cells.length; i++) {
    const cell = cells[i];
    column.values[i] = typeof cell === "number" ? cell : castCell(cell, column);
  }
  return column;
}

function castCell(cell: Cell, column: NumberColumn): number {
  // A hole in an array says as little as null.
  if (cell === null || cell === undefined) return NaN;
  if (typeof cell === "string" && JSON_NUMBER.test(cell)) {
    column.cast = true;
    return Number(cell);
  }
  if (typeof cell === "bigint") {
    const value = Number(cell);
    if (Number.isFinite(value) && BigInt(value) === cell) {
      column.cast = true;
      return value;
    }
  }
  column.bad++;
  return NaN;
}
