/** Finality, slow and obvious: each bar is asked alone. */
import type { Grid } from "../../../src/compute/mod.ts";
import { slotAt, slotBegin } from "./slots.ts";

/** Which bars are final, and the start of the first slot that is not. */
export function stabilize(ts: number[], o: { grid: Grid; stabilizationBars: number; observedAt: number }) {
  const now = slotAt(o.observedAt, o.grid);
  const final = ts.filter((t) => slotAt(t, o.grid) + o.stabilizationBars < now);
  let slot = now - o.stabilizationBars - 3;
  while (slot + o.stabilizationBars < now) slot++;
  return { final, watermark: slotBegin(slot, o.grid), trimmed: ts.length - final.length };
}
