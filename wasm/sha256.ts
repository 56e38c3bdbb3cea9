/**
 * SHA-256 (FIPS 180-4), one stream at a time: for single messages, for streams, and for what SIMD lanes leave over.
 *
 * A stream's state is 104 bytes that may be copied out, kept, and copied in again:
 *   0  eight words of state   32  u64 bytes taken so far   40  64 bytes that do not fill a block yet
 */

export const STREAM_BYTES: usize = 104;
const TAKEN: usize = 32;
const PENDING: usize = 40;

/** The 64 round constants. */
export const K: usize = memory.data<u32>([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
], 16);

const H: usize = memory.data<u32>([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
], 16);

/** The 16 message words of the block in work, as a ring. */
const W: usize = memory.data(64, 16);
const BLOCK: usize = memory.data(128, 16);

@inline
function schedule(i: usize): void {
  const w1 = load<u32>(W + (((i + 1) & 15) << 2));
  const w14 = load<u32>(W + (((i + 14) & 15) << 2));
  const s0 = rotr<u32>(w1, 7) ^ rotr<u32>(w1, 18) ^ (w1 >> 3);
  const s1 = rotr<u32>(w14, 17) ^ rotr<u32>(w14, 19) ^ (w14 >> 10);
  const at = W + ((i & 15) << 2);
  const w = load<u32>(at) + s0 + load<u32>(W + (((i + 9) & 15) << 2)) + s1;
  store<u32>(at, w);
}

/** The next sixteen words, in place of the last sixteen; written out, so that every address is a constant. */
@inline
function scheduleAll(): void {
  schedule(0);
  schedule(1);
  schedule(2);
  schedule(3);
  schedule(4);
  schedule(5);
  schedule(6);
  schedule(7);
  schedule(8);
  schedule(9);
  schedule(10);
  schedule(11);
  schedule(12);
  schedule(13);
  schedule(14);
  schedule(15);
}

@inline
function first(e: u32, f: u32, g: u32, h: u32, kw: u32): u32 {
  const s1 = rotr<u32>(e, 6) ^ rotr<u32>(e, 11) ^ rotr<u32>(e, 25);
  return h + s1 + (g ^ (e & (f ^ g))) + kw;
}

@inline
function second(a: u32, b: u32, c: u32): u32 {
  return (rotr<u32>(a, 2) ^ rotr<u32>(a, 13) ^ rotr<u32>(a, 22)) + ((a & b) | (c & (a | b)));
}

/** Runs `blocks` blocks of 64 bytes at `data` into the eight state words at `state`. */
export function compress(state: usize, data: usize, blocks: usize): void {
  let a = load<u32>(state);
  let b = load<u32>(state, 4);
  let c = load<u32>(state, 8);
  let d = load<u32>(state, 12);
  let e = load<u32>(state, 16);
  let f = load<u32>(state, 20);
  let g = load<u32>(state, 24);
  let h = load<u32>(state, 28);
  let t: u32 = 0;
  for (; blocks > 0; blocks--, data += 64) {
    for (let i: usize = 0; i < 16; i++) store<u32>(W + (i << 2), bswap<u32>(load<u32>(data + (i << 2))));
    for (let k = K; k < K + 256; k += 64) {
      if (k > K) scheduleAll();
      t = first(e, f, g, h, load<u32>(W, 0) + load<u32>(k, 0));
      d += t;
      h = t + second(a, b, c);
      t = first(d, e, f, g, load<u32>(W, 4) + load<u32>(k, 4));
      c += t;
      g = t + second(h, a, b);
      t = first(c, d, e, f, load<u32>(W, 8) + load<u32>(k, 8));
      b += t;
      f = t + second(g, h, a);
      t = first(b, c, d, e, load<u32>(W, 12) + load<u32>(k, 12));
      a += t;
      e = t + second(f, g, h);
      t = first(a, b, c, d, load<u32>(W, 16) + load<u32>(k, 16));
      h += t;
      d = t + second(e, f, g);
      t = first(h, a, b, c, load<u32>(W, 20) + load<u32>(k, 20));
      g += t;
      c = t + second(d, e, f);
      t = first(g, h, a, b, load<u32>(W, 24) + load<u32>(k, 24));
      f += t;
      b = t + second(c, d, e);
      t = first(f, g, h, a, load<u32>(W, 28) + load<u32>(k, 28));
      e += t;
      a = t + second(b, c, d);
      t = first(e, f, g, h, load<u32>(W, 32) + load<u32>(k, 32));
      d += t;
      h = t + second(a, b, c);
      t = first(d, e, f, g, load<u32>(W, 36) + load<u32>(k, 36));
      c += t;
      g = t + second(h, a, b);
      t = first(c, d, e, f, load<u32>(W, 40) + load<u32>(k, 40));
      b += t;
      f = t + second(g, h, a);
      t = first(b, c, d, e, load<u32>(W, 44) + load<u32>(k, 44));
      a += t;
      e = t + second(f, g, h);
      t = first(a, b, c, d, load<u32>(W, 48) + load<u32>(k, 48));
      h += t;
      d = t + second(e, f, g);
      t = first(h, a, b, c, load<u32>(W, 52) + load<u32>(k, 52));
      g += t;
      c = t + second(d, e, f);
      t = first(g, h, a, b, load<u32>(W, 56) + load<u32>(k, 56));
      f += t;
      b = t + second(c, d, e);
      t = first(f, g, h, a, load<u32>(W, 60) + load<u32>(k, 60));
      e += t;
      a = t + second(b, c, d);
    }
    a += load<u32>(state);
    b += load<u32>(state, 4);
    c += load<u32>(state, 8);
    d += load<u32>(state, 12);
    e += load<u32>(state, 16);
    f += load<u32>(state, 20);
    g += load<u32>(state, 24);
    h += load<u32>(state, 28);
    store<u32>(state, a);
    store<u32>(state, b, 4);
    store<u32>(state, c, 8);
    store<u32>(state, d, 12);
    store<u32>(state, e, 16);
    store<u32>(state, f, 20);
    store<u32>(state, g, 24);
    store<u32>(state, h, 28);
  }
}

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
