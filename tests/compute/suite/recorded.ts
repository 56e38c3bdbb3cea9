/** The recorded bars: what conformance and fingerprint must say of each file of real venues' data. */
import type { Bars, Compute, Grid } from "../../../src/compute/mod.ts";
import { equal } from "./case.ts";

/** One case of recorded.json. */
export type Recorded = {
  file: string;
  node_id: string;
  grid: Grid;
  rows_in: number;
  rows_out: number;
  set_aside: number;
  flags: Record<string, number>;
  range: [number, number];
  conformance_version: string;
  chunks: number;
  fingerprint: string;
};

/** Checks one file, given the text of its CSV. */
export function checkRecorded(compute: Compute, recorded: Recorded, csv: string): void {
  const columns = parseCsv(csv);
  equal(columns.ts.length, recorded.rows_in, "rows in");
  const found = compute.conform({ kind: "ohlcv", columns }, { grid: recorded.grid });
  const frame = found.frame as Bars;
  equal(found.flags, recorded.flags, "flags");
  equal(frame.ts.length, recorded.rows_out, "rows out");
  equal(found.setAside.length, recorded.set_aside, "set aside");
  const proof = compute.fingerprint(frame, {
    nodeId: recorded.node_id,
    grid: recorded.grid,
    range: recorded.range,
    conformanceVersion: recorded.conformance_version,
  });
  equal(proof.chunks.length, recorded.chunks, "chunks");
  equal(proof.fingerprint, recorded.fingerprint, "fingerprint");
}

/** Columns of numbers by the names of the header line. An empty cell is null to conformance: NaN here. */
function parseCsv(csv: string): Bars {
  const lines = csv.split("\n");
  if (lines[lines.length - 1] === "") lines.pop();
  const names = lines[0].trim().split(",");
  const columns: Record<string, Float64Array> = Object.fromEntries(
    names.map((name) => [name, new Float64Array(lines.length - 1)]),
  );
  for (let i = 1; i < lines.length; i++) {
    const cells = lines[i].trim().split(",");
    names.forEach((name, c) => columns[name][i - 1] = cells[c] === "" ? NaN : Number(cells[c]));
  }
  return columns as unknown as Bars;
}
