import assert from "node:assert/strict";
import { parquetMetadata } from "hyparquet";
import { barsOf, chunksOfBars, codec, compute, MINUTE, START } from "../../history/holdings.ts";
import { createParquetCodec } from "../../../src/adapters/parquet/codec.ts";
import { segmentCodecContract, sourceOf } from "../../contract/segment_codec.ts";
import { makeBars } from "../../../src/core/bar_frame.ts";
import { roundTripsDuring } from "../../round_trips.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };
const CHUNK = 4096 * 60;

segmentCodecContract("Parquet", createParquetCodec(compute));

Deno.test(
  { ...strict, name: "a row group holds one chunk, and its bounds are those of the rows" },
  async () => {
    const bars = barsOf([START + 120, START + 3 * CHUNK - 60]);
    const bytes = await codec.encode(chunksOfBars(bars), '{"node_id":"x"}');
    const { row_groups, schema, key_value_metadata, num_rows } = parquetMetadata(bytes.slice().buffer);
    assert.deepEqual(row_groups.map((group) => Number(group.num_rows)), [4094, 4096, 4095]);
    assert.equal(Number(num_rows), bars.ts.length);
    assert.deepEqual(
      schema.slice(1).map(({ name, type, repetition_type }) => [name, type, repetition_type]),
      [
        ["ts", "INT64", "REQUIRED"],
        ["open", "DOUBLE", "REQUIRED"],
        ["high", "DOUBLE", "REQUIRED"],
        ["low", "DOUBLE", "REQUIRED"],
        ["close", "DOUBLE", "REQUIRED"],
        ["volume", "DOUBLE", "REQUIRED"],
      ],
    );
    assert.deepEqual(key_value_metadata, [{ key: "seamless", value: '{"node_id":"x"}' }]);
    const bounds = row_groups.map((group) => {
      const { min_value, max_value } = group.columns[0].meta_data!.statistics!;
      return [Number(min_value), Number(max_value)];
    });
    assert.deepEqual(bounds, [
      [START + 120, START + CHUNK - 60],
      [START + CHUNK, START + 2 * CHUNK - 60],
      [START + 2 * CHUNK, START + 3 * CHUNK - 120],
    ]);
    for (const group of row_groups) {
      for (const { meta_data } of group.columns) assert.equal(meta_data!.codec, "ZSTD");
    }
  },
);

Deno.test(
  { ...strict, name: "the bounds of values leave NaN out and keep zeros of either sign inside" },
  async () => {
    const bars = makeBars(3);
    bars.ts.set([START, START + 60, START + 120]);
    bars.open.set([NaN, 2, 1]);
    bars.high.set([NaN, NaN, NaN]);
    const bytes = await codec.encode(chunksOfBars(bars));
    const [open, high, low] = parquetMetadata(bytes.slice().buffer).row_groups[0].columns.slice(1, 4)
      .map((column) => column.meta_data!.statistics!);
    assert.deepEqual([open.min_value, open.max_value], [1, 2]);
    assert.deepEqual([high.min_value, high.max_value], [undefined, undefined]);
    assert.ok(Object.is(low.min_value, -0) && Object.is(low.max_value, 0));
  },
);

Deno.test({
  ...strict,
  name: "encodeStream() gives the bytes of encode() piece by piece, and leaves empty items out",
}, async () => {
  const chunks = chunksOfBars(barsOf([START, START + 9 * CHUNK]));
  const none = { rows: 0, bytes: new Uint8Array(0) };
  const pieces = await Array.fromAsync(codec.encodeStream([none, ...chunks, none], { metadata: "{}" }));
  assert.equal(pieces.length, chunks.length + 2);
  const whole = new Uint8Array(await new Blob(pieces as Uint8Array<ArrayBuffer>[]).arrayBuffer());
  assert.deepEqual(whole, await codec.encode(chunks, "{}"));
});

Deno.test({ ...strict, name: "encodeStream() holds one row group at a time" }, async () => {
  const [chunk] = chunksOfBars(barsOf([START, START + CHUNK]));
  let taken = 0;
  function* endless() {
    for (;;) {
      taken++;
      yield chunk;
    }
  }
  const stream = codec.encodeStream(endless())[Symbol.asyncIterator]();
  for (let i = 0; i < 50; i++) await stream.next();
  assert.equal(taken, 49);
  await stream.return?.();
});

Deno.test({ ...strict, name: "encodeStream() stops when its signal fires" }, async () => {
  const chunks = chunksOfBars(barsOf([START, START + 4 * CHUNK]));
  const stop = new AbortController();
  const pieces: Uint8Array[] = [];
  await assert.rejects(async () => {
    for await (const piece of codec.encodeStream(chunks, { signal: stop.signal })) {
      pieces.push(piece);
      if (pieces.length === 2) stop.abort();
    }
  }, { code: "CANCELLED" });
  assert.equal(pieces.length, 2);
});

Deno.test({ ...strict, name: "a segment of one market minute costs about twenty bytes a bar" }, async () => {
  const bars = barsOf([START, START + 8 * CHUNK]);
  // Prices that wander like a market's, in cents, and volumes with eight digits.
  let [price, seed] = [30_000, 7];
  const chance = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  for (let i = 0; i < bars.ts.length; i++) {
    bars.open[i] = price;
    price = Math.round((price + (chance() - 0.5) * 20) * 100) / 100;
    bars.close[i] = price;
    bars.high[i] = Math.round((Math.max(bars.open[i], price) + chance() * 5) * 100) / 100;
    bars.low[i] = Math.round((Math.min(bars.open[i], price) - chance() * 5) * 100) / 100;
    bars.volume[i] = Math.round(chance() * 1e7) / 1e5;
  }
  const bytes = await codec.encode(chunksOfBars(bars));
  assert.ok(bytes.length / bars.ts.length < 24, `${bytes.length / bars.ts.length} bytes a bar`);
});

Deno.test({ ...strict, name: "the footer is read once while a source is in use" }, async () => {
  const chunks = chunksOfBars(barsOf([START, START + 16 * CHUNK]));
  const source = sourceOf(await codec.encode(chunks));
  await Array.fromAsync(codec.decode(source, [chunks[0]], MINUTE));
  const first = source.readBytes;
  await Array.fromAsync(codec.decode(source, [chunks[1]], MINUTE));
  assert.ok(source.readBytes - first < first, `${first}, then ${source.readBytes - first}`);
});

Deno.test({ ...strict, name: "encode() lets sockets have their turn" }, async () => {
  const chunks = chunksOfBars(barsOf([START, START + 64 * CHUNK]));
  const trips = await roundTripsDuring(() => codec.encode(chunks));
  assert.ok(trips >= 4, `${trips} round trips while 64 chunks were written`);
});

Deno.test({ ...strict, name: "encode() leaves the chunks that it was given whole" }, async () => {
  const chunks = chunksOfBars(barsOf([START, START + 3 * CHUNK]));
  const before = structuredClone(chunks);
  await codec.encode(chunks);
  assert.deepEqual(chunks, before);
});

Deno.test({ ...strict, name: "chunks that were read stay whole when more are read" }, async () => {
  const chunks = chunksOfBars(barsOf([START, START + 4 * CHUNK]));
  const source = sourceOf(await codec.encode(chunks));
  const kept = [];
  for await (const chunk of codec.decode(source, chunks, MINUTE)) kept.push(chunk);
  assert.deepEqual(kept, chunks);
});
