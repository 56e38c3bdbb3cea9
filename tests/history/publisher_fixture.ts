/** A publisher and its readers over artifacts in memory, with a clock that the test holds. */

import { createMemoryArtifacts } from "../../src/adapters/artifact_store/memory.ts";
import { concatBars } from "../../src/core/bar_frame.ts";
import type { Bars } from "../../src/core/bar_frame.ts";
import type { Manifest } from "../../src/core/manifest.ts";
import type { ArtifactStore, SnapshotEntry } from "../../src/core/ports.ts";
import { decodeRows } from "../../src/core/stored_chunk.ts";
import type { TimeRange } from "../../src/core/time_range.ts";
import { createPublisher } from "../../src/history/publisher.ts";
import type { PublisherParts, PublisherSettings } from "../../src/history/publisher.ts";
import { createSnapshots } from "../../src/history/snapshots.ts";
import type { Snapshots } from "../../src/history/snapshots.ts";
import { FakeClock, SeededDice } from "../fake_clock.ts";
import { codec, compute } from "./holdings.ts";

export const T0 = Date.UTC(2024, 0, 1);

export interface LoggedEvent {
  level: string;
  event: string;
  fields: Record<string, unknown>;
}

/** Everything that a publication test needs. A second `publishing` on the same artifacts is another process. */
export function publishing(
  o: {
    artifacts?: ArtifactStore;
    clock?: FakeClock;
    settings?: Partial<PublisherSettings>;
    parts?: Partial<PublisherParts>;
  } = {},
) {
  const artifacts = o.artifacts ?? createMemoryArtifacts();
  const clock = o.clock ?? new FakeClock(T0);
  const events: LoggedEvent[] = [];
  const catalog: SnapshotEntry[] = [];
  const snapshots = createSnapshots({ artifacts, codec, compute, clock, settings: { asOfSettleSec: 30 } });
  const publisher = createPublisher({
    artifacts,
    codec,
    compute,
    clock,
    dice: new SeededDice(1),
    log: { emit: (level, event, fields = {}) => void events.push({ level, event, fields }) },
    index: {
      record: (entry) => Promise.resolve(void catalog.push(entry)),
      newest: (nodeId) => Promise.resolve(catalog.filter((entry) => entry.nodeId === nodeId).at(-1) ?? null),
      count: (nodeId) => Promise.resolve(catalog.filter((entry) => entry.nodeId === nodeId).length),
    },
    settings: {
      enabled: true,
      publishFingerprint: true,
      stabilizationBars: 2,
      asOfSettleSec: 30,
      producer: { identity: "seamless", version: "0.1.0", worker: "test" },
      ...o.settings,
    },
    snapshots,
    ...o.parts,
  });
  return { artifacts, clock, events, catalog, snapshots, publisher };
}

/** All rows of a snapshot, read and verified. */
export async function rowsOf(snapshots: Snapshots, manifest: Manifest, range?: TimeRange): Promise<Bars> {
  const frames: Bars[] = [];
  for await (const chunk of snapshots.readChunks(manifest, range ?? manifest.range)) {
    frames.push(decodeRows(chunk.bytes));
  }
  return concatBars(frames);
}

/** How many objects a store holds. */
export async function objectsOf(artifacts: ArtifactStore): Promise<string[]> {
  return await Array.fromAsync(artifacts.list(""));
}
