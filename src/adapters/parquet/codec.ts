/** Chunks ↔ Parquet: the `SegmentCodec` of the service. */

import { setTimeout } from "node:timers/promises";
import type { Compute } from "../../compute/types.ts";
import { throwIfCancelled } from "../../core/errors.ts";
import { giveBack } from "../../core/give_back.ts";
import type { SegmentCodec, StoredChunk } from "../../core/ports.ts";
import { readChunks } from "./reader.ts";
import { BarParquetWriter } from "./writer.ts";
import type { RowBytes } from "./writer.ts";

/** Row groups between two turns of the event loop: encoding one takes about 1.5 ms on this thread. */
const GROUPS_PER_TURN = 4;
const FIRST_BYTES = 256 * 1024;

/** A `SegmentCodec` that can also write a file as it goes, for answers whose length has no bound. */
export interface ParquetCodec extends SegmentCodec {
  /** A Parquet file piece by piece: a row group for each item, then the footer. Items without rows are left out. */
  encodeStream(
    rows: Iterable<RowBytes> | AsyncIterable<RowBytes>,
    o?: { metadata?: string; signal?: AbortSignal },
  ): AsyncIterable<Uint8Array>;
}

/** Parquet with zstd; digests of what is read come from the compute core. */
export function createParquetCodec(compute: Pick<Compute, "chunksOf">): ParquetCodec {
  return {
    async *encodeStream(rows, o) {
      for await (const piece of encodePieces(rows, o)) yield piece.slice();
    },
    async encode(chunks, metadata) {
      const file = new GrowingFile();
      for await (const piece of encodePieces(chunks, { metadata })) file.append(piece);
      return file.bytes();
    },
    decode(source, wanted, grid, signal): AsyncIterable<StoredChunk> {
      return readChunks({ source, wanted: wanted.map(({ k }) => k), grid, compute, signal });
    },
  };
}

/** Each piece is good until the next one is asked for. */
async function* encodePieces(
  items: Iterable<RowBytes> | AsyncIterable<RowBytes>,
  o: { metadata?: string; signal?: AbortSignal } = {},
): AsyncIterable<Uint8Array> {
  const writer = new BarParquetWriter(o.metadata);
  yield writer.start();
  let groups = 0;
  for await (const item of items) {
    throwIfCancelled(o.signal, "Writing Parquet");
    if (item.rows === 0) continue;
    yield writer.rowGroup(item);
    // By a timer: immediates come before I/O is looked at, and a long run of them keeps every socket waiting.
    if (++groups % GROUPS_PER_TURN === 0) await setTimeout(0);
  }
  yield writer.finish();
}

/** A file as it grows, in one buffer: what it outgrew is given back at once. */
class GrowingFile {
  #buffer = new Uint8Array(FIRST_BYTES);
  #length = 0;

  append(piece: Uint8Array): void {
    const length = this.#length + piece.length;
    if (length > this.#buffer.length) this.#grow(length);
    this.#buffer.set(piece, this.#length);
    this.#length = length;
  }

  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  #grow(length: number): void {
    const old = this.#buffer;
    this.#buffer = new Uint8Array(Math.max(length, 2 * old.length));
    this.#buffer.set(old);
    giveBack(old.buffer);
  }
}
