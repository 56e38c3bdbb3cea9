/**
 * SFP-1 leaves and digest of a stored chunk (fingerprint.md), by the host's own SHA-256: the writing thread hashes each
 * chunk that it writes, and starting up must not wait for the compute core. A test holds both equal.
 */

import { createHash } from "node:crypto";
import { BAR_COLUMNS } from "../../core/bar_frame.ts";

const LEAF_TAG = tagOf("leaf");
const CHUNK_TAG = tagOf("chunk");

/** The name of a hash, padded to one block of SHA-256. */
function tagOf(name: string): Uint8Array {
  const tag = new Uint8Array(64);
  tag.set(new TextEncoder().encode(`seamless.fingerprint.v1/${name}`));
  return tag;
}

/** Leaves (in schema order) and digest of the canonical rows of chunk `k`, as lower-case hex. */
export function digestOfChunk(chunk: { k: number; rows: number; bytes: Uint8Array }): {
  digest: string;
  leaves: string[];
} {
  const { k, rows, bytes } = chunk;
  const body = createHash("sha256").update(CHUNK_TAG).update(headOf(k, rows));
  const leaves: string[] = [];
  for (let c = 0; c < BAR_COLUMNS.length; c++) {
    const column = bytes.subarray(8 * rows * c, 8 * rows * (c + 1));
    const leaf = createHash("sha256").update(LEAF_TAG).update(column).digest();
    leaves.push(leaf.toString("hex"));
    body.update(leaf);
  }
  return { digest: body.digest("hex"), leaves };
}

function headOf(k: number, rows: number): Uint8Array {
  const head = new DataView(new ArrayBuffer(16));
  head.setBigInt64(0, BigInt(k), true);
  head.setUint32(8, rows, true);
  head.setUint32(12, BAR_COLUMNS.length, true);
  return new Uint8Array(head.buffer);
}
