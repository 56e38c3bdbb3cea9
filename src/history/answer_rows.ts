/** An answer built in memory: its pieces, handed out as they are pulled. */

import type { Compute } from "../compute/mod.ts";
import { barsBetween, concatBars } from "../core/bar_frame.ts";
import { throwIfCancelled } from "../core/errors.ts";
import type { Metadata } from "../core/metadata.ts";
import type { Answer, AnswerRows } from "../core/service.ts";
import { decodeRows } from "../core/stored_chunk.ts";
import type { Grid } from "../core/timeframe.ts";
import { boundsOf, cutSlice, type Piece } from "./pieces.ts";

const encoder = new TextEncoder();

/** Rows in memory, and what they are the rows of. */
export interface HeldRows<M> {
  metadata: M;
  pieces: Piece[];
  pinned: boolean;
  compute: Compute;
  grid: Grid;
}

/** An answer over pieces that lie in memory. */
export function answerOf(o: HeldRows<Metadata>): Answer {
  const phases = Object.entries(o.metadata.sla?.phases ?? {});
  const timing = phases.map(([name, { ms }]) => ({ name, ms }));
  return { ...rowsOfAnswer(o), metadata: o.metadata, timing };
}

/** The rows of an answer over pieces that lie in memory; `content` is the list of pieces. */
export function rowsOfAnswer(o: HeldRows<AnswerRows["metadata"]>): AnswerRows {
  return {
    metadata: o.metadata,
    pinned: o.pinned,
    content: o.pieces,
    async *slices({ fromTs = -Infinity, limit = Infinity, signal } = {}) {
      let left = limit;
      for (const piece of o.pieces) {
        throwIfCancelled(signal, `Reading ${o.metadata.node_id}`);
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

/**
 * SHA-256 over the chunk digests of the rows from `fromTs` on. Pieces of one chunk count as one, so that the digest does
 * not change when rows become final and the chunk is cut elsewhere.
 */
export function remainderDigest(
  pieces: readonly Piece[],
  fromTs: number,
  o: { compute: Compute; grid: Grid },
): string {
  const left = pieces.filter((piece) => boundsOf(piece).last >= fromTs);
  const digests: string[] = [];
  for (let i = 0, end; i < left.length; i = end) {
    for (end = i + 1; end < left.length && left[end].k === left[i].k;) end++;
    const whole = end === i + 1 && boundsOf(left[i]).first >= fromTs;
    digests.push(whole ? left[i].digest : digestOfRows(left.slice(i, end), fromTs, o));
  }
  return hex(o.compute.sha256(encoder.encode(digests.join("\n"))));
}

function digestOfRows(
  pieces: readonly Piece[],
  fromTs: number,
  o: { compute: Compute; grid: Grid },
): string {
  const rows = concatBars(pieces.map((piece) => decodeRows(piece.bytes)));
  return o.compute.chunksOf(barsBetween(rows, fromTs, Infinity), o.grid)[0].digest;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
