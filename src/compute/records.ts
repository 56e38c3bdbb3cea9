/** Records of chunks in the arena: what a chunk's digest hashes, and behind it the digest. */
import type { Door } from "./door.ts";
import { TAG, toHex } from "./sha256.ts";
import type { Chunk } from "./types.ts";

/** What one call of `cutChunks` writes at most; the same number as in wasm/fingerprint.ts. */
export const CHUNKS_PER_CALL = 64;
/** A leaf's job for WASM: address, length, address of its digest. */
export const JOB_BYTES = 16;
/** What comes before the leaves of a record. */
export const HEAD_BYTES = 16;
const DIGEST_BYTES = 32;

/** A chunk's record: i64 k, u32 rows, u32 columns, its leaves, its digest. */
export function recordSize(leaves: number): number {
  return HEAD_BYTES + (leaves + 1) * DIGEST_BYTES;
}

/** Where leaf `column` of the record at `record` stands. */
export function leafAt(record: number, column: number): number {
  return record + HEAD_BYTES + column * DIGEST_BYTES;
}

/** Writes a record's head. */
export function writeHead(
  door: Door,
  record: number,
  o: { k: number; rows: number; leaves: number },
): void {
  const head = door.view(record, HEAD_BYTES);
  head.setBigInt64(0, BigInt(o.k), true);
  head.setUint32(8, o.rows, true);
  head.setUint32(12, o.leaves, true);
}

/** Writes a record's head and, from the leaves that stand there, its digest. */
export function finishRecord(
  door: Door,
  record: number,
  o: { k: number; rows: number; leaves: number },
): void {
  const bodyBytes = HEAD_BYTES + o.leaves * DIGEST_BYTES;
  const job = door.alloc(JOB_BYTES);
  writeHead(door, record, o);
  door.u32(job, 3).set([record, bodyBytes, record + bodyBytes]);
  door.wasm.hashTagged(job, 1, TAG.chunk);
}

/** Reads a record out of the arena. */
export function readRecord(door: Door, record: number, leaves: number): Chunk {
  const head = door.view(record, HEAD_BYTES);
  const digests = door.bytes(leafAt(record, 0), (leaves + 1) * DIGEST_BYTES);
  const hex = toHex(digests);
  return {
    k: Number(head.getBigInt64(0, true)),
    rows: head.getUint32(8, true),
    digest: hex.slice(leaves * 64),
    leaves: Array.from({ length: leaves }, (_, i) => hex.slice(i * 64, i * 64 + 64)),
  };
}

/** Adds the chunk of a record. Throws `RangeError` unless it comes after those that are there. */
export function addChunk(door: Door, chunks: Chunk[], record: number, leaves: number): void {
  const chunk = readRecord(door, record, leaves);
  // Rows are cut on the borders of chunks, unless times that do not ascend made up a border.
  if (chunks.length > 0 && chunk.k <= chunks[chunks.length - 1].k) {
    throw new RangeError(`Cannot fingerprint a frame: times do not ascend at chunk ${chunk.k}`);
  }
  chunks.push(chunk);
}
