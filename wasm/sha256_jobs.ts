/**
 * SHA-256 of many messages, four at once.
 *
 * Lanes run in step over whole blocks; a lane whose message ends gives its digest and takes the next one, so that the
 * lanes stay full while there is work. What is left when only one message remains goes through the single stream.
 *
 * A job is 16 bytes: u32 address, u32 length, u32 address of the digest, u32 unused. All jobs of a call share one
 * prefix of exactly 64 bytes, given as the state after it: tags are one block long for that reason.
 */
import { padTail, shaUpdate, STREAM_BYTES, TAKEN, writeDigest } from "./sha256";
import { compress, compressScalar } from "./sha256_block";
import { compressLanes, S } from "./sha256_lanes";

const JOB: usize = 16;
const LANES: i32 = 4;

/** Per lane: u32 address of the next block, u32 blocks to go, u32 job (0: idle), u32 1 when in its padding. */
const LANE: usize = memory.data(64, 16);
/** Per lane: the last block or two, padded. */
const TAIL: usize = memory.data(512, 16);
const ONE: usize = memory.data(32, 16);

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

/** `hashMany`, one message after the other by the scalar compression. */
export function hashManyScalar(jobs: usize, count: i32, prefix: usize): void {
  for (const end = jobs + <usize>count * JOB; jobs < end; jobs += JOB) {
    const data = <usize>load<u32>(jobs);
    const bytes = <usize>load<u32>(jobs, 4);
    memory.copy(ONE, prefix, 32);
    compressScalar(ONE, data, bytes >> 6);
    const blocks = padTail(TAIL, data + (bytes & ~63), bytes & 63, <u64>bytes + 64);
    compressScalar(ONE, TAIL, blocks);
    writeDigest(ONE, <usize>load<u32>(jobs, 8));
  }
}

/**
 * Takes `bytes` bytes into each of `count` streams, `STREAM_BYTES` apart at `streams`, that have taken equally many so far:
 * stream i takes those at `data + i * stride`. Four streams go in lanes at a time, what is left one after the other.
 */
export function updateStreams(streams: usize, count: i32, data: usize, stride: usize, bytes: usize): void {
  // Up to the next border of a block each goes alone, and so does what fills no block behind the last.
  const pending = <usize>load<u64>(streams, TAKEN) & 63;
  const head = min<usize>(pending == 0 ? 0 : 64 - pending, bytes);
  const blocks = (bytes - head) >> 6;
  const tail = head + (blocks << 6);
  for (let i = 0; i < count; i++) shaUpdate(streams + <usize>i * STREAM_BYTES, data + <usize>i * stride, head);
  let done = 0;
  for (; done + LANES <= count; done += LANES) {
    const first = streams + <usize>done * STREAM_BYTES;
    const at = data + <usize>done * stride + head;
    for (let i = 0; i < LANES; i++) copyState(first + <usize>i * STREAM_BYTES, i, false);
    compressLanes(at, at + stride, at + 2 * stride, at + 3 * stride, blocks);
    for (let i = 0; i < LANES; i++) copyState(first + <usize>i * STREAM_BYTES, i, true);
  }
  for (; done < count; done++) compress(streams + <usize>done * STREAM_BYTES, data + <usize>done * stride + head, blocks);
  for (let i = 0; i < count; i++) {
    const stream = streams + <usize>i * STREAM_BYTES;
    store<u64>(stream, load<u64>(stream, TAKEN) + <u64>(blocks << 6), TAKEN);
    shaUpdate(stream, data + <usize>i * stride + tail, bytes - tail);
  }
}

/** Copies the eight state words of a stream into lane `i`, or back. */
function copyState(stream: usize, i: i32, back: bool): void {
  for (let word: usize = 0; word < 8; word++) {
    const lane = S + (word << 4) + (<usize>i << 2);
    if (back) store<u32>(stream + (word << 2), load<u32>(lane));
    else store<u32>(lane, load<u32>(stream + (word << 2)));
  }
}

/** `updateStreams`, one stream after the other. */
export function updateStreamsScalar(streams: usize, count: i32, data: usize, stride: usize, bytes: usize): void {
  for (let i = 0; i < count; i++) shaUpdate(streams + <usize>i * STREAM_BYTES, data + <usize>i * stride, bytes);
}
