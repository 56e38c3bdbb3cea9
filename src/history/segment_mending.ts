/**
 * Puts back segment files of the newest snapshot that are gone, from rows that the publisher still has: the same rows
 * give the same bytes, and so the same name. What is there is never written over.
 */

import type { SegmentRecord } from "../core/manifest.ts";
import type { Log } from "../core/ports.ts";
import type { PublicationPlanner, PublishedHead } from "./publication_plan.ts";
import { type SegmentOrder, type SegmentWriterParts, writeSegment } from "./segment_writer.ts";
import { chunkSpan } from "./snapshot_content.ts";

/** Writes what is gone and can be written, and resolves with the bytes of it. What cannot is logged. */
export async function mendSegments(
  order: Omit<SegmentOrder, "plan" | "head"> & { head: PublishedHead },
  parts: SegmentWriterParts & { log: Log },
): Promise<number> {
  const { manifest } = order.head;
  let bytesWritten = 0;
  for (const segment of await parts.snapshots.lostSegments(manifest, manifest.range)) {
    const bytes = await mended(segment, order, parts);
    bytesWritten += bytes;
    const fields = { node_id: manifest.node_id, uri: segment.uri };
    if (bytes > 0) parts.log.emit("info", "seamless.artifact.mended", { ...fields, bytes });
    else {
      const error =
        `Cannot restore ${segment.uri}: its rows are not all stored here any more, or it is in the way`;
      parts.log.emit("error", "seamless.artifact.unreadable", { ...fields, code: "ARTIFACT_MISSING", error });
    }
  }
  return bytesWritten;
}

async function mended(
  segment: SegmentRecord,
  order: Omit<SegmentOrder, "plan" | "head"> & { head: PublishedHead },
  parts: SegmentWriterParts,
): Promise<number> {
  const { manifest, lists } = order.head;
  const { from, to } = chunkSpan(segment.range, manifest);
  const records = lists.chunks.filter(({ k }) => k >= from && k < to);
  if (!await holdsAll(records, order.planner)) return 0;
  const written = await writeSegment(records.map((record) => ({ ...record, origin: "ours" })), order, parts);
  return written?.segment.uri === segment.uri ? written.bytesWritten : 0;
}

async function holdsAll(
  records: readonly { k: number; digest: string }[],
  planner: PublicationPlanner,
): Promise<boolean> {
  const ours = new Map((await planner.ours()).records().map(({ k, digest }) => [k, digest]));
  return records.length > 0 && records.every(({ k, digest }) => ours.get(k) === digest);
}
