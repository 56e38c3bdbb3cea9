/** Cells of the columns that only trades have: the side and the id. */
import type { Cell } from "./types.ts";

/** Sides as +1, −1 and 0. A bad cell is 0 and stands in `badRows`. */
export type SideColumn = { values: Int8Array; cast: boolean; bad: number; badRows: number[] };

/** Ids as text. A bad cell is the empty text and stands in `badRows`. */
export type TextColumn = { values: string[]; cast: boolean; bad: number; badRows: number[] };

const SIDES = new Map<Cell, number>([
  ["buy", 1],
  ["sell", -1],
  ["1", 1],
  ["-1", -1],
  ["0", 0],
  [1n, 1],
  [-1n, -1],
  [0n, 0],
]);

/** Reads sides: 1, −1, 0 as they are; `buy`, `sell` and the three numbers as text or bigint by a cast; null is 0. */
export function readSides(cells: ArrayLike<Cell>): SideColumn {
  const column: SideColumn = { values: new Int8Array(cells.length), cast: false, bad: 0, badRows: [] };
  for (let i = 0; i < cells.length; i++) {
    const cell = cells[i];
    if (cell === 1 || cell === -1 || cell === 0) {
      column.values[i] = cell;
      continue;
    }
    if (cell === null || cell === undefined) continue;
    const side = SIDES.get(cell);
    if (side === undefined) noteBad(column, i);
    else {
      column.values[i] = side;
      column.cast = true;
    }
  }
  return column;
}

/** Reads ids: text as it is; a whole number becomes its decimal text by a cast. */
export function readIds(cells: ArrayLike<Cell>): TextColumn {
  const column: TextColumn = { values: new Array(cells.length), cast: false, bad: 0, badRows: [] };
  for (let i = 0; i < cells.length; i++) {
    const cell = cells[i];
    column.values[i] = "";
    if (typeof cell === "string" && cell.isWellFormed()) {
      column.values[i] = cell;
    } else if (typeof cell === "bigint" || Number.isInteger(cell)) {
      column.values[i] = BigInt(cell as number | bigint).toString();
      column.cast = true;
    } else {
      noteBad(column, i);
    }
  }
  return column;
}

function noteBad(column: { bad: number; badRows: number[] }, row: number): void {
  column.bad++;
  column.badRows.push(row);
}
