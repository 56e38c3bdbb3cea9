/**
 * Leaves by the host's own SHA-256, from the length on at which it is faster than four lanes here. The bytes are the
 * same; how long a leaf must be is measured once, since it depends on the processor and on what a call costs the host.
 */
import type { Door, HostHash } from "./door.ts";
import { TAG, tagBlock } from "./sha256.ts";

const DIGEST_BYTES = 32;
const JOB_BYTES = 16;
/** Where nobody gave a clock: measured on a processor with SHA-256 of its own, where the two were even at 3,000. */
const USUAL_MIN_BYTES = 4096;
/** Leaves up to here need no measuring. */
const SMALL_BYTES = 512;
const MEASURED_BYTES = [512, 1024, 2048, 4096, 8192, 16_384];
/** Leaves of one measurement, which fill all lanes, and how often each is taken: a host's first calls are slow. */
const MEASURED_LEAVES = 4;
const ROUNDS = 10;

const LEAF_TAG = tagBlock("leaf");

/** Whether the host takes a leaf of so many bytes. Measures when the first one comes for which that is a question. */
export function takesNative(door: Door, bytes: number): boolean {
  const { hostHash, nowMs } = door.host;
  if (hostHash === undefined || bytes < SMALL_BYTES) return false;
  door.nativeMinBytes ??= nowMs === undefined ? USUAL_MIN_BYTES : measure(door, hostHash, nowMs);
  return bytes >= door.nativeMinBytes;
}

/** The digest of parts by the host. Throws `TypeError` when it gives none of SHA-256's size. */
export function nativeDigest(door: Door, parts: readonly Uint8Array[]): Uint8Array {
  const digest = door.host.hostHash!(parts);
  if (digest.length !== DIGEST_BYTES) throw new TypeError("The host's SHA-256 gave no digest of 32 bytes");
  return digest;
}

/** The leaf of a column's bytes by the host. */
export function nativeLeaf(door: Door, data: Uint8Array): Uint8Array {
  return nativeDigest(door, [LEAF_TAG, data]);
}

/** The least length from which on the host is never slower; `Infinity` when it is slower at the longest. */
function measure(door: Door, hash: HostHash, nowMs: () => number): number {
  return door.scoped(() => {
    const longest = MEASURED_BYTES[MEASURED_BYTES.length - 1];
    const data = door.alloc(longest);
    const out = door.alloc(MEASURED_LEAVES * DIGEST_BYTES);
    const jobs = door.alloc(MEASURED_LEAVES * JOB_BYTES);
    door.bytes(data, longest).fill(1);
    let least = Infinity;
    for (const bytes of MEASURED_BYTES.toReversed()) {
      for (let i = 0; i < MEASURED_LEAVES; i++) {
        door.u32(jobs + i * JOB_BYTES, 3).set([data, bytes, out + i * DIGEST_BYTES]);
      }
      const piece = door.bytes(data, bytes);
      const own = quickest(nowMs, () => door.wasm.hashTagged(jobs, MEASURED_LEAVES, TAG.leaf));
      const native = quickest(nowMs, () => {
        for (let i = 0; i < MEASURED_LEAVES; i++) hash([LEAF_TAG, piece]);
      });
      if (native > own) break;
      least = bytes;
    }
    return least;
  });
}

function quickest(nowMs: () => number, run: () => void): number {
  let least = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const begunMs = nowMs();
    run();
    least = Math.min(least, nowMs() - begunMs);
  }
  return least;
}
