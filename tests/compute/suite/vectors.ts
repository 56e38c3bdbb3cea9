/** The shared vectors (../shared/vectors), made by independent implementations: each case is a test. */
import {
  type Cell,
  type Chunk,
  type Grid,
  type TimeRange,
  toPairs,
  toRanges,
} from "../../../src/compute/mod.ts";
import { barsOf, cellOf, toBits, tradesOf, written } from "./bits.ts";
import { type Case, equal } from "./case.ts";

/** The files by name, parsed. */
export type Vectors = Record<string, { cases: unknown[] }>;

/** The files that this module knows. */
export const VECTOR_FILES = [
  "conform",
  "coverage",
  "diff",
  "resample",
  "segments",
  "sfp1",
  "stabilize",
  "trades_to_bars",
] as const;

// The files are JSON of many shapes; each reader below knows one of them.
// deno-lint-ignore no-explicit-any
type Vector = any;

/** All cases of all files that are there. */
export function vectorCases(vectors: Vectors): Case[] {
  const readers: Record<string, (v: Vector) => Case["run"]> = {
    conform: conformCase,
    coverage: coverageCase,
    diff: diffCase,
    resample: resampleCase,
    segments: segmentsCase,
    sfp1: fingerprintCase,
    stabilize: stabilizeCase,
    trades_to_bars: tradesCase,
  };
  return VECTOR_FILES.flatMap((file) =>
    (vectors[file]?.cases ?? []).map((vector) => {
      const { name } = vector as { name: string };
      return { name: `${file}.json: ${name}`, run: readers[file](vector) };
    })
  );
}

function gridOfCase(v: { step?: number; anchor?: number | "month"; unit?: string }): Grid {
  if (v.unit === "month" || v.anchor === "month") return { unit: "month" };
  return { step: v.step!, anchor: v.anchor as number };
}

function coverageCase(v: Vector): Case["run"] {
  return (compute) => {
    const grid = gridOfCase(v);
    const held = toRanges(v.held as TimeRange[]);
    const request = v.request as TimeRange;
    equal(toPairs(compute.mergeRanges(held, grid)), v.merged, "merged");
    equal(toPairs(compute.missingRanges(request, held, grid)), v.missing, "missing");
    equal(toPairs(compute.intersectRanges(held, toRanges([request]), grid)), v.present, "present");
    equal(toPairs(compute.subtractRanges(held, toRanges([request]), grid)), v.outside, "outside");
  };
}

function segmentsCase(v: Vector): Case["run"] {
  return (compute) =>
    equal(toPairs(compute.segmentsOf(Float64Array.from(v.ts), v.grid)), v.segments, "segments");
}

function conformCase(v: Vector): Case["run"] {
  return (compute) => {
    const columns = Object.fromEntries(
      Object.entries(v.columns as Record<string, unknown[]>).map(([name, cells]): [string, Cell[]] => [
        name,
        cells.map(cellOf),
      ]),
    );
    const found = compute.conform({ kind: v.kind, columns, observedAt: v.observedAt }, v.options);
    equal(found.blocked, v.expect.blocked, "blocked");
    if (v.expect.frame === null) {
      for (const [flag, count] of Object.entries(v.expect.flags)) equal(found.flags[flag], count, flag);
      return;
    }
    equal(found.flags, v.expect.flags, "flags");
    equal(written(found.frame), v.expect.frame, "frame");
    equal(found.setAside, v.expect.setAside, "setAside");
    const conflicts = v.kind === "trades"
      ? found.conflicts.map(({ keptRow, droppedRow }) => ({ keptRow, droppedRow }))
      : found.conflicts;
    equal(conflicts, v.expect.conflicts, "conflicts");
  };
}

function stabilizeCase(v: Vector): Case["run"] {
  return (compute) => {
    const found = compute.stabilize(barsOf(v.frame), v.options);
    equal(written(found.frame), v.expect.frame, "frame");
    equal([found.watermark, found.trimmed], [v.expect.watermark, v.expect.trimmed], "watermark, trimmed");
  };
}

function fingerprintCase(v: Vector): Case["run"] {
  return (compute) => {
    const frame = "ts_ms" in v.columns ? tradesOf(v.columns) : barsOf(v.columns);
    const grid: Grid = v.anchor === "month" ? { unit: "month" } : { step: v.interval, anchor: v.anchor };
    const claims = { nodeId: v.node_id, grid, range: v.range, conformanceVersion: v.conformance_version };
    const found = compute.fingerprint(frame, claims);
    equal(found.chunks.map((chunk) => chunk.digest), v.chunks, "chunk digests");
    equal(found.fingerprint, v.fingerprint, "fingerprint");
    equal(compute.fingerprintOfChunks(found.chunks, claims), v.fingerprint, "fingerprintOfChunks");
    const appender = compute.appender(claims);
    appender.append(frame);
    equal(appender.fingerprint(v.range), v.fingerprint, "appender");
    equal(appender.chunks(), found.chunks, "appender's chunks");
  };
}

function diffCase(v: Vector): Case["run"] {
  return (compute) => {
    if (v.op === "diff") {
      equal(compute.diff(v.a as Chunk[], v.b as Chunk[]), v.expect, "diff");
      return;
    }
    const found = compute.diffRows(barsOf(v.a), barsOf(v.b)).map((change) => ({
      ...change,
      before: change.before?.map(toBits),
      after: change.after?.map(toBits),
    }));
    equal(found, v.expect, "diffRows");
  };
}

function resampleCase(v: Vector): Case["run"] {
  return (compute) => {
    const found = compute.resample(barsOf(v.frame), { ...v.options, covered: toRanges(v.options.covered) });
    equal(written(found.frame), v.expect.frame, "frame");
    equal(toPairs(found.incomplete), v.expect.incomplete, "incomplete");
  };
}

function tradesCase(v: Vector): Case["run"] {
  return (compute) => {
    const covered = toRanges(v.options.covered);
    const found = compute.barsFromTrades(tradesOf(v.trades), { ...v.options, covered });
    equal(written(found.frame), v.expect.frame, "frame");
    equal(toPairs(found.empty), v.expect.empty, "empty");
    equal(toPairs(found.incomplete), v.expect.incomplete, "incomplete");
  };
}
