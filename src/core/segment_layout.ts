/**
 * Which segment holds which chunk (spec §8: the segments of a snapshot are disjoint, whoever reads them all sees each
 * row once).
 *
 * The rule: chunk numbers are divided into aligned blocks of 64, and a block is one segment once the dataset goes on
 * after it. The block in which the dataset ends is divided into aligned eights by the same rule, and the eight in
 * which it ends into single chunks. So the open chunk alone is written again and again, a closed one at most twice
 * more, a node of n chunks has about n / 64 + 15 segments, and two publishers of the same data cut it alike. A chunk
 * that changes late costs its block.
 */

import { SEGMENT_MAX_CHUNKS } from "./limits.ts";

/** Sizes of blocks, largest first; each is a multiple of the next. */
const BLOCKS = [SEGMENT_MAX_CHUNKS, SEGMENT_MAX_CHUNKS / 8, 1];

/** Chunk numbers `[from, to)`. */
export interface ChunkSpan {
  from: number;
  to: number;
}

/** The block of chunk `k` in a dataset whose last chunk is `lastK`. */
export function blockOf(k: number, lastK: number): ChunkSpan {
  for (const size of BLOCKS) {
    const block = Math.floor(k / size);
    if (size === 1 || block < Math.floor(lastK / size)) return { from: block * size, to: (block + 1) * size };
  }
  throw new Error("unreachable: every chunk is a block of one");
}

/** What is to be done so that the segments hold the wanted chunks. */
export interface SegmentPlan<S> {
  /** Segments that stay as they are. */
  kept: S[];
  /** Chunk numbers of each segment to write, ascending. */
  written: number[][];
}

/**
 * Plans the segments of a snapshot. `chunks` ascend and are all that the snapshot has; `changed` are those whose rows
 * are not what the earlier segments hold; `segments` (ascending, disjoint) are the earlier ones. A segment stays
 * unless one of its chunks changed, a new chunk falls between its own, or its block has come to hold more than it.
 */
export function planSegments<S extends { span: ChunkSpan }>(o: {
  chunks: readonly number[];
  changed: ReadonlySet<number>;
  segments: readonly S[];
}): SegmentPlan<S> {
  const { chunks, changed, segments } = o;
  if (chunks.length === 0) return { kept: [], written: [] };
  const lastK = chunks[chunks.length - 1];
  const inside = ({ from, to }: ChunkSpan) =>
    chunks.slice(firstAtOrAfter(chunks, from), firstAtOrAfter(chunks, to));
  const kept = segments.filter(({ span }) => {
    const block = { from: blockOf(span.from, lastK).from, to: blockOf(span.to - 1, lastK).to };
    return !inside(span).some((k) => changed.has(k)) &&
      inside(block).every((k) => k >= span.from && k < span.to);
  });
  return { kept, written: groupByBlock(withoutKept(chunks, kept), lastK) };
}

function withoutKept(chunks: readonly number[], kept: readonly { span: ChunkSpan }[]): number[] {
  let at = 0;
  return chunks.filter((k) => {
    while (at < kept.length && kept[at].span.to <= k) at++;
    return at === kept.length || k < kept[at].span.from;
  });
}

function groupByBlock(chunks: readonly number[], lastK: number): number[][] {
  const groups: number[][] = [];
  let end = -Infinity;
  for (const k of chunks) {
    if (k >= end) {
      groups.push([]);
      end = blockOf(k, lastK).to;
    }
    groups[groups.length - 1].push(k);
  }
  return groups;
}

function firstAtOrAfter(chunks: readonly number[], k: number): number {
  let low = 0;
  let high = chunks.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (chunks[middle] < k) low = middle + 1;
    else high = middle;
  }
  return low;
}
