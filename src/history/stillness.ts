/**
 * Answers that would be given again as they are: nothing was fetched for them, everything in them is final, and
 * neither what is stored nor what is published changed since. Short questions come again thousands of times a second;
 * one that has such an answer need not be worked out anew (what the clock says in it is compared as well).
 */

import { formingStart } from "../core/effective_range.ts";
import type { Metadata } from "../core/metadata.ts";
import type { Grid } from "../core/timeframe.ts";
import type { AsOfRegister, BarStore, Clock } from "../core/ports.ts";
import { ageOf, wholeSeconds } from "./answer_metadata.ts";
import type { Heads } from "./heads.ts";
import type { Question } from "./question.ts";

export interface StillParts {
  store: BarStore;
  asOf: AsOfRegister;
  clock: Clock;
  heads: Heads | null;
}

/** What was written, told before an answer is worked out; null when that cannot be told without waiting. */
export interface Marks {
  store: number;
  asOf: number;
}

/** How the stores stand. */
export function marksOf({ store, asOf }: StillParts): Marks | null {
  const marks = { store: store.mark(), asOf: asOf.mark() };
  return marks.store === null || marks.asOf === null ? null : marks as Marks;
}

/**
 * Says whether an answer of domain live would be given again, or `undefined` when that depends on more than is looked
 * at here: on the newest bars, on a fetch, on a wait that shows in the answer. `before`: the marks before the answer's
 * first look at what is stored; `venueNow`: venue time, epoch seconds.
 */
export function stillnessOf(
  o: { question: Question; grid: Grid; metadata: Metadata; before: Marks | null; venueNow: () => number },
  parts: StillParts,
): (() => boolean) | undefined {
  const { question, grid, metadata, before } = o;
  const [, end] = metadata.effective_range;
  const isPast = () => formingStart(o.venueNow(), grid) > end;
  const head = parts.heads?.peek(question.nodeId);
  const isLasting = before !== null && question.bounds.end !== null && isPast() && isFinal(metadata) &&
    tookNoTime(metadata);
  if (!isLasting || (parts.heads !== null && head === undefined)) return undefined;
  const isStill = () =>
    parts.store.mark() === before.store && parts.asOf.mark() === before.asOf &&
    parts.heads?.peek(question.nodeId) === head &&
    wholeSeconds(ageOf(metadata.coverage_bounds, parts.clock)) === metadata.staleness_seconds && isPast();
  // What was written while the answer was made may or may not be in it.
  return isStill() ? isStill : undefined;
}

/** Nothing in it is provisional, open, to be asked again, or fetched for it. */
function isFinal(
  { complete, final_until, effective_range, retry_after, verdict, sources }: Metadata,
): boolean {
  const wasHeld = sources !== null && sources.backfill === 0 && sources.live === 0;
  return complete && final_until === effective_range[1] && retry_after === null && verdict.mode === "PASS" &&
    wasHeld;
}

/** All phases are told as 0 ms, as they would be of an answer that is not worked out at all. */
function tookNoTime({ sla }: Metadata): boolean {
  return sla !== null && sla.violation === null && Object.values(sla.phases).every(({ ms }) => ms === 0);
}
