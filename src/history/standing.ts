/** Where a live request stands before and after its fill, and what can be counted of it without reading a row. */

import type { NodeSite } from "../backfill/backfiller.ts";
import { isUnderlaid } from "../backfill/node_view.ts";
import type { Window } from "../backfill/plan.ts";
import { slotCount } from "../core/timeframe.ts";
import { clipRange, type Ranges, type TimeRange, toPairs } from "../core/time_range.ts";

export interface Standing {
  site: NodeSite;
  now: number;
  requested: TimeRange;
  effective: TimeRange;
  /** Open slots of the effective range. */
  open: Ranges;
}

/** Whether the node stands as it is known, by its state in the hot store and the venue's time. */
export function isAsKnown(known: Standing, hot: NodeSite, now: number): boolean {
  const { state } = known.site;
  const knownHot = state !== null && isUnderlaid(state) ? state.hot : state;
  return knownHot === hot.state && known.now === now;
}

/** Whether not a single bar of the node is stored or published. */
export function holdsNothing(site: NodeSite): boolean {
  return site.state === null || site.state.final.length + site.state.provisional.ts.length === 0;
}

/** Bars of the effective range, counted from runs: no row is read. */
export function barsIn(standing: Standing): number {
  const { site, effective: [start, end] } = standing;
  if (site.state === null) return 0;
  let bars = 0;
  for (const [from, to] of toPairs(site.state.final)) {
    if (from < end && to > start) bars += slotCount([Math.max(from, start), Math.min(to, end)], site.grid);
  }
  for (const ts of site.state.provisional.ts) if (ts >= start && ts < end) bars++;
  return bars;
}

/** Open slots of the answer that a window holds. */
export function openInside({ open, site }: Standing, window: Window): number {
  const parts = toPairs(open).map((range) => clipRange(range, [window.start, window.end]));
  return parts.reduce((slots, part) => slots + (part === null ? 0 : slotCount(part, site.grid)), 0);
}

/** The first open slot inside a window. */
export function firstOpen(open: Ranges, window: Window): number {
  for (let i = 0; i < open.length; i += 2) {
    if (open[i + 1] > window.start && open[i] < window.end) return Math.max(open[i], window.start);
  }
  return window.start;
}
