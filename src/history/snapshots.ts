/**
 * Reading published history: which snapshot, what it covers, and its rows. Everything comes from the artifact store;
 * no function here touches the hot store or the network (spec §11, `backtest`).
 */

import type { Compute } from "../compute/types.ts";
import type { SharedBound } from "../core/bounded_map.ts";
import type {
  ChunkRecord,
  FindingRecord,
  GapRecord,
  Manifest,
  ManifestLists,
  SegmentRecord,
  Snapshot,
} from "../core/manifest.ts";
import type { ArtifactStore, Clock, SegmentCodec, StoredChunk } from "../core/ports.ts";
import type { Ranges, TimeRange } from "../core/time_range.ts";
import { HistoryError } from "../core/errors.ts";
import { SnapshotContent } from "./snapshot_content.ts";
import { SnapshotLog } from "./snapshot_log.ts";

/** What reading snapshots needs. */
export interface SnapshotParts {
  artifacts: ArtifactStore;
  codec: SegmentCodec;
  compute: Pick<Compute, "sha256" | "missingRanges">;
  clock: Clock;
  /** `asOfSettleSec`: blueprint `as_of_settle_sec`; `partition`: blueprint `partition_template`. */
  settings: { asOfSettleSec: number; partition?: string };
  /** The bytes of chunks that stay at hand, where others keep chunks too. */
  kept?: SharedBound;
}

/** A page of a log, newest first; `next` is the sequence number to go on below, or null. */
export interface SnapshotList {
  snapshots: Snapshot[];
  next: number | null;
}

/**
 * The published history of every node. Failures: `VERIFY_FAILED` for what does not match its digest,
 * `ARTIFACT_MISSING` for a file that is gone, `ARTIFACT_STORE_UNAVAILABLE`.
 */
export interface Snapshots {
  /** The newest snapshot, or null. Cheap when called again and again. */
  head(nodeId: string): Promise<Snapshot | null>;
  /** The newest snapshot at or before `asOfMs`. `AS_OF_NOT_SETTLED`, `SNAPSHOT_UNKNOWN`. */
  resolveAsOf(nodeId: string, asOfMs: number): Promise<Snapshot>;
  /** The oldest snapshot that has the fingerprint. `SNAPSHOT_UNKNOWN`. */
  byFingerprint(nodeId: string, fingerprint: string, signal?: AbortSignal): Promise<Snapshot>;
  /** The snapshot at a sequence number, or null. */
  at(nodeId: string, seq: number): Promise<Snapshot | null>;
  /**
   * Newest first, at most `limit`, below the sequence number `before`. `asOfMs`: the log as it stood then;
   * `fingerprint`: just the one that it selects. An empty log, or none that fits, is an empty list.
   */
  list(
    nodeId: string,
    o: { asOfMs?: number; fingerprint?: string; limit: number; before?: number },
  ): Promise<SnapshotList>;
  /** The manifest of a catalog row. `SNAPSHOT_UNKNOWN` when the log has none there. */
  manifestOf(entry: { nodeId: string; seq: number }): Promise<Manifest>;

  /** All four lists, whole: inline entries and pages. */
  lists(manifest: Manifest): Promise<ManifestLists>;
  /** Covered slots, flat, sorted, coalesced. */
  covered(manifest: Manifest): Promise<Ranges>;
  /** Settled gaps inside the range, clipped to it. */
  gaps(manifest: Manifest, range: TimeRange): Promise<GapRecord[]>;
  findings(manifest: Manifest, range: TimeRange): Promise<FindingRecord[]>;
  /** Chunks that have slots in the range (default: all), ascending. */
  chunkDigests(manifest: Manifest, range?: TimeRange): Promise<ChunkRecord[]>;
  /** Segments with rows of the range whose file is gone, or is not as long as it was written. */
  lostSegments(manifest: Manifest, range: TimeRange): Promise<SegmentRecord[]>;
  /** `ARTIFACT_MISSING`, naming the ranges, unless the snapshot covers every slot of `range`. */
  requireCovered(manifest: Manifest, range: TimeRange): Promise<void>;
  /** Whole chunks that have slots in the range, ascending; each is verified before it is yielded. */
  readChunks(manifest: Manifest, range: TimeRange, signal?: AbortSignal): AsyncIterable<StoredChunk>;
}

/** Snapshots in an artifact store; one for the whole process, so that what was verified is kept once. */
export function createSnapshots(parts: SnapshotParts): Snapshots {
  const log = new SnapshotLog(parts);
  const content = new SnapshotContent(parts);
  return {
    head: (nodeId) => log.head(nodeId),
    resolveAsOf: (nodeId, asOfMs) => log.resolveAsOf(nodeId, asOfMs),
    byFingerprint: (nodeId, fingerprint, signal) => log.byFingerprint(nodeId, fingerprint, signal),
    at: (nodeId, seq) => log.at(nodeId, seq),
    list: (nodeId, o) => list(log, nodeId, o),
    async manifestOf({ nodeId, seq }) {
      const snapshot = await log.at(nodeId, seq);
      if (snapshot !== null) return snapshot.manifest;
      throw new HistoryError("SNAPSHOT_UNKNOWN", `Cannot read snapshot ${seq} of ${nodeId}: there is none`, {
        hint: "List what there is with `seamless snapshots`",
      });
    },
    lists: (manifest) => content.lists(manifest),
    covered: (manifest) => content.covered(manifest),
    gaps: (manifest, range) => content.gaps(manifest, range),
    findings: (manifest, range) => content.findings(manifest, range),
    chunkDigests: (manifest, range) => content.chunkDigests(manifest, range),
    lostSegments: (manifest, range) => content.lostSegments(manifest, range),
    requireCovered: (manifest, range) => content.requireCovered(manifest, range),
    readChunks: (manifest, range, signal) => content.readChunks(manifest, range, signal),
  };
}

async function list(
  log: SnapshotLog,
  nodeId: string,
  o: { asOfMs?: number; fingerprint?: string; limit: number; before?: number },
): Promise<SnapshotList> {
  const below = o.before === undefined ? Infinity : o.before - 1;
  const chosen = await orNull(async () => {
    if (o.fingerprint !== undefined) return await log.byFingerprint(nodeId, o.fingerprint);
    return o.asOfMs === undefined ? await log.head(nodeId) : await log.resolveAsOf(nodeId, o.asOfMs);
  });
  const newest = Math.min(chosen?.seq ?? 0, below);
  if (chosen === null || newest < 1) return { snapshots: [], next: null };
  if (o.fingerprint !== undefined) return { snapshots: chosen.seq <= below ? [chosen] : [], next: null };
  return await log.walk(nodeId, { newest, limit: o.limit });
}

async function orNull<T>(find: () => Promise<T>): Promise<T | null> {
  try {
    return await find();
  } catch (error) {
    if (error instanceof HistoryError && error.code === "SNAPSHOT_UNKNOWN") return null;
    throw error;
  }
}
