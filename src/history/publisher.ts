/**
 * Publishes what a node holds as an immutable snapshot (spec §8).
 *
 * Plan on the head, write segments and pages, then the manifest with put-if-absent: whoever is killed on the way
 * leaves files that nobody names, and of two publishers one wins and the other plans again on what the winner wrote.
 * What the head covers stays covered. Publishing what is there already writes nothing.
 */

import type { Compute } from "../compute/types.ts";
import { toHex } from "../compute/sha256.ts";
import { canonicalBytes } from "../core/canonical_json.ts";
import { HistoryError, throwIfCancelled } from "../core/errors.ts";
import { formatAsOf } from "../core/instant.ts";
import {
  MENDED_SNAPSHOTS_MAX,
  PUBLISH_BACKOFF_MS,
  PUBLISH_MAX_REPLANS,
  PUBLISH_MAX_SKEW_MS,
} from "../core/limits.ts";
import { FINGERPRINT_VERSION, logKey, MANIFEST_VERSION, nodeFolder } from "../core/manifest.ts";
import type { Manifest, ManifestLists, Producer, SegmentRecord, Snapshot } from "../core/manifest.ts";
import { layPages } from "../core/manifest_pages.ts";
import type { ManifestHead } from "../core/manifest_pages.ts";
import type { ArtifactStore, Clock, Dice, Log, SegmentCodec, SnapshotIndex } from "../core/ports.ts";
import { manifestCoverage, sumFlags } from "../core/snapshot_merge.ts";
import { gridRecord, intervalOf, slotCount } from "../core/timeframe.ts";
import { toRanges } from "../core/time_range.ts";
import type { ManifestSigner } from "./manifest_signature.ts";
import type { Publication } from "./publication.ts";
import { PublicationPlanner } from "./publication_plan.ts";
import type { PublicationPlan, PublishedHead } from "./publication_plan.ts";
import { mendPages } from "./page_mending.ts";
import { mendSegments } from "./segment_mending.ts";
import { writeSegments } from "./segment_writer.ts";
import { createSnapshots } from "./snapshots.ts";
import type { Snapshots } from "./snapshots.ts";

export type { Publication } from "./publication.ts";

/** How a publisher is configured. */
export interface PublisherSettings {
  /** Blueprint `artifact.enabled` and `publish_fingerprint`: where one is false, nothing is published. */
  enabled: boolean;
  publishFingerprint: boolean;
  stabilizationBars: number;
  asOfSettleSec: number;
  /** Blueprint `partition_template`. */
  partition?: string;
  /** Blueprint `conformance.gap_flagging`; default true. */
  gapFlagging?: boolean;
  producer: Pick<Producer, "identity" | "version" | "worker">;
}

export interface PublisherParts {
  artifacts: ArtifactStore;
  codec: SegmentCodec;
  compute: Compute;
  clock: Clock;
  dice: Dice;
  log: Log;
  /** The catalog in the hot store: a copy, the log of manifests is the truth. */
  index: SnapshotIndex;
  settings: PublisherSettings;
  /** The process's readers, so that both know the same heads; default: readers of its own. */
  snapshots?: Snapshots;
  /** Signs each manifest. */
  signer?: ManifestSigner;
}

/** What came of a publication. `unchanged`: the entry was there already and nothing was written. */
export interface Published {
  entry: Snapshot;
  unchanged: boolean;
  bytesWritten: number;
}

export interface Publisher {
  /**
   * Publishes one node. `DOMAIN_DISABLED` where publication is switched off, `COVERAGE_INCOMPLETE` when no slot is
   * covered yet, `CLOCK_SKEW`, `PUBLISH_CONFLICT`, `VERIFY_FAILED` when the head cannot be read, `CANCELLED`.
   */
  publish(publication: Publication): Promise<Published>;
}

/** A publisher of every node of this process. */
export function createPublisher(parts: PublisherParts): Publisher {
  return new NodePublisher(parts);
}

/** What one attempt came to; `again`: somebody else was faster, or the store moved on under the plan. */
type Attempt = Published | { again: "lost" | "moved"; bytesWritten: number };

class NodePublisher implements Publisher {
  readonly #parts: PublisherParts;
  readonly #snapshots: Snapshots;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
    this.#snapshots = parts.snapshots ?? createSnapshots(parts);
  }

  async publish(publication: Publication): Promise<Published> {
    const { nodeId } = publication.state.node;
    this.#checkEnabled(nodeId);
    const { compute, clock, dice } = this.#parts;
    const startedMs = clock.monotonicMs();
    const planner = new PublicationPlanner(publication, this.#snapshots, compute);
    let bytesWritten = 0;
    for (let replans = 0; replans <= PUBLISH_MAX_REPLANS; replans++) {
      throwIfCancelled(publication.signal, `Publishing ${nodeId}`);
      const attempt = await this.#attemptOrMend(publication, planner);
      bytesWritten += attempt.bytesWritten;
      if (!("again" in attempt)) {
        const published = { ...attempt, bytesWritten };
        await this.#announce(published, clock.monotonicMs() - startedMs);
        return published;
      }
      // The winner may be about to publish again: without chance two publishers could keep step for ever.
      if (attempt.again === "lost") {
        await clock.sleep(dice.random() * PUBLISH_BACKOFF_MS * 2 ** replans, publication.signal);
      }
    }
    throw new HistoryError(
      "PUBLISH_CONFLICT",
      `Cannot publish ${nodeId}: other publishers were faster ${PUBLISH_MAX_REPLANS + 1} times in a row`,
      {
        hint: "Nothing is lost; publish again later, or let fewer services publish this node",
        retryAfter: 5,
      },
    );
  }

  /** A file of the head that is gone may be one that can be written again: it is tried before the publication fails. */
  async #attemptOrMend(publication: Publication, planner: PublicationPlanner): Promise<Attempt> {
    try {
      return await this.#attempt(publication, planner);
    } catch (error) {
      const isGone = error instanceof HistoryError && error.code === "ARTIFACT_MISSING";
      if (!isGone || publication.mends) throw error;
      return await this.#attempt({ ...publication, mends: true }, planner);
    }
  }

  async #attempt(publication: Publication, planner: PublicationPlanner): Promise<Attempt> {
    const { nodeId, grid } = publication.state.node;
    const before = await this.#snapshots.head(nodeId);
    if (publication.covered.length === 0) {
      if (before !== null) return { entry: before, unchanged: true, bytesWritten: 0 };
      throw nothingCovered(nodeId);
    }
    if (before !== null) checkSameGrid(before, gridRecord(grid));
    const folder = nodeFolder(nodeId, this.#parts.settings.partition);
    const parts = { ...this.#parts, snapshots: this.#snapshots };
    const mended = before === null || !publication.mends ? 0 : await this.#mend(publication, planner, folder);
    const head = before === null
      ? null
      : { manifest: before.manifest, lists: await this.#listsOf(before, publication, folder) };
    const plan = await planner.plan(head);
    if (plan.operation === null) return { entry: before!, unchanged: true, bytesWritten: mended };
    await this.#checkSkew(nodeId);
    const written = await writeSegments({ publication, planner, plan, head, folder }, parts);
    if (written === null) return { again: "moved", bytesWritten: mended };
    throwIfCancelled(publication.signal, `Publishing ${nodeId}`);
    const order = { publication, plan, before, head, folder, segments: written.segments };
    return await this.#commit(order, mended + written.bytesWritten);
  }

  async #listsOf({ manifest }: Snapshot, { mends }: Publication, folder: string): Promise<ManifestLists> {
    try {
      return await this.#snapshots.lists(manifest);
    } catch (error) {
      if (!mends || !(error instanceof HistoryError)) throw error;
      throw new HistoryError(error.code, error.message, {
        ranges: error.ranges,
        hint:
          "It cannot be written again of what is stored here: move it away if it is damaged, and restore it " +
          `from a backup. Else move ${folder} away and publish again: a new log begins there, without the old snapshots`,
        cause: error,
      });
    }
  }

  /** Writes files again that snapshots name and that are gone: pages first, which say what segments hold. */
  async #mend(publication: Publication, planner: PublicationPlanner, folder: string): Promise<number> {
    const { compute } = this.#parts;
    const parts = {
      ...this.#parts,
      snapshots: this.#snapshots,
      sha256: (bytes: Uint8Array) => toHex(compute.sha256(bytes)),
    };
    const { nodeId } = publication.state.node;
    const { snapshots } = await this.#snapshots.list(nodeId, { limit: MENDED_SNAPSHOTS_MAX });
    const manifests = snapshots.map(({ manifest }) => manifest);
    // What a first snapshot of the publisher's own claims would list.
    const listOurs = async () => (await planner.plan(null)).lists;
    return await mendPages(manifests, listOurs, parts) +
      await mendSegments({ manifests, publication, folder }, parts);
  }

  /** Pages, then the manifest: the instant at which it gets its name is the publication. */
  async #commit(order: CommitOrder, segmentBytes: number): Promise<Attempt> {
    const { artifacts, compute } = this.#parts;
    const { plan, before, head, folder } = order;
    const { nodeId } = order.publication.state.node;
    let bytesWritten = segmentBytes;
    const { manifest: unsigned, newPages } = layPages({
      head: this.#manifestHead(order),
      lists: plan.lists,
      earlier: head === null ? null : { lists: head.lists, pages: head.manifest.pages },
      folder,
      sha256: (bytes) => toHex(compute.sha256(bytes)),
    });
    for (const { key, bytes } of newPages) {
      if (await artifacts.putIfAbsent(key, bytes)) bytesWritten += bytes.length;
    }
    // Stamped last: between this instant and the manifest's appearance nothing slow may lie.
    const asOfMs = Math.max(this.#parts.clock.nowMs(), (before?.asOfMs ?? -Infinity) + 1);
    const manifest = await this.#signed({ ...unsigned, as_of: formatAsOf(asOfMs) });
    const bytes = canonicalBytes(manifest);
    const uri = logKey(folder, manifest.seq);
    if (!await artifacts.putIfAbsent(uri, bytes)) return { again: "lost", bytesWritten };
    const entry = await this.#snapshots.at(nodeId, manifest.seq);
    if (entry === null) throw new Error(`unreachable: ${uri} was just written`);
    return { entry, unchanged: false, bytesWritten: bytesWritten + bytes.length };
  }

  #manifestHead({ publication, plan, before, head, segments }: CommitOrder): ManifestHead {
    const { settings } = this.#parts;
    const { nodeId, grid } = publication.state.node;
    const missing = settings.gapFlagging === false ? 0 : slotCount(plan.range, grid) - plan.rows;
    return {
      manifest_version: MANIFEST_VERSION,
      seq: (before?.seq ?? 0) + 1,
      previous: before?.manifestSha256 ?? null,
      operation: plan.operation!,
      node_id: nodeId,
      interval: intervalOf(grid),
      grid: gridRecord(grid),
      range: plan.range,
      row_count: plan.rows,
      dataset_fingerprint: plan.fingerprint,
      fingerprint_version: FINGERPRINT_VERSION,
      as_of: formatAsOf(0),
      publication_watermark: plan.range[1],
      stabilization_bars: settings.stabilizationBars,
      conformance_version: publication.conformanceVersion,
      conformance: {
        flags: sumFlags(plan.lists.findings, missing),
        warnings: this.#warnings(publication, head),
      },
      coverage: manifestCoverage({ range: plan.range, rows: plan.rows, gaps: plan.lists.gaps, grid }),
      producer: {
        ...settings.producer,
        exchange: publication.exchange,
        source: publication.source,
        policy: publication.policy,
      },
      segments,
    };
  }

  /** Warnings have no time: those of the head stay as long as it says more than the publisher knows by itself. */
  #warnings(
    { covered, warnings = [], state: { node: { grid } } }: Publication,
    head: PublishedHead | null,
  ): string[] {
    const more = head === null
      ? []
      : this.#parts.compute.subtractRanges(toRanges(head.lists.covered), covered, grid);
    return [...new Set([...more.length > 0 ? head!.manifest.conformance.warnings : [], ...warnings])];
  }

  async #signed(manifest: Omit<Manifest, "signature">): Promise<Manifest> {
    const { signer } = this.#parts;
    return signer === undefined ? manifest : { ...manifest, signature: await signer.sign(manifest) };
  }

  #checkEnabled(nodeId: string): void {
    const { enabled, publishFingerprint } = this.#parts.settings;
    if (enabled && publishFingerprint) return;
    throw new HistoryError("DOMAIN_DISABLED", `Cannot publish ${nodeId}: publication is switched off`, {
      hint: "Set seamless.artifact.enabled and seamless.artifact.publish_fingerprint to true",
    });
  }

  /** A wrong clock would stamp snapshots into another's future or past, for ever. */
  async #checkSkew(nodeId: string): Promise<void> {
    const skewMs = await this.#parts.artifacts.skewMs();
    if (Math.abs(skewMs) <= PUBLISH_MAX_SKEW_MS) return;
    throw new HistoryError(
      "CLOCK_SKEW",
      `Cannot publish ${nodeId}: this clock is ${Math.round(skewMs / 1000)} s off the artifact store's`,
      { hint: "Set the clock of this machine (NTP); at most 10 s are allowed", retryAfter: 60 },
    );
  }

  async #announce({ entry, unchanged, bytesWritten }: Published, ms: number): Promise<void> {
    const { manifest, seq, nodeId } = entry;
    this.#parts.log.emit("info", `seamless.artifact.${unchanged ? "unchanged" : "published"}`, {
      node_id: nodeId,
      seq,
      as_of: manifest.as_of,
      dataset_fingerprint: manifest.dataset_fingerprint,
      operation: manifest.operation,
      rows: manifest.row_count,
      bytes_written: bytesWritten,
      ms: Math.round(ms),
    });
    await this.#catalog(entry);
  }

  /** Also after "unchanged": whoever committed that snapshot may have been killed before it was catalogued. */
  async #catalog(entry: Snapshot): Promise<void> {
    const { index, log } = this.#parts;
    const { nodeId, seq, asOfMs, manifest, manifestSha256 } = entry;
    try {
      const newest = await index.newest(nodeId);
      if (newest !== null && newest.seq >= seq) return;
      const datasetFingerprint = manifest.dataset_fingerprint;
      await index.record({ nodeId, seq, asOfMs, datasetFingerprint, manifestSha256 });
    } catch (error) {
      // The snapshot stands; only the copy of its name is missing, and the next publication brings that in.
      if (!(error instanceof HistoryError)) throw error;
      log.emit("error", "seamless.artifact.not_catalogued", { node_id: nodeId, seq, error: error.message });
    }
  }
}

interface CommitOrder {
  publication: Publication;
  plan: PublicationPlan;
  before: Snapshot | null;
  head: PublishedHead | null;
  folder: string;
  segments: SegmentRecord[];
}

function checkSameGrid({ nodeId, manifest }: Snapshot, grid: Manifest["grid"]): void {
  const [there, here] = [JSON.stringify(canonicalGrid(manifest.grid)), JSON.stringify(canonicalGrid(grid))];
  if (there === here) return;
  throw new HistoryError(
    "PUBLISH_CONFLICT",
    `Cannot publish ${nodeId} on the grid ${here}: its snapshots are on ${there}`,
    { hint: "Set exchanges.*.anchor to what the snapshots have, or publish to another object_store_uri" },
  );
}

function canonicalGrid(grid: Manifest["grid"]): (number | string)[] {
  return "unit" in grid ? [grid.unit] : [grid.step, grid.anchor];
}

function nothingCovered(nodeId: string): HistoryError {
  return new HistoryError("COVERAGE_INCOMPLETE", `Cannot publish ${nodeId}: no slot of it is covered yet`, {
    hint: "Fill it first: `seamless fill`",
  });
}
