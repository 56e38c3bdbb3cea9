/**
 * Every kernel of the core against its scalar form, and against JavaScript where a line of it says the same: on random
 * lengths, alignments, splits and lane mixes, with NaN of any payload, −0, denormals and slots below zero. A failure
 * names the seed: `TEST_SEED=<seed> deno test -A tests/compute/kernels_test.ts` runs that input first.
 */
import { createHash } from "node:crypto";
import { equal } from "./suite/case.ts";
import { randomNumber } from "./suite/inputs.ts";
import type { Dice } from "./suite/random.ts";
import { toBits } from "./suite/bits.ts";
import { compare, hex, kernels, layBars, randomBytes, steppedTimes } from "./kernels.ts";
import { sha256 as slowSha256 } from "./twin/sha256.ts";

const { wasm } = kernels;

/** Any number that a column may hold. */
const odd = (dice: Dice) => randomNumber(dice, dice.pick([0, 0.1, 0.5]));

compare("SHA-256 of one stream, by vectors and one word after the other, leaves the same state", (dice) => {
  const blocks = dice.whole(0, 5);
  const data = kernels.lay(randomBytes(dice, blocks * 64), dice.whole(0, 15));
  const state = randomBytes(dice, 32);
  const [a, b] = [kernels.lay(state), kernels.lay(state)];
  wasm.compress(a, data, blocks);
  wasm.compressScalar(b, data, blocks);
  equal(hex(kernels.bytes(a, 32)), hex(kernels.bytes(b, 32)), `${blocks} blocks`);
});

const TAGS = ["leaf", "chunk", "root"].map((name) => {
  const tag = new Uint8Array(64);
  new TextEncoder().encodeInto(`seamless.fingerprint.v1/${name}`, tag);
  return tag;
});

compare(
  "leaves in four lanes are those of the scalar form and of the host, whatever mix of lengths",
  (dice, seed) => {
    const count = dice.whole(0, 11);
    const longest = dice.pick([3, 60, 130, 700]);
    const tag = dice.whole(0, 2);
    const jobs = wasm.alloc(count * 16 + 16);
    const outs = wasm.alloc(count * 32 + 16);
    const messages = Array.from({ length: count }, (_, i) => {
      const message = randomBytes(dice, dice.chance(0.1) ? 0 : dice.whole(0, longest));
      const at = kernels.lay(message, dice.whole(0, 15));
      new Uint32Array(wasm.memory.buffer, jobs + i * 16, 3).set([at, message.length, outs + i * 32]);
      return message;
    });
    const digests = () => messages.map((_, i) => hex(kernels.bytes(outs + i * 32, 32)));
    wasm.hashTagged(jobs, count, tag);
    const lanes = digests();
    kernels.bytes(outs, count * 32).fill(0);
    wasm.hashTaggedScalar(jobs, count, tag);
    const lengths = messages.map((message) => message.length).join();
    equal(lanes, digests(), `lengths ${lengths}`);
    const host = messages.map((m) => createHash("sha256").update(TAGS[tag]).update(m).digest("hex"));
    equal(lanes, host, `lengths ${lengths}, by the host`);
    if (seed % 100 > 0 || count === 0) return;
    equal(
      lanes[0],
      slowSha256(Uint8Array.of(...TAGS[tag], ...messages[0])),
      `lengths ${lengths}, by the twin`,
    );
  },
);

compare("streams that go on side by side end as streams that go on alone, at every split", (dice) => {
  const count = dice.whole(1, 9);
  const [before, bytes] = [dice.whole(0, 200), dice.whole(0, dice.pick([70, 600]))];
  const stride = Math.ceil(bytes / 8) * 8 + dice.pick([0, 8, 64]);
  const [a, b] = [wasm.alloc(count * 104), wasm.alloc(count * 104)];
  const [first, data] = [
    kernels.lay(randomBytes(dice, before)),
    kernels.lay(randomBytes(dice, stride * count)),
  ];
  for (const streams of [a, b]) {
    for (let i = 0; i < count; i++) {
      wasm.shaStart(streams + i * 104);
      wasm.shaUpdate(streams + i * 104, first, before);
    }
  }
  wasm.updateStreams(a, count, data, stride, bytes);
  wasm.updateStreamsScalar(b, count, data, stride, bytes);
  const ends = (streams: number) =>
    Array.from({ length: count }, (_, i) => {
      const out = wasm.alloc(32);
      wasm.shaFinish(streams + i * 104, out);
      return hex(kernels.bytes(out, 32));
    });
  equal(ends(a), ends(b), `${count} streams, ${before} bytes and ${bytes}`);
});

compare("canonical bits by blocks are those of each number alone", (dice) => {
  const values = Float64Array.from({ length: dice.whole(0, 50) }, () => odd(dice));
  const offset = dice.pick([0, 8]);
  const [a, b] = [kernels.layFloats(values, offset), kernels.layFloats(values, offset)];
  const changed = wasm.canonicalise(a, values.length);
  equal(changed, wasm.canonicaliseScalar(b, values.length), `${values}`);
  equal(changed === 1, values.some((x) => Number.isNaN(x) || Object.is(x, -0)), `${values}`);
  equal(hex(kernels.bytes(a, values.length * 8)), hex(kernels.bytes(b, values.length * 8)), `${values}`);
  const bits = new BigUint64Array(kernels.floats(a, values.length).buffer);
  equal(Array.from(bits, (x) => x.toString(16).padStart(16, "0")), Array.from(values, toBits), `${values}`);
});

compare("whole numbers become i64 by blocks as they do one by one", (dice) => {
  const size = dice.pick([100, 2 ** 43, 2 ** 51, 2 ** 53 - 1]);
  const values = Array.from({ length: dice.whole(0, 50) }, () => {
    return dice.chance(0.05) ? -0 : dice.chance(0.1) ? dice.pick([-1, 1]) * size : dice.whole(-size, size);
  });
  const offset = dice.pick([0, 8]);
  const [a, b] = [kernels.layFloats(values, offset), kernels.layFloats(values, offset)];
  wasm.toInt64(a, values.length);
  wasm.toInt64Scalar(b, values.length);
  const found = new BigInt64Array(kernels.floats(a, values.length).buffer);
  equal(Array.from(found, String), values.map((x) => String(BigInt(x))), `${values}`);
  equal(hex(kernels.bytes(a, values.length * 8)), hex(kernels.bytes(b, values.length * 8)), `${values}`);
});

compare("the length of a run of times is that which a loop finds", (dice) => {
  const step = dice.pick([1, 60, 86_400]);
  const times = steppedTimes(dice, dice.whole(0, 60), step);
  const at = kernels.layFloats(times, dice.pick([0, 8]));
  const before = dice.chance(0.9) ? (times[0] ?? 0) - step : times[0] ?? 0;
  const found = wasm.runLength(at, times.length, before, step);
  equal(found, wasm.runLengthScalar(at, times.length, before, step), `${times}`);
  let loop = 0;
  for (let last = before; loop < times.length && times[loop] === last + step; last = times[loop++]);
  equal(found, loop, `${times}`);
});

/** The rule in JavaScript's own words: nothing about the row's values would be flagged. */
function isCleanRow([o, h, l, c, v]: number[]): boolean {
  if (![o, h, l, c, v].every(Number.isFinite)) return false;
  return h >= Math.max(o, c) && l <= Math.min(o, c) && [o, h, l, c].every((price) => price > 0) && v >= 0;
}

compare("rows are clean in pairs exactly as they are alone", (dice) => {
  const rows = dice.whole(0, 40);
  const { at, stride, columns } = layBars(dice, rows, null);
  const found = wasm.cleanValues(at, stride, rows);
  equal(found, wasm.cleanValuesScalar(at, stride, rows), JSON.stringify(columns));
  const first = Array.from({ length: rows }, (_, i) => columns.map((column) => column[i])).findIndex((row) =>
    !isCleanRow(row)
  );
  equal(found, first < 0 ? rows : first, JSON.stringify(columns));
});
