/** The data that the core's figures are measured on: seeded, so that every run and every process sees the same. */

import type { Bars, Ranges, Trades } from "../../src/compute/mod.ts";

/** Some Sunday's midnight: on the grid of minutes and of hours. */
const START_SEC = 1_600_041_600;
const STEP_SEC = 60;

/** A generator of numbers in [0, 1), Mulberry32. */
export function randomFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), 1 | state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Bars of one-minute slots without a gap: a random walk with two decimals. */
export function cleanBars(rows: number, startSec = START_SEC): Bars {
  const random = randomFrom(1);
  const column = () => new Float64Array(rows);
  const bars = {
    ts: column(),
    open: column(),
    high: column(),
    low: column(),
    close: column(),
    volume: column(),
  };
  let price = 20_000;
  const cents = (x: number) => Math.round(x * 100) / 100;
  for (let i = 0; i < rows; i++) {
    const close = cents(price + (random() - 0.5) * 20);
    bars.ts[i] = startSec + i * STEP_SEC;
    bars.open[i] = price;
    bars.close[i] = close;
    bars.high[i] = cents(Math.max(price, close) + random() * 5);
    bars.low[i] = cents(Math.min(price, close) - random() * 5);
    bars.volume[i] = Math.round(random() * 1e8) / 1e6;
    price = Math.max(100, close);
  }
  return bars;
}

/** The same rows in any order, a share of them twice. */
export function shuffledBars(rows: number, duplicateShare: number): Bars {
  const bars = cleanBars(rows);
  const random = randomFrom(2);
  const order = Uint32Array.from(
    { length: rows + Math.round(rows * duplicateShare) },
    (_, i) => i < rows ? i : Math.floor(random() * rows),
  );
  for (let i = order.length - 1; i > 0; i--) {
    const other = Math.floor(random() * (i + 1));
    [order[i], order[other]] = [order[other], order[i]];
  }
  const entries = Object.entries(bars).map((
    [name, column],
  ) => [name, Float64Array.from(order, (i) => column[i])]);
  return Object.fromEntries(entries) as Bars;
}

/** Ascending times of which a share is followed by a gap. */
export function timesWithGaps(count: number, gapShare: number): Float64Array {
  const random = randomFrom(3);
  const times = new Float64Array(count);
  let t = START_SEC;
  for (let i = 0; i < count; i++) {
    times[i] = t;
    t += random() < gapShare ? STEP_SEC * (2 + Math.floor(random() * 50)) : STEP_SEC;
  }
  return times;
}

/** Ranges on the grid of minutes in any order, of which many overlap or touch. */
export function unsortedRanges(count: number): Ranges {
  const random = randomFrom(4);
  const ranges = new Float64Array(2 * count);
  for (let i = 0; i < count; i++) {
    const slot = Math.floor(random() * count * 8);
    ranges[2 * i] = START_SEC + slot * STEP_SEC;
    ranges[2 * i + 1] = START_SEC + (slot + 1 + Math.floor(random() * 12)) * STEP_SEC;
  }
  return ranges;
}

/** Sorted ranges with a hole between any two. `shift` moves all of them by so many slots. */
export function sortedRanges(count: number, shift = 0): Ranges {
  const random = randomFrom(5 + shift);
  const ranges = new Float64Array(2 * count);
  let slot = shift;
  for (let i = 0; i < count; i++) {
    slot += 1 + Math.floor(random() * 20);
    ranges[2 * i] = START_SEC + slot * STEP_SEC;
    slot += 1 + Math.floor(random() * 20);
    ranges[2 * i + 1] = START_SEC + slot * STEP_SEC;
  }
  return ranges;
}

/** Trades in the order of a frame: about one a fifth of a second, ids that count up. */
export function someTrades(rows: number): Trades {
  const random = randomFrom(6);
  const column = () => new Float64Array(rows);
  const trades = {
    ts_ms: column(),
    price: column(),
    amount: column(),
    side: new Int8Array(rows),
    id: [] as string[],
  };
  let t = START_SEC * 1000;
  let price = 20_000;
  for (let i = 0; i < rows; i++) {
    t += Math.floor(random() * 400);
    price = Math.max(100, Math.round((price + (random() - 0.5)) * 100) / 100);
    trades.ts_ms[i] = t;
    trades.price[i] = price;
    trades.amount[i] = Math.round(random() * 1e6) / 1e6;
    trades.side[i] = random() < 0.5 ? -1 : 1;
    trades.id.push(String(1_000_000_000 + i));
  }
  return trades;
}
