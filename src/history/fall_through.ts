/**
 * Slots that the hot store dropped, read from the newest snapshot instead (spec §9): what that covers, and its rows
 * blended with the hot store's. A snapshot that cannot be read, or a chunk that does not verify, is logged and then
 * counts as not there, so that its slots are asked of the venue as any others.
 */

import type { UnderlaidState } from "../backfill/node_view.ts";
import type { Published, PublishedLists, PublishedSlots } from "../backfill/published_slots.ts";
import { viewOf } from "../backfill/node_view.ts";
import type { Compute } from "../compute/mod.ts";
import { type Bars, barsWhere, concatBars, emptyBars } from "../core/bar_frame.ts";
import { BoundedMap } from "../core/bounded_map.ts";
import { HistoryError } from "../core/errors.ts";
import { ARTIFACTS_AWAY_MS, NODE_STATE_MAX, REREADS_MAX, UNREADABLE_KEPT_MS } from "../core/limits.ts";
import type { SegmentRecord, Snapshot } from "../core/manifest.ts";
import { CONFORMANCE_VERSION } from "../core/metadata.ts";
import type { BarStore, Clock, Log, StoredChunk } from "../core/ports.ts";
import { contains, slotsWithin } from "../core/snapshot_merge.ts";
import {
  barsOfChunks,
  chunkOf,
  chunkRange,
  decodeRows,
  encodeRows,
  mergeRows,
} from "../core/stored_chunk.ts";
import type { Grid } from "../core/timeframe.ts";
import { clipRange, type Ranges, type TimeRange, toPairs } from "../core/time_range.ts";
import type { Heads } from "./heads.ts";
import { chunkAtState } from "./rows_of_state.ts";
import type { Snapshots } from "./snapshots.ts";

export interface FallThroughParts {
  heads: Heads;
  snapshots: Snapshots;
  store: BarStore;
  compute: Compute;
  clock: Clock;
  log: Log;
}

/** Published rows that were counted on turned out unreadable. They count no more: whoever looks again asks elsewhere. */
export class PublishedUnreadable extends HistoryError {}

/** Begins anew, a few times at most, what counted on published rows that turned out unreadable. */
export async function rereading<T>(act: () => Promise<T>): Promise<T> {
  for (let left = REREADS_MAX;; left--) {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof PublishedUnreadable) || left === 0) throw error;
    }
  }
}

/** What is known of one node's newest snapshot, until `untilMs` of the monotonic clock. */
interface Known {
  manifestSha256: string | null;
  published: Published | null;
  untilMs: number;
}

export class FallThrough implements PublishedSlots {
  readonly #parts: FallThroughParts;
  readonly #known = new BoundedMap<string, Known>(NODE_STATE_MAX);
  readonly #toldLost = new BoundedMap<string, true>(NODE_STATE_MAX);
  /** A blended chunk, by the published one in it: the same question again blends and hashes nothing. */
  readonly #blends = new WeakMap<
    StoredChunk,
    { state: UnderlaidState; hot: StoredChunk | null; blend: StoredChunk }
  >();

  constructor(parts: FallThroughParts) {
    this.#parts = parts;
  }

  /** The newest snapshot as far as it can be read; null: there is none, or none that this version can take rows from. */
  async newest(nodeId: string): Promise<Published | null> {
    const known = this.#known.get(nodeId);
    const isKnown = known !== undefined && this.#parts.clock.monotonicMs() < known.untilMs;
    if (isKnown && known.manifestSha256 === null) return null;
    return await this.#orLogged(nodeId, async () => {
      const snapshot = await this.#parts.heads.newest(nodeId);
      if (snapshot === null || snapshot.manifest.conformance_version !== CONFORMANCE_VERSION) return null;
      if (isKnown && known.manifestSha256 === snapshot.manifestSha256) return known.published;
      const covered = await this.#parts.snapshots.covered(snapshot.manifest);
      const published = { snapshot, covered, unreadable: [] };
      this.#know(nodeId, { published, untilMs: Infinity });
      return published;
    });
  }

  /** See `PublishedSlots.listed`. */
  async listed(
    { snapshot: { nodeId, manifest }, unreadable }: Published,
    range: TimeRange,
  ): Promise<PublishedLists | null> {
    const { snapshots } = this.#parts;
    return await this.#orLogged(nodeId, async () => {
      const gone = await snapshots.lostSegments(manifest, range);
      return {
        gaps: await snapshots.gaps(manifest, range),
        findings: await snapshots.findings(manifest, range),
        lost: [...unreadable, ...gone.map((segment) => this.#lost(nodeId, segment))],
      };
    });
  }

  /** A file that is gone is told once, however many windows it is missed by. */
  #lost(nodeId: string, { uri, range }: SegmentRecord): TimeRange {
    if (this.#toldLost.get(uri) === undefined) {
      this.#toldLost.set(uri, true);
      const message = `Cannot read ${uri}: it is gone, or not as long as it was written`;
      this.#log(nodeId, { code: "ARTIFACT_MISSING", message });
    }
    return range;
  }

  /**
   * The final chunks of a node that stands on its snapshot, as the state knows them: hot rows, and the snapshot's where
   * the hot store dropped its own. Ascending. `PublishedUnreadable` when one of the snapshot's does not verify.
   */
  async *read(state: UnderlaidState, range: TimeRange): AsyncIterable<StoredChunk> {
    const hot = this.#hotChunks(state, range)[Symbol.asyncIterator]();
    const below = this.#publishedChunks(state, range)[Symbol.asyncIterator]();
    try {
      for (let [a, b] = [await hot.next(), await below.next()]; !a.done || !b.done;) {
        const k = Math.min(a.done ? Infinity : a.value.k, b.done ? Infinity : b.value.k);
        const mine = !a.done && a.value.k === k ? a.value : null;
        const theirs = !b.done && b.value.k === k ? b.value : null;
        yield theirs === null ? mine! : this.#blend(state, { hot: mine, below: theirs });
        if (mine !== null) a = await hot.next();
        if (theirs !== null) b = await below.next();
      }
    } finally {
      await hot.return?.();
      await below.return?.();
    }
  }

  /** See `PublishedSlots.rows`. What is unreadable is noted as in any read. */
  async rows(state: UnderlaidState, range: TimeRange): Promise<Bars> {
    const found: Bars[] = [];
    try {
      for await (const chunk of this.#publishedChunks(state, range)) {
        found.push(barsWhere(barsOfChunks([chunk], range), (ts) => contains(state.dropped, ts)));
      }
    } catch (error) {
      if (!(error instanceof PublishedUnreadable)) throw error;
    }
    return concatBars([emptyBars(), ...found]);
  }

  async *#hotChunks({ hot }: UnderlaidState, range: TimeRange): AsyncIterable<StoredChunk> {
    if (hot === null) return;
    const { store, compute } = this.#parts;
    const view = viewOf(hot, compute);
    for await (const stored of store.read(hot.node.nodeId, range, { state: hot })) {
      const chunk = chunkAtState(stored, view, compute);
      if (chunk !== null) yield chunk;
    }
  }

  /** The snapshot's chunks that have dropped slots of the range; between them none is touched. */
  async *#publishedChunks(state: UnderlaidState, range: TimeRange): AsyncIterable<StoredChunk> {
    const { node: { grid }, snapshot, dropped } = state;
    for (const [from, to] of chunkRuns(dropped, range, grid)) {
      const span: TimeRange = [chunkRange(from, grid)[0], chunkRange(to, grid)[0]];
      let next = from;
      try {
        for await (const chunk of this.#parts.snapshots.readChunks(snapshot.manifest, span)) {
          requireRows(chunk, state);
          next = chunk.k + 1;
          yield chunk;
        }
      } catch (error) {
        if (!(error instanceof HistoryError)) throw error;
        throw await this.#unreadable(state, { error, from: next, to: lastChunk(state, range) });
      }
      if (slotsWithin(dropped, [chunkRange(next, grid)[0], span[1]], grid) > 0) {
        const error = lacking(snapshot, next);
        throw await this.#unreadable(state, { error, from: next, to: lastChunk(state, range) });
      }
    }
  }

  /** The snapshot's rows of dropped slots among the hot store's of the same chunk. */
  #blend(state: UnderlaidState, o: { hot: StoredChunk | null; below: StoredChunk }): StoredChunk {
    const { grid } = state.node;
    const kept = this.#blends.get(o.below);
    if (kept !== undefined && kept.state === state && kept.hot?.digest === o.hot?.digest) return kept.blend;
    const wanted = slotsWithin(state.dropped, chunkRange(o.below.k, grid), grid);
    if (o.hot === null && wanted === o.below.rows) return o.below;
    const theirs = barsWhere(decodeRows(o.below.bytes), (ts) => contains(state.dropped, ts));
    const rows = o.hot === null ? theirs : mergeRows(theirs, decodeRows(o.hot.bytes)).rows;
    const [record] = this.#parts.compute.chunksOf(rows, grid);
    const blend = { ...record, bytes: encodeRows(rows) };
    this.#blends.set(o.below, { state, hot: o.hot, blend });
    return blend;
  }

  /** Finds every chunk of `[from, to)` that cannot be read, so that one more look is enough, and notes them. */
  async #unreadable(
    { node: { nodeId, grid }, snapshot, dropped }: UnderlaidState,
    { error, from, to }: { error: HistoryError; from: number; to: number },
  ): Promise<PublishedUnreadable> {
    this.#log(nodeId, error);
    const bad: TimeRange[] = [];
    for (let k = from; k < to; k++) {
      const slots = chunkRange(k, grid);
      if (slotsWithin(dropped, slots, grid) === 0) continue;
      const isAway = error.code === "ARTIFACT_STORE_UNAVAILABLE";
      if (isAway || !await this.#canRead(snapshot, { k, grid, dropped })) bad.push(slots);
    }
    const known = this.#known.get(nodeId);
    // A younger snapshot is looked at by itself, whatever it shares with this one.
    if (known?.manifestSha256 === snapshot.manifestSha256 && known.published !== null) {
      const { covered, unreadable } = known.published;
      const untilMs = this.#parts.clock.monotonicMs() + UNREADABLE_KEPT_MS;
      this.#know(nodeId, { published: { snapshot, covered, unreadable: [...unreadable, ...bad] }, untilMs });
    }
    const { code, message, hint, ranges } = error;
    return new PublishedUnreadable(code, message, { hint, ranges, cause: error });
  }

  async #canRead(
    snapshot: Snapshot,
    { k, grid, dropped }: { k: number; grid: Grid; dropped: Ranges },
  ): Promise<boolean> {
    try {
      for await (const chunk of this.#parts.snapshots.readChunks(snapshot.manifest, chunkRange(k, grid))) {
        requireRows(chunk, { node: { grid }, snapshot, dropped });
        return true;
      }
      return false;
    } catch (error) {
      if (error instanceof HistoryError) return false;
      throw error;
    }
  }

  #know(nodeId: string, { published, untilMs }: { published: Published; untilMs: number }): void {
    this.#known.set(nodeId, { manifestSha256: published.snapshot.manifestSha256, published, untilMs });
  }

  /** An artifact store that is away must not cost every request its patience: it is left alone for a moment. */
  async #orLogged<T>(nodeId: string, read: () => Promise<T>): Promise<T | null> {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof HistoryError)) throw error;
      this.#log(nodeId, error);
      const untilMs = this.#parts.clock.monotonicMs() + ARTIFACTS_AWAY_MS;
      this.#known.set(nodeId, { manifestSha256: null, published: null, untilMs });
      return null;
    }
  }

  #log(nodeId: string, { code, message }: Pick<HistoryError, "code" | "message">): void {
    this.#parts.log.emit("error", "seamless.artifact.unreadable", { node_id: nodeId, code, error: message });
  }
}

/** Chunk numbers `[from, to)` that hold slots of `held` inside the range, neighbours joined. */
function chunkRuns(held: Ranges, range: TimeRange, grid: Grid): [from: number, to: number][] {
  const runs: [number, number][] = [];
  for (const pair of toPairs(held)) {
    const part = clipRange(pair, range);
    if (part === null) continue;
    const [from, to] = [chunkOf(part[0], grid), chunkOf(part[1] - 1, grid) + 1];
    const last = runs[runs.length - 1];
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to);
    else runs.push([from, to]);
  }
  return runs;
}

/** The end of the last chunk that the range needs. */
function lastChunk({ dropped, node: { grid } }: UnderlaidState, range: TimeRange): number {
  return chunkRuns(dropped, range, grid).at(-1)![1];
}

/** A manifest may promise more than its chunk holds: then the chunk is no more to be trusted than a damaged one. */
function requireRows(
  chunk: StoredChunk,
  { node: { grid }, snapshot, dropped }: { node: { grid: Grid }; snapshot: Snapshot; dropped: Ranges },
): void {
  const [start, end] = chunkRange(chunk.k, grid);
  const wanted = slotsWithin(dropped, [start, end], grid);
  if (wanted === chunk.rows) return;
  const held = barsWhere(decodeRows(chunk.bytes), (ts) => contains(dropped, ts)).ts.length;
  if (held !== wanted) throw lacking(snapshot, chunk.k);
}

function lacking({ nodeId, manifest }: Snapshot, k: number): HistoryError {
  return new HistoryError(
    "VERIFY_FAILED",
    `Cannot read ${nodeId} as of ${manifest.as_of}: chunk ${k} lacks bars that the manifest covers`,
    {
      hint:
        "The snapshot contradicts itself: `seamless verify` says where; publish from a store that has the bars",
    },
  );
}
