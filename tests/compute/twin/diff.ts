/** Differences, slow and obvious: through maps by key. */
import type { Bars, Chunk, RowChange } from "../../../src/compute/mod.ts";

/** The chunks that differ. */
export function diff(a: Chunk[], b: Chunk[]) {
  const left = new Map(a.map((chunk) => [chunk.k, chunk.digest]));
  const right = new Map(b.map((chunk) => [chunk.k, chunk.digest]));
  const keys = [...new Set([...left.keys(), ...right.keys()])].sort((x, y) => x - y);
  return keys.filter((k) => left.get(k) !== right.get(k)).map((k) => ({
    k,
    kind: !right.has(k) ? "only_a" : !left.has(k) ? "only_b" : "changed",
  }));
}

/** The rows that differ in canonical bits. */
export function diffRows(a: Bars, b: Bars): RowChange[] {
  const left = rows(a);
  const right = rows(b);
  const times = [...new Set([...left.keys(), ...right.keys()])].sort((x, y) => x - y);
  return times.flatMap((ts): RowChange[] => {
    const [before, after] = [left.get(ts), right.get(ts)];
    if (before === undefined) return [{ ts, kind: "added", after }];
    if (after === undefined) return [{ ts, kind: "removed", before }];
    return before.every((x, i) => Object.is(x, after[i])) ? [] : [{ ts, kind: "changed", before, after }];
  });
}

function rows(frame: Bars): Map<number, number[]> {
  const canonical = (x: number) => x === 0 ? 0 : x;
  return new Map(
    Array.from(frame.ts, (ts, i) => [
      ts,
      [frame.open, frame.high, frame.low, frame.close, frame.volume].map((column) => canonical(column[i])),
    ]),
  );
}
