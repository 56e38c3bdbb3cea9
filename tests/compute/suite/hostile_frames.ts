/** Hostile frames, cells, claims and bytes: an error of the right class, or "no", and never a trap. */
import {
  type Appender,
  type Bars,
  type Chunk,
  type Compute,
  type Grid,
  toRanges,
} from "../../../src/compute/mod.ts";
import { wrong } from "../../wrong.ts";
import { type Case, equal, throws } from "./case.ts";
import { ANY, BAD_TIMES, bars, CLAIMS, GRID, LIMIT, type Loose, trades } from "./hostile_inputs.ts";

/** The cases. */
export function hostileFrameCases(): Case[] {
  return [
    {
      name: "frames that are none are refused by every function that takes one",
      run: (c) => refusesFrames(c as Loose),
    },
    {
      name: "rows out of order, off the grid or without a time are refused",
      run: (c) => refusesRows(c as Loose),
    },
    { name: "conform() refuses malformed input and options", run: (c) => refusesInput(c as Loose) },
    { name: "fingerprints refuse malformed claims and chunks", run: (c) => refusesClaims(c as Loose) },
    { name: "derived bars refuse unsorted rows and grids that do not fit", run: refusesDerived },
    {
      name: "hashing refuses what is no bytes, and a stream after its end",
      run: (c) => refusesBytes(c as Loose),
    },
  ];
}

function refusesFrames(c: Loose): void {
  const none = new Float64Array(0);
  const good = bars([0, 60]);
  const noFrames: unknown[] = [null, undefined, 5, {}, { ...good, close: undefined }, {
    ...good,
    volume: new Float64Array(1),
  }, {
    ...good,
    ts: [0, 60],
  }];
  const noTrades: unknown[] = [
    null,
    { ...trades([0]), side: new Uint8Array(1) },
    { ...trades([0]), id: [5] },
    {
      ...trades([0]),
      id: [],
    },
  ];
  const uses: Record<string, (frame: unknown) => unknown> = {
    stabilize: (frame) => c.stabilize(frame, { grid: GRID, stabilizationBars: 0, observedAt: 0 }),
    fingerprint: (frame) => c.fingerprint(frame, CLAIMS),
    append: (frame) => (c.appender(CLAIMS) as Appender).append(frame as Bars),
    verifyChunk: (frame) => c.verifyChunk(frame, { k: 0, rows: 2, digest: "" }, GRID),
    diffRows: (frame) => c.diffRows(good, frame),
    resample: (frame) => c.resample(frame, { from: GRID, to: GRID, covered: none }),
    chunksOf: (frame) => c.chunksOf(frame, GRID),
  };
  for (const [name, use] of Object.entries(uses)) {
    for (const frame of noFrames) throws(() => use(frame), [TypeError], `${name} ${JSON.stringify(frame)}`);
  }
  for (const frame of noTrades) {
    throws(
      () => c.barsFromTrades(frame, { grid: GRID, covered: none }),
      [TypeError],
      `barsFromTrades ${JSON.stringify(frame)}`,
    );
  }
  for (const options of [undefined, null, 5]) {
    throws(() => c.stabilize(good, options), [TypeError], "stabilize without options");
    throws(() => c.resample(good, options), [TypeError], "resample without options");
    throws(() => toRanges(wrong(options)), [TypeError], "toRanges of nothing");
  }
  for (const frame of noTrades.slice(1)) {
    throws(() => c.fingerprint(frame, CLAIMS), [TypeError], "fingerprint of no trades");
  }
}

function refusesRows(c: Loose): void {
  const good = bars([0, 60]);
  const none = new Float64Array(0);
  for (const ts of [[60, 0], [0, 0], [0, 61], [0.5], [NaN], [LIMIT], [-LIMIT, 0]]) {
    throws(() => c.fingerprint(bars(ts), CLAIMS), [RangeError], `fingerprint of times ${ts}`);
    throws(() => (c.appender(CLAIMS) as Appender).append(bars(ts)), [RangeError], `append of times ${ts}`);
    throws(
      () => c.stabilize(bars(ts), { grid: GRID, stabilizationBars: 0, observedAt: 0 }),
      [RangeError],
      `stabilize of times ${ts}`,
    );
    equal(
      c.verifyChunk(bars(ts), { k: 0, rows: ts.length, digest: "" }, GRID),
      false,
      `verifyChunk of times ${ts}`,
    );
  }
  for (const ts of [[60, 0], [0, 0], [NaN], [LIMIT], [0.5]]) {
    throws(() => c.diffRows(bars(ts), good), [RangeError], `diffRows ${ts}`);
  }
  for (
    const frame of [
      trades([1, 0]),
      trades([0, 0], ["b", "a"]),
      trades([0, 0], ["a", "a"]),
      trades([0.5]),
      trades([NaN]),
    ]
  ) {
    throws(() => c.fingerprint(frame, CLAIMS), [RangeError], "fingerprint of unsorted trades");
    throws(
      () => c.barsFromTrades(frame, { grid: GRID, covered: none }),
      [RangeError],
      "barsFromTrades, unsorted",
    );
  }
  throws(() => c.fingerprint(trades([0], ["\ud800"]), CLAIMS), [TypeError], "an id without UTF-8");
  for (const stabilizationBars of [-1, 0.5, NaN, Infinity, LIMIT]) {
    throws(
      () => c.stabilize(good, { grid: GRID, stabilizationBars, observedAt: 0 }),
      ANY,
      `bars ${stabilizationBars}`,
    );
  }
  for (const observedAt of [...BAD_TIMES, null, "0"]) {
    throws(
      () => c.stabilize(good, { grid: GRID, stabilizationBars: 0, observedAt }),
      ANY,
      `observedAt ${observedAt}`,
    );
  }
}

function refusesInput(c: Loose): void {
  const columns = bars([0, 60]);
  const input = { kind: "ohlcv", columns };
  const inputs: unknown[] = [
    null,
    {},
    { kind: "bars", columns },
    { kind: "ohlcv", columns: null },
    { kind: "ohlcv", columns: { ...columns, open: 5 } },
    { kind: "ohlcv", columns: { ...columns, open: "12" } },
    { kind: "ohlcv", columns: { ...columns, open: { length: -1 } } },
    { kind: "ohlcv", columns: { ...columns, open: { length: 2 ** 40 } } },
    { kind: "ohlcv", columns: { ...columns, open: new Float64Array(3) } },
    { ...input, observedAt: [0] },
    { ...input, observedAt: [0, NaN] },
    { ...input, observedAt: [0, "1"] },
    { ...input, observedAt: 5 },
  ];
  for (const bad of inputs) throws(() => c.conform(bad, { grid: GRID }), [TypeError], JSON.stringify(bad));
  const options: unknown[] = [
    null,
    { range: 5 },
    { range: [0] },
    { range: [0, NaN] },
    { range: [0, LIMIT] },
    { align: "up" },
    {
      invariant: "drop",
    },
    { dtypePolicy: "loose" },
    { timeUnit: "h" },
    { blocking: "gap" },
    { blocking: [5] },
  ];
  for (const bad of options) {
    const o = bad === null ? null : { grid: GRID, ...(bad as object) };
    throws(() => c.conform(input, o), ANY, JSON.stringify(bad));
  }
  const unequal = { kind: "ohlcv", columns: { ts: [0], open: [1, 2] } };
  throws(() => c.conform(unequal, { grid: GRID }), [TypeError], "columns of unequal length, others absent");
}

function refusesClaims(c: Loose): void {
  const claims: unknown[] = [
    null,
    { nodeId: 5 },
    { nodeId: "\ud800" },
    { conformanceVersion: undefined },
    { range: [0] },
    {
      range: [0.5, 60],
    },
    { range: [60, 0] },
    { range: [0, LIMIT] },
    { range: [NaN, 0] },
    { range: null },
  ];
  for (const bad of claims) {
    const o = bad === null ? null : { ...CLAIMS, ...(bad as object) };
    throws(() => c.fingerprint(bars([0]), o), ANY, `fingerprint ${JSON.stringify(bad)}`);
    throws(() => c.fingerprintOfChunks([], o), ANY, `fingerprintOfChunks ${JSON.stringify(bad)}`);
  }
  const chunk: Chunk = { k: 0, rows: 1, digest: "0".repeat(64), leaves: [] };
  const lists: unknown[] = [
    null,
    [null],
    [{ ...chunk, k: 0.5 }],
    [chunk, chunk],
    [{ ...chunk, k: 1 }, chunk],
    [{ ...chunk, digest: "xyz" }],
    [{
      ...chunk,
      digest: "A".repeat(64),
    }],
    [{ ...chunk, digest: undefined }],
  ];
  for (const list of lists) throws(() => c.fingerprintOfChunks(list, CLAIMS), ANY, JSON.stringify(list));
  for (const list of lists.slice(0, 5)) throws(() => c.diff(list, []), ANY, `diff ${JSON.stringify(list)}`);
  for (const bad of [null, {}, { ...chunk, k: "0" }, { ...chunk, rows: -1 }, { ...chunk, rows: 2 ** 33 }]) {
    throws(() => c.verifyChunk(bars([0]), bad, GRID), ANY, `verifyChunk ${JSON.stringify(bad)}`);
    throws(() => c.verifyColumn([0], "ts", bad), ANY, `verifyColumn ${JSON.stringify(bad)}`);
  }
  const proof = { ...chunk, leaves: new Array(6).fill("0".repeat(64)) };
  throws(() => c.verifyColumn([0], "price", proof), ANY, "a column that bars do not have");
  throws(() => c.verifyColumn(null, "ts", proof), [TypeError], "no values");
  equal(
    c.verifyColumn([0], "ts", { ...proof, leaves: new Array(6).fill("zz") }),
    false,
    "leaves that are no digests",
  );
}

function refusesDerived(c: Compute): void {
  const covered = toRanges([[0, 600]]);
  const fits = { from: GRID, to: { step: 300 }, covered };
  for (const ts of [[60, 0], [0, 0], [1], [NaN], [LIMIT]]) {
    throws(() => c.resample(bars(ts), fits), [RangeError], `times ${ts}`);
  }
  const pairs: [Grid, Grid][] = [
    [{ step: 60 }, { step: 90 }],
    [{ step: 60 }, { step: 300, anchor: 30 }],
    [{ step: 300 }, { step: 60 }],
    [{ step: 604_800, anchor: 345_600 }, { unit: "month" }],
    [{ step: 86_400, anchor: 57_600 }, { unit: "month" }],
    [{ unit: "month" }, { step: 86_400 }],
  ];
  for (const [from, to] of pairs) {
    throws(() => c.resample(bars([]), { from, to, covered }), [RangeError], `${JSON.stringify([from, to])}`);
  }
  for (
    const bad of [
      null,
      new Float64Array(1),
      Float64Array.of(0, NaN),
      Float64Array.of(0, LIMIT),
    ] as Float64Array[]
  ) {
    throws(() => c.resample(bars([]), { ...fits, covered: bad }), ANY, `covered ${bad}`);
    throws(() => c.barsFromTrades(trades([]), { grid: GRID, covered: bad }), ANY, `covered ${bad}`);
  }
}

function refusesBytes(c: Loose): void {
  for (const bad of [null, undefined, "abc", [1, 2], new Float64Array(1), new ArrayBuffer(3)]) {
    throws(() => c.sha256(bad), [TypeError], `sha256 ${bad}`);
    const stream = c.sha256Stream() as ReturnType<Compute["sha256Stream"]>;
    throws(() => stream.update(bad as unknown as Uint8Array), [TypeError], `update ${bad}`);
  }
  const stream = c.sha256Stream() as ReturnType<Compute["sha256Stream"]>;
  stream.digest();
  throws(() => stream.update(new Uint8Array(1)), [TypeError], "update after digest");
  throws(() => stream.digest(), [TypeError], "digest after digest");
}
