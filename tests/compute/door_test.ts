/** The door to WASM: its arena is used again, and after a trap nothing passes any more. */
import { deepStrictEqual, match, ok, rejects, throws } from "node:assert/strict";
import { bind } from "../../src/compute/load.ts";
import { load } from "../../src/compute/mod.ts";
import { Door, WASM_KEPT_BYTES } from "../../src/compute/door.ts";
import { mergeRanges, segmentsOf } from "../../src/compute/ranges.ts";
import { sha256, sha256Stream } from "../../src/compute/sha256.ts";
import { bars, trades } from "./suite/hostile_inputs.ts";

const WASM = new URL("../../src/compute/compute.wasm", import.meta.url);
const bytes = Deno.readFileSync(WASM);
const module = await WebAssembly.compile(bytes);

Deno.test("the committed module has no imports and at most 60 KB", () => {
  deepStrictEqual(WebAssembly.Module.imports(module), []);
  ok(bytes.length <= 60 * 1024, `${bytes.length} bytes`);
});

Deno.test("the arena is used again: memory does not grow over a thousand calls of every kind", async () => {
  const door = await Door.open(module);
  const compute = bind(door);
  const frame = bars(Array.from({ length: 5000 }, (_, i) => i * 60));
  const shuffled = bars(Array.from({ length: 5000 }, (_, i) => (i * 2999 % 5000) * 60));
  const grid = { step: 60 };
  const claims = { nodeId: "ohlcv:x:A/B:1m", grid, range: [0, 60] as const, conformanceVersion: "v2" };
  const covered = Float64Array.of(0, 300_000);
  const appender = compute.appender(claims);
  appender.append(frame);
  const calls: (() => unknown)[] = [
    () => compute.conform({ kind: "ohlcv", columns: frame }, { grid }),
    () => compute.conform({ kind: "ohlcv", columns: shuffled }, { grid }),
    () => compute.fingerprint(frame, claims),
    () => compute.segmentsOf(shuffled.ts, grid),
    () => compute.mergeRanges(shuffled.ts, grid),
    () => compute.subtractRanges(shuffled.ts, frame.ts, grid),
    () => compute.resample(frame, { from: grid, to: { step: 300 }, covered }),
    () => compute.barsFromTrades(trades([1, 2, 3000]), { grid, covered }),
    () => appender.fingerprint([0, 60]),
    () => compute.sha256(new Uint8Array(100_000)),
    () => throws(() => compute.mergeRanges(Float64Array.of(0, NaN), grid), RangeError),
  ];
  for (const call of calls) call();
  const [size, start] = [door.bytes(0, 0).buffer.byteLength, door.wasm.mark()];
  for (let i = 0; i < 1000; i++) calls[i % calls.length]();
  deepStrictEqual([door.bytes(0, 0).buffer.byteLength, door.wasm.mark()], [size, start]);
});

Deno.test("after a large call memory is returned, and an open stream goes on", async () => {
  const door = await Door.open(module);
  const stream = sha256Stream(door);
  stream.update(Uint8Array.of(1, 2, 3));
  const large = new Float64Array(6_000_000).map((_, i) => i * 60);
  deepStrictEqual(segmentsOf(door, large, { step: 60 }).length, 2);
  ok(door.bytes(0, 0).buffer.byteLength <= WASM_KEPT_BYTES, "memory after the call");
  stream.update(Uint8Array.of(4));
  deepStrictEqual(stream.digest(), sha256(door, Uint8Array.of(1, 2, 3, 4)));
});

Deno.test("the arena is given back also when a call throws", async () => {
  const door = await Door.open(module);
  const start = door.wasm.mark();
  throws(() => mergeRanges(door, Float64Array.of(0, NaN), { step: 60 }), RangeError);
  deepStrictEqual(door.wasm.mark(), start);
});

Deno.test("alloc() refuses what memory cannot hold, and the door works on", async () => {
  const door = await Door.open(module);
  for (const size of [2 ** 31, 2 ** 32, 2 ** 53, Infinity, NaN, 0x7ffe_0000]) {
    throws(() => door.scoped(() => [door.alloc(size), door.alloc(size), door.alloc(size)]), RangeError);
  }
  deepStrictEqual([...mergeRanges(door, Float64Array.of(0, 61), { step: 60 })], [0, 60]);
});

Deno.test("inputs beyond any memory are refused with the limit that they break", async () => {
  const compute = bind(await Door.open(module));
  const columns = Object.fromEntries(
    ["ts", "open", "high", "low", "close", "volume"].map((name) => [name, { length: 2 ** 32 }]),
  );
  throws(() => compute.conform({ kind: "ohlcv", columns }, { grid: { step: 60 } }), (error: Error) => {
    match(error.message, /at most 67108864 are taken/);
    return error instanceof RangeError;
  });
  const door = await Door.open(module);
  throws(() => door.alloc(2 ** 33), /at most 4 GiB of memory, 2147418112 bytes in one piece/);
});

Deno.test("mergeRanges() of so many ranges that a bitmap of their slots would have 2^32 bits sorts them", async () => {
  const compute = await load();
  const count = 8_600_000;
  const held = new Float64Array(2 * count);
  for (let i = 0; i < held.length; i++) held[i] = (i >> 1) * 500 + (i & 1) * 3;
  const shuffled = held.slice();
  shuffled.copyWithin(0, 2, 4);
  shuffled.set(held.subarray(0, 2), 2);
  const merged = compute.mergeRanges(shuffled, { step: 1 });
  deepStrictEqual([merged.length, merged.findIndex((t, i) => t !== held[i])], [held.length, -1]);
});

Deno.test("after a trap the instance refuses every further call, and says why", async () => {
  const door = await Door.open(module);
  throws(() => door.wasm.canonicalise(0xfff0_0000, 100_000), /trapped in canonicalise: load it again/);
  throws(() => mergeRanges(door, Float64Array.of(0, 60), { step: 60 }), (error: Error) => {
    match(error.message, /refuses further calls: load it again/);
    return error.cause instanceof WebAssembly.RuntimeError;
  });
});

Deno.test("load() takes bytes, a module, a response, a promise of one, or nothing", async () => {
  const sources = [
    bytes,
    bytes.buffer,
    new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
    module,
    new Response(bytes),
    Promise.resolve(new Response(bytes)),
    undefined,
  ];
  for (const source of sources) {
    const compute = await load(source);
    deepStrictEqual([...compute.mergeRanges(Float64Array.of(0, 61), { step: 60 })], [0, 60]);
  }
});

Deno.test("load() rejects a failed response, text, bytes that are no module, and another module", async () => {
  await rejects(load(new Response("gone", { status: 404 })), /answered 404/);
  await rejects(load("compute.wasm" as unknown as BufferSource), TypeError);
  await rejects(load(Uint8Array.of(1, 2, 3)), WebAssembly.CompileError);
  const other = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  await rejects(load(other), /the module is another one/);
});

Deno.test("each load() is an instance of its own: a stream of one is not seen by another", async () => {
  const [a, b] = await Promise.all([load(module), load(module)]);
  const stream = a.sha256Stream();
  stream.update(Uint8Array.of(1));
  b.sha256(new Uint8Array(100_000));
  deepStrictEqual(stream.digest(), a.sha256(Uint8Array.of(1)));
});
