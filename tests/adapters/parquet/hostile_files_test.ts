/**
 * Segment files that lie: whatever stands in them, reading one ends, in its own time and memory, with what is wrong
 * with that file; nothing is left to fail unheard.
 */

import assert from "node:assert/strict";
import { zstdCompressSync } from "node:zlib";
import type { FileMetaData } from "hyparquet";
import { parquetMetadata } from "hyparquet";
import { ByteWriter } from "hyparquet-writer";
import { writePageHeader } from "hyparquet-writer/src/datapage.js";
import { writeMetadata } from "hyparquet-writer/src/metadata.js";
import { proverHere } from "../../../src/adapters/parquet/proof_threads.ts";
import { BarParquetWriter } from "../../../src/adapters/parquet/writer.ts";
import type { SegmentProof } from "../../../src/core/ports.ts";
import { encodeRows } from "../../../src/core/stored_chunk.ts";
import { sourceOf } from "../../contract/segment_codec.ts";
import { barsOf, chunksOfBars, codec, compute, MINUTE, START } from "../../history/holdings.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };
const CHUNK = 4096 * 60;
const CHUNKS = chunksOfBars(barsOf([START, START + 2 * CHUNK]));
const WANTED = CHUNKS.map(({ k }) => k);

function prove(bytes: Uint8Array): Promise<SegmentProof> {
  return proverHere(compute).prove({ source: sourceOf(bytes), wanted: WANTED, grid: MINUTE });
}

async function faults(bytes: Uint8Array): Promise<string[]> {
  return (await prove(bytes)).chunks.map((chunk) => "fault" in chunk ? chunk.fault : "proven");
}

/** Bytes of the footer, its length and the magic number included. */
function footerBytes(bytes: Uint8Array): number {
  return 8 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(bytes.length - 8, true);
}

/** A good file with another footer. */
async function withFooter(change: (footer: FileMetaData) => void): Promise<Uint8Array> {
  const good = await codec.encode(CHUNKS);
  const footer = parquetMetadata(good.slice().buffer);
  change(footer);
  const out = new ByteWriter();
  out.appendBytes(good.subarray(0, good.length - footerBytes(good)));
  writeMetadata(out, footer);
  out.appendBytes(new TextEncoder().encode("PAR1"));
  return out.getBytes();
}

Deno.test({ ...strict, name: "a footer with its own words in it is as good as the first" }, async () => {
  assert.deepEqual(await faults(await withFooter(() => {})), ["proven", "proven"]);
});

for (const rows of [-1n, 0n, 10n ** 9n, 2n ** 53n, 2n ** 62n]) {
  Deno.test(
    { ...strict, name: `a footer that says ${rows} rows is refused, and takes no memory` },
    async () => {
      const file = await withFooter(({ row_groups: [group] }) => group.num_rows = rows);
      for (const fault of await faults(file)) assert.match(fault, /says that a row group has/);
    },
  );
}

Deno.test(
  { ...strict, name: "columns that are said to stand outside the file fail where they are read" },
  async () => {
    for (const at of [-1n, 10n ** 6n, 2n ** 53n, 2n ** 63n - 1n]) {
      const file = await withFooter(({ row_groups: [group] }) => {
        for (const { meta_data } of group.columns) meta_data!.data_page_offset = at;
      });
      assert.match((await faults(file))[0], /Cannot read a segment/, String(at));
    }
  },
);

Deno.test({
  ...strict,
  name: "a group whose columns have other names is refused before its columns are read",
}, async () => {
  const file = await withFooter(({ row_groups: [group] }) => {
    group.columns[0].meta_data!.data_page_offset = 10n ** 6n;
  });
  const text = new TextDecoder("latin1").decode(file);
  const inSchema = text.indexOf("volume", file.length - footerBytes(file));
  file[text.indexOf("volume", inSchema + 1)] ^= 1;
  assert.match((await faults(file))[0], /Cannot read a segment/);
});

/** A good file in which the columns of the first group are one page that says it holds so many values. */
async function withPage(values: number): Promise<Uint8Array> {
  const good = await codec.encode(CHUNKS);
  const footer = parquetMetadata(good.slice().buffer);
  const out = new ByteWriter();
  out.appendBytes(good.subarray(0, good.length - footerBytes(good)));
  // One run of one number that repeats: a few bytes, however many there are.
  const run = new ByteWriter();
  run.appendUint8(1);
  run.appendVarInt(values * 2);
  run.appendUint8(0);
  const page = zstdCompressSync(run.getBytes());
  for (const { meta_data } of footer.row_groups[0].columns) {
    meta_data!.data_page_offset = BigInt(out.offset);
    const start = out.offset;
    writePageHeader(out, {
      type: "DATA_PAGE_V2",
      uncompressed_page_size: run.offset,
      compressed_page_size: page.length,
      data_page_header_v2: {
        num_values: values,
        num_nulls: 0,
        num_rows: values,
        encoding: "RLE_DICTIONARY",
        definition_levels_byte_length: 0,
        repetition_levels_byte_length: 0,
        is_compressed: true,
      },
    });
    out.appendBytes(page);
    meta_data!.total_compressed_size = BigInt(out.offset - start);
  }
  writeMetadata(out, footer);
  out.appendBytes(new TextEncoder().encode("PAR1"));
  return out.getBytes();
}

for (const values of [-1, 4097, 10 ** 6, 2 ** 30]) {
  Deno.test({ ...strict, name: `a page that says it holds ${values} values takes no memory` }, async () => {
    const [first] = await faults(await withPage(values));
    assert.match(first, /says that a page of 4096 rows has -?\d+ values/);
  });
}

Deno.test(
  { ...strict, name: "columns that are said to be far apart are not read as one piece" },
  async () => {
    const file = await withFooter(({ row_groups: [group] }) => {
      group.columns[5].meta_data!.total_compressed_size = 2n ** 40n;
    });
    assert.match((await faults(file))[0], /says that the columns of 4096 rows lie at bytes/);
  },
);

Deno.test({ ...strict, name: "rows out of order are told, and looked for no further" }, async () => {
  const unsorted = barsOf([START, START + CHUNK]);
  const [first] = unsorted.ts;
  for (let i = 1; i < 4_000; i++) unsorted.ts[i] = i % 2 === 0 ? first + 60 * i : first - CHUNK * i;
  const writer = new BarParquetWriter();
  const pieces = [writer.start(), writer.rowGroup({ rows: 4096, bytes: encodeRows(unsorted) })]
    .map((piece) => piece.slice());
  const file = new Uint8Array(await new Blob([...pieces, writer.finish().slice()]).arrayBuffer());
  assert.match((await faults(file))[0], /do not ascend/);
});

Deno.test(
  { ...strict, name: "any byte of a footer may be wrong: the proof says so, and nothing else fails" },
  async () => {
    const good = await codec.encode(CHUNKS);
    const unheard: unknown[] = [];
    const listen = (event: PromiseRejectionEvent) => {
      event.preventDefault();
      unheard.push(event.reason);
    };
    addEventListener("unhandledrejection", listen);
    try {
      for (let at = good.length - footerBytes(good); at < good.length; at++) {
        const bad = good.slice();
        bad[at] ^= 0x80;
        assert.equal((await prove(bad)).chunks.length, 2);
      }
    } finally {
      removeEventListener("unhandledrejection", listen);
    }
    assert.deepEqual(unheard, []);
  },
);
