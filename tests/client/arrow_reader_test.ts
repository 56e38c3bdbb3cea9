import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import {
  Field,
  Float64,
  Int64,
  RecordBatchStreamWriter,
  Schema,
  tableFromArrays,
  tableToIPC,
} from "apache-arrow";
import { openArrowBars } from "../../src/client/arrow_reader.ts";
import { type Bars, concatBars, emptyBars } from "../../src/core/bar_frame.ts";
import { HistoryError } from "../../src/core/errors.ts";
import { decodeRows } from "../../src/core/stored_chunk.ts";
import { concatBytes, encodeBars } from "../../src/formats/encode.ts";
import { sampleBars, slicesOf } from "../formats/sample_bars.ts";

async function streamOf(rows: number, metadataJson = '{"a":1}'): Promise<Uint8Array<ArrayBuffer>> {
  const bars = sampleBars({ start: -600, step: 60, rows, nanEvery: 3 });
  const pieces: Uint8Array[] = [];
  for await (const piece of encodeBars("arrow", { metadataJson, slices: slicesOf(bars), next: null })) {
    pieces.push(piece);
  }
  return concatBytes(pieces);
}

/** Bytes in pieces of `size`. */
async function* pieces(bytes: Uint8Array, size = Infinity): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

async function read(stream: AsyncIterable<Uint8Array>): Promise<{ metadataText: string; bars: Bars }> {
  const { metadataText, slices } = await openArrowBars(stream);
  const frames = await Array.fromAsync(slices, ({ bytes }) => decodeRows(bytes));
  return { metadataText, bars: concatBars([emptyBars(), ...frames]) };
}

Deno.test("what the service writes is read back to the bit, in pieces of any length", async () => {
  for (const rows of [0, 1, 4096, 9_000]) {
    const bytes = await streamOf(rows, '{"ü":"✓"}');
    const wanted = sampleBars({ start: -600, step: 60, rows, nanEvery: 3 });
    for (const size of rows < 100 ? [1, 3, 8, Infinity] : [1_001, 65_536, Infinity]) {
      const { metadataText, bars } = await read(pieces(bytes, size));
      strictEqual(metadataText, '{"ü":"✓"}');
      deepStrictEqual(bars, wanted);
    }
  }
});

Deno.test("slices come as they arrive, before the stream is at its end", async () => {
  const bytes = await streamOf(10_000);
  let sent = 0;
  const counted = async function* () {
    for await (const piece of pieces(bytes, 10_000)) {
      sent += piece.length;
      yield piece;
    }
  };
  const { slices } = await openArrowBars(counted());
  for await (const { rows } of slices) {
    strictEqual(rows, 4096);
    break;
  }
  ok(sent < 220_000, `${sent} bytes were taken for the first of three slices`);
});

Deno.test("a stream cut at any byte is refused, never read as fewer rows", async () => {
  const bytes = await streamOf(5);
  for (let length = 0; length < bytes.length; length++) {
    await rejects(
      read(pieces(bytes.subarray(0, length))),
      (error) => error instanceof HistoryError && error.code === "INTERNAL",
      `cut at ${length}`,
    );
  }
});

Deno.test("a stream with a wrong byte is refused or read, but never hangs and never throws anything else", async () => {
  const bytes = await streamOf(5);
  for (let at = 0; at < bytes.length; at++) {
    for (const flip of [0x01, 0x80, 0xff]) {
      const broken = bytes.slice();
      broken[at] ^= flip;
      try {
        ok((await read(pieces(broken))).bars.ts.length <= 5);
      } catch (error) {
        ok(error instanceof HistoryError, `${at} ${error}`);
      }
    }
  }
});

Deno.test("streams of another schema are refused by what they hold", async () => {
  const other = tableToIPC(
    tableFromArrays({ ts: new Float64Array([1]), open: new Float64Array([2]) }),
    "stream",
  );
  await rejects(read(pieces(other)), /columns are ts:f64 open:f64/);
  const names = ["ts", "open", "high", "low", "close", "volume"];
  const schema = new Schema(
    names.map((name) => new Field(name, name === "ts" ? new Int64() : new Float64(), false)),
  );
  const writer = new RecordBatchStreamWriter();
  writer.reset(undefined, schema);
  writer.finish();
  await rejects(read(pieces(writer.toUint8Array(true))), /no key seamless/);
});
