/** Random grids, ranges and frames: unsorted, overlapping, off-grid, inverted, before 1970, months, 16:00 anchors, odd floats. */
import type { Bars, Grid, TimeRange, Trades } from "../../../src/compute/mod.ts";
import { slotBegin } from "../twin/slots.ts";
import type { Dice } from "./random.ts";

const GRIDS: Grid[] = [
  { step: 60 },
  { step: 1, anchor: 0 },
  { step: 5, anchor: -35 },
  { step: 300, anchor: 150 },
  { step: 3600, anchor: 1800 },
  { step: 86_400, anchor: 57_600 },
  { step: 604_800, anchor: 345_600 },
  { step: 7, anchor: 3 },
  { unit: "month" },
];

/** A grid, now and then calendar months or one with an odd anchor. */
export function randomGrid(dice: Dice): Grid {
  return dice.pick(GRIDS);
}

/** A slot near the epoch, before it, today, or far away. */
export function randomSlot(dice: Dice, grid: Grid): number {
  const step = "step" in grid ? grid.step : 2_592_000;
  const time = dice.pick([0, -7_776_000, 1_700_000_000, 951_782_400, -2_203_891_200, 253_402_300_800]);
  return Math.floor(time / step) + dice.whole(-30, 30);
}

/** A time on the grid near a slot, or off it by seconds, or by a fraction. */
export function randomTime(dice: Dice, grid: Grid, slot: number): number {
  const time = slotBegin(slot, grid);
  if (dice.chance(0.6)) return time;
  return dice.chance(0.7) ? time + dice.whole(-9, 9) : time + dice.pick([0.5, -0.25, 0.001]);
}

/** Ranges of any kind around a slot. */
export function randomRanges(dice: Dice, grid: Grid, around: number): TimeRange[] {
  return Array.from({ length: dice.whole(0, 8) }, (): TimeRange => {
    const from = around + dice.whole(0, 40);
    const start = randomTime(dice, grid, from);
    if (dice.chance(0.1)) return [start, start];
    return [start, randomTime(dice, grid, from + dice.whole(-3, 14))];
  });
}

const ODD = [
  0,
  -0,
  NaN,
  Infinity,
  -Infinity,
  5e-324,
  -5e-324,
  2.2250738585072011e-308,
  1.7976931348623157e308,
  -1,
];
const nanBits = new DataView(new ArrayBuffer(8));

/** A price or amount: mostly ordinary, sometimes odd; NaN with any payload. */
export function randomNumber(dice: Dice, oddness: number): number {
  if (!dice.chance(oddness)) return dice.chance(0.2) ? dice.whole(0, 4) : Math.round(dice.next() * 1e6) / 100;
  if (dice.chance(0.7)) return dice.pick(ODD);
  nanBits.setUint32(0, dice.pick([0x7ff80000, 0xfff80000, 0x7ff00000]) | dice.whole(0, 255));
  nanBits.setUint32(4, dice.whole(1, 0x7fffffff));
  return nanBits.getFloat64(0);
}

/** A frame of bars on the grid, sorted, with holes. `oddness` is the share of odd numbers in it. */
export function randomBars(
  dice: Dice,
  grid: Grid,
  o: { around: number; rows: number; oddness: number },
): Bars {
  const ts: number[] = [];
  let slot = o.around;
  for (let i = 0; i < o.rows; i++) {
    ts.push(slotBegin(slot, grid));
    slot += dice.chance(0.8) ? 1 : dice.whole(2, 9);
  }
  const column = () => Float64Array.from(ts, () => randomNumber(dice, o.oddness));
  const volume = Float64Array.from(ts, () => dice.chance(0.3) ? 0 : randomNumber(dice, o.oddness));
  return {
    ts: Float64Array.from(ts),
    open: column(),
    high: column(),
    low: column(),
    close: column(),
    volume,
  };
}

const IDS = ["", "0", "00", "a", "B", "9a", "\u00e9", "\uffee", "\u{1f600}", "t-1", "~"];

/** An id: digits of any length, text, text beyond ASCII. */
export function randomId(dice: Dice): string {
  if (dice.chance(0.5)) return String(dice.whole(0, 30));
  if (dice.chance(0.3)) return "0".repeat(dice.whole(0, 2)) + String(dice.whole(0, 12));
  return dice.chance(0.3) ? `1844674407370955161${dice.whole(0, 9)}` : dice.pick(IDS) + dice.pick(IDS);
}

/** A frame of trades, sorted by the order given. */
export function randomTrades(
  dice: Dice,
  o: { startMs: number; rows: number; oddness: number; compareIds: (a: string, b: string) => number },
): Trades {
  const seen = new Set<string>();
  const rows: { t: number; id: string }[] = [];
  let t = o.startMs;
  for (let i = 0; i < o.rows; i++) {
    const id = randomId(dice);
    if (seen.has(id)) continue;
    seen.add(id);
    rows.push({ t, id });
    t += dice.chance(0.4) ? 0 : dice.pick([1, 7, 999, 1000, 30_000, 61_000]);
  }
  rows.sort((a, b) => a.t - b.t || o.compareIds(a.id, b.id));
  return {
    ts_ms: Float64Array.from(rows, (row) => row.t),
    price: Float64Array.from(rows, () => randomNumber(dice, o.oddness)),
    amount: Float64Array.from(rows, () => dice.chance(0.2) ? 0 : randomNumber(dice, o.oddness)),
    side: Int8Array.from(rows, () => dice.whole(-1, 1)),
    id: rows.map((row) => row.id),
  };
}
