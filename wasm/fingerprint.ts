/**
 * SFP-1: leaves and chunks of bars, and the states after the three tags.
 *
 * A chunk's record is 240 bytes, of which the first 208 are what its digest hashes:
 *   0  i64 k   8  u32 rows   12  u32 columns   16  six leaves of 32 bytes   208  digest
 */
import { canonicalise, toInt64 } from "./canonical";
import { BAD_TIME, countTimes, setResult } from "./frame";
import { gridStep, isTime, slotOf, slotStart } from "./grid";
import { shaStart, STREAM_BYTES } from "./sha256";
import { compress } from "./sha256_block";
import { hashMany, hashManyScalar } from "./sha256_jobs";

const CHUNK_SLOTS: f64 = 4096;
const COLUMNS: usize = 6;
const RECORD: usize = 240;
const BODY: usize = 208;
const JOB: usize = 16;
/** Chunks of one call. More rows than these hold are the next call's. */
export const CHUNKS_PER_CALL: usize = 64;

/** "seamless.fingerprint.v1/" + leaf, chunk, root, each padded with zeros to one block. */
const LEAF_TEXT: usize = memory.data<u8>([
  115, 101, 97, 109, 108, 101, 115, 115, 46, 102, 105, 110, 103, 101, 114, 112,
  114, 105, 110, 116, 46, 118, 49, 47, 108, 101, 97, 102, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
], 16);
const CHUNK_TEXT: usize = memory.data<u8>([
  115, 101, 97, 109, 108, 101, 115, 115, 46, 102, 105, 110, 103, 101, 114, 112,
  114, 105, 110, 116, 46, 118, 49, 47, 99, 104, 117, 110, 107, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
], 16);
const ROOT_TEXT: usize = memory.data<u8>([
  115, 101, 97, 109, 108, 101, 115, 115, 46, 102, 105, 110, 103, 101, 114, 112,
  114, 105, 110, 116, 46, 118, 49, 47, 114, 111, 111, 116, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
], 16);

const TAGS: usize = memory.data(384, 16);

/** The stream that has taken a tag: 0 leaf, 1 chunk, 2 root. */
export function tagStream(tag: i32): usize {
  const stream = TAGS + <usize>tag * 128;
  if (load<u64>(stream, 32) == 0) {
    shaStart(stream);
    compress(stream, tag == 0 ? LEAF_TEXT : tag == 1 ? CHUNK_TEXT : ROOT_TEXT, 1);
    store<u64>(stream, 64, 32);
  }
  return stream;
}

/** Starts a stream with a tag already taken. */
export function shaStartTagged(stream: usize, tag: i32): void {
  memory.copy(stream, tagStream(tag), STREAM_BYTES);
}

/** Hashes `count` jobs (see sha256_jobs), each behind a tag. */
export function hashTagged(jobs: usize, count: i32, tag: i32): void {
  hashMany(jobs, count, tagStream(tag));
}

/** `hashTagged` by the scalar form. */
export function hashTaggedScalar(jobs: usize, count: i32, tag: i32): void {
  hashManyScalar(jobs, count, tagStream(tag));
}

/**
 * Cuts rows `from` … `rows` of the frame at `columns` into chunks: their records' heads go to `out`, the jobs of their
 * leaves (six each) to `jobs`, with room for CHUNKS_PER_CALL each. Answers the first row not done, or a status; result 0
 * is the count of chunks. The rows done are canonical afterwards, and their times i64.
 */
export function cutChunks(columns: usize, stride: usize, from: i32, rows: i32, out: usize, jobs: usize): i32 {
  let chunks: usize = 0;
  while (from < rows && chunks < CHUNKS_PER_CALL) {
    const times = columns + (<usize>from << 3);
    const t = load<f64>(times);
    if (!isTime(t)) return BAD_TIME;
    const k = floor<f64>(slotOf(t) / CHUNK_SLOTS);
    const inside = countTimes(times, rows - from, gridStep(), slotStart((k + 1) * CHUNK_SLOTS));
    if (inside < 0) return inside;
    describe(columns + (<usize>from << 3), stride, k, inside, out + chunks * RECORD, jobs + chunks * COLUMNS * JOB);
    from += inside;
    chunks++;
  }
  setResult(0, <f64>chunks);
  return from;
}

/** Hashes the digests of `count` records whose leaves are there; `jobs` is overwritten. */
export function closeChunks(out: usize, count: i32, jobs: usize): void {
  for (let i: usize = 0; i < <usize>count; i++) {
    const record = out + i * RECORD;
    writeJob(jobs + i * JOB, record, BODY, record + BODY);
  }
  hashTagged(jobs, count, 1);
}

/** Makes one chunk's columns canonical and writes its record's head and the jobs of its leaves. */
function describe(at: usize, stride: usize, k: f64, rows: i32, record: usize, jobs: usize): void {
  store<f64>(record, k);
  toInt64(record, 1);
  store<u32>(record, <u32>rows, 8);
  store<u32>(record, <u32>COLUMNS, 12);
  toInt64(at, rows);
  for (let c: usize = 0; c < COLUMNS; c++) {
    if (c > 0) canonicalise(at + c * stride, rows);
    writeJob(jobs + c * JOB, at + c * stride, <usize>rows << 3, record + 16 + (c << 5));
  }
}

function writeJob(job: usize, data: usize, bytes: usize, out: usize): void {
  store<u32>(job, <u32>data);
  store<u32>(job, <u32>bytes, 4);
  store<u32>(job, <u32>out, 8);
}
