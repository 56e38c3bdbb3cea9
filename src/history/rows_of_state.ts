/**
 * Rows are read after the state that gaps and coverage are told from; a fill may have written in between. An answer is
 * of one moment: what came later is left out of it.
 */

import type { NodeView } from "../backfill/node_view.ts";
import type { Compute } from "../compute/mod.ts";
import { barsWhere } from "../core/bar_frame.ts";
import type { StoredChunk } from "../core/ports.ts";
import { contains } from "../core/snapshot_merge.ts";
import { decodeRows, encodeRows } from "../core/stored_chunk.ts";

/** The chunk as the state knew its slots; null when it had none of them. Values that were restated since are the new ones. */
export function chunkAtState(chunk: StoredChunk, view: NodeView, compute: Compute): StoredChunk | null {
  if (digestAtState(chunk.k, view) === chunk.digest) return chunk;
  const rows = barsWhere(decodeRows(chunk.bytes), (ts) => contains(view.withBar, ts));
  if (rows.ts.length === chunk.rows) return chunk;
  if (rows.ts.length === 0) return null;
  const [record] = compute.chunksOf(rows, view.grid);
  return { ...record, bytes: encodeRows(rows) };
}

function digestAtState(k: number, { state: { chunks } }: NodeView): string | undefined {
  let low = 0;
  let high = chunks.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (chunks[middle].k < k) low = middle + 1;
    else high = middle;
  }
  return chunks[low]?.k === k ? chunks[low].digest : undefined;
}
