/** The door to WASM: its arena is used again, and after a trap nothing passes any more. */
import { deepStrictEqual, match, ok, rejects, throws } from "node:assert/strict";
import { load } from "../../src/compute/mod.ts";
import { Door, WASM_KEPT_BYTES } from "../../src/compute/door.ts";
import { conform } from "../../src/compute/conform.ts";
import { mergeRanges, segmentsOf } from "../../src/compute/ranges.ts";
import { sha256, sha256Stream } from "../../src/compute/sha256.ts";
import { bars } from "./suite/hostile_inputs.ts";

const WASM = new URL("../../src/compute/compute.wasm", import.meta.url);
const bytes = Deno.readFileSync(WASM);
const module = await WebAssembly.compile(bytes);

Deno.test("the committed module has no imports and at most 60 KB", () => {
  deepStrictEqual(WebAssembly.Module.imports(module), []);
  ok(bytes.length <= 60 * 1024, `${bytes.length} bytes`);
});

Deno.test("the arena is used again: memory does not grow over a thousand calls", async () => {
  const door = await Door.open(module);
  const frame = bars(Array.from({ length: 5000 }, (_, i) => i * 60));
  const once = () => conform(door, { kind: "ohlcv", columns: frame }, { grid: { step: 60 } });
  once();
  const size = door.bytes(0, 0).buffer.byteLength;
  for (let i = 0; i < 1000; i++) once();
  deepStrictEqual(door.bytes(0, 0).buffer.byteLength, size);
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

Deno.test("load() rejects a failed response, text, and bytes that are no module", async () => {
  await rejects(load(new Response("gone", { status: 404 })), /answered 404/);
  await rejects(load("compute.wasm" as unknown as BufferSource), TypeError);
  await rejects(load(Uint8Array.of(1, 2, 3)), WebAssembly.CompileError);
});

Deno.test("each load() is an instance of its own: a stream of one is not seen by another", async () => {
  const [a, b] = await Promise.all([load(module), load(module)]);
  const stream = a.sha256Stream();
  stream.update(Uint8Array.of(1));
  b.sha256(new Uint8Array(100_000));
  deepStrictEqual(stream.digest(), a.sha256(Uint8Array.of(1)));
});
