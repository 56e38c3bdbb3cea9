/** Tells gaps as they are found: after each window that was asked, the runs of it that have no bar, with their reasons. */

import { gapsOf, viewOf } from "../backfill/node_view.ts";
import type { Compute } from "../compute/mod.ts";
import type { BarStore } from "../core/ports.ts";
import type { ServiceEvent } from "../core/service.ts";
import { slotCount } from "../core/timeframe.ts";
import type { TimeRange } from "../core/time_range.ts";
import type { EventHub } from "./events.ts";

export interface GapEventsParts {
  events: EventHub;
  store: BarStore;
  compute: Compute;
  /** Work that nobody waits for but the end of the service. */
  background: (work: Promise<unknown>) => void;
}

/** Hears of windows and tells their gaps on the hub. A look at the ledger is only taken while somebody listens. */
export function gapTeller(
  { events, store, compute, background }: GapEventsParts,
): (event: ServiceEvent) => void {
  const tell = async (nodeId: string, range: TimeRange): Promise<void> => {
    const state = await store.stateWithin(nodeId, range);
    if (state === null) return;
    for (const { start, end, reason } of gapsOf(viewOf(state, compute), range, compute)) {
      const bars = slotCount([start, end], state.node.grid);
      events.emit({ type: "gap", node_id: nodeId, start, end, bars, reason });
    }
  };
  return (event) => {
    if (event.type !== "backfill" || !ENDED.has(event.phase) || events.listeners === 0) return;
    background(tell(event.node_id, [event.start, event.end]));
  };
}

/** A failed ask leaves gaps too: they say so. */
const ENDED: ReadonlySet<string> = new Set(["complete", "fail"]);
