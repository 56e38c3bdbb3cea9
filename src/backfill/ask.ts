/** What it takes to ask a venue for windows of a node: the parts, the settings, and how one ask differs from another. */

import { HistoryError } from "../core/errors.ts";
import { FOLDER_NAME_MAX_BYTES } from "../core/limits.ts";
import { nodeFolder } from "../core/manifest.ts";
import { nodeId, type ParsedNode } from "../core/node_id.ts";
import type { BarStore, Clock, Dice, Exchanges, Lease, Leases, NodeState, Priority } from "../core/ports.ts";
import type { ServiceEvent } from "../core/service.ts";
import { gridOf, isMonthGrid } from "../core/timeframe.ts";
import type { Grid } from "../core/timeframe.ts";
import type { Compute } from "../compute/mod.ts";
import type { ConformancePolicy } from "./absorb.ts";
import type { AskScope, UnderlaidState } from "./node_view.ts";
import type { PublishedSlots } from "./published_slots.ts";
import type { VenuePatience } from "./venue_patience.ts";

/** blueprint `seamless.backfill`, and what else a fill needs to know. */
export interface BackfillSettings {
  windowBars: number;
  maxConcurrentRequests: number;
  singleFlightTtlMs: number;
  leaseTtlMs: number;
  maxAttempts: number;
  retryBackoffMs: number;
  jitterRatio: number;
  policy: ConformancePolicy;
  /** `exchanges.*.anchor`: epoch seconds of a slot's start, or null where it is not configured. */
  anchorOf: (node: ParsedNode) => number | null;
}

export interface BackfillerParts {
  store: BarStore;
  exchanges: Exchanges;
  leases: Leases;
  compute: Compute;
  clock: Clock;
  dice: Dice;
  settings: BackfillSettings;
  /** What slots that the store dropped fall through to; null where nothing is published. */
  published: PublishedSlots | null;
  emit: (event: ServiceEvent) => void;
}

/** What came of one window. `deduplicated`: somebody else fetched it meanwhile. */
export interface WindowResult {
  rows: number;
  deduplicated: boolean;
}

/** How a node is asked: under whose name, how urgently, how far. */
export interface AskOptions {
  batchId: string;
  priority: Priority;
  scope: AskScope;
  /** The grid that the window was planned on; a node's first bars may show another. */
  grid: Grid;
  /** What a request wants conformed differently from the configuration. */
  policy?: Partial<Pick<ConformancePolicy, "align" | "invariant">>;
  /** Shared by the asks of one job or request: what is too much for it ends all of them. */
  patience?: VenuePatience;
  signal: AbortSignal;
}

/**
 * An ask whose window is ours for now, and the node around the window as it stood when it became ours: `near` as the hot
 * store has it, `below` what the newest snapshot has of slots that the hot store dropped. Its grid is the ask's then.
 */
export type LedAsk = AskOptions & {
  lease: Lease;
  near: NodeState | null;
  isFixed: boolean;
  below: UnderlaidState | null;
};

/** The grid that a node's id and the configuration give; what is stored goes before it. */
export function configuredGrid(parsed: ParsedNode, { anchorOf }: Pick<BackfillSettings, "anchorOf">): Grid {
  if (parsed.timeframe === undefined) return { step: 1, anchor: 0 };
  return gridOf(parsed.timeframe, anchorOf(parsed) ?? undefined);
}

/**
 * The grid that a node is worked on: what is stored, else what its id and the configuration give. An anchor that was
 * configured after the first bars came would silently do nothing, so it is refused: `CONFORMANCE_BLOCKED`.
 */
export function gridInUse(
  parsed: ParsedNode,
  state: NodeState | null,
  settings: Pick<BackfillSettings, "anchorOf">,
): Grid {
  if (state === null) {
    checkFolder(parsed);
    return configuredGrid(parsed, settings);
  }
  const { grid } = state.node;
  const wanted = settings.anchorOf(parsed);
  if (wanted === null || isMonthGrid(grid) || state.chunks.length === 0) return grid;
  const stored = grid.anchor ?? 0;
  if ((wanted - stored) % grid.step === 0) return grid;
  throw changedAnchor({ parsed, wanted, inUse: stored, what: "stored" });
}

/** `CONFORMANCE_BLOCKED`: a node has bars on another grid than its configured anchor makes. Anchors are epoch seconds. */
export function changedAnchor(
  o: { parsed: ParsedNode; wanted: number; inUse: number; what: "stored" | "published" },
): HistoryError {
  const key = `exchanges.${o.parsed.exchange}.anchor.${o.parsed.timeframe}`;
  return new HistoryError(
    "CONFORMANCE_BLOCKED",
    `Cannot use ${
      nodeId(o.parsed)
    } with ${key}: ${o.wanted}: its ${o.what} bars are on the grid of ${o.inUse}`,
    {
      hint:
        `Set ${key} to ${o.inUse}, or leave it out; to begin anew on the other grid, name another storage.bars ` +
        "and another seamless.artifact.object_store_uri, and fill again",
    },
  );
}

/**
 * A node that is new must have a place where it can be published: 80 Cyrillic letters are 160 bytes of an id, and 480
 * of a folder's name, which no file system takes. `BAD_NODE_ID`, before anything is asked.
 */
function checkFolder(parsed: ParsedNode): void {
  const id = nodeId(parsed);
  const longest = Math.max(...nodeFolder(id).split("/").map((part) => part.length));
  if (longest <= FOLDER_NAME_MAX_BYTES) return;
  throw new HistoryError(
    "BAD_NODE_ID",
    `Cannot store ${
      JSON.stringify(`${id.slice(0, 40)}…`)
    }: its symbol makes a folder name of ${longest} bytes`,
    {
      hint:
        `At most ${FOLDER_NAME_MAX_BYTES} are possible; all but A-Z a-z 0-9 - _ . count three for each byte`,
    },
  );
}

/** The unit of volume of a market that was not looked up: contracts name their settlement after a colon. */
export function usualVolumeUnit(symbol: string): "base" | "contracts" {
  return symbol.includes(":") ? "contracts" : "base";
}
