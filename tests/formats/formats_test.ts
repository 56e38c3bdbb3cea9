import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { zstdDecompressSync } from "node:zlib";
import { tableFromIPC } from "apache-arrow";
import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { BAR_COLUMNS, type Bars } from "../../src/core/bar_frame.ts";
import { concatBytes, encodeBars } from "../../src/formats/encode.ts";
import { FORMAT_NAMES, type FormatName, formatOfFile } from "../../src/formats/format.ts";
import { sampleBars, slicesOf } from "./sample_bars.ts";

const METADATA = JSON.stringify({ node_id: "ohlcv:binance:BTC/USDT:1m", note: "ünïcode ✓" });

async function encoded(format: FormatName, bars: Bars, sliceRows?: number, next: string | null = null) {
  const pieces: Uint8Array[] = [];
  const input = { metadataJson: METADATA, slices: slicesOf(bars, sliceRows), next };
  for await (const piece of encodeBars(format, input)) pieces.push(piece);
  return concatBytes(pieces);
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("an Arrow stream is read by apache-arrow with its types, its values and its metadata", async () => {
  for (const rows of [0, 1, 7, 4096, 10_000]) {
    const bars = sampleBars({ start: 1_600_000_000, step: 60, rows, nanEvery: 5 });
    const table = tableFromIPC(await encoded("arrow", bars));
    strictEqual(table.numRows, rows);
    strictEqual(table.schema.metadata.get("seamless"), METADATA);
    deepStrictEqual(
      table.schema.fields.map((field) => `${field.name}: ${field.type} ${field.nullable}`),
      BAR_COLUMNS.map((name) => `${name}: ${name === "ts" ? "Int64" : "Float64"} false`),
    );
    for (const name of BAR_COLUMNS) {
      const column = table.getChild(name)!;
      deepStrictEqual(Array.from({ length: rows }, (_, i) => Number(column.get(i))), [...bars[name]]);
    }
  }
});

Deno.test("Arrow metadata of any length keep the stream aligned", async () => {
  for (let length = 0; length < 20; length++) {
    const pieces: Uint8Array[] = [];
    const bars = sampleBars({ start: 0, step: 60, rows: 3 });
    const metadataJson = "x".repeat(length);
    for await (const piece of encodeBars("arrow", { metadataJson, slices: slicesOf(bars), next: null })) {
      strictEqual(piece.length % 8, 0);
      pieces.push(piece);
    }
    strictEqual(tableFromIPC(concatBytes(pieces)).schema.metadata.get("seamless"), metadataJson);
  }
});

Deno.test("a Parquet answer is read by hyparquet with its row groups, its values and its metadata", async () => {
  for (const rows of [0, 1, 65_536, 70_000]) {
    const bars = sampleBars({ start: -600, step: 60, rows, nanEvery: 3 });
    const bytes = await encoded("parquet", bars, 5_000);
    const metadata = parquetMetadata(bytes.buffer);
    strictEqual(Number(metadata.num_rows), rows);
    deepStrictEqual(metadata.key_value_metadata, [{ key: "seamless", value: METADATA }]);
    strictEqual(metadata.row_groups.length, Math.ceil(rows / 65_536));
    const compressors = { ZSTD: (packed: Uint8Array) => new Uint8Array(zstdDecompressSync(packed)) };
    const objects = await parquetReadObjects({ file: bytes.buffer, compressors });
    strictEqual(objects.length, rows);
    for (let i = 0; i < rows; i += 1 + Math.floor(rows / 500)) {
      deepStrictEqual(
        BAR_COLUMNS.map((name) => Number(objects[i][name])),
        BAR_COLUMNS.map((n) => bars[n][i]),
      );
    }
  }
});

Deno.test("equal rows give equal bytes in each format, however they come in slices", async () => {
  const bars = sampleBars({ start: 0, step: 60, rows: 9_000, nanEvery: 4 });
  for (const format of FORMAT_NAMES) {
    const once = await encoded(format, bars, 9_000);
    const again = await encoded(format, bars, format === "arrow" ? 9_000 : 1_000);
    ok(once.length > 0);
    deepStrictEqual(once, again, format);
  }
});

Deno.test("CSV has a header line, round-trip numbers and empty cells for NaN", async () => {
  const bars = sampleBars({ start: -60, step: 60, rows: 500, nanEvery: 2 });
  const lines = text(await encoded("csv", bars, 64)).split("\n");
  strictEqual(lines[0], "ts,open,high,low,close,volume");
  strictEqual(lines.pop(), "");
  strictEqual(lines.length, 501);
  lines.slice(1).forEach((line, i) => {
    const cells = line.split(",");
    deepStrictEqual(
      cells.map((cell) => cell === "" ? NaN : Number(cell)),
      BAR_COLUMNS.map((n) => bars[n][i]),
    );
  });
  strictEqual(text(await encoded("csv", sampleBars({ start: 0, step: 60, rows: 0 }))).trim(), lines[0]);
});

Deno.test("NDJSON is one object a line, NaN is null", async () => {
  const bars = sampleBars({ start: 0, step: 60, rows: 100, nanEvery: 10 });
  const lines = text(await encoded("ndjson", bars)).trimEnd().split("\n");
  strictEqual(lines.length, 100);
  lines.forEach((line, i) => {
    const values = BAR_COLUMNS.map((name) => [name, Number.isNaN(bars[name][i]) ? null : bars[name][i]]);
    deepStrictEqual(JSON.parse(line), Object.fromEntries(values));
  });
});

Deno.test("JSON is {metadata, columns, rows, next} with null for NaN", async () => {
  const bars = sampleBars({ start: 0, step: 60, rows: 5_000, nanEvery: 10 });
  const body = JSON.parse(text(await encoded("json", bars, 999, "cursor")));
  deepStrictEqual(Object.keys(body), ["metadata", "columns", "rows", "next"]);
  deepStrictEqual(body.metadata, JSON.parse(METADATA));
  deepStrictEqual(body.columns, [...BAR_COLUMNS]);
  strictEqual(body.next, "cursor");
  strictEqual(body.rows.length, 5_000);
  strictEqual(body.rows[10][5], null);
  deepStrictEqual(body.rows[11], BAR_COLUMNS.map((name) => bars[name][11]));
  const empty = JSON.parse(text(await encoded("json", sampleBars({ start: 0, step: 60, rows: 0 }))));
  deepStrictEqual([empty.rows, empty.next], [[], null]);
});

Deno.test("a file's ending names its format", () => {
  deepStrictEqual(
    ["a.csv", "b.tar.PARQUET", "c.jsonl", "d.arrow", "e.json", "f.xlsx", "csv"].map(formatOfFile),
    ["csv", "parquet", "ndjson", "arrow", "json", null, null],
  );
});

Deno.test("a long Parquet answer lets others have their turn within every row group", async () => {
  const bars = sampleBars({ start: 0, step: 60, rows: 3 * 65_536 });
  let turns = 0;
  let isDone = false;
  const others = (async () => {
    while (!isDone) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      turns++;
    }
  })();
  await encoded("parquet", bars);
  isDone = true;
  await others;
  ok(turns >= 6, `${turns} turns over three row groups`);
});
