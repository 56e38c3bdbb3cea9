/**
 * SHA-256 (FIPS 180-4), one stream at a time: for single messages, for streams, and for what SIMD lanes leave over.
 *
 * A stream's state is 104 bytes that may be copied out, kept, and copied in again:
 *   0  eight words of state   32  u64 bytes taken so far   40  64 bytes that do not fill a block yet
 */
import { compress } from "./sha256_block";

export const STREAM_BYTES: usize = 104;
export const TAKEN: usize = 32;
const PENDING: usize = 40;

const H: usize = memory.data<u32>([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
], 16);

const BLOCK: usize = memory.data(128, 16);

/** Writes the eight state words at `state` as a digest, big-endian. */
export function writeDigest(state: usize, out: usize): void {
  for (let i: usize = 0; i < 32; i += 4) store<u32>(out + i, bswap<u32>(load<u32>(state + i)));
}

/**
 * Lays out the last block or two of a message at `block` (128 bytes): its last bytes, the padding, its whole length in
 * bits. Returns how many blocks that is.
 */
export function padTail(block: usize, rest: usize, restBytes: usize, totalBytes: u64): usize {
  memory.copy(block, rest, restBytes);
  const blocks: usize = restBytes < 56 ? 1 : 2;
  memory.fill(block + restBytes, 0, (blocks << 6) - restBytes);
  store<u8>(block + restBytes, 0x80);
  store<u64>(block + (blocks << 6) - 8, bswap<u64>(totalBytes << 3));
  return blocks;
}

/** Begins a stream at `stream`. */
export function shaStart(stream: usize): void {
  memory.copy(stream, H, 32);
  store<u64>(stream, 0, TAKEN);
}

/** Takes `bytes` bytes at `data` into the stream; any split of a message gives the same digest. */
export function shaUpdate(stream: usize, data: usize, bytes: usize): void {
  const taken = load<u64>(stream, TAKEN);
  store<u64>(stream, taken + <u64>bytes, TAKEN);
  const pending = <usize>taken & 63;
  if (pending > 0) {
    const fits: usize = 64 - pending;
    const now = bytes < fits ? bytes : fits;
    memory.copy(stream + PENDING + pending, data, now);
    if (now < fits) return;
    compress(stream, stream + PENDING, 1);
    data += now;
    bytes -= now;
  }
  const blocks = bytes >> 6;
  if (blocks > 0) compress(stream, data, blocks);
  memory.copy(stream + PENDING, data + (blocks << 6), bytes & 63);
}

/** Writes the digest of what the stream took to `out`. The stream is used up: copy it before, to go on. */
export function shaFinish(stream: usize, out: usize): void {
  const taken = load<u64>(stream, TAKEN);
  const blocks = padTail(BLOCK, stream + PENDING, <usize>taken & 63, taken);
  compress(stream, BLOCK, blocks);
  writeDigest(stream, out);
}
