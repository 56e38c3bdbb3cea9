/**
 * SHA-256's compression of one message (FIPS 180-4 §6.2.2): the kernel, and the scalar form that it is compared with.
 *
 * The kernel makes four words of the message schedule at once in a vector, while the rounds run in scalar registers:
 * the two use different ports of the processor. Maj(a, b, c) is b ^ ((a ^ b) & (b ^ c)), and this round's a ^ b is the
 * next round's b ^ c.
 */

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

/** The sixteen words of the rounds under way, each with its round constant added. */
const WK: usize = memory.data(64, 16);

@inline
function ror(x: v128, n: i32): v128 {
  return v128.or(i32x4.shr_u(x, n), i32x4.shl(x, 32 - n));
}

@inline
function sigma1(x: v128): v128 {
  return v128.xor(v128.xor(ror(x, 17), ror(x, 19)), i32x4.shr_u(x, 10));
}

/** Words t … t + 3 of the schedule from words t − 16 … t − 1 in w0 … w3. The last two need the first two. */
@inline
function next(w0: v128, w1: v128, w2: v128, w3: v128): v128 {
  const x = v128.shuffle<i32>(w0, w1, 1, 2, 3, 4);
  const s0 = v128.xor(v128.xor(ror(x, 7), ror(x, 18)), i32x4.shr_u(x, 3));
  const sum = i32x4.add(i32x4.add(w0, s0), v128.shuffle<i32>(w2, w3, 1, 2, 3, 4));
  const zero = i32x4.splat(0);
  const low = i32x4.add(sum, sigma1(v128.shuffle<i32>(w3, zero, 2, 3, 4, 4)));
  return i32x4.add(low, sigma1(v128.shuffle<i32>(low, zero, 4, 4, 0, 1)));
}

/** Four words of a message, byte-swapped. */
@inline
function take(at: usize): v128 {
  return i8x16.swizzle(v128.load(at), v128(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12));
}

@inline
function first(e: u32, f: u32, g: u32, h: u32, kw: u32): u32 {
  return h + kw + (g ^ (e & (f ^ g))) + (rotr<u32>(e, 6) ^ rotr<u32>(e, 11) ^ rotr<u32>(e, 25));
}

@inline
function second(a: u32, b: u32, ab: u32, bc: u32): u32 {
  return (rotr<u32>(a, 2) ^ rotr<u32>(a, 13) ^ rotr<u32>(a, 22)) + (b ^ (ab & bc));
}

/** Runs `blocks` blocks of 64 bytes at `data` into the eight state words at `state`. */
export function compress(state: usize, data: usize, blocks: usize): void {
  let a = load<u32>(state, 0);
  let b = load<u32>(state, 4);
  let c = load<u32>(state, 8);
  let d = load<u32>(state, 12);
  let e = load<u32>(state, 16);
  let f = load<u32>(state, 20);
  let g = load<u32>(state, 24);
  let h = load<u32>(state, 28);
  let t: u32 = 0;
  let ab: u32 = 0;
  for (; blocks > 0; blocks--, data += 64) {
    let w0 = take(data);
    let w1 = take(data + 16);
    let w2 = take(data + 32);
    let w3 = take(data + 48);
    v128.store(WK, i32x4.add(w0, v128.load(K, 0)), 0);
    v128.store(WK, i32x4.add(w1, v128.load(K, 16)), 16);
    v128.store(WK, i32x4.add(w2, v128.load(K, 32)), 32);
    v128.store(WK, i32x4.add(w3, v128.load(K, 48)), 48);
    let bc = b ^ c;
    for (let k = K + 64; k < K + 256; k += 64) {
      t = first(e, f, g, h, load<u32>(WK, 0));
      ab = a ^ b;
      d += t;
      h = t + second(a, b, ab, bc);
      bc = ab;
      t = first(d, e, f, g, load<u32>(WK, 4));
      ab = h ^ a;
      c += t;
      g = t + second(h, a, ab, bc);
      bc = ab;
      t = first(c, d, e, f, load<u32>(WK, 8));
      ab = g ^ h;
      b += t;
      f = t + second(g, h, ab, bc);
      bc = ab;
      t = first(b, c, d, e, load<u32>(WK, 12));
      ab = f ^ g;
      a += t;
      e = t + second(f, g, ab, bc);
      bc = ab;
      w0 = next(w0, w1, w2, w3);
      v128.store(WK, i32x4.add(w0, v128.load(k, 0)), 0);
      t = first(a, b, c, d, load<u32>(WK, 16));
      ab = e ^ f;
      h += t;
      d = t + second(e, f, ab, bc);
      bc = ab;
      t = first(h, a, b, c, load<u32>(WK, 20));
      ab = d ^ e;
      g += t;
      c = t + second(d, e, ab, bc);
      bc = ab;
      t = first(g, h, a, b, load<u32>(WK, 24));
      ab = c ^ d;
      f += t;
      b = t + second(c, d, ab, bc);
      bc = ab;
      t = first(f, g, h, a, load<u32>(WK, 28));
      ab = b ^ c;
      e += t;
      a = t + second(b, c, ab, bc);
      bc = ab;
      w1 = next(w1, w2, w3, w0);
      v128.store(WK, i32x4.add(w1, v128.load(k, 16)), 16);
      t = first(e, f, g, h, load<u32>(WK, 32));
      ab = a ^ b;
      d += t;
      h = t + second(a, b, ab, bc);
      bc = ab;
      t = first(d, e, f, g, load<u32>(WK, 36));
      ab = h ^ a;
      c += t;
      g = t + second(h, a, ab, bc);
      bc = ab;
      t = first(c, d, e, f, load<u32>(WK, 40));
      ab = g ^ h;
      b += t;
      f = t + second(g, h, ab, bc);
      bc = ab;
      t = first(b, c, d, e, load<u32>(WK, 44));
      ab = f ^ g;
      a += t;
      e = t + second(f, g, ab, bc);
      bc = ab;
      w2 = next(w2, w3, w0, w1);
      v128.store(WK, i32x4.add(w2, v128.load(k, 32)), 32);
      t = first(a, b, c, d, load<u32>(WK, 48));
      ab = e ^ f;
      h += t;
      d = t + second(e, f, ab, bc);
      bc = ab;
      t = first(h, a, b, c, load<u32>(WK, 52));
      ab = d ^ e;
      g += t;
      c = t + second(d, e, ab, bc);
      bc = ab;
      t = first(g, h, a, b, load<u32>(WK, 56));
      ab = c ^ d;
      f += t;
      b = t + second(c, d, ab, bc);
      bc = ab;
      t = first(f, g, h, a, load<u32>(WK, 60));
      ab = b ^ c;
      e += t;
      a = t + second(b, c, ab, bc);
      bc = ab;
      w3 = next(w3, w0, w1, w2);
      v128.store(WK, i32x4.add(w3, v128.load(k, 48)), 48);
    }
    t = first(e, f, g, h, load<u32>(WK, 0));
    ab = a ^ b;
    d += t;
    h = t + second(a, b, ab, bc);
    bc = ab;
    t = first(d, e, f, g, load<u32>(WK, 4));
    ab = h ^ a;
    c += t;
    g = t + second(h, a, ab, bc);
    bc = ab;
    t = first(c, d, e, f, load<u32>(WK, 8));
    ab = g ^ h;
    b += t;
    f = t + second(g, h, ab, bc);
    bc = ab;
    t = first(b, c, d, e, load<u32>(WK, 12));
    ab = f ^ g;
    a += t;
    e = t + second(f, g, ab, bc);
    bc = ab;
    t = first(a, b, c, d, load<u32>(WK, 16));
    ab = e ^ f;
    h += t;
    d = t + second(e, f, ab, bc);
    bc = ab;
    t = first(h, a, b, c, load<u32>(WK, 20));
    ab = d ^ e;
    g += t;
    c = t + second(d, e, ab, bc);
    bc = ab;
    t = first(g, h, a, b, load<u32>(WK, 24));
    ab = c ^ d;
    f += t;
    b = t + second(c, d, ab, bc);
    bc = ab;
    t = first(f, g, h, a, load<u32>(WK, 28));
    ab = b ^ c;
    e += t;
    a = t + second(b, c, ab, bc);
    bc = ab;
    t = first(e, f, g, h, load<u32>(WK, 32));
    ab = a ^ b;
    d += t;
    h = t + second(a, b, ab, bc);
    bc = ab;
    t = first(d, e, f, g, load<u32>(WK, 36));
    ab = h ^ a;
    c += t;
    g = t + second(h, a, ab, bc);
    bc = ab;
    t = first(c, d, e, f, load<u32>(WK, 40));
    ab = g ^ h;
    b += t;
    f = t + second(g, h, ab, bc);
    bc = ab;
    t = first(b, c, d, e, load<u32>(WK, 44));
    ab = f ^ g;
    a += t;
    e = t + second(f, g, ab, bc);
    bc = ab;
    t = first(a, b, c, d, load<u32>(WK, 48));
    ab = e ^ f;
    h += t;
    d = t + second(e, f, ab, bc);
    bc = ab;
    t = first(h, a, b, c, load<u32>(WK, 52));
    ab = d ^ e;
    g += t;
    c = t + second(d, e, ab, bc);
    bc = ab;
    t = first(g, h, a, b, load<u32>(WK, 56));
    ab = c ^ d;
    f += t;
    b = t + second(c, d, ab, bc);
    bc = ab;
    t = first(f, g, h, a, load<u32>(WK, 60));
    ab = b ^ c;
    e += t;
    a = t + second(b, c, ab, bc);
    bc = ab;
    a += load<u32>(state, 0);
    b += load<u32>(state, 4);
    c += load<u32>(state, 8);
    d += load<u32>(state, 12);
    e += load<u32>(state, 16);
    f += load<u32>(state, 20);
    g += load<u32>(state, 24);
    h += load<u32>(state, 28);
    store<u32>(state, a, 0);
    store<u32>(state, b, 4);
    store<u32>(state, c, 8);
    store<u32>(state, d, 12);
    store<u32>(state, e, 16);
    store<u32>(state, f, 20);
    store<u32>(state, g, 24);
    store<u32>(state, h, 28);
  }
}

/** The 64 words of the schedule, for the scalar form. */
const W: usize = memory.data(256, 16);

@inline
function word(i: i32): u32 {
  return load<u32>(W + (<usize>i << 2));
}

/** `compress` as the standard writes it, one word and one round after the other. */
export function compressScalar(state: usize, data: usize, blocks: usize): void {
  for (; blocks > 0; blocks--, data += 64) {
    for (let i = 0; i < 16; i++) store<u32>(W + (<usize>i << 2), bswap<u32>(load<u32>(data + (<usize>i << 2))));
    for (let i = 16; i < 64; i++) {
      const s0 = rotr<u32>(word(i - 15), 7) ^ rotr<u32>(word(i - 15), 18) ^ (word(i - 15) >> 3);
      const s1 = rotr<u32>(word(i - 2), 17) ^ rotr<u32>(word(i - 2), 19) ^ (word(i - 2) >> 10);
      store<u32>(W + (<usize>i << 2), word(i - 16) + s0 + word(i - 7) + s1);
    }
    let a = load<u32>(state);
    let b = load<u32>(state, 4);
    let c = load<u32>(state, 8);
    let d = load<u32>(state, 12);
    let e = load<u32>(state, 16);
    let f = load<u32>(state, 20);
    let g = load<u32>(state, 24);
    let h = load<u32>(state, 28);
    for (let i = 0; i < 64; i++) {
      const big1 = rotr<u32>(e, 6) ^ rotr<u32>(e, 11) ^ rotr<u32>(e, 25);
      const t1 = h + big1 + ((e & f) ^ (~e & g)) + load<u32>(K + (<usize>i << 2)) + word(i);
      const big0 = rotr<u32>(a, 2) ^ rotr<u32>(a, 13) ^ rotr<u32>(a, 22);
      const t2 = big0 + ((a & b) ^ (a & c) ^ (b & c));
      h = g;
      g = f;
      f = e;
      e = d + t1;
      d = c;
      c = b;
      b = a;
      a = t1 + t2;
    }
    store<u32>(state, load<u32>(state) + a);
    store<u32>(state, load<u32>(state, 4) + b, 4);
    store<u32>(state, load<u32>(state, 8) + c, 8);
    store<u32>(state, load<u32>(state, 12) + d, 12);
    store<u32>(state, load<u32>(state, 16) + e, 16);
    store<u32>(state, load<u32>(state, 20) + f, 20);
    store<u32>(state, load<u32>(state, 24) + g, 24);
    store<u32>(state, load<u32>(state, 28) + h, 28);
  }
}
