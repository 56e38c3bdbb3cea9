/** Closed and final: which slot is the first that may still change. */
import { slotOf, slotStart } from "./grid";

/**
 * The start of the first slot that is not final at `observedAt`: a bar is final if
 * slot + stabilizationBars < slot(observedAt) (spec §6).
 */
export function watermark(observedAt: f64, stabilizationBars: f64): f64 {
  return slotStart(slotOf(observedAt) - stabilizationBars);
}
