/** Chunks ↔ Parquet: the `SegmentCodec` of the service. */

import { setImmediate } from "node:timers/promises";
import type { Compute } from "../../compute/types.ts";
import { throwIfCancelled } from "../../core/errors.ts";
import type { SegmentCodec, StoredChunk } from "../../core/ports.ts";
import { readChunks } from "./reader.ts";
import { BarParquetWriter } from "./writer.ts";
import type { RowBytes } from "./writer.ts";

/** Row groups between two turns of the event loop: encoding one takes about 1.5 ms on this thread. */
const GROUPS_PER_TURN = 2;

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
    encodeStream,
    async encode(chunks, metadata) {
      return join(await Array.fromAsync(encodeStream(chunks, { metadata })));
    },
    decode(source, wanted, grid, signal): AsyncIterable<StoredChunk> {
      return readChunks({ source, wanted: wanted.map(({ k }) => k), grid, compute, signal });
    },
  };
}

async function* encodeStream(
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
    if (++groups % GROUPS_PER_TURN === 0) await setImmediate();
  }
  yield writer.finish();
}

function join(pieces: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((total, piece) => total + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
