/** Generated bars for the tests of formats, server and client: a seeded random walk, with NaN where asked. */

import { type Bars, makeBars, viewBars } from "../../src/core/bar_frame.ts";
import type { BarSlice } from "../../src/core/service.ts";
import { encodeRows } from "../../src/core/stored_chunk.ts";
import { SeededDice } from "../fake_clock.ts";

/** `rows` bars one `step` apart from `start` on. Every `nanEvery`-th volume is NaN. */
export function sampleBars(o: { start: number; step: number; rows: number; nanEvery?: number }): Bars {
  const dice = new SeededDice(7);
  const bars = makeBars(o.rows);
  let price = 30_000;
  for (let i = 0; i < o.rows; i++) {
    const close = price * (1 + (dice.random() - 0.5) / 500);
    bars.ts[i] = o.start + i * o.step;
    bars.open[i] = price;
    bars.high[i] = Math.max(price, close) + dice.random();
    bars.low[i] = Math.min(price, close) - dice.random();
    bars.close[i] = close;
    bars.volume[i] = o.nanEvery && i % o.nanEvery === 0 ? NaN : dice.random() * 10;
    price = close;
  }
  return bars;
}

/** Cuts a frame into slices of at most `rows` rows. */
export async function* slicesOf(bars: Bars, rows = 4096): AsyncIterable<BarSlice> {
  for (let from = 0; from < bars.ts.length; from += rows) {
    const to = Math.min(bars.ts.length, from + rows);
    yield await Promise.resolve({ rows: to - from, bytes: encodeRows(viewBars(bars, from, to)) });
  }
}
