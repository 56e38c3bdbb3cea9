/**
 * A node's state seen as ranges: what is covered, what is open, what is due to be asked. Derived once per state and
 * kept with it, because a state never changes.
 */

import { explainMissing, joinFound, resolveLedger } from "../core/gaps.ts";
import type { FoundGap, Span } from "../core/gaps.ts";
import { isSettled } from "../core/gap_reason.ts";
import type { GapRecord, Snapshot } from "../core/manifest.ts";
import type { NodeState } from "../core/ports.ts";
import { slotOf, slotStart } from "../core/timeframe.ts";
import type { Grid } from "../core/timeframe.ts";
import { clipRange, isWithinOne, type Ranges, type TimeRange, toRanges } from "../core/time_range.ts";
import type { Compute } from "../compute/mod.ts";

/** Ranges are flat, sorted, coalesced and on the node's grid. */
export interface NodeView {
  state: NodeState;
  grid: Grid;
  /** What the ledger says, also where bars are. */
  spans: Span[];
  /** Slots with a final or a provisional bar. */
  withBar: Ranges;
  /** Slots whose missing bar has a settled reason. */
  settled: Ranges;
  /** Slots with a final bar or a settled reason. */
  covered: Ranges;
}

/**
 * A state that stands on the newest snapshot: what that has of slots which the hot store dropped counts as held (spec
 * §9). `chunks` and `ledger` are those of the hot store alone.
 */
export interface UnderlaidState extends NodeState {
  /** The hot store's own state; null for a node that it does not know. */
  hot: NodeState | null;
  snapshot: Snapshot;
  /** Slots whose bar is the snapshot's, and so in `final` too. */
  dropped: Ranges;
  /** Settled gaps that the snapshot alone knows, ascending. */
  publishedGaps: GapRecord[];
}

/** Whether some of the state comes from the newest snapshot. */
export function isUnderlaid(state: NodeState): state is UnderlaidState {
  return "dropped" in state;
}

const NONE: Ranges = new Float64Array(0);

const views = new WeakMap<NodeState, NodeView>();

/** The view of a state; computed at the first call for that state. */
export function viewOf(state: NodeState, compute: Compute): NodeView {
  const known = views.get(state);
  if (known !== undefined) return known;
  const grid = state.node.grid;
  const spans = resolveLedger(state.ledger);
  const provisional = compute.segmentsOf(state.provisional.ts, grid);
  const withBar = compute.mergeRanges(joined(state.final, provisional), grid);
  const settledSpans = joined(rangesOf(spans, (span) => isSettled(span.reason)), publishedIn(state));
  const settled = compute.subtractRanges(settledSpans, withBar, grid);
  const covered = compute.mergeRanges(joined(state.final, settled), grid);
  const view = { state, grid, spans, withBar, settled, covered };
  views.set(state, view);
  return view;
}

/** Runs without a bar inside `range`, each with its reason. */
export function gapsOf(view: NodeView, range: TimeRange, compute: Compute): FoundGap[] {
  if (isWithinOne(range, view.withBar)) return [];
  const missing = compute.missingRanges(range, view.withBar, view.grid);
  const published = publishedIn(view.state);
  if (published.length === 0) return explainMissing(missing, view.spans);
  const told = explainMissing(compute.subtractRanges(missing, published, view.grid), view.spans);
  return joinFound([...told, ...publishedGapsIn(view.state, range)]);
}

/** The ranges of the gaps that the snapshot alone knows. */
function publishedIn(state: NodeState): Ranges {
  return isUnderlaid(state) ? toRanges(state.publishedGaps.map(({ start, end }) => [start, end])) : NONE;
}

function publishedGapsIn(state: NodeState, range: TimeRange): FoundGap[] {
  if (!isUnderlaid(state)) return [];
  return state.publishedGaps.flatMap(({ start, end, reason }): FoundGap[] => {
    const part = clipRange([start, end], range);
    return part === null ? [] : [{ start: part[0], end: part[1], reason, row: null }];
  });
}

/** Slots of `range` that are neither held nor settled at venue time `now` (spec §1, §4). */
export function openSlots(view: NodeView, range: TimeRange, now: number, compute: Compute): Ranges {
  if (isWithinOne(range, view.covered)) return NONE;
  const held = joined(view.covered, freshProvisional(view, now));
  return compute.missingRanges(range, held, view.grid);
}

/** What an ask is allowed to touch: a request asks open slots, a fill also settled ones that fell due, a refetch all. */
export type AskScope = "open" | "due" | "all";

/** Slots of `range` that should be asked now. */
export function dueSlots(
  view: NodeView,
  range: TimeRange,
  o: { now: number; scope: AskScope },
  compute: Compute,
): Ranges {
  if (o.scope === "all") return range[0] < range[1] ? toRanges([range]) : toRanges([]);
  const open = openSlots(view, range, o.now, compute);
  const resting = restingSlots(view, o.now, compute);
  const askNow = resting.length === 0 ? open : compute.subtractRanges(open, resting, view.grid);
  if (o.scope === "open") return askNow;
  const fallenDue = rangesOf(
    view.spans,
    ({ reason, row }) => isSettled(reason) && row.nextAsk !== null && row.nextAsk <= o.now,
  );
  if (fallenDue.length === 0) return askNow;
  const again = compute.intersectRanges(
    compute.subtractRanges(fallenDue, view.withBar, view.grid),
    toRanges([range]),
    view.grid,
  );
  return compute.mergeRanges(joined(askNow, again), view.grid);
}

/**
 * Open, but not to be asked now: quarantined until somebody asks by hand, pending until its next try. A provisional
 * bar under a pending answer does not rest: what is to be asked again is the bar, not a hole beside it.
 */
function restingSlots(view: NodeView, now: number, compute: Compute): Ranges {
  const refused = rangesOf(view.spans, (span) => span.reason === "quarantined");
  const waiting = rangesOf(
    view.spans,
    ({ reason, row }) => reason === "pending" && row.nextAsk !== null && row.nextAsk > now,
  );
  if (waiting.length === 0) return refused;
  return joined(refused, compute.subtractRanges(waiting, view.withBar, view.grid));
}

function rangesOf(spans: readonly Span[], wanted: (span: Span) => boolean): Ranges {
  return toRanges(spans.filter(wanted).map((span) => [span.start, span.end]));
}

/**
 * Provisional bars still as fresh as can be: asked since the newest bar closed. An older one is due again, because
 * the next bar's close may have changed it (spec §4).
 */
function freshProvisional(view: NodeView, now: number): Ranges {
  const fresh: TimeRange[] = [];
  for (const ts of view.state.provisional.ts) {
    const span = spanAt(view.spans, ts);
    if (span === null || slotOf(span.row.askedAt, view.grid) < slotOf(now, view.grid)) continue;
    fresh.push([ts, slotStart(slotOf(ts, view.grid) + 1, view.grid)]);
  }
  return toRanges(fresh);
}

/** The span that holds `t`, or null. */
export function spanAt(spans: readonly Span[], t: number): Span | null {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (spans[middle].end <= t) low = middle + 1;
    else high = middle;
  }
  const span = spans[low];
  return span !== undefined && span.start <= t ? span : null;
}

/** Two lists of ranges as one, unsorted: the core sorts and coalesces. */
export function joined(a: Ranges, b: Ranges): Ranges {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  const both = new Float64Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
