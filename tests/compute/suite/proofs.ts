/** What must hold of fingerprints whatever the data: however it is cut, appended, resumed or proven in part. */
import type { Bars, Chunk, Claims, Compute, Grid, Trades } from "../../../src/compute/mod.ts";
import { viewBars, viewTrades } from "../../../src/core/bar_frame.ts";
import { compareIds } from "../twin/conform.ts";
import * as twin from "../twin/fingerprint.ts";
import { type Case, equal, throws } from "./case.ts";
import { randomBars, randomGrid, randomSlot, randomTrades } from "./inputs.ts";
import { Dice } from "./random.ts";

type Sample = { frame: Bars | Trades; claims: Claims };

/** A frame of some chunks, of bars or of trades. */
function sample(dice: Dice): Sample {
  const trades = dice.chance(0.4);
  const grid: Grid = trades ? { step: 1 } : randomGrid(dice);
  const claims: Claims = {
    nodeId: trades ? "trades:x:A/B" : "ohlcv:x:A/B:1m",
    grid,
    range: [0, 600],
    conformanceVersion: "v2",
  };
  if (trades) {
    const startMs = 4096 * 1000 * dice.whole(-3, 400) - 30_000;
    return {
      claims,
      frame: randomTrades(dice, { startMs, rows: dice.whole(0, 20), oddness: 0.1, compareIds }),
    };
  }
  // Around a border of chunks, so that most frames have rows on both sides of it.
  const around = Math.floor(randomSlot(dice, grid) / 4096) * 4096 + dice.pick([-8, 0, 4090]);
  const frame = randomBars(dice, grid, { around, rows: dice.whole(0, 25), oddness: 0.1 });
  return { claims, frame };
}

function rows(frame: Bars | Trades): number {
  return "ts" in frame ? frame.ts.length : frame.ts_ms.length;
}

function part(frame: Bars | Trades, from: number, end: number): Bars | Trades {
  return "ts" in frame ? viewBars(frame, from, end) : viewTrades(frame, from, end);
}

/** The cases, each on `inputs` random inputs. */
export function proofCases(inputs: number, seed: number): Case[] {
  const each = (name: string, check: (compute: Compute, dice: Dice) => void): Case => ({
    name: `${name} (${inputs} random inputs)`,
    run(compute) {
      for (let i = 0; i < inputs; i++) {
        try {
          check(compute, new Dice(seed + i));
        } catch (error) {
          throw new Error(`${name}, seed ${seed + i}: ${(error as Error).stack}`, { cause: error });
        }
      }
    },
  });
  return [
    each("appender() fed in any pieces, and resumed anywhere, equals the whole", checkAppender),
    each("verifyChunk() accepts each chunk's own rows and no others", checkChunks),
    each("verifyColumn() accepts each column's own values and no others", checkColumns),
    { name: "fingerprint() of many rows and of rows far apart equals its twin", run: checkLarge },
    { name: "appender() refuses rows that do not ascend, and keeps what it had", run: checkRefusal },
    { name: "appender() refuses a damaged state and the state of other claims", run: checkStates },
    { name: "appender() resumed from a Buffer leaves its bytes as they were", run: checkStateKept },
  ];
}

function checkAppender(compute: Compute, dice: Dice): void {
  const { frame, claims } = sample(dice);
  let appender = compute.appender(claims);
  for (let from = 0; from < rows(frame);) {
    const end = Math.min(rows(frame), from + dice.pick([1, 2, 5, 30]));
    appender.append(part(frame, from, end));
    from = end;
    if (dice.chance(0.3)) {
      const wanted = compute.fingerprint(part(frame, 0, from), claims);
      equal(appender.fingerprint(claims.range), wanted.fingerprint, `fingerprint after ${from} rows`);
      equal(appender.chunks(), wanted.chunks, `chunks after ${from} rows`);
    }
    if (dice.chance(0.3)) appender = compute.appender(claims, appender.state());
  }
  const wanted = compute.fingerprint(frame, claims);
  equal(appender.fingerprint(claims.range), wanted.fingerprint, "fingerprint");
  equal(appender.chunks(), wanted.chunks, "chunks");
}

/** The rows of each chunk of a frame. */
function cut(frame: Bars | Trades, chunks: Chunk[]): (Bars | Trades)[] {
  let from = 0;
  return chunks.map((chunk) => part(frame, from, from += chunk.rows));
}

function checkChunks(compute: Compute, dice: Dice): void {
  const { frame, claims } = sample(dice);
  const { chunks } = compute.fingerprint(frame, claims);
  const parts = cut(frame, chunks);
  chunks.forEach((chunk, i) => {
    const verify = (data: Bars | Trades, proof: Pick<Chunk, "k" | "rows" | "digest">) =>
      compute.verifyChunk(data, proof, claims.grid);
    equal(verify(parts[i], chunk), true, "its own rows");
    equal(verify(changed(dice, parts[i]), chunk), false, "a changed value");
    equal(verify(part(parts[i], 1, chunk.rows), chunk), false, "a row less");
    equal(verify(parts[i], { ...chunk, k: chunk.k + 1 }), false, "another k");
    equal(verify(parts[i], { ...chunk, digest: "0".repeat(64) }), false, "another digest");
    if (chunks.length > 1) equal(verify(frame, { ...chunk, rows: rows(frame) }), false, "two chunks");
  });
}

/** The frame with one value of one number column changed in its canonical bits. */
function changed(dice: Dice, frame: Bars | Trades): Bars | Trades {
  const name = "ts" in frame
    ? dice.pick(["open", "volume"] as const)
    : dice.pick(["price", "amount"] as const);
  const column = Float64Array.from((frame as Record<string, Float64Array>)[name]);
  const at = dice.whole(0, column.length - 1);
  column[at] = Number.isFinite(column[at]) && column[at] !== 1 ? 1 : 2;
  return { ...frame, [name]: column };
}

function checkColumns(compute: Compute, dice: Dice): void {
  const { frame, claims } = sample(dice);
  const { chunks } = compute.fingerprint(frame, claims);
  cut(frame, chunks).forEach((data, i) => {
    const chunk = chunks[i];
    for (const [name, values] of Object.entries(data) as [string, Float64Array | string[]][]) {
      equal(compute.verifyColumn(values, name, chunk), true, `${name}, its own values`);
      const other: ArrayLike<number> | string[] = typeof values[0] === "string"
        ? [`${values[0]}!`, ...values.slice(1) as string[]]
        : [values[0] === 1 ? -1 : 1, ...values.slice(1) as Float64Array];
      equal(compute.verifyColumn(other, name, chunk), false, `${name}, a changed value`);
      equal(compute.verifyColumn(values.slice(1) as Float64Array, name, chunk), false, `${name}, a row less`);
    }
    const forged = { ...chunk, leaves: chunk.leaves.toReversed() };
    const [name, values] = Object.entries(data)[0] as [string, Float64Array];
    equal(compute.verifyColumn(values, name, forged), false, "leaves that are not the digest's");
  });
}

function checkLarge(compute: Compute): void {
  const claims: Claims = {
    nodeId: "ohlcv:x:A/B:1m",
    grid: { step: 60 },
    range: [0, 60],
    conformanceVersion: "v2",
  };
  const dice = new Dice(11);
  const dense = randomBars(dice, claims.grid, { around: -5000, rows: 40_000, oddness: 0.01 });
  const sparse = {
    ...viewBars(dense, 0, 700),
    ts: Float64Array.from({ length: 700 }, (_, i) => (i - 300) * 60 * 5000),
  };
  for (const frame of [dense, sparse, viewBars(dense, 0, 16_384), viewBars(dense, 0, 16_385)]) {
    const wanted = twin.fingerprint(frame, claims);
    equal(compute.fingerprint(frame, claims), wanted, "fingerprint");
    const appender = compute.appender(claims);
    appender.append(viewBars(frame, 0, 301));
    appender.append(viewBars(frame, 301, frame.ts.length));
    equal(appender.fingerprint(claims.range), wanted.fingerprint, "appender");
    equal(compute.chunksOf(frame, claims.grid), wanted.chunks, "chunksOf");
  }
}

function checkRefusal(compute: Compute): void {
  const claims = { nodeId: "ohlcv:x:A/B:1m", grid: { step: 60 }, conformanceVersion: "v2" };
  const frame = randomBars(new Dice(3), claims.grid, { around: 4090, rows: 12, oddness: 0 });
  const appender = compute.appender(claims);
  appender.append(viewBars(frame, 0, 8));
  const before = appender.fingerprint([0, 60]);
  for (
    const bad of [viewBars(frame, 7, 12), viewBars(frame, 0, 1), shifted(frame, 8, 1), shifted(frame, 8, NaN)]
  ) {
    throws(() => appender.append(bad), [RangeError], "rows out of order or off the grid");
  }
  throws(() => appender.append(randomTrades(new Dice(1), { startMs: 0, rows: 3, oddness: 0, compareIds })), [
    TypeError,
  ], "trades after bars");
  equal(appender.fingerprint([0, 60]), before, "what it had");
  appender.append(viewBars(frame, 8, 12));
  equal(
    appender.fingerprint([0, 60]),
    compute.fingerprint(frame, { ...claims, range: [0, 60] }).fingerprint,
    "whole",
  );
}

/** The frame's rows from `from` on, the last of them moved by some seconds. */
function shifted(frame: Bars, from: number, by: number): Bars {
  const tail = viewBars(frame, from, frame.ts.length);
  return { ...tail, ts: tail.ts.map((t, i) => i === tail.ts.length - 1 ? t + by : t) };
}

function checkStates(compute: Compute): void {
  const claims = { nodeId: "ohlcv:x:A/B:1m", grid: { step: 60 }, conformanceVersion: "v2" };
  const appender = compute.appender(claims);
  appender.append(randomBars(new Dice(3), claims.grid, { around: 4090, rows: 12, oddness: 0 }));
  const state = appender.state();
  const resume = (bytes: Uint8Array, other = claims) => () => compute.appender(other, bytes);
  for (let at = 0; at < state.length; at += 7) {
    const damaged = state.slice();
    damaged[at] ^= 1;
    throws(resume(damaged), [RangeError], `byte ${at} damaged`);
  }
  for (const length of [0, 3, 35, state.length - 1]) {
    throws(resume(state.subarray(0, length)), [RangeError], `cut to ${length} bytes`);
  }
  throws(resume(state, { ...claims, grid: { step: 300 } }), [RangeError], "another grid");
  throws(resume(state, { ...claims, nodeId: "ohlcv:x:A/C:1m" }), [RangeError], "another node");
  throws(resume("state" as unknown as Uint8Array), [TypeError], "no bytes");
}

/** Node's Buffer, which is what its files are read into: `slice` is a view on the same memory. */
class BufferLike extends Uint8Array {
  override slice(start?: number, end?: number): Uint8Array<ArrayBuffer> {
    return this.subarray(start, end) as Uint8Array<ArrayBuffer>;
  }
}

function checkStateKept(compute: Compute): void {
  const claims = { nodeId: "trades:x:A/B", grid: { step: 1 }, conformanceVersion: "v2" };
  const frame = randomTrades(new Dice(3), { startMs: 0, rows: 12, oddness: 0, compareIds });
  const appender = compute.appender(claims);
  appender.append(viewTrades(frame, 0, 4));
  const bytes = BufferLike.from(appender.state());
  const before = Uint8Array.from(bytes);
  for (const time of ["once", "twice"]) {
    const resumed = compute.appender(claims, bytes);
    resumed.append(viewTrades(frame, 4, frame.ts_ms.length));
    equal(
      resumed.fingerprint([0, 60]),
      compute.fingerprint(frame, { ...claims, range: [0, 60] }).fingerprint,
      time,
    );
    equal([...bytes], [...before], `the bytes, resumed ${time}`);
  }
}
