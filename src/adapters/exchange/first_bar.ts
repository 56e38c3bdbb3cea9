/**
 * Finds the first bar that a venue serves, and whether the market began there or the venue no longer goes back
 * further. At most `LISTING_SEARCH_MAX_CALLS` calls, from anywhere.
 *
 * Venues come in two kinds. Some answer "so many bars from `since` on": one early `since` brings the first bar. The
 * others answer "what lies in this span": there the first bar is found on the coarsest timeframe, where few calls
 * see all of history, and then step by step on finer ones. Where coarse bars are not to be had, by halving.
 *
 * That the first bar served is the first there was, is believed only where bars of a day (else of the next coarser
 * timeframe) do not begin earlier; a venue that keeps its last N bars shows older days.
 */

import { slotOf, slotStart } from "../../core/timeframe.ts";
import type { Probe, Prober, Scale } from "./probes.ts";

/** Pages that an outage may be long and is still told from the time before the listing for sure. */
const OUTAGE_PAGES = 6;
/** Before any exchange existed (2009-01-01). */
const EARLY_SEC = 1_230_768_000;
const DAY_SEC = 86_400;
const WEEK_SEC = 604_800;
/** Keep-the-last-N venues keep round numbers; a listing that many bars ago is a rare chance. */
const ROUND_COUNTS = [100, 120];

/** Where a venue's bars of one market and timeframe begin. */
export interface ServedFrom {
  /** Open time of the first bar served, epoch seconds. */
  start: number;
  /** Why there is none before. */
  reason: "not_listed" | "beyond_source_history";
  /** Of a venue that keeps its last bars: how many, the forming one included; else null. */
  kept: number | null;
}

/** The first bar served; null when none is found, or calls ran out. */
export async function findFirstBar(
  prober: Prober,
  { pageRows }: { pageRows: number },
): Promise<ServedFrom | null> {
  const early = await prober.probe(prober.own, { sinceSec: EARLY_SEC, limit: pageRows });
  if (early !== null) {
    const older = await firstOlderBar(prober, pageRows);
    return judged(prober, { probe: early, older, pageRows });
  }
  const coarse = await firstCoarseBar(prober, pageRows);
  const fine = coarse === null ? null : await refined(prober, { from: coarse, pageRows });
  if (fine !== null) return { start: slotStart(fine, prober.own.grid), reason: "not_listed", kept: null };
  const found = await halved(prober, { from: coarse === null ? EARLY_SEC : coarse.start, pageRows });
  if (found === null) return null;
  const isCut = coarse !== null && coarse.start + coarse.step <= found;
  return { start: found, reason: isCut ? "beyond_source_history" : "not_listed", kept: null };
}

/** Decides between "began here" and "goes back no further" for a venue that answers from its first bar on. */
function judged(
  prober: Prober,
  { probe, older, pageRows }: { probe: Probe; older: CoarseBar | null; pageRows: number },
): ServedFrom {
  const { grid } = prober.own;
  const start = slotStart(probe.first, grid);
  const forming = prober.forming(grid);
  const isCut = older === null ? looksKept(probe, { forming, pageRows }) : older.start + older.step <= start;
  if (!isCut) return { start, reason: "not_listed", kept: null };
  const isNow = probe.last >= forming - 1;
  return { start, reason: "beyond_source_history", kept: isNow ? forming - probe.first + 1 : null };
}

/**
 * Without anything to compare with: bars up to now that fill a page, or are a round number of slots, are what a venue
 * keeps, rather than what there ever was.
 */
function looksKept(
  { first, last, rows }: Probe,
  { forming, pageRows }: { forming: number; pageRows: number },
): boolean {
  const isFull = last >= forming - 1 && rows >= pageRows;
  return isFull || ROUND_COUNTS.some((round) => (forming - first + 1) % round === 0);
}

/** A bar of a coarser timeframe: its open time and length in seconds. */
interface CoarseBar {
  start: number;
  step: number;
  scale: Scale;
}

/** The first bar of a day, or of the next coarser timeframe where bars of a day are asked. One call. */
async function firstOlderBar(prober: Prober, pageRows: number): Promise<CoarseBar | null> {
  const above = prober.scalesAbove(prober.ownStep);
  const scale = above.find(({ step }) => step >= DAY_SEC) ?? above.at(-1);
  if (scale === undefined) return null;
  const probe = await prober.probe(scale, { sinceSec: EARLY_SEC, limit: pageRows });
  return probe === null ? null : { start: slotStart(probe.first, scale.grid), step: scale.step, scale };
}

/** Walks over all of history on the coarsest timeframe up to a week; null: nothing there. */
async function firstCoarseBar(prober: Prober, pageRows: number): Promise<CoarseBar | null> {
  const scale = prober.scalesAbove(prober.ownStep).filter(({ step }) => step <= WEEK_SEC).at(-1);
  if (scale === undefined) return null;
  const forming = prober.forming(scale.grid);
  // Half of the calls are kept for what comes after.
  const floor = Math.floor(prober.left / 2);
  for (let at = slotOf(EARLY_SEC, scale.grid); at <= forming && prober.left > floor; at += pageRows) {
    const limit = Math.min(pageRows, forming - at + 1);
    const probe = await prober.probe(scale, { sinceSec: slotStart(at, scale.grid), limit });
    if (probe !== null) return { start: slotStart(probe.first, scale.grid), step: scale.step, scale };
  }
  return null;
}

/** From a coarse bar down to the first bar of our own timeframe within it; null where there is none. Slot. */
async function refined(
  prober: Prober,
  { from, pageRows }: { from: CoarseBar; pageRows: number },
): Promise<number | null> {
  let bar = from;
  for (let depth = 0; depth < 8; depth++) {
    // A venue may leave out the coarse bar in which the listing falls, so the one before is looked at too.
    const start = bar.start - bar.step;
    const span = 2 * bar.step;
    const scale = prober.finestWithin({ span, pageRows, below: bar.step });
    if (scale === null) return await firstWithin(prober, { start, end: start + span, pageRows });
    const probe = await prober.probe(scale, { sinceSec: start, limit: Math.ceil(span / scale.step) });
    const found = probe === null ? null : slotStart(probe.first, scale.grid);
    if (found === null || found >= start + span) return null;
    if (scale.timeframe === prober.own.timeframe) return slotOf(found, prober.own.grid);
    bar = { start: found, step: scale.step, scale };
  }
  return null;
}

/** Pages through a span of our own timeframe for its first bar. Slot. */
async function firstWithin(
  prober: Prober,
  { start, end, pageRows }: { start: number; end: number; pageRows: number },
): Promise<number | null> {
  const { grid } = prober.own;
  const last = slotOf(end, grid);
  for (let at = slotOf(start, grid); at < last && prober.left > 0; at += pageRows) {
    const probe = await prober.probe(prober.own, { sinceSec: slotStart(at, grid), limit: pageRows });
    if (probe !== null) return probe.first < last ? probe.first : null;
  }
  return null;
}

/**
 * Halves the time between `from` and the newest page until the first page with bars is found, then looks back over
 * growing distances: what seemed the beginning may have been the end of an outage. Epoch seconds.
 */
async function halved(
  prober: Prober,
  { from, pageRows }: { from: number; pageRows: number },
): Promise<number | null> {
  const { grid } = prober.own;
  const newest = await prober.probe(prober.own, { limit: pageRows });
  if (newest === null) return null;
  const begin = slotOf(from, grid);
  let first: number | null = newest.first;
  for (let seen = first; first !== null; seen = first) {
    const found = await firstByHalves(prober, { low: begin, high: seen, pageRows });
    if (prober.left <= 0) return null;
    first = await firstBefore(prober, { begin, high: found, pageRows });
    if (first === null) return prober.left > 0 ? slotStart(found, grid) : null;
  }
  return null;
}

/** The first bar at or after `low`, if time falls into a part without bars and a part with them. Slot. */
async function firstByHalves(
  prober: Prober,
  { low, high, pageRows }: { low: number; high: number; pageRows: number },
): Promise<number> {
  let first = high;
  for (let at = low; at < first && prober.left > 0;) {
    const middle = Math.max(at, Math.floor((at + first - pageRows) / 2));
    const sinceSec = slotStart(middle, prober.own.grid);
    const probe = await prober.probe(prober.own, { sinceSec, limit: pageRows });
    if (probe !== null && probe.first < first) first = probe.first;
    else at = middle + pageRows;
  }
  return first;
}

/**
 * A bar before `high`: looked for page by page over the distance of a long outage, then on single pages at distances
 * that grow so that the calls left reach to `begin`. Slot.
 */
async function firstBefore(
  prober: Prober,
  { begin, high, pageRows }: { begin: number; high: number; pageRows: number },
): Promise<number | null> {
  const far = Math.max(1, prober.left - OUTAGE_PAGES - 1);
  const growth = Math.max(1.25, ((high - begin) / (OUTAGE_PAGES * pageRows)) ** (1 / far));
  let back = pageRows;
  for (let looks = 1; high - back >= begin && prober.left > 0; looks++) {
    const sinceSec = slotStart(high - back, prober.own.grid);
    const probe = await prober.probe(prober.own, { sinceSec, limit: pageRows });
    if (probe !== null && probe.first < high) return probe.first;
    back = looks < OUTAGE_PAGES ? back + pageRows : Math.ceil(back * growth);
  }
  return null;
}
