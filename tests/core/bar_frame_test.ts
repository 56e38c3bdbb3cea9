import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { type Bars, barsBetween, barsWhere, concatBars, emptyBars } from "../../src/core/bar_frame.ts";

function barsAt(...times: number[]): Bars {
  const column = (shift: number) => Float64Array.from(times, (ts) => ts + shift);
  return {
    ts: column(0),
    open: column(0.1),
    high: column(0.2),
    low: column(0.3),
    close: column(0.4),
    volume: column(0.5),
  };
}

Deno.test("barsWhere() keeps whole rows, in new memory, and hands back a frame of which all is kept", () => {
  const frame = barsAt(0, 60, 120, 180);
  const kept = barsWhere(frame, (ts) => ts % 120 === 0);
  deepStrictEqual(kept, barsAt(0, 120));
  kept.open[0] = 7;
  strictEqual(frame.open[0], 0.1);
  strictEqual(barsWhere(frame, () => true), frame);
  deepStrictEqual(barsWhere(frame, () => false), emptyBars());
});

Deno.test("barsBetween() is half-open, and a view on the frame", () => {
  const frame = barsAt(0, 60, 120, 180);
  deepStrictEqual(barsBetween(frame, 60, 180), barsAt(60, 120));
  deepStrictEqual(barsBetween(frame, 61, 61), emptyBars());
  deepStrictEqual(barsBetween(frame, 180, 60), emptyBars());
  strictEqual(barsBetween(frame, 60, 180).ts.buffer, frame.ts.buffer);
});

Deno.test("concatBars() joins frames end to end", () => {
  deepStrictEqual(concatBars([barsAt(0), emptyBars(), barsAt(60, 120)]), barsAt(0, 60, 120));
  deepStrictEqual(concatBars([]), emptyBars());
});
