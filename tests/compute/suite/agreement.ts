/**
 * Every function of the core against its twin, on seeded random inputs. A failure names the function and the seed;
 * `agreementCases(1, seed)` runs that one input again.
 */
import type { Bars, Compute, Grid, TimeRange, Trades } from "../../../src/compute/mod.ts";
import { toPairs, toRanges } from "../../../src/compute/mod.ts";
import * as twinConform from "../twin/conform.ts";
import * as twinDiff from "../twin/diff.ts";
import * as twinFinality from "../twin/finality.ts";
import * as twinFingerprint from "../twin/fingerprint.ts";
import * as twinRanges from "../twin/ranges.ts";
import * as twinResample from "../twin/resample.ts";
import { toBits } from "./bits.ts";
import { type Case, equal } from "./case.ts";
import { randomInput } from "./cells.ts";
import { randomBars, randomGrid, randomRanges, randomSlot, randomTime, randomTrades } from "./inputs.ts";
import { Dice } from "./random.ts";

/** One function's comparison on one random input. */
type Comparison = (compute: Compute, dice: Dice) => void;

/** One case for each function, of `inputs` inputs from `seed` on. */
export function agreementCases(inputs: number, seed: number): Case[] {
  return Object.entries(COMPARISONS).map(([name, compare]) => ({
    name: `${name}() agrees with its twin on ${inputs} random inputs`,
    run(compute) {
      for (let i = 0; i < inputs; i++) {
        try {
          compare(compute, new Dice(seed + i));
        } catch (error) {
          throw new Error(`${name}, seed ${seed + i}: ${(error as Error).stack}`, { cause: error });
        }
      }
    },
  }));
}

/** The comparisons, by what they compare. */
export const COMPARISONS: Record<string, Comparison> = {
  mergeRanges(compute, dice) {
    const { grid, a } = twoLists(dice);
    equal(toPairs(compute.mergeRanges(toRanges(a), grid)), twinRanges.merge(a, grid), show({ grid, a }));
  },
  missingRanges(compute, dice) {
    const { grid, a, b } = twoLists(dice);
    const wanted: TimeRange = b[0] ?? [0, 0];
    const found = compute.missingRanges(wanted, toRanges(a), grid);
    equal(toPairs(found), twinRanges.missing(wanted, a, grid), show({ grid, wanted, a }));
  },
  intersectRanges(compute, dice) {
    const { grid, a, b } = twoLists(dice);
    const found = compute.intersectRanges(toRanges(a), toRanges(b), grid);
    equal(toPairs(found), twinRanges.intersect(a, b, grid), show({ grid, a, b }));
  },
  subtractRanges(compute, dice) {
    const { grid, a, b } = twoLists(dice);
    const found = compute.subtractRanges(toRanges(a), toRanges(b), grid);
    equal(toPairs(found), twinRanges.subtract(a, b, grid), show({ grid, a, b }));
  },
  segmentsOf(compute, dice) {
    const grid = randomGrid(dice);
    const around = randomSlot(dice, grid);
    let ts = Array.from({ length: dice.whole(0, 20) }, (_, i) => randomTime(dice, grid, around + i));
    if (dice.chance(0.5)) ts = ts.map((t) => dice.chance(0.3) ? randomTime(dice, grid, around) : t);
    if (dice.chance(0.5)) ts = dice.shuffled(ts);
    equal(
      toPairs(compute.segmentsOf(Float64Array.from(ts), grid)),
      twinRanges.segments(ts, grid),
      show({ grid, ts }),
    );
  },
  conformOfBars: (compute, dice) => compareConform(compute, dice, "ohlcv"),
  conformOfTrades: (compute, dice) => compareConform(compute, dice, "trades"),
  stabilize(compute, dice) {
    const { grid, frame, around } = bars(dice, 15);
    const stabilizationBars = dice.whole(0, 4);
    const observedAt = randomTime(dice, grid, around + dice.whole(-5, 20));
    const found = compute.stabilize(frame, { grid, stabilizationBars, observedAt });
    const wanted = twinFinality.stabilize([...frame.ts], { grid, stabilizationBars, observedAt });
    const what = show({ grid, ts: [...frame.ts], stabilizationBars, observedAt });
    equal([found.watermark, found.trimmed], [wanted.watermark, wanted.trimmed], what);
    equal(found.frame.ts, wanted.final, what);
    equal(found.frame.volume, frame.volume.slice(0, wanted.final.length), what);
  },
  fingerprintOfBars(compute, dice) {
    const { grid, frame, around } = bars(dice, 12);
    compareFingerprint(
      compute,
      dice,
      spread(dice, frame, grid, around),
      grid,
      `ohlcv:x:A/B:${dice.whole(1, 99)}m`,
    );
  },
  fingerprintOfTrades(compute, dice) {
    const grid: Grid = { step: 1 };
    compareFingerprint(
      compute,
      dice,
      trades(dice, 12),
      grid,
      dice.pick(["trades:x:A/B", "trades:\u00fc:\u20bf/X"]),
    );
  },
  diffRows(compute, dice) {
    const { frame } = bars(dice, 12);
    const other = mutated(dice, frame);
    const found = compute.diffRows(frame, other);
    equal(found, twinDiff.diffRows(frame, other), show({ a: rowsOf(frame), b: rowsOf(other) }));
  },
  diff(compute, dice) {
    const digest = () => "0123456789abcdef"[dice.whole(0, 2)].repeat(64);
    const list = () =>
      Array.from({ length: 10 }, (_, i) => ({ k: i - 5, rows: 1, digest: digest(), leaves: [] }))
        .filter(() => dice.chance(0.6));
    const [a, b] = [list(), list()];
    equal(compute.diff(a, b), twinDiff.diff(a, b), show({ a, b }));
  },
  resample(compute, dice) {
    const [from, to] = dice.pick(STEPS);
    const around = randomSlot(dice, from);
    const rows = dice.whole(0, 30);
    const frame = randomBars(dice, from, { around, rows, oddness: dice.pick([0, 0.1]) });
    const covered = coveredRanges(dice, from, around);
    const found = compute.resample(frame, { from, to, covered: toRanges(covered) });
    const wanted = twinResample.resample(rowsOf(frame), { from, to, covered });
    const what = show({ from, to, covered, frame: rowsOf(frame) });
    equal(canonical(rowsOf(found.frame)), canonical(wanted.bars), what);
    equal(toPairs(found.incomplete), wanted.incomplete, what);
  },
  barsFromTrades(compute, dice) {
    const grid: Grid = dice.pick([{ step: 1 }, { step: 5, anchor: -3 }, { step: 20 }, {
      step: 60,
      anchor: 30,
    }]);
    const startMs = dice.pick([-100_500, 1_700_000_000_000]);
    const frame = trades(dice, 15, startMs);
    const covered = coveredRanges(dice, { step: 1 }, Math.floor(startMs / 1000) - 20);
    const found = compute.barsFromTrades(frame, { grid, covered: toRanges(covered) });
    const wanted = twinResample.barsFromTrades(frame, { grid, covered });
    const what = show({
      grid,
      covered,
      ts: [...frame.ts_ms],
      price: [...frame.price],
      amount: [...frame.amount],
    });
    equal(canonical(rowsOf(found.frame)), canonical(wanted.bars), what);
    equal([toPairs(found.empty), toPairs(found.incomplete)], [wanted.empty, wanted.incomplete], what);
  },
};

const STEPS: [Grid, Grid][] = [
  [{ step: 60 }, { step: 300 }],
  [{ step: 5, anchor: -35 }, { step: 20, anchor: 10 }],
  [{ step: 14_400 }, { step: 86_400, anchor: 57_600 }],
  [{ step: 86_400 }, { step: 604_800, anchor: 345_600 }],
  [{ step: 86_400 }, { unit: "month" }],
  [{ unit: "month" }, { unit: "month" }],
  [{ step: 7, anchor: 3 }, { step: 7, anchor: -4 }],
];

function twoLists(dice: Dice): { grid: Grid; a: TimeRange[]; b: TimeRange[] } {
  const grid = randomGrid(dice);
  const around = randomSlot(dice, grid);
  return { grid, a: randomRanges(dice, grid, around), b: randomRanges(dice, grid, around) };
}

function coveredRanges(dice: Dice, grid: Grid, around: number): TimeRange[] {
  const step = dice.pick([1, 3, 12]);
  return Array.from({ length: dice.whole(0, 5) }, (): TimeRange => {
    const from = around + dice.whole(-4, 30);
    return [randomTime(dice, grid, from), randomTime(dice, grid, from + dice.whole(-1, 12) * step)];
  });
}

function bars(dice: Dice, atMost: number): { grid: Grid; frame: Bars; around: number } {
  const grid = randomGrid(dice);
  const around = randomSlot(dice, grid);
  const oddness = dice.pick([0, 0.1, 0.6]);
  return { grid, around, frame: randomBars(dice, grid, { around, rows: dice.whole(0, atMost), oddness }) };
}

/** Now and then the second half of the rows lies some chunks later. */
function spread(dice: Dice, frame: Bars, grid: Grid, around: number): Bars {
  if (frame.ts.length < 2 || dice.chance(0.5)) return frame;
  const later = randomBars(dice, grid, {
    around: around + dice.pick([4090, 9000]),
    rows: frame.ts.length,
    oddness: 0,
  });
  const middle = frame.ts.length >> 1;
  return { ...frame, ts: frame.ts.map((t, i) => i < middle ? t : later.ts[i]) };
}

function trades(dice: Dice, atMost: number, startMs?: number): Trades {
  const start = startMs ?? dice.pick([0, -4_096_500, 1_700_000_000_000, 1_699_999_743_900]);
  const rows = dice.whole(0, atMost);
  return randomTrades(dice, { startMs: start, rows, oddness: 0.1, compareIds: twinConform.compareIds });
}

/** The frame with some rows left out and some values changed. */
function mutated(dice: Dice, frame: Bars): Bars {
  const stay = [...frame.ts.keys()].filter(() => dice.chance(0.8));
  const value = (x: number) => dice.chance(0.1) ? dice.pick([x, -x, NaN, 0, -0, 5e-324]) : x;
  return Object.fromEntries(
    Object.entries(frame).map(([name, column]) => [
      name,
      Float64Array.from(stay, (i) => name === "ts" ? column[i] : value(column[i])),
    ]),
  ) as Bars;
}

function compareFingerprint(
  compute: Compute,
  dice: Dice,
  frame: Bars | Trades,
  grid: Grid,
  nodeId: string,
): void {
  const start = dice.whole(-1000, 1000);
  const range: TimeRange = [start, start + dice.whole(0, 1000)];
  const claims = { nodeId, grid, range, conformanceVersion: dice.pick(["v2", "v3"]) };
  const found = compute.fingerprint(frame, claims);
  const wanted = twinFingerprint.fingerprint(frame, claims);
  equal(found, wanted, show({ claims, frame }));
  equal(compute.fingerprintOfChunks(found.chunks, claims), wanted.fingerprint, "fingerprintOfChunks");
}

function compareConform(compute: Compute, dice: Dice, kind: "ohlcv" | "trades"): void {
  const { input, options } = randomInput(dice, kind);
  const found = compute.conform(input, options);
  const wanted = twinConform.conform(input, options);
  const what = show({ input, options });
  equal(
    { blocked: found.blocked, flags: found.flags },
    { blocked: wanted.blocked, flags: wanted.flags },
    what,
  );
  if (wanted.frame === undefined) return;
  const columns: ArrayLike<number | string>[] = Object.values(found.frame);
  const rows = Array.from(columns[0], (_, i) => columns.map((column) => column[i]));
  const plain = (row: (number | string)[]) => row.map((x) => typeof x === "number" ? toBits(x) : x);
  equal(rows.map(plain), wanted.frame.map(plain), what);
  equal([found.setAside, found.conflicts], [wanted.setAside, wanted.conflicts], what);
}

function rowsOf(frame: Bars): twinResample.Row[] {
  return Array.from(frame.ts, (ts, i) => ({
    ts,
    open: frame.open[i],
    high: frame.high[i],
    low: frame.low[i],
    close: frame.close[i],
    volume: frame.volume[i],
  }));
}

function canonical(rows: twinResample.Row[]): string[][] {
  return rows.map((row) => Object.values(row).map(toBits));
}

/** Inputs as text, for the message of a failure; made only when one is needed. */
function show(value: unknown): () => string {
  return () =>
    JSON.stringify(value, (_, v) => {
      if (typeof v === "bigint") return `${v}n`;
      if (typeof v === "number") {
        return Number.isFinite(v) && !Object.is(v, -0) ? v : `(${Object.is(v, -0) ? "-0" : v})`;
      }
      return ArrayBuffer.isView(v) ? [...v as unknown as Iterable<unknown>] : v;
    });
}
