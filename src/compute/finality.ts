/** Which bars are final (spec §6). */
import { BAR_COLUMNS, type Bars, firstAtOrAfter, makeBars } from "../core/bar_frame.ts";
import { TIME_LIMIT_SEC } from "../core/limits.ts";
import { checkGrid, type Grid } from "../core/timeframe.ts";
import { checkBars, checkBarTimes, checkOptions, checkTime } from "./arguments.ts";
import type { Door } from "./door.ts";

/** See `Compute.stabilize`. */
export function stabilize(
  door: Door,
  frame: Bars,
  o: { grid: Grid; stabilizationBars: number; observedAt: number },
): { frame: Bars; watermark: number; trimmed: number } {
  checkBars(frame, "frame");
  checkOptions(o, "stabilize");
  checkGrid(o.grid);
  checkTime(o.observedAt, "observedAt");
  if (typeof o.stabilizationBars !== "number") throw new TypeError("stabilizationBars must be a number");
  if (!Number.isSafeInteger(o.stabilizationBars) || o.stabilizationBars < 0) {
    throw new RangeError(`stabilizationBars must be a whole number from 0, not ${o.stabilizationBars}`);
  }
  checkBarTimes(frame.ts, o.grid);
  door.useGrid(o.grid);
  const watermark = door.wasm.watermark(o.observedAt, o.stabilizationBars);
  if (!(Math.abs(watermark) < TIME_LIMIT_SEC)) {
    throw new RangeError(`stabilizationBars ${o.stabilizationBars} reach back beyond all times (2^43 s)`);
  }
  const rows = firstAtOrAfter(frame.ts, watermark);
  const final = makeBars(rows);
  for (const name of BAR_COLUMNS) final[name].set(frame[name].subarray(0, rows));
  return { frame: final, watermark, trimmed: frame.ts.length - rows };
}
