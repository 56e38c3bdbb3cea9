/**
 * Looks at the pages of a row group before they are decoded. A page's header says how many values it holds, and the
 * reader of Parquet makes room for as many: thirty bytes of a repeated value can claim a billion.
 */

import type { AsyncBuffer, ColumnMetaData, RowGroup } from "hyparquet";
import { parquetHeader } from "hyparquet/src/column.js";

/** Compressed columns take at most so much for each byte of values, and what headers take besides. */
const BYTES_OF_VALUES = 2;

/**
 * A row group's part of a file, read in one piece: no page in it claims more values than the group has rows. Throws an
 * `Error` about the file otherwise.
 */
export async function soundPages(
  file: AsyncBuffer,
  group: RowGroup,
  { rows, spareBytes }: { rows: number; spareBytes: number },
): Promise<AsyncBuffer> {
  const spans = group.columns.map(({ meta_data }) => spanOf(meta_data!));
  const from = Math.min(...spans.map(([start]) => start));
  const to = Math.max(...spans.map(([, end]) => end));
  const most = BYTES_OF_VALUES * spans.length * (8 * rows + spareBytes);
  if (!(from >= 0 && to - from <= most)) {
    throw new Error(`it says that the columns of ${rows} rows lie at bytes ${from}–${to}`);
  }
  const bytes = await file.slice(from, to);
  for (const [start, end] of spans) checkPages(new DataView(bytes, start - from, end - start), rows);
  return {
    byteLength: file.byteLength,
    slice(start, end = file.byteLength) {
      if (start < from || end > to) throw new Error(`bytes ${start}–${end} are none of this row group's`);
      return bytes.slice(start - from, end - from);
    },
  };
}

function spanOf(
  { dictionary_page_offset, data_page_offset, total_compressed_size }: ColumnMetaData,
): [number, number] {
  const start = Number(dictionary_page_offset || data_page_offset);
  return [start, start + Math.max(0, Number(total_compressed_size))];
}

function checkPages(view: DataView, rows: number): void {
  const reader = { view, offset: 0 };
  while (reader.offset < view.byteLength) {
    const header = parquetHeader(reader);
    const counts = [
      header.data_page_header?.num_values,
      header.data_page_header_v2?.num_values,
      header.data_page_header_v2?.num_rows,
      header.dictionary_page_header?.num_values,
    ].filter((count) => count !== undefined);
    if (counts.length === 0) throw new Error("it has a page of a kind that no segment has");
    for (const count of counts) {
      if (!(count >= 0 && count <= rows)) {
        throw new Error(`it says that a page of ${rows} rows has ${count} values`);
      }
    }
    if (!(header.compressed_page_size >= 0)) {
      throw new Error(`it says that a page has ${header.compressed_page_size} bytes`);
    }
    reader.offset += header.compressed_page_size;
  }
}
