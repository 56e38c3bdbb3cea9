/** What reads and fills ask of published history: the newest snapshot, for slots that the hot store dropped (spec §9). */

import type { Bars } from "../core/bar_frame.ts";
import type { FindingRecord, GapRecord, Snapshot } from "../core/manifest.ts";
import type { Ranges, TimeRange } from "../core/time_range.ts";
import type { UnderlaidState } from "./node_view.ts";

/** The newest snapshot of a node, as far as it can be read. The same object as long as nothing changed. */
export interface Published {
  snapshot: Snapshot;
  /** Slots that it covers and that can be read: flat, sorted, coalesced, on its grid. */
  covered: Ranges;
}

/** Looks at snapshots for the hot store. What cannot be read is logged there, and counts as not there. */
export interface PublishedSlots {
  newest(nodeId: string): Promise<Published | null>;
  /** Settled gaps and findings inside the range; null when they cannot be read. */
  listed(
    published: Published,
    range: TimeRange,
  ): Promise<{ gaps: GapRecord[]; findings: FindingRecord[] } | null>;
  /** The rows of dropped slots inside the range, ascending; those that cannot be read are left out. */
  rows(state: UnderlaidState, range: TimeRange): Promise<Bars>;
}
