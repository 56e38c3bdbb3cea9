/**
 * Slots that the hot store dropped are those of the newest snapshot, before anything is asked of a venue (spec §9).
 * Here a node's state is laid over that snapshot; whatever looks at the result sees slots that are held.
 */

import { barsWhere, emptyBars } from "../core/bar_frame.ts";
import type { FindingRecord, Snapshot } from "../core/manifest.ts";
import { parseNodeId } from "../core/node_id.ts";
import type { Finding, NodeState } from "../core/ports.ts";
import { contains, gapsOutside, gapsWithin, rangesOfGaps } from "../core/snapshot_merge.ts";
import { type Grid, isMonthGrid } from "../core/timeframe.ts";
import { type Ranges, type TimeRange, toRanges } from "../core/time_range.ts";
import type { Compute } from "../compute/mod.ts";
import { changedAnchor, usualVolumeUnit } from "./ask.ts";
import { isUnderlaid, joined, type UnderlaidState, viewOf } from "./node_view.ts";
import type { Published, PublishedSlots } from "./published_slots.ts";

/** A node as the hot store knows it. */
export interface HotNode {
  nodeId: string;
  state: NodeState | null;
  /** The grid that stored bars fix; null where the node's first rows would decide. */
  fixedGrid: Grid | null;
  /** The anchor that is configured for a node without stored bars, epoch seconds. */
  anchor?: number | null;
}

export class Underlay {
  readonly #published: PublishedSlots;
  readonly #compute: Compute;
  /** By snapshot, then by the hot state that was laid over it: neither ever changes. */
  readonly #laid = new WeakMap<Published, { onNothing?: NodeState; on: WeakMap<NodeState, NodeState> }>();

  constructor(parts: { published: PublishedSlots; compute: Compute }) {
    this.#published = parts.published;
    this.#compute = parts.compute;
  }

  /**
   * The node's state over its newest snapshot, of which only what lies in `range` is looked at when one is given. The
   * very state where the snapshot adds nothing; a node that the hot store does not know has at least the snapshot's grid.
   * `CONFORMANCE_BLOCKED` where another anchor is configured than the snapshot has.
   */
  async under(node: HotNode, range?: TimeRange): Promise<NodeState | null> {
    const { nodeId, state, fixedGrid } = node;
    if (state !== null && isUnderlaid(state)) return state;
    const published = await this.#published.newest(nodeId);
    if (published === null) return state;
    const grid: Grid = published.snapshot.manifest.grid;
    if (fixedGrid !== null && !sameGrid(fixedGrid, grid)) return state;
    checkAnchor(node, grid);
    // What was asked on another grid, without a bar to show for it, says nothing of these slots.
    const hot = state !== null && sameGrid(state.node.grid, grid) ? state : null;
    const laid = this.#laidOn(published);
    const kept = range !== undefined ? undefined : hot === null ? laid.onNothing : laid.on.get(hot);
    if (kept !== undefined) return kept;
    const made = await this.#lay({ nodeId, hot, published, range });
    if (made === null) return state;
    if (range !== undefined) return made;
    if (hot === null) laid.onNothing = made;
    else laid.on.set(hot, made);
    return made;
  }

  #laidOn(published: Published) {
    let laid = this.#laid.get(published);
    if (laid === undefined) this.#laid.set(published, laid = { on: new WeakMap() });
    return laid;
  }

  async #lay(
    o: { nodeId: string; hot: NodeState | null; published: Published; range?: TimeRange },
  ): Promise<NodeState | null> {
    const { nodeId, hot, published, range } = o;
    const { snapshot } = published;
    const grid: Grid = snapshot.manifest.grid;
    const hotView = hot === null ? null : viewOf(hot, this.#compute);
    const wanted = range === undefined
      ? published.covered
      : this.#compute.intersectRanges(published.covered, toRanges([range]), grid);
    const slots = hotView === null ? wanted : this.#compute.subtractRanges(wanted, hotView.covered, grid);
    if (slots.length === 0 && hot !== null) return hot;
    const listed = slots.length === 0
      ? { gaps: [], findings: [], lost: [] }
      : await this.#published.listed(published, [slots[0], slots[slots.length - 1]]);
    if (listed === null) return null;
    const settled = gapsWithin(listed.gaps, slots, grid);
    const without = joined(rangesOfGaps(settled), toRanges(listed.lost));
    const dropped = this.#compute.subtractRanges(slots, without, grid);
    const laid: UnderlaidState = {
      ...(hot ?? stateOfNothing(nodeId, grid)),
      final: hot === null ? dropped : this.#compute.mergeRanges(joined(hot.final, dropped), grid),
      provisional: hot === null ? emptyBars() : barsWhere(hot.provisional, (ts) => !contains(dropped, ts)),
      findings: findingsOver(slots, { hot: hot?.findings ?? [], listed: listed.findings, snapshot }),
      hot,
      snapshot,
      dropped,
      publishedGaps: hotView === null ? settled : gapsOutside(settled, hotView.withBar, grid),
    };
    return laid;
  }
}

/** The same refusal as where the hot store has the bars: on another grid they would be nobody's. */
function checkAnchor({ nodeId, anchor = null }: HotNode, grid: Grid): void {
  if (anchor === null || isMonthGrid(grid) || (anchor - (grid.anchor ?? 0)) % grid.step === 0) return;
  const parsed = parseNodeId(nodeId);
  throw changedAnchor({ parsed, wanted: anchor, inUse: grid.anchor ?? 0, what: "published" });
}

/** A node that the hot store does not know. Its unit is the usual one: only who fetches learns the venue's. */
function stateOfNothing(nodeId: string, grid: Grid): NodeState {
  return {
    node: { nodeId, grid, volumeUnit: usualVolumeUnit(parseNodeId(nodeId).symbol) },
    revision: 0,
    final: new Float64Array(0),
    chunks: [],
    provisional: emptyBars(),
    ledger: [],
    findings: [],
  };
}

/** What was found in slots that the hot store dropped is what the snapshot says of them. */
function findingsOver(
  slots: Ranges,
  { hot, listed, snapshot }: {
    hot: readonly Finding[];
    listed: readonly FindingRecord[];
    snapshot: Snapshot;
  },
): Finding[] {
  const own = hot.filter(({ ts }) => !contains(slots, ts));
  const published = listed.filter(({ ts }) => contains(slots, ts)).map((finding): Finding => ({
    ...finding,
    window: snapshot.manifest.range,
    seenAtMs: snapshot.asOfMs,
  }));
  return [...own, ...published].sort((a, b) => a.ts - b.ts);
}

/** Whether two grids have the same slots. */
export function sameGrid(a: Grid, b: Grid): boolean {
  if (isMonthGrid(a) || isMonthGrid(b)) return isMonthGrid(a) === isMonthGrid(b);
  return a.step === b.step && (a.anchor ?? 0) === (b.anchor ?? 0);
}
