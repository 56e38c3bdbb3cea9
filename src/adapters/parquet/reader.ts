/**
 * Reads wanted chunks out of a Parquet file, row group by row group. Parquet does not notice a flipped byte inside a
 * page, so nothing here is trusted: digests are computed anew from the rows that were read, and whoever asked
 * compares them with the manifest's.
 */

import { zstdDecompressSync } from "node:zlib";
import { parquetMetadataAsync, parquetRead } from "hyparquet";
import type { AsyncBuffer, ColumnData, FileMetaData, RowGroup } from "hyparquet";
import type { Compute } from "../../compute/types.ts";
import { BAR_COLUMNS, makeBars, viewBars } from "../../core/bar_frame.ts";
import type { Bars } from "../../core/bar_frame.ts";
import { HistoryError, throwIfCancelled } from "../../core/errors.ts";
import { ROW_GROUP_MAX_ROWS } from "../../core/limits.ts";
import { giveBack } from "../../core/give_back.ts";
import type { ByteSource, StoredChunk } from "../../core/ports.ts";
import { chunkOf, chunkParts, encodeRows } from "../../core/stored_chunk.ts";
import type { Grid } from "../../core/timeframe.ts";
import { isBarSchema } from "./bar_schema.ts";
import { soundPages } from "./pages.ts";

/** What is to be read: chunks by number, ascending. */
export interface ChunkQuestion {
  source: ByteSource;
  wanted: readonly number[];
  grid: Grid;
  compute: Pick<Compute, "chunksOf">;
  signal?: AbortSignal;
}

/** The rows of one row group and the chunks that it can hold. */
interface Group {
  rowStart: number;
  rowEnd: number;
  firstK: number;
  lastK: number;
  /** What the footer says about it. */
  meta: RowGroup;
}

/** Read from the end of a file at first: the footer of 64 row groups takes 28 KB. */
const FOOTER_FETCH_BYTES = 32 * 1024;

/** Pages get a buffer of their own: larger than what the host cuts out of a shared one, and at most so large at once. */
const PAGE_BUFFER_MIN_BYTES = 16 * 1024;
const PAGE_BUFFER_MAX_BYTES = 1024 * 1024;

/** What a page may hold besides the values of its group: a few numbers on them. */
const PAGE_SLACK_BYTES = 64 * 1024;

/** Footers of files that are still in use: a file is read in many small steps. */
const footers = new WeakMap<ByteSource, Promise<FileMetaData>>();

/**
 * Yields the wanted chunks in order, with digests of what was read. `VERIFY_FAILED` when the file is no segment, is
 * broken, or lacks a chunk.
 */
export async function* readChunks(question: ChunkQuestion): AsyncIterable<StoredChunk> {
  const { wanted, grid, compute, signal } = question;
  if (wanted.length === 0) return;
  const file = asyncBuffer(question.source);
  const metadata = await guarded(() => footerOf(question.source, file));
  const groups = guardedNow(() => groupsOf(metadata, grid));
  let next = 0;
  let space = makeBars(0);
  for (const group of groups) {
    while (next < wanted.length && wanted[next] < group.firstK) throw missingChunk(wanted[next]);
    if (next === wanted.length || wanted[next] > group.lastK) continue;
    throwIfCancelled(signal, "Reading a segment");
    const rows = group.rowEnd - group.rowStart;
    // Groups are read into the same memory: what is handed on is a copy.
    if (rows > space.ts.length) space = makeBars(rows);
    const bars = viewBars(space, 0, rows);
    await guarded(() => readGroup({ file, metadata }, group, bars));
    for (const { k, from, to } of chunkParts(bars.ts, grid)) {
      if (next === wanted.length || k < wanted[next]) continue;
      if (k > wanted[next]) throw missingChunk(wanted[next]);
      next++;
      yield guardedNow(() => storedChunk(viewBars(bars, from, to), { grid, compute }));
    }
  }
  if (next < wanted.length) throw missingChunk(wanted[next]);
}

function storedChunk(rows: Bars, { grid, compute }: Pick<ChunkQuestion, "grid" | "compute">): StoredChunk {
  const [chunk] = compute.chunksOf(rows, grid);
  return { ...chunk, bytes: encodeRows(rows) };
}

function footerOf(source: ByteSource, file: AsyncBuffer): Promise<FileMetaData> {
  let footer = footers.get(source);
  if (footer === undefined) {
    footer = parquetMetadataAsync(file, { initialFetchSize: FOOTER_FETCH_BYTES }).then((metadata) => {
      if (!isBarSchema(metadata.schema) || !metadata.row_groups.every(hasBarColumns)) {
        throw new Error("its columns are not those of bars");
      }
      return metadata;
    });
    footers.set(source, footer);
    footer.catch(() => footers.delete(source));
  }
  return footer;
}

/** Looked at beforehand: reads of the others would be under way when the reader of Parquet meets a column it does not know. */
function hasBarColumns({ columns }: FileMetaData["row_groups"][number]): boolean {
  const names = columns.map(({ meta_data }) => meta_data?.path_in_schema.join("."));
  return names.join() === BAR_COLUMNS.join();
}

/** Row groups by the chunks that their time bounds span; they must ascend. */
function groupsOf(metadata: FileMetaData, grid: Grid): Group[] {
  let rowStart = 0;
  let before = -Infinity;
  return metadata.row_groups.map((group) => {
    const bounds = group.columns[0].meta_data?.statistics;
    const [min, max] = [Number(bounds?.min_value), Number(bounds?.max_value)];
    if (!(before < min && min <= max)) throw new Error("the time bounds of its row groups do not ascend");
    before = max;
    const rows = Number(group.num_rows);
    if (!(rows > 0 && rows <= ROW_GROUP_MAX_ROWS)) {
      throw new Error(`it says that a row group has ${rows} rows`);
    }
    const rowEnd = rowStart + rows;
    const span = { rowStart, rowEnd, firstK: chunkOf(min, grid), lastK: chunkOf(max, grid), meta: group };
    rowStart = rowEnd;
    return span;
  });
}

/** Reads a row group into bars of its length. */
async function readGroup(
  { file, metadata }: { file: AsyncBuffer; metadata: FileMetaData },
  { rowStart, rowEnd, meta }: Group,
  bars: Bars,
): Promise<void> {
  const filled = new Map<string, number>(BAR_COLUMNS.map((name) => [name, 0]));
  const pages: Uint8Array[] = [];
  const rows = rowEnd - rowStart;
  const pageMaxBytes = 8 * rows + PAGE_SLACK_BYTES;
  await parquetRead({
    file: await soundPages(file, meta, { rows, spareBytes: PAGE_SLACK_BYTES }),
    metadata,
    rowStart,
    rowEnd,
    compressors: { ZSTD: (input, length) => unpack(input, { length, pageMaxBytes }, pages) },
    onChunk: (part) => filled.set(part.columnName, filled.get(part.columnName)! + fill(bars, part, rowStart)),
  });
  for (const page of pages) giveBack(page.buffer);
  for (const [name, count] of filled) {
    if (count !== rows) throw new Error(`column ${name} has ${count} of ${rows} rows`);
  }
}

/**
 * Copies one run of a column to its place; answers how many rows it had, 0 for one that does not belong there. Never
 * throws: nobody waits for it who could be told.
 */
function fill(bars: Bars, part: ColumnData, groupStart: number): number {
  const column = bars[part.columnName as keyof Bars];
  const at = part.rowStart - groupStart;
  const { columnData } = part;
  if (at < 0 || at + columnData.length > column.length) return 0;
  if (columnData instanceof BigInt64Array) writeSeconds(columnData, column.subarray(at));
  else if (columnData instanceof Float64Array) column.set(columnData, at);
  else return 0;
  return columnData.length;
}

/** By 32-bit halves: a BigInt for each row would cost more than reading the file. */
function writeSeconds(times: BigInt64Array, target: Float64Array): void {
  const words = new Int32Array(times.buffer, times.byteOffset, 2 * times.length);
  for (let i = 0; i < times.length; i++) target[i] = words[2 * i + 1] * 2 ** 32 + (words[2 * i] >>> 0);
}

/** A page says how long it is; one that lies must not be able to fill the memory. */
function unpack(
  input: Uint8Array,
  { length, pageMaxBytes }: { length: number; pageMaxBytes: number },
  pages: Uint8Array[],
): Uint8Array {
  if (!(length <= pageMaxBytes)) throw new Error(`it says that a page has ${length} bytes`);
  const page = zstdDecompressSync(input, {
    maxOutputLength: Math.max(length, 1),
    chunkSize: Math.min(Math.max(length, PAGE_BUFFER_MIN_BYTES), PAGE_BUFFER_MAX_BYTES),
  });
  pages.push(page);
  return page;
}

/**
 * The reader of Parquet begins to read all that it has planned, and does not wait for it where it gives up before: a
 * read that fails then has nobody who hears it, and must not end the process.
 */
function asyncBuffer(source: ByteSource): AsyncBuffer {
  return {
    byteLength: source.sizeBytes,
    slice(start, end = source.sizeBytes) {
      const bytes = bytesOf(source, start, end);
      bytes.catch(() => {/* Whoever waits for it is told. */});
      return bytes;
    },
  };
}

async function bytesOf(source: ByteSource, start: number, end: number): Promise<ArrayBuffer> {
  const from = start < 0 ? Math.max(0, source.sizeBytes + start) : start;
  if (!(from <= end && end <= source.sizeBytes)) throw new Error(`there are no bytes ${from}–${end}`);
  const bytes = await source.read(from, end);
  if (bytes.length !== end - from) {
    throw new Error(`only ${bytes.length} of the bytes ${from}–${end} are there`);
  }
  const whole = bytes.byteOffset === 0 && bytes.length === bytes.buffer.byteLength;
  return (whole ? bytes.buffer : bytes.slice().buffer) as ArrayBuffer;
}

/** Whatever goes wrong inside a file is that file's fault; what the store itself reports passes through. */
async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw broken(error);
  }
}

function guardedNow<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw broken(error);
  }
}

function broken(error: unknown): HistoryError {
  if (error instanceof HistoryError) return error;
  const why = error instanceof Error ? error.message : String(error);
  return new HistoryError("VERIFY_FAILED", `Cannot read a segment: ${why}`, { hint: HINT, cause: error });
}

function missingChunk(k: number): HistoryError {
  return new HistoryError("VERIFY_FAILED", `Cannot read a segment: it lacks chunk ${k}`, { hint: HINT });
}

const HINT = "The file was changed or damaged; `seamless verify` names every file that is, " +
  "and a copy from a backup or another publisher heals it";
