/** Everything of a process that stands on its artifact store, put together once: readers, publisher, and who uses them. */

import type { Compute } from "../compute/mod.ts";
import type { SharedBound } from "../core/bounded_map.ts";
import type { JsonValue } from "../core/canonical_json.ts";
import type {
  ArtifactStore,
  BarStore,
  Clock,
  Dice,
  Log,
  SegmentCodec,
  SegmentProver,
  SnapshotIndex,
} from "../core/ports.ts";
import type { ServiceEvent } from "../core/service.ts";
import { FallThrough } from "./fall_through.ts";
import { Heads } from "./heads.ts";
import type { ManifestSigner } from "./manifest_signature.ts";
import type { Outages } from "./outages.ts";
import { createPublisher, type PublisherSettings } from "./publisher.ts";
import { Publishing } from "./publishing.ts";
import { createSnapshots, type Snapshots } from "./snapshots.ts";
import type { VerifyParts } from "./verify.ts";

/** All null where nothing is published. */
export interface PublishedSide {
  artifacts: ArtifactStore | null;
  snapshots: Snapshots | null;
  heads: Heads | null;
  fallThrough: FallThrough | null;
  publishing: Publishing | null;
  verifying: VerifyParts | null;
}

export interface PublishedSideParts {
  artifacts: ArtifactStore;
  codec: SegmentCodec;
  /** Makes the prover of one verification. */
  prover: () => SegmentProver;
  /** The hot store, and the catalog in it. */
  store: BarStore;
  index: SnapshotIndex;
  compute: Compute;
  clock: Clock;
  dice: Dice;
  log: Log;
  outages: Outages;
  signer?: ManifestSigner;
  emit: (event: ServiceEvent) => void;
  settings: PublisherSettings;
  /** Blueprint `conformance`, as manifests tell it. */
  policy: { readonly [key: string]: JsonValue };
  /** The bytes of chunks that stay at hand, hot ones included. */
  kept: SharedBound;
}

export const NOTHING_PUBLISHED: PublishedSide = {
  artifacts: null,
  snapshots: null,
  heads: null,
  fallThrough: null,
  publishing: null,
  verifying: null,
};

/** One set of readers for all, so that what was verified is kept once and all know the same heads. */
export function openPublishedSide(parts: PublishedSideParts): PublishedSide {
  const { artifacts, prover, compute, settings } = parts;
  const snapshots = createSnapshots(parts);
  const heads = new Heads({ snapshots, clock: parts.clock });
  return {
    artifacts,
    snapshots,
    heads,
    fallThrough: new FallThrough({ ...parts, snapshots, heads }),
    publishing: new Publishing({
      ...parts,
      snapshots,
      heads,
      probe: () => artifacts.probe(),
      publisher: createPublisher({ ...parts, snapshots }),
    }),
    verifying: { artifacts, prover, compute, snapshots, settings },
  };
}
