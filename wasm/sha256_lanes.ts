/**
 * SHA-256, four messages at once, one in each 32-bit lane.
 *
 * Lanes run in step over whole blocks; a lane whose message ends gives its digest and takes the next one, so that the
 * lanes stay full while there is work. What is left when only one message remains goes through the single stream.
 *
 * A job is 16 bytes: u32 address, u32 length, u32 address of the digest, u32 unused. All jobs of a call share one
 * prefix of exactly 64 bytes, given as the state after it: tags are one block long for that reason.
 */
import { compress, K, padTail } from "./sha256";

const JOB: usize = 16;
const LANES: i32 = 4;

/** Eight state words of four lanes. */
const S: usize = memory.data(128, 16);
/** Sixteen message words of four lanes, as a ring. */
const W: usize = memory.data(256, 16);
/** Per lane: u32 address of the next block, u32 blocks to go, u32 job (0: idle), u32 1 when in its padding. */
const LANE: usize = memory.data(64, 16);
/** Per lane: the last block or two, padded. */
const TAIL: usize = memory.data(512, 16);
const ONE: usize = memory.data(32, 16);

@inline
function ror(x: v128, n: i32): v128 {
  return v128.or(i32x4.shr_u(x, n), i32x4.shl(x, 32 - n));
}

@inline
function first(e: v128, f: v128, g: v128, h: v128, kw: v128): v128 {
  const s1 = v128.xor(v128.xor(ror(e, 6), ror(e, 11)), ror(e, 25));
  const ch = v128.xor(g, v128.and(e, v128.xor(f, g)));
  return i32x4.add(i32x4.add(h, kw), i32x4.add(s1, ch));
}

/** Maj(a, b, c) is b ^ ((a ^ b) & (b ^ c)), and this round's a ^ b is the next round's b ^ c. */
@inline
function second(a: v128, b: v128, ab: v128, bc: v128): v128 {
  const s0 = v128.xor(v128.xor(ror(a, 2), ror(a, 13)), ror(a, 22));
  return i32x4.add(s0, v128.xor(b, v128.and(ab, bc)));
}

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

/** Runs `blocks` blocks of each of the four messages at p0 … p3 into the lanes' state. */
function compressLanes(p0: usize, p1: usize, p2: usize, p3: usize, blocks: usize): void {
  let a = v128.load(S);
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
    for (let k = K; k < K + 256; k += 64) {
      if (k > K) scheduleAll();
      t = first(e, f, g, h, i32x4.add(v128.load(W, 0), v128.load32_splat(k, 0)));
      ab = v128.xor(a, b);
      d = i32x4.add(d, t);
      h = i32x4.add(t, second(a, b, ab, bc));
      bc = ab;
      t = first(d, e, f, g, i32x4.add(v128.load(W, 16), v128.load32_splat(k, 4)));
      ab = v128.xor(h, a);
      c = i32x4.add(c, t);
      g = i32x4.add(t, second(h, a, ab, bc));
      bc = ab;
      t = first(c, d, e, f, i32x4.add(v128.load(W, 32), v128.load32_splat(k, 8)));
      ab = v128.xor(g, h);
      b = i32x4.add(b, t);
      f = i32x4.add(t, second(g, h, ab, bc));
      bc = ab;
      t = first(b, c, d, e, i32x4.add(v128.load(W, 48), v128.load32_splat(k, 12)));
      ab = v128.xor(f, g);
      a = i32x4.add(a, t);
      e = i32x4.add(t, second(f, g, ab, bc));
      bc = ab;
      t = first(a, b, c, d, i32x4.add(v128.load(W, 64), v128.load32_splat(k, 16)));
      ab = v128.xor(e, f);
      h = i32x4.add(h, t);
      d = i32x4.add(t, second(e, f, ab, bc));
      bc = ab;
      t = first(h, a, b, c, i32x4.add(v128.load(W, 80), v128.load32_splat(k, 20)));
      ab = v128.xor(d, e);
      g = i32x4.add(g, t);
      c = i32x4.add(t, second(d, e, ab, bc));
      bc = ab;
      t = first(g, h, a, b, i32x4.add(v128.load(W, 96), v128.load32_splat(k, 24)));
      ab = v128.xor(c, d);
      f = i32x4.add(f, t);
      b = i32x4.add(t, second(c, d, ab, bc));
      bc = ab;
      t = first(f, g, h, a, i32x4.add(v128.load(W, 112), v128.load32_splat(k, 28)));
      ab = v128.xor(b, c);
      e = i32x4.add(e, t);
      a = i32x4.add(t, second(b, c, ab, bc));
      bc = ab;
      t = first(e, f, g, h, i32x4.add(v128.load(W, 128), v128.load32_splat(k, 32)));
      ab = v128.xor(a, b);
      d = i32x4.add(d, t);
      h = i32x4.add(t, second(a, b, ab, bc));
      bc = ab;
      t = first(d, e, f, g, i32x4.add(v128.load(W, 144), v128.load32_splat(k, 36)));
      ab = v128.xor(h, a);
      c = i32x4.add(c, t);
      g = i32x4.add(t, second(h, a, ab, bc));
      bc = ab;
      t = first(c, d, e, f, i32x4.add(v128.load(W, 160), v128.load32_splat(k, 40)));
      ab = v128.xor(g, h);
      b = i32x4.add(b, t);
      f = i32x4.add(t, second(g, h, ab, bc));
      bc = ab;
      t = first(b, c, d, e, i32x4.add(v128.load(W, 176), v128.load32_splat(k, 44)));
      ab = v128.xor(f, g);
      a = i32x4.add(a, t);
      e = i32x4.add(t, second(f, g, ab, bc));
      bc = ab;
      t = first(a, b, c, d, i32x4.add(v128.load(W, 192), v128.load32_splat(k, 48)));
      ab = v128.xor(e, f);
      h = i32x4.add(h, t);
      d = i32x4.add(t, second(e, f, ab, bc));
      bc = ab;
      t = first(h, a, b, c, i32x4.add(v128.load(W, 208), v128.load32_splat(k, 52)));
      ab = v128.xor(d, e);
      g = i32x4.add(g, t);
      c = i32x4.add(t, second(d, e, ab, bc));
      bc = ab;
      t = first(g, h, a, b, i32x4.add(v128.load(W, 224), v128.load32_splat(k, 56)));
      ab = v128.xor(c, d);
      f = i32x4.add(f, t);
      b = i32x4.add(t, second(c, d, ab, bc));
      bc = ab;
      t = first(f, g, h, a, i32x4.add(v128.load(W, 240), v128.load32_splat(k, 60)));
      ab = v128.xor(b, c);
      e = i32x4.add(e, t);
      a = i32x4.add(t, second(b, c, ab, bc));
      bc = ab;
    }
    a = i32x4.add(a, v128.load(S));
    b = i32x4.add(b, v128.load(S, 16));
    c = i32x4.add(c, v128.load(S, 32));
    d = i32x4.add(d, v128.load(S, 48));
    e = i32x4.add(e, v128.load(S, 64));
    f = i32x4.add(f, v128.load(S, 80));
    g = i32x4.add(g, v128.load(S, 96));
    h = i32x4.add(h, v128.load(S, 112));
    v128.store(S, a);
    v128.store(S, b, 16);
    v128.store(S, c, 32);
    v128.store(S, d, 48);
    v128.store(S, e, 64);
    v128.store(S, f, 80);
    v128.store(S, g, 96);
    v128.store(S, h, 112);
  }
}

@inline
function lane(i: i32): usize {
  return LANE + (<usize>i << 4);
}

/** Gives job `job` to lane `i`: the shared state after the prefix, then whole blocks, then the padding. */
function begin(i: i32, job: usize, prefix: usize): void {
  const at = lane(i);
  for (let word: usize = 0; word < 8; word++) {
    store<u32>(S + (word << 4) + (<usize>i << 2), load<u32>(prefix + (word << 2)));
  }
  store<u32>(at, load<u32>(job));
  store<u32>(at, load<u32>(job, 4) >> 6, 4);
  store<u32>(at, <u32>job, 8);
  store<u32>(at, 0, 12);
}

/** Lane `i` has no block to go: it enters its padding, or writes its digest and becomes idle. */
function advance(i: i32): void {
  const at = lane(i);
  const job = <usize>load<u32>(at, 8);
  if (load<u32>(at, 12) == 0) {
    const bytes = <usize>load<u32>(job, 4);
    const whole = bytes & ~63;
    const tail = TAIL + (<usize>i << 7);
    const blocks = padTail(tail, <usize>load<u32>(job) + whole, bytes & 63, <u64>bytes + 64);
    store<u32>(at, <u32>tail);
    store<u32>(at, <u32>blocks, 4);
    store<u32>(at, 1, 12);
    return;
  }
  const out = <usize>load<u32>(job, 8);
  for (let word: usize = 0; word < 8; word++) {
    store<u32>(out + (word << 2), bswap<u32>(load<u32>(S + (word << 4) + (<usize>i << 2))));
  }
  store<u32>(at, 0, 8);
}

/** Runs the only busy lane through the single stream, which is faster than four lanes of which three idle. */
function compressOne(i: i32, data: usize, blocks: usize): void {
  for (let word: usize = 0; word < 8; word++) {
    store<u32>(ONE + (word << 2), load<u32>(S + (word << 4) + (<usize>i << 2)));
  }
  compress(ONE, data, blocks);
  for (let word: usize = 0; word < 8; word++) {
    store<u32>(S + (word << 4) + (<usize>i << 2), load<u32>(ONE + (word << 2)));
  }
}

/** Hashes `count` jobs at `jobs`, each as prefix ‖ its bytes; `prefix` is the state after the 64 bytes of prefix. */
export function hashMany(jobs: usize, count: i32, prefix: usize): void {
  const end = jobs + <usize>count * JOB;
  memory.fill(LANE, 0, 64);
  while (true) {
    let busy = 0;
    let only = 0;
    let least: u32 = 0xffffffff;
    for (let i = 0; i < LANES; i++) {
      const at = lane(i);
      // A message shorter than a block passes from "begun" to "padding" here without a block in between.
      while (load<u32>(at, 8) == 0 ? jobs < end : load<u32>(at, 4) == 0) {
        if (load<u32>(at, 8) == 0) {
          begin(i, jobs, prefix);
          jobs += JOB;
        } else {
          advance(i);
        }
      }
      if (load<u32>(at, 8) == 0) continue;
      busy++;
      only = i;
      if (load<u32>(at, 4) < least) least = load<u32>(at, 4);
    }
    if (busy == 0) return;
    run(busy, only, <usize>least);
  }
}

/** Takes every busy lane `blocks` blocks further. Idle lanes read what a busy one reads; their state is never looked at. */
function run(busy: i32, only: i32, blocks: usize): void {
  const spare = load<u32>(lane(only));
  if (busy == 1) {
    compressOne(only, <usize>spare, blocks);
  } else {
    compressLanes(
      <usize>(load<u32>(LANE, 8) == 0 ? spare : load<u32>(LANE)),
      <usize>(load<u32>(LANE, 24) == 0 ? spare : load<u32>(LANE, 16)),
      <usize>(load<u32>(LANE, 40) == 0 ? spare : load<u32>(LANE, 32)),
      <usize>(load<u32>(LANE, 56) == 0 ? spare : load<u32>(LANE, 48)),
      blocks,
    );
  }
  for (let i = 0; i < LANES; i++) {
    const at = lane(i);
    if (load<u32>(at, 8) == 0) continue;
    store<u32>(at, load<u32>(at) + <u32>(blocks << 6));
    store<u32>(at, load<u32>(at, 4) - <u32>blocks, 4);
  }
}
