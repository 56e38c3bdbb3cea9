import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import {
  Field,
  Float64,
  Int64,
  RecordBatchStreamWriter,
  Schema,
  tableFromArrays,
  tableToIPC,
} from "apache-arrow";
import { readArrowBars } from "../../src/client/arrow_reader.ts";
import { HistoryError } from "../../src/core/errors.ts";
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

Deno.test("what the service writes is read back to the bit, also from unaligned memory", async () => {
  for (const rows of [0, 1, 4095, 4096, 4097, 20_000]) {
    const bytes = await streamOf(rows, '{"ü":"✓"}');
    const wanted = sampleBars({ start: -600, step: 60, rows, nanEvery: 3 });
    for (let shift = 0; shift < 3; shift++) {
      const shifted = new Uint8Array(bytes.length + shift);
      shifted.set(bytes, shift);
      const { metadataText, bars } = readArrowBars(shifted.subarray(shift));
      strictEqual(metadataText, '{"ü":"✓"}');
      deepStrictEqual(bars, wanted);
    }
  }
});

Deno.test("a stream cut at any byte is refused, never read as fewer rows", async () => {
  const bytes = await streamOf(5);
  for (let length = 0; length < bytes.length - 4; length++) {
    throws(
      () => readArrowBars(bytes.subarray(0, length)),
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
        ok(readArrowBars(broken).bars.ts.length <= 5);
      } catch (error) {
        ok(error instanceof HistoryError, `${at} ${error}`);
      }
    }
  }
});

Deno.test("streams of another schema are refused by what they hold", () => {
  const other = tableToIPC(
    tableFromArrays({ ts: new Float64Array([1]), open: new Float64Array([2]) }),
    "stream",
  );
  throws(() => readArrowBars(other), /columns are ts:f64 open:f64/);
  const names = ["ts", "open", "high", "low", "close", "volume"];
  const schema = new Schema(
    names.map((name) => new Field(name, name === "ts" ? new Int64() : new Float64(), false)),
  );
  const writer = new RecordBatchStreamWriter();
  writer.reset(undefined, schema);
  writer.finish();
  throws(() => readArrowBars(writer.toUint8Array(true)), /no key seamless/);
});
