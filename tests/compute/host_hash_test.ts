/** The host's own SHA-256 in place of the core's: the same digests, from the same bytes. */
import { deepStrictEqual, ok, throws } from "node:assert/strict";
import { createHash } from "node:crypto";
import { type Bars, type Compute, type HostHash, load } from "../../src/compute/mod.ts";
import { viewBars } from "../../src/core/bar_frame.ts";
import { randomBars, randomGrid, randomSlot, randomTrades } from "./suite/inputs.ts";
import { Dice } from "./suite/random.ts";
import { compareIds } from "./twin/conform.ts";

const CLAIMS = { nodeId: "ohlcv:x:A/B:1m", range: [0, 600] as const, conformanceVersion: "v2" };

const hostHash: HostHash = (parts) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** A clock by which measured work takes `own` and `native` ms by turns: each side is measured ten times, with two looks. */
function clockOf({ own, native }: { own: number; native: number }): () => number {
  let looks = 0;
  let now = 0;
  return () => now += Math.floor(looks++ / 20) % 2 === 0 ? own : native;
}

const NATIVE_WINS = { own: 2, native: 1 };

Deno.test("a core that hashes with the host gives the digests of one that hashes alone", async () => {
  let calls = 0;
  const counted: HostHash = (parts) => {
    calls++;
    return hostHash(parts);
  };
  const alone = await load();
  const hosted = await load(undefined, { hostHash: counted, nowMs: clockOf(NATIVE_WINS) });
  for (let seed = 1; seed <= 500; seed++) {
    const dice = new Dice(seed);
    const grid = randomGrid(dice);
    const frame = dice.chance(0.5)
      ? randomBars(dice, grid, { around: randomSlot(dice, grid), rows: dice.whole(0, 300), oddness: 0.1 })
      : randomTrades(dice, { startMs: 0, rows: dice.whole(0, 120), oddness: 0.1, compareIds });
    const claims = { ...CLAIMS, grid };
    deepStrictEqual(hosted.fingerprint(frame, claims), alone.fingerprint(frame, claims), `seed ${seed}`);
  }
  ok(calls > 500, "the host's hash was used");
});

/** Bars over several chunks, of which some are short, some missing, and some columns not canonical in some. */
function longBars(dice: Dice): Bars {
  const rows = dice.whole(1, 30_000);
  const column = (value: number) => Float64Array.from({ length: rows }, (_, i) => value + (i % 7));
  let slot = dice.whole(-9000, 9000);
  const ts = Float64Array.from({ length: rows }, () => {
    slot += dice.chance(0.0005) ? dice.whole(2, 6000) : 1;
    return slot * 60;
  });
  const bars = { ts, open: column(1), high: column(2), low: column(0), close: column(1), volume: column(0) };
  for (const name of ["open", "high", "low", "close", "volume"] as const) {
    const oddness = dice.pick([0, 0, 0.00005, 0.01]);
    for (let i = 0; i < rows; i++) {
      if (dice.chance(oddness)) bars[name][i] = dice.pick([NaN, -0, -1, -Infinity]);
    }
  }
  return bars;
}

Deno.test("a host that hashes columns where they are gives the digests of a core alone, and leaves them as they were", async () => {
  const alone = await load();
  const hosted = await load(undefined, { hostHash, nowMs: clockOf(NATIVE_WINS) });
  const claims = { ...CLAIMS, grid: { step: 60 } };
  for (let seed = 1; seed <= 60; seed++) {
    const bars = longBars(new Dice(seed));
    const before = structuredClone(bars);
    const wanted = alone.fingerprint(bars, claims);
    deepStrictEqual(hosted.fingerprint(bars, claims), wanted, `seed ${seed}`);
    deepStrictEqual(bars, before, `seed ${seed}`);
    const shared = new Float64Array(new SharedArrayBuffer(bars.close.byteLength));
    shared.set(bars.close);
    deepStrictEqual(hosted.fingerprint({ ...bars, close: shared }, claims), wanted, `seed ${seed}, shared`);
  }
});

Deno.test("a host that hashes columns where they are refuses the times that a core alone refuses", async () => {
  const alone = await load();
  const hosted = await load(undefined, { hostHash, nowMs: clockOf(NATIVE_WINS) });
  const claims = { ...CLAIMS, grid: { step: 60 } };
  for (let seed = 1; seed <= 60; seed++) {
    const dice = new Dice(seed);
    const bars = longBars(dice);
    const row = dice.whole(0, bars.ts.length - 1);
    const shift = dice.pick([NaN, Infinity, 2 ** 43, 7, 0.5, -6e5, -60 * 4096, 6e7]);
    bars.ts[row] += shift;
    const outcome = (compute: Compute) => {
      try {
        return compute.fingerprint(bars, claims);
      } catch (error) {
        return (error as Error).name;
      }
    };
    deepStrictEqual(outcome(hosted), outcome(alone), `seed ${seed}: row ${row} by ${shift}`);
  }
});

Deno.test("leaves shorter than the measured length are the core's, longer ones the host's", async () => {
  const lengths: number[] = [];
  const noted: HostHash = (parts) => {
    lengths.push(parts.reduce((sum, part) => sum + part.length, -64));
    return hostHash(parts);
  };
  // From the longest down: even at 16 and 8 KB, slower at 4 KB.
  let looks = 0;
  let now = 0;
  const nowMs = () => now += Math.floor(looks++ / 20) === 5 ? 2 : 1;
  const compute = await load(undefined, { hostHash: noted, nowMs });
  const grid = { step: 60 };
  const claims = { ...CLAIMS, grid };
  for (const rows of [1023, 1024, 2000]) {
    const frame = randomBars(new Dice(rows), grid, { around: 0, rows, oddness: 0 });
    compute.fingerprint(frame, claims);
    if (rows === 1023) lengths.length = 0;
  }
  deepStrictEqual([...new Set(lengths)].every((length) => length >= 8192), true, lengths.join());
  ok(lengths.length > 0, "longer leaves are the host's");
});

Deno.test("a host that is slower at every length is never asked after it was measured", async () => {
  let calls = 0;
  const counted: HostHash = (parts) => {
    calls++;
    return hostHash(parts);
  };
  const compute = await load(undefined, { hostHash: counted, nowMs: clockOf({ own: 1, native: 2 }) });
  const grid = { step: 60 };
  const frame = randomBars(new Dice(1), grid, { around: 0, rows: 9000, oddness: 0 });
  compute.fingerprint(frame, { ...CLAIMS, grid });
  deepStrictEqual(calls, 40, "ten times four leaves of the longest length");
});

Deno.test("a host's hash that gives no digest is refused", async () => {
  const compute = await load(undefined, {
    hostHash: () => new Uint8Array(20),
    nowMs: clockOf(NATIVE_WINS),
  });
  const grid = { step: 60 };
  const frame = randomBars(new Dice(1), grid, { around: 0, rows: 300, oddness: 0 });
  throws(() => compute.fingerprint(frame, { ...CLAIMS, grid }), TypeError);
});

Deno.test("append() on whose way the host's hash fails takes nothing, and the same rows can come again", async () => {
  let fails = false;
  const flaky: HostHash = (parts) => {
    if (fails) throw new Error("the host fails");
    return hostHash(parts);
  };
  const alone = await load();
  const hosted = await load(undefined, { hostHash: flaky });
  const claims = { ...CLAIMS, grid: { step: 60 } };
  const frame = randomBars(new Dice(1), claims.grid, { around: 0, rows: 20_000, oddness: 0 });
  const appender = hosted.appender(claims);
  appender.append(viewBars(frame, 0, 1000));
  const before = [appender.fingerprint([0, 600]), appender.chunks(), appender.state()];
  fails = true;
  throws(() => appender.append(viewBars(frame, 1000, 20_000)), /the host fails/);
  deepStrictEqual([appender.fingerprint([0, 600]), appender.chunks(), appender.state()], before);
  fails = false;
  appender.append(viewBars(frame, 1000, 20_000));
  deepStrictEqual(appender.fingerprint([0, 600]), alone.fingerprint(frame, claims).fingerprint);
});
