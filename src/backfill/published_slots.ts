/** What reads and fills ask of published history: the newest snapshot, for slots that the hot store dropped (spec §9). */

import type { Bars } from "../core/bar_frame.ts";
import type { FindingRecord, GapRecord, Snapshot } from "../core/manifest.ts";
import type { Ranges, TimeRange } from "../core/time_range.ts";
import type { UnderlaidState } from "./node_view.ts";

/** The newest snapshot of a node. The same object as long as nothing changed. */
export interface Published {
  snapshot: Snapshot;
  /** Slots that it covers: flat, sorted, coalesced, on its grid. */
  covered: Ranges;
  /** Parts of it whose rows turned out unreadable. */
  unreadable: readonly TimeRange[];
}

/** Settled gaps and findings inside a range, and the parts of it whose rows are lost: gone, or unreadable. */
export interface PublishedLists {
  gaps: GapRecord[];
  findings: FindingRecord[];
  lost: TimeRange[];
}

/** Looks at snapshots for the hot store. What cannot be read is logged there, and counts as not there. */
export interface PublishedSlots {
  newest(nodeId: string): Promise<Published | null>;
  /** What it says of the range; null when that cannot be read. */
  listed(published: Published, range: TimeRange): Promise<PublishedLists | null>;
  /** The rows of dropped slots inside the range, ascending; those that cannot be read are left out. */
  rows(state: UnderlaidState, range: TimeRange): Promise<Bars>;
}
