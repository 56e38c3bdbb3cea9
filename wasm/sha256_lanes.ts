/**
 * SHA-256's compression of four messages at once, one in each 32-bit lane (see sha256_jobs for who fills the lanes, and
 * for the scalar form that both are compared with).
 */
import { K } from "./sha256_block";

/** Eight state words of four lanes. */
export const S: usize = memory.data(128, 16);
/** Sixteen message words of four lanes, as a ring. */
const W: usize = memory.data(256, 16);
/** Written and never read: a store of each round's last sum keeps V8 from spilling registers that the next one needs. */
const SINK: usize = memory.data(16, 16);

@inline
function ror(x: v128, n: i32): v128 {
  return v128.or(i32x4.shr_u(x, n), i32x4.shl(x, 32 - n));
}

@inline
function first(e: v128, f: v128, g: v128, h: v128, kw: v128): v128 {
  const s1 = v128.xor(v128.xor(ror(e, 6), ror(e, 11)), ror(e, 25));
  const ch = v128.xor(g, v128.and(e, v128.xor(f, g)));
  return i32x4.add(i32x4.add(i32x4.add(h, kw), ch), s1);
}

/** Maj(a, b, c) is b ^ ((a ^ b) & (b ^ c)), and this round's a ^ b is the next round's b ^ c. */
@inline
function second(a: v128, b: v128, ab: v128, bc: v128): v128 {
  const s0 = v128.xor(v128.xor(ror(a, 2), ror(a, 13)), ror(a, 22));
  return i32x4.add(s0, v128.xor(b, v128.and(ab, bc)));
}

/** The ring's word of place `i` for sixteen rounds later. */
@inline
function schedule(i: usize): void {
  const w1 = v128.load(W + (((i + 1) & 15) << 4));
  const w14 = v128.load(W + (((i + 14) & 15) << 4));
  const s0 = v128.xor(v128.xor(ror(w1, 7), ror(w1, 18)), i32x4.shr_u(w1, 3));
  const s1 = v128.xor(v128.xor(ror(w14, 17), ror(w14, 19)), i32x4.shr_u(w14, 10));
  const at = W + ((i & 15) << 4);
  const sum = i32x4.add(v128.load(at), v128.load(W + (((i + 9) & 15) << 4)));
  v128.store(at, i32x4.add(sum, i32x4.add(s0, s1)));
}

/** Four words of each of four messages become four vectors of one word of each, byte-swapped. */
@inline
function takeWords(at: usize, p0: usize, p1: usize, p2: usize, p3: usize): void {
  const swap = v128(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
  const x0 = i8x16.swizzle(v128.load(p0), swap);
  const x1 = i8x16.swizzle(v128.load(p1), swap);
  const x2 = i8x16.swizzle(v128.load(p2), swap);
  const x3 = i8x16.swizzle(v128.load(p3), swap);
  const lo01 = v128.shuffle<i32>(x0, x1, 0, 4, 1, 5);
  const hi01 = v128.shuffle<i32>(x0, x1, 2, 6, 3, 7);
  const lo23 = v128.shuffle<i32>(x2, x3, 0, 4, 1, 5);
  const hi23 = v128.shuffle<i32>(x2, x3, 2, 6, 3, 7);
  v128.store(at, v128.shuffle<i64>(lo01, lo23, 0, 2));
  v128.store(at, v128.shuffle<i64>(lo01, lo23, 1, 3), 16);
  v128.store(at, v128.shuffle<i64>(hi01, hi23, 0, 2), 32);
  v128.store(at, v128.shuffle<i64>(hi01, hi23, 1, 3), 48);
}

/**
 * Runs `blocks` blocks of each of the four messages at p0 … p3 into the lanes' state. After each round the word of its
 * place is made for sixteen rounds later, so that the schedule fills the ports that the rounds leave free.
 */
export function compressLanes(p0: usize, p1: usize, p2: usize, p3: usize, blocks: usize): void {
  let a = v128.load(S, 0);
  let b = v128.load(S, 16);
  let c = v128.load(S, 32);
  let d = v128.load(S, 48);
  let e = v128.load(S, 64);
  let f = v128.load(S, 80);
  let g = v128.load(S, 96);
  let h = v128.load(S, 112);
  let t: v128, ab: v128;
  for (; blocks > 0; blocks--, p0 += 64, p1 += 64, p2 += 64, p3 += 64) {
    for (let i: usize = 0; i < 64; i += 16) takeWords(W + (i << 2), p0 + i, p1 + i, p2 + i, p3 + i);
    let bc = v128.xor(b, c);
    let k = K;
    for (; k < K + 192; k += 64) {
      t = first(e, f, g, h, i32x4.add(v128.load(W, 0), v128.load32_splat(k, 0)));
      ab = v128.xor(a, b);
      d = i32x4.add(d, t);
      h = i32x4.add(t, second(a, b, ab, bc));
      bc = ab;
      v128.store(SINK, h);
      schedule(0);
      t = first(d, e, f, g, i32x4.add(v128.load(W, 16), v128.load32_splat(k, 4)));
      ab = v128.xor(h, a);
      c = i32x4.add(c, t);
      g = i32x4.add(t, second(h, a, ab, bc));
      bc = ab;
      v128.store(SINK, g);
      schedule(1);
      t = first(c, d, e, f, i32x4.add(v128.load(W, 32), v128.load32_splat(k, 8)));
      ab = v128.xor(g, h);
      b = i32x4.add(b, t);
      f = i32x4.add(t, second(g, h, ab, bc));
      bc = ab;
      v128.store(SINK, f);
      schedule(2);
      t = first(b, c, d, e, i32x4.add(v128.load(W, 48), v128.load32_splat(k, 12)));
      ab = v128.xor(f, g);
      a = i32x4.add(a, t);
      e = i32x4.add(t, second(f, g, ab, bc));
      bc = ab;
      v128.store(SINK, e);
      schedule(3);
      t = first(a, b, c, d, i32x4.add(v128.load(W, 64), v128.load32_splat(k, 16)));
      ab = v128.xor(e, f);
      h = i32x4.add(h, t);
      d = i32x4.add(t, second(e, f, ab, bc));
      bc = ab;
      v128.store(SINK, d);
      schedule(4);
      t = first(h, a, b, c, i32x4.add(v128.load(W, 80), v128.load32_splat(k, 20)));
      ab = v128.xor(d, e);
      g = i32x4.add(g, t);
      c = i32x4.add(t, second(d, e, ab, bc));
      bc = ab;
      v128.store(SINK, c);
      schedule(5);
      t = first(g, h, a, b, i32x4.add(v128.load(W, 96), v128.load32_splat(k, 24)));
      ab = v128.xor(c, d);
      f = i32x4.add(f, t);
      b = i32x4.add(t, second(c, d, ab, bc));
      bc = ab;
      v128.store(SINK, b);
      schedule(6);
      t = first(f, g, h, a, i32x4.add(v128.load(W, 112), v128.load32_splat(k, 28)));
      ab = v128.xor(b, c);
      e = i32x4.add(e, t);
      a = i32x4.add(t, second(b, c, ab, bc));
      bc = ab;
      v128.store(SINK, a);
      schedule(7);
      t = first(e, f, g, h, i32x4.add(v128.load(W, 128), v128.load32_splat(k, 32)));
      ab = v128.xor(a, b);
      d = i32x4.add(d, t);
      h = i32x4.add(t, second(a, b, ab, bc));
      bc = ab;
      v128.store(SINK, h);
      schedule(8);
      t = first(d, e, f, g, i32x4.add(v128.load(W, 144), v128.load32_splat(k, 36)));
      ab = v128.xor(h, a);
      c = i32x4.add(c, t);
      g = i32x4.add(t, second(h, a, ab, bc));
      bc = ab;
      v128.store(SINK, g);
      schedule(9);
      t = first(c, d, e, f, i32x4.add(v128.load(W, 160), v128.load32_splat(k, 40)));
      ab = v128.xor(g, h);
      b = i32x4.add(b, t);
      f = i32x4.add(t, second(g, h, ab, bc));
      bc = ab;
      v128.store(SINK, f);
      schedule(10);
      t = first(b, c, d, e, i32x4.add(v128.load(W, 176), v128.load32_splat(k, 44)));
      ab = v128.xor(f, g);
      a = i32x4.add(a, t);
      e = i32x4.add(t, second(f, g, ab, bc));
      bc = ab;
      v128.store(SINK, e);
      schedule(11);
      t = first(a, b, c, d, i32x4.add(v128.load(W, 192), v128.load32_splat(k, 48)));
      ab = v128.xor(e, f);
      h = i32x4.add(h, t);
      d = i32x4.add(t, second(e, f, ab, bc));
      bc = ab;
      v128.store(SINK, d);
      schedule(12);
      t = first(h, a, b, c, i32x4.add(v128.load(W, 208), v128.load32_splat(k, 52)));
      ab = v128.xor(d, e);
      g = i32x4.add(g, t);
      c = i32x4.add(t, second(d, e, ab, bc));
      bc = ab;
      v128.store(SINK, c);
      schedule(13);
      t = first(g, h, a, b, i32x4.add(v128.load(W, 224), v128.load32_splat(k, 56)));
      ab = v128.xor(c, d);
      f = i32x4.add(f, t);
      b = i32x4.add(t, second(c, d, ab, bc));
      bc = ab;
      v128.store(SINK, b);
      schedule(14);
      t = first(f, g, h, a, i32x4.add(v128.load(W, 240), v128.load32_splat(k, 60)));
      ab = v128.xor(b, c);
      e = i32x4.add(e, t);
      a = i32x4.add(t, second(b, c, ab, bc));
      bc = ab;
      v128.store(SINK, a);
      schedule(15);
    }
    t = first(e, f, g, h, i32x4.add(v128.load(W, 0), v128.load32_splat(k, 0)));
    ab = v128.xor(a, b);
    d = i32x4.add(d, t);
    h = i32x4.add(t, second(a, b, ab, bc));
    bc = ab;
    v128.store(SINK, h);
    t = first(d, e, f, g, i32x4.add(v128.load(W, 16), v128.load32_splat(k, 4)));
    ab = v128.xor(h, a);
    c = i32x4.add(c, t);
    g = i32x4.add(t, second(h, a, ab, bc));
    bc = ab;
    v128.store(SINK, g);
    t = first(c, d, e, f, i32x4.add(v128.load(W, 32), v128.load32_splat(k, 8)));
    ab = v128.xor(g, h);
    b = i32x4.add(b, t);
    f = i32x4.add(t, second(g, h, ab, bc));
    bc = ab;
    v128.store(SINK, f);
    t = first(b, c, d, e, i32x4.add(v128.load(W, 48), v128.load32_splat(k, 12)));
    ab = v128.xor(f, g);
    a = i32x4.add(a, t);
    e = i32x4.add(t, second(f, g, ab, bc));
    bc = ab;
    v128.store(SINK, e);
    t = first(a, b, c, d, i32x4.add(v128.load(W, 64), v128.load32_splat(k, 16)));
    ab = v128.xor(e, f);
    h = i32x4.add(h, t);
    d = i32x4.add(t, second(e, f, ab, bc));
    bc = ab;
    v128.store(SINK, d);
    t = first(h, a, b, c, i32x4.add(v128.load(W, 80), v128.load32_splat(k, 20)));
    ab = v128.xor(d, e);
    g = i32x4.add(g, t);
    c = i32x4.add(t, second(d, e, ab, bc));
    bc = ab;
    v128.store(SINK, c);
    t = first(g, h, a, b, i32x4.add(v128.load(W, 96), v128.load32_splat(k, 24)));
    ab = v128.xor(c, d);
    f = i32x4.add(f, t);
    b = i32x4.add(t, second(c, d, ab, bc));
    bc = ab;
    v128.store(SINK, b);
    t = first(f, g, h, a, i32x4.add(v128.load(W, 112), v128.load32_splat(k, 28)));
    ab = v128.xor(b, c);
    e = i32x4.add(e, t);
    a = i32x4.add(t, second(b, c, ab, bc));
    bc = ab;
    v128.store(SINK, a);
    t = first(e, f, g, h, i32x4.add(v128.load(W, 128), v128.load32_splat(k, 32)));
    ab = v128.xor(a, b);
    d = i32x4.add(d, t);
    h = i32x4.add(t, second(a, b, ab, bc));
    bc = ab;
    v128.store(SINK, h);
    t = first(d, e, f, g, i32x4.add(v128.load(W, 144), v128.load32_splat(k, 36)));
    ab = v128.xor(h, a);
    c = i32x4.add(c, t);
    g = i32x4.add(t, second(h, a, ab, bc));
    bc = ab;
    v128.store(SINK, g);
    t = first(c, d, e, f, i32x4.add(v128.load(W, 160), v128.load32_splat(k, 40)));
    ab = v128.xor(g, h);
    b = i32x4.add(b, t);
    f = i32x4.add(t, second(g, h, ab, bc));
    bc = ab;
    v128.store(SINK, f);
    t = first(b, c, d, e, i32x4.add(v128.load(W, 176), v128.load32_splat(k, 44)));
    ab = v128.xor(f, g);
    a = i32x4.add(a, t);
    e = i32x4.add(t, second(f, g, ab, bc));
    bc = ab;
    v128.store(SINK, e);
    t = first(a, b, c, d, i32x4.add(v128.load(W, 192), v128.load32_splat(k, 48)));
    ab = v128.xor(e, f);
    h = i32x4.add(h, t);
    d = i32x4.add(t, second(e, f, ab, bc));
    bc = ab;
    v128.store(SINK, d);
    t = first(h, a, b, c, i32x4.add(v128.load(W, 208), v128.load32_splat(k, 52)));
    ab = v128.xor(d, e);
    g = i32x4.add(g, t);
    c = i32x4.add(t, second(d, e, ab, bc));
    bc = ab;
    v128.store(SINK, c);
    t = first(g, h, a, b, i32x4.add(v128.load(W, 224), v128.load32_splat(k, 56)));
    ab = v128.xor(c, d);
    f = i32x4.add(f, t);
    b = i32x4.add(t, second(c, d, ab, bc));
    bc = ab;
    v128.store(SINK, b);
    t = first(f, g, h, a, i32x4.add(v128.load(W, 240), v128.load32_splat(k, 60)));
    ab = v128.xor(b, c);
    e = i32x4.add(e, t);
    a = i32x4.add(t, second(b, c, ab, bc));
    bc = ab;
    v128.store(SINK, a);
    a = i32x4.add(a, v128.load(S, 0));
    b = i32x4.add(b, v128.load(S, 16));
    c = i32x4.add(c, v128.load(S, 32));
    d = i32x4.add(d, v128.load(S, 48));
    e = i32x4.add(e, v128.load(S, 64));
    f = i32x4.add(f, v128.load(S, 80));
    g = i32x4.add(g, v128.load(S, 96));
    h = i32x4.add(h, v128.load(S, 112));
    v128.store(S, a, 0);
    v128.store(S, b, 16);
    v128.store(S, c, 32);
    v128.store(S, d, 48);
    v128.store(S, e, 64);
    v128.store(S, f, 80);
    v128.store(S, g, 96);
    v128.store(S, h, 112);
  }
}
