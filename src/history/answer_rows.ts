/** An answer built in memory: its pieces, handed out as they are pulled. */

import type { Compute } from "../compute/mod.ts";
import type { Metadata } from "../core/metadata.ts";
import type { Answer } from "../core/service.ts";
import { decodeRows } from "../core/stored_chunk.ts";
import type { Grid } from "../core/timeframe.ts";
import { boundsOf, cutSlice, type Piece } from "./pieces.ts";

const encoder = new TextEncoder();

/** An answer over pieces that lie in memory. */
export function answerOf(
  o: { metadata: Metadata; pieces: Piece[]; pinned: boolean; compute: Compute; grid: Grid },
): Answer {
  const timing = Object.entries(o.metadata.sla?.phases ?? {}).map(([name, phase]) => ({
    name,
    ms: phase.ms,
  }));
  return {
    metadata: o.metadata,
    pinned: o.pinned,
    timing,
    async *slices({ fromTs = -Infinity, limit = Infinity, signal } = {}) {
      let left = limit;
      for (const piece of o.pieces) {
        signal?.throwIfAborted();
        if (left <= 0) return;
        if (fromTs === -Infinity && piece.rows <= left) {
          left -= piece.rows;
          yield piece;
          continue;
        }
        const slice = cutSlice(piece, fromTs, left);
        if (slice === null) continue;
        left -= slice.rows;
        yield slice;
      }
    },
    remainderDigest: (fromTs) => Promise.resolve(remainderDigest(o.pieces, fromTs, o)),
  };
}

/** SHA-256 over the digests of the rows from `fromTs` on: whole pieces by their own, the cut one hashed again. */
export function remainderDigest(
  pieces: readonly Piece[],
  fromTs: number,
  o: { compute: Compute; grid: Grid },
): string {
  const digests: string[] = [];
  for (const piece of pieces) {
    const { first, last } = boundsOf(piece);
    if (last < fromTs) continue;
    if (first >= fromTs) {
      digests.push(piece.digest);
      continue;
    }
    const slice = cutSlice(piece, fromTs, Infinity);
    if (slice !== null) {
      digests.push(...o.compute.chunksOf(decodeRows(slice.bytes), o.grid).map((c) => c.digest));
    }
  }
  return hex(o.compute.sha256(encoder.encode(digests.join("\n"))));
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
