/** Writes the segments of a planned snapshot: one at a time, each from the rows of at most 64 chunks. */

import { toHex } from "../compute/sha256.ts";
import { canonicalJson } from "../core/canonical_json.ts";
import { throwIfCancelled } from "../core/errors.ts";
import { giveBack } from "../core/give_back.ts";
import { segmentKey } from "../core/manifest.ts";
import type { SegmentRecord } from "../core/manifest.ts";
import type { ArtifactStore, NodeRecord, SegmentCodec, StoredChunk } from "../core/ports.ts";
import { planSegments } from "../core/segment_layout.ts";
import { chunkRange } from "../core/stored_chunk.ts";
import { gridRecord, intervalOf, slotOf, slotStart } from "../core/timeframe.ts";
import type { TimeRange } from "../core/time_range.ts";
import { boundsOf } from "./pieces.ts";
import type { Publication } from "./publication.ts";
import type { PlannedChunk, PublicationPlan, PublicationPlanner, PublishedHead } from "./publication_plan.ts";
import { chunkSpan } from "./snapshot_content.ts";
import type { Snapshots } from "./snapshots.ts";

export interface SegmentWriterParts {
  artifacts: ArtifactStore;
  codec: SegmentCodec;
  snapshots: Snapshots;
}

/** What is to be written, and where from. */
export interface SegmentOrder {
  publication: Publication;
  planner: PublicationPlanner;
  plan: PublicationPlan;
  head: PublishedHead | null;
  /** The node's folder below the artifact root. */
  folder: string;
}

/**
 * Writes what the head's segments lack and names all segments of the new snapshot, ascending. Null when the store
 * moved on under the plan: then a new plan is due.
 */
export async function writeSegments(
  order: SegmentOrder,
  parts: SegmentWriterParts,
): Promise<{ segments: SegmentRecord[]; bytesWritten: number } | null> {
  const { plan, head, publication: { state: { node: { grid } }, signal } } = order;
  const planned = new Map(plan.chunks.map((chunk) => [chunk.k, chunk]));
  const earlier = (head?.manifest.segments ?? []).map((segment) => ({
    segment,
    span: chunkSpan(segment.range, { grid: gridRecord(grid) }),
  }));
  const layout = planSegments({ chunks: [...planned.keys()], changed: plan.changed, segments: earlier });
  const segments = layout.kept.map(({ segment }) => segment);
  let bytesWritten = 0;
  for (const ks of layout.written) {
    throwIfCancelled(signal, `Publishing ${order.publication.state.node.nodeId}`);
    const written = await writeSegment(ks.map((k) => planned.get(k)!), order, parts);
    if (written === null) return null;
    segments.push(written.segment);
    bytesWritten += written.bytesWritten;
  }
  segments.sort((a, b) => a.range[0] - b.range[0]);
  return { segments, bytesWritten };
}

/** The rows of one segment as they are read, chunk by chunk, and what is known of them when all are through. */
class SegmentRows {
  /** A chunk is no longer what was planned: what was encoded is to be thrown away. */
  moved = false;
  rows = 0;
  first = NaN;
  last = NaN;
  readonly #planned: readonly PlannedChunk[];

  constructor(planned: readonly PlannedChunk[]) {
    this.#planned = planned;
  }

  async *read(order: SegmentOrder, snapshots: Snapshots): AsyncIterable<StoredChunk> {
    let at = 0;
    for (const run of runsOf(this.#planned)) {
      for await (const chunk of readRun(run, order, snapshots)) {
        this.moved = chunk.digest !== this.#planned[at++]?.digest;
        if (this.moved) return;
        this.#count(chunk);
        yield chunk;
      }
    }
    this.moved = at !== this.#planned.length;
  }

  #count(chunk: StoredChunk): void {
    const { first, last } = boundsOf(chunk);
    if (this.rows === 0) this.first = first;
    this.last = last;
    this.rows += chunk.rows;
  }
}

async function* readRun(
  run: readonly PlannedChunk[],
  { publication, planner, head }: SegmentOrder,
  snapshots: Snapshots,
): AsyncIterable<StoredChunk> {
  const { grid } = publication.state.node;
  switch (run[0].origin) {
    case "head": {
      const range: TimeRange = [chunkRange(run[0].k, grid)[0], chunkRange(run[run.length - 1].k, grid)[1]];
      return yield* snapshots.readChunks(head!.manifest, range, publication.signal);
    }
    case "ours":
      return yield* (await planner.ours()).readMany(run.map(({ k }) => k));
    case "both":
      for (const chunk of run) {
        const blended = await planner.blended(head!, chunk);
        if (blended !== null) yield blended;
      }
  }
}

/** Neighbours of one origin are read together. */
function runsOf(planned: readonly PlannedChunk[]): PlannedChunk[][] {
  const runs: PlannedChunk[][] = [];
  for (const chunk of planned) {
    const last = runs[runs.length - 1];
    if (last !== undefined && last[0].origin === chunk.origin) last.push(chunk);
    else runs.push([chunk]);
  }
  return runs;
}

/** One segment, from the rows of its chunks; null when one of them is no longer what was planned. */
async function writeSegment(
  planned: readonly PlannedChunk[],
  order: SegmentOrder,
  { artifacts, codec, snapshots }: SegmentWriterParts,
): Promise<{ segment: SegmentRecord; bytesWritten: number } | null> {
  const { publication: { state: { node } }, folder } = order;
  const content = new SegmentRows(planned);
  const bytes = await codec.encode(content.read(order, snapshots), segmentMetadata(node));
  if (content.moved) return null;
  const range: TimeRange = [content.first, slotStart(slotOf(content.last, node.grid) + 1, node.grid)];
  const { isNew, ...file } = await putSegment(bytes, { artifacts, folder });
  return { segment: { range, rows: content.rows, ...file }, bytesWritten: isNew ? file.bytes : 0 };
}

/** Part of a file's bytes, and so of its name: nothing in it may differ between two publishers of the same rows. */
export function segmentMetadata({ nodeId, grid }: NodeRecord): string {
  return canonicalJson({ node_id: nodeId, interval: intervalOf(grid), grid: gridRecord(grid) });
}

/** Writes a file under the name of its hash, unless it is there; its bytes are given back. */
export async function putSegment(
  bytes: Uint8Array,
  { artifacts, folder }: { artifacts: ArtifactStore; folder: string },
): Promise<Pick<SegmentRecord, "bytes" | "uri" | "file_sha256"> & { isNew: boolean }> {
  const sha256 = await hashOfFile(bytes);
  const uri = segmentKey(folder, sha256);
  const isNew = await artifacts.putIfAbsent(uri, bytes);
  const sizeBytes = bytes.length;
  giveBack(bytes.buffer);
  return { bytes: sizeBytes, uri, file_sha256: sha256, isNew };
}

/** The host's SHA-256 works beside this thread: five megabytes at once would keep everybody else waiting. */
async function hashOfFile(bytes: Uint8Array): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>)));
}
