/**
 * The core's figures, each as a race between the core and its yardsticks over the same data. `core_once.ts` runs them
 * in a process of their own.
 */

import { createHash } from "node:crypto";
import { createSHA256 } from "hash-wasm";
import { hostHash } from "../../src/adapters/host_hash.ts";
import { type Bars, type Compute, load, spread } from "../../src/compute/mod.ts";
import * as data from "./core_data.ts";
import { expectSame, race, type Times } from "./core_race.ts";
import * as plain from "./core_yardsticks.ts";

const MINUTES = { step: 60 };
const HOURS = { step: 3600 };
const MILLION = 1_000_000;

/** Runs one row's race. The first contender is the core. */
export type RowRun = (compute: Compute) => Promise<Times>;

function claimsOf(bars: Bars) {
  return {
    nodeId: "ohlcv:binance:BTC/USDT:1m",
    grid: MINUTES,
    range: [bars.ts[0], bars.ts[bars.ts.length - 1] + 60] as const,
    conformanceVersion: "v2",
  };
}

/** The bytes of the six columns, as one message of 48 bytes a row. */
function bytesOf(bars: Bars): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(bars.ts.length * 48);
  Object.values(bars).forEach((column, c) => all.set(new Uint8Array(column.buffer), c * column.byteLength));
  return all;
}

const nodeFlat = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest();

async function fingerprint(compute: Compute): Promise<Times> {
  const bars = data.cleanBars(MILLION);
  const bytes = bytesOf(bars);
  const theirs = await createSHA256();
  return await race({
    ours: () => compute.fingerprint(bars, claimsOf(bars)),
    "hash-wasm": () => theirs.init().update(bytes).digest("binary"),
    "node:crypto": () => nodeFlat(bytes),
  }, 4000);
}

async function fingerprintByHost(compute: Compute): Promise<Times> {
  const bars = data.cleanBars(MILLION);
  const bytes = bytesOf(bars);
  const hosted = await load(undefined, { hostHash, nowMs: () => performance.now() });
  const claims = claimsOf(bars);
  const [a, b] = [compute.fingerprint(bars, claims), hosted.fingerprint(bars, claims)];
  if (a.fingerprint !== b.fingerprint) throw new Error("the host's leaves give another fingerprint");
  return await race({
    ours: () => hosted.fingerprint(bars, claims),
    "node:crypto": () => nodeFlat(bytes),
  }, 2500);
}

async function twoWorkers(compute: Compute): Promise<Times> {
  const bars = data.cleanBars(MILLION);
  const claims = claimsOf(bars);
  const url = new URL("../../src/compute/spread_worker.ts", import.meta.url);
  const crew = spread(compute, [1, 2].map(() => new Worker(url, { type: "module" })));
  const there = await crew.fingerprint(bars, claims);
  if (there.fingerprint !== compute.fingerprint(bars, claims).fingerprint) {
    throw new Error("workers give another fingerprint");
  }
  const times = await race({
    ours: () => crew.fingerprint(bars, claims),
    "one core": () => compute.fingerprint(bars, claims),
  }, 2500);
  crew.close();
  return times;
}

function appender(compute: Compute): Promise<Times> {
  const long = data.cleanBars(10 * MILLION);
  const { range: _, ...claims } = claimsOf(long);
  const state = compute.appender(claims);
  state.append(long);
  let end = long.ts[long.ts.length - 1] + 60;
  const start = long.ts[0];
  return race({
    ours: () => {
      const next = data.cleanBars(900, end);
      const begunMs = performance.now();
      state.append(next);
      end += 900 * 60;
      state.fingerprint([start, end]);
      return performance.now() - begunMs;
    },
  }, 500);
}

async function conformClean(compute: Compute): Promise<Times> {
  const columns = data.cleanBars(MILLION);
  const ours = () => compute.conform({ kind: "ohlcv", columns }, { grid: MINUTES });
  if (Object.keys(ours().flags).length > 0) throw new Error("clean bars have flags");
  expectSame(Object.values(plain.passOverBars(columns, 60)), [0, 0, 0, 0, 0], "clean bars");
  return await race({ ours, "a pass in JS": () => plain.passOverBars(columns, 60) }, 1500);
}

async function conformShuffled(compute: Compute): Promise<Times> {
  const columns = data.shuffledBars(MILLION, 0.002);
  const ours = () => compute.conform({ kind: "ohlcv", columns }, { grid: MINUTES });
  expectSame(ours().frame, plain.sortAndGather(columns), "shuffled bars");
  expectSame(ours().frame, plain.packSortAndGather(columns, 60), "shuffled bars, packed");
  return await race({
    ours,
    "sort, dedupe, gather in JS": () => plain.sortAndGather(columns),
    "the same with packed keys": () => plain.packSortAndGather(columns, 60),
  }, 5000);
}

async function segments(compute: Compute): Promise<Times> {
  const ts = data.timesWithGaps(10 * MILLION, 0.0005);
  const ours = () => compute.segmentsOf(ts, MINUTES);
  expectSame(ours(), plain.segments(ts, 60), "segments");
  return await race({
    ours,
    "a loop in JS": () => plain.segments(ts, 60),
    "one that trusts the grid": () => plain.segmentsOnGrid(ts, 60),
  }, 2500);
}

async function merge(compute: Compute): Promise<Times> {
  const ranges = data.unsortedRanges(MILLION);
  const ours = () => compute.mergeRanges(ranges, MINUTES);
  expectSame(ours(), plain.merge(ranges, 60), "merged ranges");
  return await race({ ours, "sort and sweep in JS": () => plain.merge(ranges, 60) }, 4000);
}

async function missing(compute: Compute): Promise<Times> {
  const held = data.sortedRanges(100_000);
  const wanted = [held[0] - 6000, held[held.length - 1] + 6000] as const;
  const ours = () => compute.missingRanges(wanted, held, MINUTES);
  expectSame(ours(), plain.missing(wanted, held, 60), "missing ranges");
  return await race({ ours, "a sweep in JS": () => plain.missing(wanted, held, 60) });
}

async function subtract(compute: Compute): Promise<Times> {
  const [held, cut] = [data.sortedRanges(100_000), data.sortedRanges(100_000, 7)];
  const ours = () => compute.subtractRanges(held, cut, MINUTES);
  expectSame(ours(), plain.subtract(held, cut, 60), "subtracted ranges");
  return await race({ ours, "a sweep in JS": () => plain.subtract(held, cut, 60) });
}

async function resample(compute: Compute): Promise<Times> {
  const bars = data.cleanBars(MILLION);
  const covered = Float64Array.of(bars.ts[0], bars.ts[0] + MILLION * 60);
  const whole = Math.floor(MILLION / 60);
  const ours = () => compute.resample(bars, { from: MINUTES, to: HOURS, covered });
  const theirs = Object.values(plain.resample(bars, 3600)).map((column) => column.subarray(0, whole));
  Object.values(ours().frame).forEach((column, c) => expectSame(column, theirs[c], "resampled bars"));
  return await race({ ours, "a loop in JS": () => plain.resample(bars, 3600) }, 1500);
}

async function barsFromTrades(compute: Compute): Promise<Times> {
  const trades = data.someTrades(5 * MILLION);
  const end = Math.floor(trades.ts_ms[trades.ts_ms.length - 1] / 60_000) * 60 + 60;
  const covered = Float64Array.of(Math.floor(trades.ts_ms[0] / 60_000) * 60, end);
  const ours = () => compute.barsFromTrades(trades, { grid: MINUTES, covered });
  expectSame(ours().frame, plain.barsOf(trades, 60), "bars from trades");
  return await race({ ours, "a loop in JS": () => plain.barsOf(trades, 60) }, 3000);
}

async function stream(compute: Compute): Promise<Times> {
  const bytes = bytesOf(data.cleanBars(MILLION / 5));
  const theirs = await createSHA256();
  return await race({
    ours: () => compute.sha256(bytes),
    "hash-wasm": () => theirs.init().update(bytes).digest("binary"),
  }, 2000);
}

/** All races by the names that `core_once.ts` takes. */
export const ROWS: Readonly<Record<string, RowRun>> = {
  fingerprint,
  fingerprintByHost,
  twoWorkers,
  appender,
  conformClean,
  conformShuffled,
  segments,
  merge,
  missing,
  subtract,
  resample,
  barsFromTrades,
  stream,
};
