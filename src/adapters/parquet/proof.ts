/** Proves a segment file: the hash of the whole, and the digest of each chunk that it should hold. */

import { createHash } from "node:crypto";
import type { Compute } from "../../compute/types.ts";
import { HistoryError } from "../../core/errors.ts";
import type { ByteSource, SegmentProof } from "../../core/ports.ts";
import type { Grid } from "../../core/timeframe.ts";
import { readChunks } from "./reader.ts";

/** What proving takes of the compute core. Files are hashed by the host. */
export type ProvingCore = Pick<Compute, "chunksOf">;

/** A file and the chunks that are said to be in it, ascending. */
export interface FileToProve {
  source: ByteSource;
  wanted: readonly number[];
  grid: Grid;
}

/** Bytes of a file that are hashed at a time. */
const PIECE_BYTES = 1024 * 1024;

/** What the file is. Chunk by chunk, so that every bad one is named and not the first alone. */
export async function proveFile(file: FileToProve, compute: ProvingCore): Promise<SegmentProof> {
  const proof: SegmentProof = { sha256: await hashOf(file.source), chunks: [] };
  for (const k of file.wanted) proof.chunks.push(await proveChunk(k, file, compute));
  return proof;
}

/** A file that lies in memory; what is read of it are views. */
export function sourceOf(bytes: Uint8Array): ByteSource {
  return { sizeBytes: bytes.length, read: (start, end) => Promise.resolve(bytes.subarray(start, end)) };
}

async function hashOf(source: ByteSource): Promise<string> {
  const hash = createHash("sha256");
  for (let from = 0; from < source.sizeBytes; from += PIECE_BYTES) {
    hash.update(await source.read(from, Math.min(source.sizeBytes, from + PIECE_BYTES)));
  }
  return hash.digest("hex");
}

async function proveChunk(
  k: number,
  { source, grid }: FileToProve,
  compute: ProvingCore,
): Promise<SegmentProof["chunks"][number]> {
  try {
    for await (const { rows, digest } of readChunks({ source, grid, compute, wanted: [k] })) {
      return { k, rows, digest };
    }
    return { k, fault: "nothing" };
  } catch (error) {
    if (!(error instanceof HistoryError) || error.code !== "VERIFY_FAILED") throw error;
    return { k, fault: error.message };
  }
}
