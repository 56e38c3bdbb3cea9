/**
 * Puts back segment files of the newest snapshots that are gone, from rows that the publisher still has: the same rows
 * give the same bytes, and so the same name. What is there is never written over.
 */

import type { Compute } from "../compute/types.ts";
import { barsWhere } from "../core/bar_frame.ts";
import { isArtifactFault } from "../core/errors.ts";
import type { ChunkRecord, Manifest, ManifestLists, SegmentRecord } from "../core/manifest.ts";
import type { ArtifactStore, Log, SegmentCodec, StoredChunk } from "../core/ports.ts";
import { contains, rangesOfGaps } from "../core/snapshot_merge.ts";
import { chunkRange, decodeRows, encodeRows } from "../core/stored_chunk.ts";
import { type Ranges, toRanges } from "../core/time_range.ts";
import type { Publication } from "./publication.ts";
import type { PublishedHead } from "./publication_plan.ts";
import { putSegment, segmentMetadata } from "./segment_writer.ts";
import { chunkSpan } from "./snapshot_content.ts";
import type { Snapshots } from "./snapshots.ts";

export interface MendingParts {
  artifacts: ArtifactStore;
  codec: SegmentCodec;
  compute: Pick<Compute, "chunksOf" | "subtractRanges">;
  snapshots: Snapshots;
  log: Log;
}

/** The snapshots to mend, the rows that there are of their node, and the folder of its artifacts. */
export interface MendingOrder {
  manifests: readonly Manifest[];
  publication: Publication;
  folder: string;
}

/** The same for files that a snapshot names. */
type Naming = MendingOrder & { head: PublishedHead };

/** Writes what is gone and can be written, and resolves with the bytes of it. What cannot is logged. */
export async function mendSegments(order: MendingOrder, parts: MendingParts): Promise<number> {
  const { nodeId } = order.publication.state.node;
  const seen = new Set<string>();
  let bytesWritten = 0;
  for (const manifest of order.manifests) {
    const lost = await parts.snapshots.lostSegments(manifest, manifest.range);
    for (const segment of lost.filter(({ uri }) => !seen.has(uri))) {
      seen.add(segment.uri);
      const lists = await listsOf(manifest, parts.snapshots);
      const bytes = lists === null ? 0 : await mend(segment, { ...order, head: { manifest, lists } }, parts);
      bytesWritten += bytes;
      tell(nodeId, { uri: segment.uri, bytes, log: parts.log });
    }
  }
  return bytesWritten;
}

/** Null where a page of them is lost: what the segment holds is then not known. */
async function listsOf(manifest: Manifest, snapshots: Snapshots): Promise<ManifestLists | null> {
  try {
    return await snapshots.lists(manifest);
  } catch (error) {
    if (!isArtifactFault(error)) throw error;
    return null;
  }
}

function tell(nodeId: string, { uri, bytes, log }: { uri: string; bytes: number; log: Log }): void {
  if (bytes > 0) return log.emit("info", "seamless.artifact.mended", { node_id: nodeId, uri, bytes });
  const error =
    `Cannot restore ${uri}: its rows are not all stored here any more, a page that lists them is lost, or it is in the way`;
  log.emit("error", "seamless.artifact.unreadable", {
    node_id: nodeId,
    uri,
    code: "ARTIFACT_MISSING",
    error,
  });
}

async function mend(segment: SegmentRecord, order: Naming, parts: MendingParts): Promise<number> {
  const { publication: { state: { node } }, folder } = order;
  const rows = new PublishedRows();
  const bytes = await parts.codec.encode(rows.read(segment, order, parts), segmentMetadata(node));
  // Another version of the encoder gives other bytes: under another name they would be nobody's.
  if (!rows.areAll || bytes.length !== segment.bytes) return 0;
  const file = await putSegment(bytes, { artifacts: parts.artifacts, folder });
  return file.isNew && file.uri === segment.uri ? file.bytes : 0;
}

/** The rows of one segment as they were published, chunk by chunk: what is stored may be gone when the next one comes. */
class PublishedRows {
  /** Else the store has not all of them, or has others: what was encoded is to be thrown away. */
  areAll = false;

  async *read(
    segment: SegmentRecord,
    { publication, head: { manifest, lists } }: Naming,
    { compute }: MendingParts,
  ): AsyncIterable<StoredChunk> {
    const { grid } = publication.state.node;
    const span = chunkSpan(segment.range, manifest);
    const records = new Map(
      lists.chunks.filter(({ k }) => k >= span.from && k < span.to).map((one) => [one.k, one]),
    );
    const published = compute.subtractRanges(toRanges(lists.covered), rangesOfGaps(lists.gaps), grid);
    const range = [chunkRange(span.from, grid)[0], chunkRange(span.to, grid)[0]] as const;
    let found = 0;
    for await (const stored of publication.readChunks(range)) {
      const record = records.get(stored.k);
      if (record === undefined) continue;
      const chunk = asPublished(stored, { record, published }, (rows) => compute.chunksOf(rows, grid)[0]);
      if (chunk === null) return;
      found++;
      yield chunk;
    }
    this.areAll = found === records.size;
  }
}

/** The stored chunk, or the rows of it that the snapshot has; null unless they are those that it has. */
function asPublished(
  stored: StoredChunk,
  { record, published }: { record: ChunkRecord; published: Ranges },
  recordOf: (
    rows: ReturnType<typeof decodeRows>,
  ) => { k: number; rows: number; digest: string; leaves: string[] },
): StoredChunk | null {
  if (stored.digest === record.digest) return stored;
  const rows = barsWhere(decodeRows(stored.bytes), (ts) => contains(published, ts));
  if (rows.ts.length !== record.rows) return null;
  const cut = recordOf(rows);
  return cut.digest === record.digest ? { ...cut, bytes: encodeRows(rows) } : null;
}
