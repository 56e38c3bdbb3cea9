/** What is handed to the publisher, and the chunks in it that may be published. */

import type { Compute } from "../compute/types.ts";
import { BoundedMap } from "../core/bounded_map.ts";
import { barsWhere } from "../core/bar_frame.ts";
import type { JsonValue } from "../core/canonical_json.ts";
import type { GapReason } from "../core/gap_reason.ts";
import type { ChunkRecord } from "../core/manifest.ts";
import type { Finding, NodeState, StoredChunk } from "../core/ports.ts";
import { contains, slotsWithin } from "../core/snapshot_merge.ts";
import { chunkRange, decodeRows, encodeRows } from "../core/stored_chunk.ts";
import type { Ranges, TimeRange } from "../core/time_range.ts";

/** What a publisher holds of one node and wants published. */
export interface Publication {
  state: NodeState;
  /** Final bars and settled slots: flat, sorted, coalesced, on the grid. Nothing outside is published. */
  covered: Ranges;
  /** The settled gaps inside `covered`, ascending; every other covered slot has a final bar in the store. */
  gaps: readonly { start: number; end: number; reason: GapReason }[];
  findings: readonly Pick<Finding, "ts" | "flag" | "count">[];
  /** Texts for `conformance.warnings`. */
  warnings?: readonly string[];
  /** Final chunks that hold rows of the range, ascending, as they are at or after `state`. */
  readChunks(range: TimeRange): AsyncIterable<StoredChunk>;
  conformanceVersion: string;
  exchange: string;
  source: string;
  policy: { readonly [key: string]: JsonValue };
  /** Files of the newest snapshots that are gone are written again where their rows are here. */
  mends?: boolean;
  signal?: AbortSignal;
}

/** Cleaned chunks kept between planning and writing: mostly the one open chunk. */
const KEPT_BYTES = 4 * 1024 * 1024;

/**
 * The publisher's own chunks, cut down to the rows that it claims. The store may have moved on since `state` was
 * taken: rows of slots that are not claimed are left out, and a chunk whose claimed rows changed makes `read` answer
 * other digests than `records` named; then `records` names the new ones.
 */
export class OurChunks {
  readonly #publication: Publication;
  readonly #compute: Pick<Compute, "chunksOf">;
  /** Slots that are claimed to have a bar. */
  readonly #bars: Ranges;
  readonly #records: Map<number, ChunkRecord>;
  readonly #kept = new BoundedMap<number, StoredChunk>(KEPT_BYTES);

  private constructor(publication: Publication, bars: Ranges, compute: Pick<Compute, "chunksOf">) {
    this.#publication = publication;
    this.#bars = bars;
    this.#compute = compute;
    this.#records = new Map(publication.state.chunks.map((chunk) => [chunk.k, chunk]));
  }

  /** Looks at every chunk that is claimed in part, because its digest has to be made. */
  static async open(
    publication: Publication,
    bars: Ranges,
    compute: Pick<Compute, "chunksOf">,
  ): Promise<OurChunks> {
    const ours = new OurChunks(publication, bars, compute);
    const { grid } = publication.state.node;
    for (const { k, rows } of publication.state.chunks) {
      const claimed = slotsWithin(bars, chunkRange(k, grid), grid);
      if (claimed === rows) continue;
      ours.#records.delete(k);
      if (claimed > 0) await ours.read(k);
    }
    return ours;
  }

  /** What is claimed, ascending. */
  records(): ChunkRecord[] {
    return [...this.#records.values()].sort((a, b) => a.k - b.k);
  }

  /** One chunk. */
  async read(k: number): Promise<StoredChunk> {
    const kept = this.#kept.get(k);
    if (kept !== undefined) return kept;
    for await (const chunk of this.readMany([k])) return chunk;
    throw new Error(`unreachable: chunk ${k} was asked for alone`);
  }

  /** The chunks `ks` (ascending), in one read of the store. */
  async *readMany(ks: readonly number[]): AsyncIterable<StoredChunk> {
    const { readChunks, state } = this.#publication;
    const { grid, nodeId } = state.node;
    const range = [chunkRange(ks[0], grid)[0], chunkRange(ks[ks.length - 1], grid)[1]] as const;
    let next = 0;
    for await (const chunk of readChunks(range)) {
      if (next === ks.length) break;
      if (chunk.k < ks[next]) continue;
      if (chunk.k > ks[next]) break;
      next++;
      yield this.#claimed(chunk);
    }
    if (next < ks.length) {
      throw new Error(`Cannot publish ${nodeId}: the store lacks chunk ${ks[next]}, which it said to have`);
    }
  }

  #claimed(chunk: StoredChunk): StoredChunk {
    if (this.#records.get(chunk.k)?.digest === chunk.digest) return chunk;
    const { grid, nodeId } = this.#publication.state.node;
    const rows = barsWhere(decodeRows(chunk.bytes), (ts) => contains(this.#bars, ts));
    const claimed = slotsWithin(this.#bars, chunkRange(chunk.k, grid), grid);
    if (rows.ts.length !== claimed) {
      throw new Error(
        `Cannot publish ${nodeId}: ${claimed} bars of chunk ${chunk.k} are claimed, ${rows.ts.length} stored`,
      );
    }
    const [record] = this.#compute.chunksOf(rows, grid);
    const cut = { ...record, bytes: encodeRows(rows) };
    this.#records.set(chunk.k, { k: cut.k, rows: cut.rows, digest: cut.digest });
    this.#kept.set(chunk.k, cut, cut.bytes.length);
    return cut;
  }
}
