/**
 * Inputs longer than a slab, with something to find on its borders: rows go through the core 4,096 or 8,192 at a time, and
 * nothing may depend on where one slab ends and the next begins.
 */
import {
  type Bars,
  type Compute,
  type Grid,
  type TimeRange,
  toPairs,
  toRanges,
  type Trades,
} from "../../../src/compute/mod.ts";
import * as twinConform from "../twin/conform.ts";
import * as twinFingerprint from "../twin/fingerprint.ts";
import * as twinRanges from "../twin/ranges.ts";
import { toBits } from "./bits.ts";
import { type Case, equal } from "./case.ts";

const MINUTES: Grid = { step: 60 };
/** Lengths around one slab, two, and a chunk beyond. */
const LENGTHS = [4095, 4096, 4097, 8191, 8192, 8193, 12_288, 12_289, 16_385];

/** The cases. */
export function slabCases(): Case[] {
  return [
    { name: "conform() finds an odd row wherever in a slab it stands", run: conforms },
    { name: "segmentsOf() joins runs over the borders of slabs", run: segments },
    { name: "fingerprint() of slabs equals its twin, on every offset to the chunks", run: fingerprints },
    { name: "resample() folds bars that span slabs", run: resamples },
    { name: "barsFromTrades() folds bars that span slabs, and lists what is empty once", run: folds },
  ];
}

/** Bars of one price, on the grid from `slot` on. */
function flatBars(rows: number, slot: number): Bars {
  const column = (value: number) => new Float64Array(rows).fill(value);
  const ts = Float64Array.from({ length: rows }, (_, i) => (slot + i) * 60);
  return { ts, open: column(2), high: column(3), low: column(1), close: column(2), volume: column(5) };
}

/** Places of a long input that border on slabs. */
function borders(length: number): number[] {
  return [0, 4095, 4096, 8191, 8192, 12_287, 12_288, length - 1].filter((row) => row < length);
}

const FAULTS: ((bars: Bars, row: number) => void)[] = [
  (bars, row) => bars.high[row] = 0.5,
  (bars, row) => bars.volume[row] = NaN,
  (bars, row) => bars.close[row] = -Infinity,
  (bars, row) => bars.ts[row] += 7,
  (bars, row) => bars.ts[row] = NaN,
  (bars, row) => bars.ts[row] = bars.ts[Math.max(0, row - 1)],
  (bars, row) => bars.ts[row] -= 60 * 5000,
];

function conforms(compute: Compute): void {
  let turn = 0;
  for (const length of LENGTHS) {
    for (const row of borders(length)) {
      const columns = flatBars(length, -4096);
      FAULTS[turn++ % FAULTS.length](columns, row);
      const input = { kind: "ohlcv" as const, columns };
      const options = {
        grid: MINUTES,
        timeUnit: "s" as const,
        align: turn % 2 ? "floor" as const : "reject" as const,
      };
      const found = compute.conform(input, options);
      const wanted = twinConform.conform(input, options);
      const what = `${length} rows, fault ${(turn - 1) % FAULTS.length} at row ${row}`;
      equal(found.flags, wanted.flags, what);
      equal([found.setAside, found.conflicts], [wanted.setAside, wanted.conflicts], what);
      const frame = found.frame as Bars;
      const rows = Array.from(
        frame.ts,
        (_, i) => Object.values(frame).map((column) => toBits(column[i])).join(),
      );
      equal(rows, wanted.frame!.map((one) => one.map((x) => toBits(x as number)).join()), what);
    }
  }
}

function segments(compute: Compute): void {
  for (const length of LENGTHS) {
    for (const row of borders(length)) {
      const ts = flatBars(length, -10).ts;
      for (let i = row; i < length; i++) ts[i] += 120;
      if (length % 2 === 0) ts[row] = ts[length - 1 - row];
      const found = toPairs(compute.segmentsOf(ts, MINUTES));
      equal(found, twinRanges.segments([...ts], MINUTES), `${length} times, a gap at row ${row}`);
    }
  }
}

function fingerprints(compute: Compute): void {
  for (const length of [4097, 8193]) {
    for (const slot of [-4096, -4095, -1, 0, 1, 2048]) {
      const frame = flatBars(length, slot);
      frame.open[4095] = -0;
      frame.volume[4096] = NaN;
      const claims = {
        nodeId: "ohlcv:x:A/B:1m",
        grid: MINUTES,
        range: [0, 60] as const,
        conformanceVersion: "v2",
      };
      const what = `${length} rows from slot ${slot}`;
      equal(compute.fingerprint(frame, claims), twinFingerprint.fingerprint(frame, claims), what);
    }
  }
}

/** What a fold of one price gives: every target slot that is covered whole. */
function resamples(compute: Compute): void {
  for (const [length, step] of [[8193, 300], [20_000, 86_400], [30_000, 60 * 10_000], [9000, 60]]) {
    const frame = flatBars(length, 0);
    frame.high[length - 2] = 9;
    const covered: TimeRange[] = [[0, length * 60]];
    const found = compute.resample(frame, { from: MINUTES, to: { step }, covered: toRanges(covered) });
    const whole = Math.floor(length * 60 / step);
    const perBar = step / 60;
    const ts = Array.from({ length: whole }, (_, i) => i * step);
    const last = Math.floor((length - 2) / perBar);
    equal([...found.frame.ts], ts, `times, ${length} to ${step}`);
    equal([...found.frame.high], ts.map((_, i) => i === last ? 9 : 3), `high, ${length} to ${step}`);
    equal([...found.frame.volume], ts.map(() => 5 * perBar), `volume, ${length} to ${step}`);
    const rest = whole * step < length * 60 ? [[whole * step, (whole + 1) * step]] : [];
    equal(toPairs(found.incomplete), rest, `incomplete, ${length} to ${step}`);
  }
}

function folds(compute: Compute): void {
  for (
    const [rows, everyMs, step] of [[20_000, 500, 60], [20_000, 10, 3600], [9000, 7000, 5], [8193, 1000, 1]]
  ) {
    const column = (value: number) => new Float64Array(rows).fill(value);
    const trades: Trades = {
      ts_ms: Float64Array.from({ length: rows }, (_, i) => i * everyMs),
      price: column(2),
      amount: column(1),
      side: new Int8Array(rows),
      id: Array.from({ length: rows }, (_, i) => String(i)),
    };
    const slots = Math.floor((rows - 1) * everyMs / 1000 / step) + 1;
    const covered = toRanges([[0, (slots + 3) * step]]);
    const found = compute.barsFromTrades(trades, { grid: { step }, covered });
    const counts = new Map<number, number>();
    for (const t of trades.ts_ms) {
      const slot = Math.floor(t / 1000 / step);
      counts.set(slot, (counts.get(slot) ?? 0) + 1);
    }
    const what = `${rows} trades every ${everyMs} ms, bars of ${step} s`;
    equal([...found.frame.ts], [...counts.keys()].map((slot) => slot * step), what);
    equal([...found.frame.volume], [...counts.values()], what);
    const free = Array.from({ length: slots + 3 }, (_, slot) => slot).filter((slot) => !counts.has(slot));
    equal(toPairs(found.empty), twinRanges.runs(free, { step }), what);
  }
}
