/** Range math: lists of pairs go in, a sorted and coalesced list comes out. */
import { checkGrid, type Grid } from "../core/timeframe.ts";
import type { Ranges, TimeRange } from "../core/time_range.ts";
import { checkFloats, checkRange, checkRanges } from "./arguments.ts";
import type { Door } from "./door.ts";

/** Times in the arena at once: they stay in a processor's first cache between copy and look. */
const SLAB_TIMES = 4096;
const PAIR_BYTES = 16;
/** Where ranges that are taken away begin, behind an aligned address: by its parity a sweep tells (wasm/sweep.ts). */
const CUT_OFFSET = 8;
/** What a sweep writes beyond its result: its parts begin on addresses of their own. */
const SWEEP_ROOM = 4 * PAIR_BYTES + PAIR_BYTES;

/** See `Compute.mergeRanges`. */
export function mergeRanges(door: Door, held: Ranges, grid: Grid): Ranges {
  checkRanges(held, "held");
  checkGrid(grid);
  return door.scoped(() => {
    door.useGrid(grid);
    const list = door.copyIn(held);
    const count = door.checked(door.wasm.mergeRanges(list, held.length / 2), "merge ranges");
    return new Float64Array(door.f64(list, count * 2));
  });
}

/** See `Compute.missingRanges`. */
export function missingRanges(door: Door, wanted: TimeRange, held: Ranges, grid: Grid): Ranges {
  checkRange(wanted, "wanted");
  checkRanges(held, "held");
  checkGrid(grid);
  return subtract(door, { base: Float64Array.of(wanted[0], wanted[1]), cut: held, grid, wanted: true });
}

/** See `Compute.subtractRanges`. */
export function subtractRanges(door: Door, held: Ranges, cut: Ranges, grid: Grid): Ranges {
  checkRanges(held, "held");
  checkRanges(cut, "cut");
  checkGrid(grid);
  return subtract(door, { base: held, cut, grid, wanted: false });
}

/** See `Compute.intersectRanges`. */
export function intersectRanges(door: Door, held: Ranges, wanted: Ranges, grid: Grid): Ranges {
  checkRanges(held, "held");
  checkRanges(wanted, "wanted");
  checkGrid(grid);
  return door.scoped(() => {
    door.useGrid(grid);
    const a = copyRanges(door, held);
    const b = copyRanges(door, wanted);
    const out = door.alloc((held.length + wanted.length) * 8 + SWEEP_ROOM);
    const found = door.wasm.intersectRanges(a, held.length / 2, b, wanted.length / 2, out);
    return new Float64Array(door.f64(out, door.checked(found, "intersect ranges") * 2));
  });
}

/** See `Compute.segmentsOf`. */
export function segmentsOf(door: Door, ts: Float64Array, grid: Grid): Ranges {
  checkFloats(ts, "ts");
  checkGrid(grid);
  return door.scoped(() => {
    door.useGrid(grid);
    const times = door.alloc(SLAB_TIMES * 8);
    // Runs are few where times are many: their room grows slab by slab, end to end, behind the times.
    const out = door.alloc(0);
    let [room, runs, back] = [0, 0, 0];
    for (let from = 0; from < ts.length; from += SLAB_TIMES) {
      const slab = ts.subarray(from, from + SLAB_TIMES);
      if (runs + slab.length > room) {
        door.alloc((room + SLAB_TIMES) * PAIR_BYTES);
        room += room + SLAB_TIMES;
      }
      door.f64(times, slab.length).set(slab);
      runs = door.checked(door.wasm.addSegments(times, slab.length, out, runs), "find segments");
      back += door.result(0);
    }
    runs = door.checked(door.wasm.closeSegments(out, runs, back > 0 ? 1 : 0), "find segments");
    return new Float64Array(door.f64(out, runs * 2));
  });
}

/** One of the two is what somebody wants and snaps outward: the base when `wanted`, else the cut. */
function subtract(door: Door, o: { base: Ranges; cut: Ranges; grid: Grid; wanted: boolean }): Ranges {
  return door.scoped(() => {
    door.useGrid(o.grid);
    const base = copyRanges(door, o.base);
    const cut = copyRanges(door, o.cut, CUT_OFFSET);
    // Without a sweep the result stands where the cut stood.
    const out = door.alloc((o.base.length + o.cut.length) * 8 + SWEEP_ROOM);
    const left = door.wasm.subtractRanges(
      base,
      o.base.length / 2,
      cut,
      o.cut.length / 2,
      out,
      o.wanted ? 1 : 0,
    );
    const count = door.checked(left, "subtract ranges");
    return new Float64Array(door.f64(door.result(0), count * 2));
  });
}

/** Copies ranges into the arena, `offset` bytes behind an aligned address, with room for a bound behind them. */
function copyRanges(door: Door, ranges: Ranges, offset = 0): number {
  const at = door.alloc(ranges.length * 8 + PAIR_BYTES) + offset;
  door.f64(at, ranges.length).set(ranges);
  return at;
}
