/** Hostile arguments: an error of the right class, never a trap and never a wrong answer; the instance works on. */
import { type Bars, type Compute, type Grid, gridOf, toPairs, toRanges } from "../../../src/compute/mod.ts";
import { type Case, equal, throws } from "./case.ts";
import {
  ANY,
  BAD_GRIDS,
  BAD_TIMES,
  bars,
  CLAIMS,
  GRID,
  LIMIT,
  type Loose,
  trades,
} from "./hostile_inputs.ts";

/** The cases. */
export function hostileCases(): Case[] {
  return [
    {
      name: "every function that takes a grid refuses what is none",
      run: (compute) => refusesGrids(compute as Loose),
    },
    { name: "range math refuses odd lengths, other types and times beyond the limit", run: refusesRanges },
    { name: "gridOf() and toRanges() refuse what is no timeframe and no range", run: refusesNouns },
    { name: "times at the limit are exact, those at 2^43 are refused", run: holdsAtTheLimit },
    { name: "inverted and empty ranges contribute nothing", run: ignoresInverted },
    { name: "rows without any, pairs without any: every function has an answer", run: answersNothing },
    { name: "an ArrayLike whose cells call the core again does no harm", run: survivesReentry },
  ];
}

function refusesGrids(c: Loose): void {
  const none = new Float64Array(0);
  const uses: Record<string, (grid: unknown) => unknown> = {
    mergeRanges: (grid) => c.mergeRanges(none, grid),
    missingRanges: (grid) => c.missingRanges([0, 60], none, grid),
    intersectRanges: (grid) => c.intersectRanges(none, none, grid),
    subtractRanges: (grid) => c.subtractRanges(none, none, grid),
    segmentsOf: (grid) => c.segmentsOf(none, grid),
    conform: (grid) => c.conform({ kind: "ohlcv", columns: bars([]) }, { grid }),
    stabilize: (grid) => c.stabilize(bars([]), { grid, stabilizationBars: 0, observedAt: 0 }),
    fingerprint: (grid) => c.fingerprint(bars([]), { ...CLAIMS, grid }),
    fingerprintOfChunks: (grid) => c.fingerprintOfChunks([], { ...CLAIMS, grid }),
    appender: (grid) => c.appender({ ...CLAIMS, grid }),
    verifyChunk: (grid) => c.verifyChunk(bars([]), { k: 0, rows: 0, digest: "" }, grid),
    resampleFrom: (grid) => c.resample(bars([]), { from: grid, to: GRID, covered: none }),
    resampleTo: (grid) => c.resample(bars([]), { from: GRID, to: grid, covered: none }),
    barsFromTrades: (grid) => c.barsFromTrades(trades([]), { grid, covered: none }),
    chunksOf: (grid) => c.chunksOf(bars([]), grid),
  };
  for (const [name, use] of Object.entries(uses)) {
    for (const grid of BAD_GRIDS) throws(() => use(grid), ANY, `${name} with grid ${JSON.stringify(grid)}`);
  }
}

function refusesRanges(compute: Compute): void {
  const c = compute as Loose;
  const lists: unknown[] = [
    null,
    undefined,
    [0, 60],
    [[0, 60]],
    new Float32Array(2),
    new Float64Array(3),
    "0,60",
  ];
  for (const list of lists) {
    throws(() => c.mergeRanges(list, GRID), [TypeError], `mergeRanges ${list}`);
    throws(() => c.missingRanges([0, 60], list, GRID), [TypeError], `missingRanges ${list}`);
    throws(() => c.intersectRanges(new Float64Array(0), list, GRID), [TypeError], `intersectRanges ${list}`);
    throws(() => c.subtractRanges(list, new Float64Array(0), GRID), [TypeError], `subtractRanges ${list}`);
  }
  for (const t of BAD_TIMES) {
    for (const pair of [[t, 60], [0, t], [t, t]]) {
      const list = Float64Array.from([...pair, 0, 60]);
      throws(() => c.mergeRanges(list, GRID), ANY, `mergeRanges ${pair}`);
      throws(() => c.missingRanges(pair, new Float64Array(0), GRID), ANY, `missingRanges ${pair}`);
      throws(() => c.intersectRanges(Float64Array.of(0, 60), list, GRID), ANY, `intersectRanges ${pair}`);
      throws(() => c.subtractRanges(Float64Array.of(0, 60), list, GRID), ANY, `subtractRanges ${pair}`);
    }
    throws(() => c.segmentsOf(Float64Array.of(0, t), GRID), ANY, `segmentsOf ${t}`);
    throws(() => c.segmentsOf(Float64Array.of(t), { unit: "month" }), ANY, `segmentsOf months ${t}`);
  }
  for (const wanted of [null, undefined, 5, [0], [0, 60, 120], ["0", "60"], {}]) {
    throws(() => c.missingRanges(wanted, new Float64Array(0), GRID), [TypeError], `wanted ${wanted}`);
  }
  for (const ts of [null, [0], new Int32Array(1), "0"]) {
    throws(() => c.segmentsOf(ts, GRID), [TypeError], `ts ${ts}`);
  }
}

function refusesNouns(): void {
  const texts: unknown[] = [
    "",
    "1",
    "m",
    "0m",
    "01m",
    "1M ",
    "3M",
    "1y",
    "1.5h",
    "-1m",
    "1 m",
    "1H",
    "99999999999999w",
    null,
    60,
  ];
  for (const text of texts) throws(() => gridOf(text as string), ANY, `gridOf ${text}`);
  for (const anchor of [0.5, NaN, Infinity, LIMIT]) {
    throws(() => gridOf("1d", anchor), ANY, `anchor ${anchor}`);
  }
  throws(() => gridOf("1M", 60), ANY, "an anchored month");
  equal(gridOf("1w"), { step: 604_800, anchor: 345_600 }, "1w");
  equal(gridOf("1d", 57_600), { step: 86_400, anchor: 57_600 }, "1d at 16:00");
  equal(gridOf("7d"), { step: 604_800, anchor: 0 }, "7d is not 1w");
  for (const pairs of [[[1]], [null], [[1, "2"]], [5], [[1, 2, 3]]]) {
    throws(
      () => toRanges(pairs as unknown as [number, number][]),
      [TypeError],
      `toRanges ${JSON.stringify(pairs)}`,
    );
  }
  for (const t of [NaN, Infinity, LIMIT, -LIMIT]) {
    throws(() => toRanges([[0, 60], [0, t]]), [RangeError], `toRanges with ${t}`);
  }
  for (const flat of [new Float64Array(1), [0, 1], null]) {
    throws(() => toPairs(flat as Float64Array), [TypeError], "toPairs");
  }
}

function holdsAtTheLimit(c: Compute): void {
  const last = LIMIT - 1;
  for (
    const grid of [{ step: 1 }, { step: 60, anchor: -7 }, { step: LIMIT - 1 }, { unit: "month" }] as Grid[]
  ) {
    const merged = toPairs(c.mergeRanges(toRanges([[-last, last]]), grid));
    equal(
      merged.every(([start, end]) => -last <= start && start < end && end <= last),
      true,
      "inside what is held",
    );
    const [[start, end]] = toPairs(c.missingRanges([-last, last], new Float64Array(0), grid));
    equal(start <= -last && end >= last, true, "around what is wanted");
  }
  equal(
    toPairs(c.segmentsOf(Float64Array.of(last, -last), { step: 1 })),
    [[-last, -last + 1], [last, LIMIT]],
    "segments",
  );
  const found = c.conform({ kind: "ohlcv", columns: bars([last, -last, LIMIT]) }, {
    grid: { step: 1 },
    timeUnit: "s",
  });
  equal(found.flags, { invalid_timestamp: 1, gap: 2 * last - 1 }, "conform at the limit");
}

function ignoresInverted(c: Compute): void {
  const odd = toRanges([[60, 0], [60, 60], [1e6, -1e6]]);
  equal(c.mergeRanges(odd, GRID), [], "merge");
  equal(c.intersectRanges(toRanges([[0, 120]]), odd, GRID), [], "intersect");
  equal(c.subtractRanges(toRanges([[0, 120]]), odd, GRID), [0, 120], "subtract");
  equal(c.missingRanges([120, 0], odd, GRID), [], "missing");
  equal(
    c.conform({ kind: "ohlcv", columns: bars([0]) }, { grid: GRID, range: [1e6, 0] }).flags,
    {},
    "conform",
  );
  equal(c.resample(bars([0]), { from: GRID, to: GRID, covered: odd }).frame.ts.length, 0, "resample");
}

function answersNothing(c: Compute): void {
  const none = new Float64Array(0);
  equal(c.mergeRanges(none, GRID), [], "merge");
  equal(c.missingRanges([0, 120], none, GRID), [0, 120], "missing");
  equal(c.segmentsOf(none, GRID), [], "segments");
  equal(
    c.stabilize(bars([]), { grid: GRID, stabilizationBars: 2, observedAt: 150 }).watermark,
    0,
    "watermark",
  );
  equal(c.fingerprint(bars([]), CLAIMS).chunks, [], "chunks");
  equal(c.fingerprintOfChunks([], CLAIMS), c.fingerprint(bars([]), CLAIMS).fingerprint, "no chunks");
  equal(
    c.appender(CLAIMS).fingerprint([0, 120]),
    c.fingerprint(bars([]), CLAIMS).fingerprint,
    "nothing appended",
  );
  const claims = { ...CLAIMS, nodeId: "trades:x:A/B" };
  equal(c.fingerprintOfChunks([], claims), c.fingerprint(trades([]), claims).fingerprint, "no trades");
  equal(c.diffRows(bars([]), bars([])), [], "diffRows");
  equal(c.barsFromTrades(trades([]), { grid: GRID, covered: none }).frame.ts.length, 0, "bars");
}

function survivesReentry(c: Compute): void {
  const cells = new Proxy([1, 1], {
    get(target, key) {
      c.mergeRanges(toRanges([[0, 600]]), { step: 7 });
      return Reflect.get(target, key);
    },
  });
  const found = c.conform({ kind: "ohlcv", columns: { ...bars([0, 60]), open: cells, ts: [0, 60] } }, {
    grid: GRID,
  });
  equal([found.flags, (found.frame as Bars).ts], [{}, [0, 60]], "conform");
}
