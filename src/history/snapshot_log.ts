/**
 * The log of a node's snapshots: one manifest per sequence number, only ever appended to. Finding one asks the
 * artifact store alone; what was found once is remembered, because a manifest never changes.
 */

import type { Compute } from "../compute/types.ts";
import { toHex } from "../compute/sha256.ts";
import { BoundedMap } from "../core/bounded_map.ts";
import { HistoryError, throwIfCancelled } from "../core/errors.ts";
import { formatAsOf, parseAsOfMs } from "../core/instant.ts";
import { LOG_READS_AT_ONCE, MANIFEST_CACHE_BYTES, NODE_STATE_MAX } from "../core/limits.ts";
import { logKey, nodeFolder } from "../core/manifest.ts";
import type { Snapshot } from "../core/manifest.ts";
import { parseManifest } from "../core/manifest_parse.ts";
import type { ArtifactStore, Clock } from "../core/ports.ts";
import { findLastHolding } from "../core/snapshot_search.ts";

/** What the log needs. `asOfSettleSec`: an `as_of` younger than that may still get another snapshot before it. */
export interface SnapshotLogParts {
  artifacts: ArtifactStore;
  compute: Pick<Compute, "sha256">;
  clock: Clock;
  settings: { asOfSettleSec: number; partition?: string };
}

/** What is known of one node's log without reading it again. */
interface KnownLog {
  /** A sequence number that is there, with all before it; 0: none known. */
  head: number;
  asOfMs: Map<number, number>;
  /** The oldest sequence number of each fingerprint, among the first `scanned` entries. */
  fingerprints: Map<string, number>;
  scanned: number;
}

const FINGERPRINT_FIELD = /"dataset_fingerprint":"(sfp1:[0-9a-f]{64})"/;

export class SnapshotLog {
  readonly #parts: SnapshotLogParts;
  readonly #known = new BoundedMap<string, KnownLog>(NODE_STATE_MAX);
  readonly #manifests = new BoundedMap<string, Snapshot>(MANIFEST_CACHE_BYTES);

  constructor(parts: SnapshotLogParts) {
    this.#parts = parts;
  }

  /** The folder of a node below the artifact root. */
  folder(nodeId: string): string {
    return nodeFolder(nodeId, this.#parts.settings.partition);
  }

  /** The snapshot at a sequence number, or null. `VERIFY_FAILED` when its manifest cannot be read. */
  async at(nodeId: string, seq: number): Promise<Snapshot | null> {
    const uri = logKey(this.folder(nodeId), seq);
    const kept = this.#manifests.get(uri);
    if (kept !== undefined) return kept;
    const bytes = await this.#parts.artifacts.get(uri);
    if (bytes === null) return null;
    const manifest = parseManifest(bytes, { uri, seq, nodeId });
    const asOfMs = parseAsOfMs(manifest.as_of);
    const manifestSha256 = toHex(this.#parts.compute.sha256(bytes));
    const snapshot: Snapshot = { nodeId, seq, asOfMs, manifest, manifestUri: uri, manifestSha256 };
    this.#manifests.set(uri, snapshot, bytes.length);
    const known = this.#knownOf(nodeId);
    known.asOfMs.set(seq, asOfMs);
    // Whoever wrote this entry had seen the one before it.
    known.head = Math.max(known.head, seq);
    return snapshot;
  }

  /** The newest snapshot, or null. Asked again, it costs one look at the next sequence number. */
  async head(nodeId: string): Promise<Snapshot | null> {
    const seq = await this.#headSeq(nodeId);
    return seq === 0 ? null : await this.#mustBeAt(nodeId, seq);
  }

  /** The newest snapshot at or before `asOfMs`. `AS_OF_NOT_SETTLED`, `SNAPSHOT_UNKNOWN`. */
  async resolveAsOf(nodeId: string, asOfMs: number): Promise<Snapshot> {
    const known = this.#knownOf(nodeId);
    let later = false;
    const seq = await findLastHolding(async (candidate) => {
      const stamp = known.asOfMs.get(candidate) ?? (await this.at(nodeId, candidate))?.asOfMs;
      if (stamp !== undefined && stamp > asOfMs) later = true;
      return stamp !== undefined && stamp <= asOfMs;
    }, lastAtOrBefore(known.asOfMs, asOfMs));
    const settled = later || known.asOfMs.get(seq) === asOfMs;
    if (!settled) this.#refuseUnsettled(nodeId, asOfMs);
    if (seq === 0) throw unknownAsOf(nodeId, asOfMs);
    return await this.#mustBeAt(nodeId, seq);
  }

  /** The oldest snapshot with this fingerprint. `SNAPSHOT_UNKNOWN`. */
  async byFingerprint(nodeId: string, fingerprint: string, signal?: AbortSignal): Promise<Snapshot> {
    const head = await this.#headSeq(nodeId);
    const known = this.#knownOf(nodeId);
    while (!known.fingerprints.has(fingerprint) && known.scanned < head) {
      throwIfCancelled(signal, `Looking for snapshot ${fingerprint}`);
      await this.#scan(nodeId, known, Math.min(head, known.scanned + LOG_READS_AT_ONCE));
    }
    const seq = known.fingerprints.get(fingerprint);
    if (seq === undefined) throw unknownFingerprint(nodeId, fingerprint);
    return await this.#mustBeAt(nodeId, seq);
  }

  /** Snapshots from `newest` (default: the head) backwards, at most `limit`; `next`: the number to go on below. */
  async walk(
    nodeId: string,
    o: { newest?: number; limit: number },
  ): Promise<{ snapshots: Snapshot[]; next: number | null }> {
    const newest = o.newest ?? await this.#headSeq(nodeId);
    const oldest = Math.max(1, newest - o.limit + 1);
    const snapshots: Snapshot[] = [];
    for (let from = newest; from >= oldest; from -= LOG_READS_AT_ONCE) {
      const count = Math.min(LOG_READS_AT_ONCE, from - oldest + 1);
      const batch = Array.from({ length: count }, (_, i) => this.#mustBeAt(nodeId, from - i));
      snapshots.push(...await Promise.all(batch));
    }
    return { snapshots, next: oldest > 1 && newest > 0 ? oldest : null };
  }

  async #headSeq(nodeId: string): Promise<number> {
    const known = this.#knownOf(nodeId);
    const folder = this.folder(nodeId);
    const isThere = async (seq: number) => await this.#parts.artifacts.size(logKey(folder, seq)) !== null;
    known.head = Math.max(known.head, await findLastHolding(isThere, known.head));
    return known.head;
  }

  async #mustBeAt(nodeId: string, seq: number): Promise<Snapshot> {
    const snapshot = await this.at(nodeId, seq);
    if (snapshot !== null) return snapshot;
    throw new HistoryError(
      "ARTIFACT_MISSING",
      `Cannot read snapshot ${seq} of ${nodeId}: its manifest is gone, though later ones are there`,
      { hint: "The log was tampered with or badly copied; `seamless verify` shows how far it is whole" },
    );
  }

  /** Reads fingerprints of entries up to `to` without parsing them whole: an old log has tens of thousands. */
  async #scan(nodeId: string, known: KnownLog, to: number): Promise<void> {
    const folder = this.folder(nodeId);
    const from = known.scanned + 1;
    const texts = await Promise.all(
      Array.from(
        { length: to - known.scanned },
        (_, i) => this.#parts.artifacts.get(logKey(folder, from + i)),
      ),
    );
    texts.forEach((bytes, i) => {
      const found = bytes === null ? null : FINGERPRINT_FIELD.exec(new TextDecoder().decode(bytes));
      if (found !== null && !known.fingerprints.has(found[1])) known.fingerprints.set(found[1], from + i);
    });
    known.scanned = Math.max(known.scanned, to);
  }

  #refuseUnsettled(nodeId: string, asOfMs: number): void {
    const settledAtMs = asOfMs + this.#parts.settings.asOfSettleSec * 1000;
    const waitMs = settledAtMs - this.#parts.clock.nowMs();
    if (waitMs <= 0) return;
    throw new HistoryError(
      "AS_OF_NOT_SETTLED",
      `Cannot read ${nodeId} as of ${formatAsOf(asOfMs)}: a snapshot before that instant may still appear`,
      {
        hint: `Ask again in ${Math.ceil(waitMs / 1000)} s, or pass the as_of of a snapshot that is there ` +
          "(`seamless snapshots` lists them)",
        retryAfter: Math.ceil(waitMs / 1000),
      },
    );
  }

  #knownOf(nodeId: string): KnownLog {
    let known = this.#known.get(nodeId);
    if (known === undefined) {
      known = { head: 0, asOfMs: new Map(), fingerprints: new Map(), scanned: 0 };
      this.#known.set(nodeId, known);
    }
    return known;
  }
}

/** The last sequence number known to be at or before the instant: `as_of` strictly increases along a log. */
function lastAtOrBefore(stamps: ReadonlyMap<number, number>, asOfMs: number): number {
  let last = 0;
  for (const [seq, stamp] of stamps) if (stamp <= asOfMs && seq > last) last = seq;
  return last;
}

function unknownAsOf(nodeId: string, asOfMs: number): HistoryError {
  return new HistoryError(
    "SNAPSHOT_UNKNOWN",
    `Cannot read ${nodeId} as of ${formatAsOf(asOfMs)}: it has no snapshot at or before that instant`,
    { hint: "List what there is with `seamless snapshots`; make one with `seamless fill` or `publish`" },
  );
}

function unknownFingerprint(nodeId: string, fingerprint: string): HistoryError {
  return new HistoryError(
    "SNAPSHOT_UNKNOWN",
    `Cannot read ${nodeId}: no snapshot has fingerprint ${fingerprint}`,
    { hint: "List the fingerprints that there are with `seamless snapshots`" },
  );
}
