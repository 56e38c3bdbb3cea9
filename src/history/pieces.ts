/**
 * The rows of an answer as pieces of chunks: cut out by slots, with the digest of exactly the rows that are left, so
 * that a fingerprint comes from stored digests and only cut chunks are hashed again.
 */

import type { Compute } from "../compute/mod.ts";
import type { Bars } from "../core/bar_frame.ts";
import { BoundedMap } from "../core/bounded_map.ts";
import { CHUNK_CUTS_KEPT, FINGERPRINT_KEY_CHUNKS, FINGERPRINTS_KEPT } from "../core/limits.ts";
import { CONFORMANCE_VERSION } from "../core/metadata.ts";
import type { StoredChunk } from "../core/ports.ts";
import type { BarSlice } from "../core/service.ts";
import { chunkParts, decodeRows, encodeRows, rowsWithin, sliceRows } from "../core/stored_chunk.ts";
import { type Grid, intervalOf } from "../core/timeframe.ts";
import type { TimeRange } from "../core/time_range.ts";
import { viewBars } from "../core/bar_frame.ts";

/** Rows of one chunk. `digest` is the SFP-1 chunk digest of these rows alone, `source` that of the chunk they were cut from. */
export interface Piece extends BarSlice {
  k: number;
  digest: string;
  source: string;
}

/** Cut chunks keep their last cuts: the same questions asked again copy and hash nothing. */
const cuts = new WeakMap<StoredChunk, { from: number; to: number; piece: Piece }[]>();

/** The rows of a chunk inside `range`; null when there are none. */
export function pieceOf(
  chunk: StoredChunk,
  range: TimeRange,
  o: { grid: Grid; compute: Compute },
): Piece | null {
  const [from, to] = rowsWithin(chunk, range);
  if (from === to) return null;
  if (to - from === chunk.rows) {
    return { k: chunk.k, rows: chunk.rows, bytes: chunk.bytes, digest: chunk.digest, source: chunk.digest };
  }
  const known = cuts.get(chunk) ?? [];
  const same = known.find((cut) => cut.from === from && cut.to === to);
  if (same !== undefined) return same.piece;
  const bytes = sliceRows(chunk, from, to);
  const digest = digestOf(decodeRows(bytes), o);
  const piece = { k: chunk.k, rows: to - from, bytes, digest, source: chunk.digest };
  cuts.set(chunk, [{ from, to, piece }, ...known.slice(0, CHUNK_CUTS_KEPT - 1)]);
  return piece;
}

/** A frame as pieces, cut at chunk borders. */
export function piecesOfBars(bars: Bars, o: { grid: Grid; compute: Compute }): Piece[] {
  return chunkParts(bars.ts, o.grid).map(({ k, from, to }) => {
    const rows = viewBars(bars, from, to);
    const digest = digestOf(rows, o);
    return { k, rows: to - from, bytes: encodeRows(rows), digest, source: digest };
  });
}

function digestOf(rows: Bars, o: { grid: Grid; compute: Compute }): string {
  return o.compute.chunksOf(rows, o.grid)[0].digest;
}

/** Fingerprints of short answers by what they are made of: the same questions come again and again. */
const fingerprints = new BoundedMap<string, string>(FINGERPRINTS_KEPT);

/** The SFP-1 fingerprint of rows known by their chunk digests, claiming to cover `range`. */
export function fingerprintOf(
  chunks: readonly { k: number; rows: number; digest: string }[],
  claims: { nodeId: string; grid: Grid; range: TimeRange },
  compute: Compute,
): string {
  if (chunks.length > FINGERPRINT_KEY_CHUNKS) return rootOf(chunks, claims, compute);
  const key = keyOf(chunks, claims);
  const known = fingerprints.get(key);
  if (known !== undefined) return known;
  const fingerprint = rootOf(chunks, claims, compute);
  fingerprints.set(key, fingerprint);
  return fingerprint;
}

/** All that a fingerprint depends on: chunks by number and digest, node, interval, range. */
function keyOf(
  chunks: readonly { k: number; digest: string }[],
  { nodeId, grid, range }: { nodeId: string; grid: Grid; range: TimeRange },
): string {
  let key = `${nodeId} ${intervalOf(grid)} ${range[0]} ${range[1]}`;
  for (const { k, digest } of chunks) key += ` ${k} ${digest}`;
  return key;
}

function rootOf(
  chunks: readonly { k: number; rows: number; digest: string }[],
  claims: { nodeId: string; grid: Grid; range: TimeRange },
  compute: Compute,
): string {
  const listed = chunks.map(({ k, rows, digest }) => ({ k, rows, digest, leaves: [] }));
  return compute.fingerprintOfChunks(listed, { ...claims, conformanceVersion: CONFORMANCE_VERSION });
}

/** First and last `ts` of a piece. */
export function boundsOf(piece: BarSlice): { first: number; last: number } {
  const view = new DataView(piece.bytes.buffer, piece.bytes.byteOffset, 8 * piece.rows);
  return {
    first: Number(view.getBigInt64(0, true)),
    last: Number(view.getBigInt64(8 * (piece.rows - 1), true)),
  };
}

/** The rows of a slice from `fromTs` on, at most `limit`; null when none are left. */
export function cutSlice(slice: BarSlice, fromTs: number, limit: number): BarSlice | null {
  const [from] = rowsWithin(slice, [fromTs, Infinity]);
  const to = Math.min(slice.rows, from + limit);
  return from >= to ? null : { rows: to - from, bytes: sliceRows(slice, from, to) };
}
