/** Finds the end of the last bar of a market that is no longer traded. */

import { slotStart } from "../../core/timeframe.ts";
import type { Prober } from "./probes.ts";

const DAY_SEC = 86_400;

/**
 * End of the last bar, epoch seconds: of the newest bar on our own timeframe, or, where a venue shows no bars that
 * old without being asked for them, of the last one inside its newest day or week. Null when there is none.
 */
export async function lastBarEnd(prober: Prober, pageRows: number): Promise<number | null> {
  const { own } = prober;
  const newest = await prober.probe(own, { limit: pageRows });
  if (newest !== null) return slotStart(newest.last + 1, own.grid);
  for (const scale of prober.scalesAbove(prober.ownStep).filter(({ step }) => step >= DAY_SEC).slice(0, 2)) {
    const probe = await prober.probe(scale, { limit: pageRows });
    if (probe === null) continue;
    return await refinedEnd(prober, { start: slotStart(probe.last, scale.grid), step: scale.step, pageRows });
  }
  return null;
}

/** Goes down from a coarse bar to the last bar of our own timeframe within it; the coarse bar's end where that fails. */
async function refinedEnd(
  prober: Prober,
  from: { start: number; step: number; pageRows: number },
): Promise<number> {
  let { start, step } = from;
  for (let depth = 0; depth < 6 && step > prober.ownStep; depth++) {
    const scale = prober.finestWithin({ span: step, pageRows: from.pageRows, below: step });
    if (scale === null) break;
    const probe = await prober.probe(scale, { sinceSec: start, limit: Math.ceil(step / scale.step) });
    if (probe === null) break;
    start = slotStart(probe.last, scale.grid);
    step = scale.step;
  }
  return start + step;
}
