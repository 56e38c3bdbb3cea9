/** An answer that a running service streams as Arrow: metadata first, then rows as they arrive. */

import { BAR_COLUMNS } from "../core/bar_frame.ts";
import { HistoryError } from "../core/errors.ts";
import type { Metadata } from "../core/metadata.ts";
import type { Answer, BarSlice } from "../core/service.ts";

/** Reads an Arrow stream of bars. Its rows can be pulled once. */
export async function arrowAnswer(body: ReadableStream<Uint8Array>, pinned: boolean): Promise<Answer> {
  const { RecordBatchReader } = await import("apache-arrow");
  const reader = await RecordBatchReader.from(body);
  await reader.open();
  const metadataText = reader.schema.metadata.get("seamless");
  if (metadataText === undefined) {
    throw new HistoryError("STORE_UNAVAILABLE", "Cannot read the service's answer: it carries no metadata", {
      hint: "Is the address of --server that of a Seamless service of this version?",
    });
  }
  const metadata = JSON.parse(metadataText) as Metadata;
  return {
    metadata,
    pinned,
    timing: [],
    remainderDigest: () => Promise.reject(new TypeError("A streamed answer has no pages")),
    async *slices({ limit = Infinity } = {}) {
      let left = limit;
      for await (const batch of reader) {
        if (left <= 0) return await reader.cancel();
        const columns = BAR_COLUMNS.map((name) =>
          batch.getChild(name)!.toArray() as BigInt64Array | Float64Array
        );
        const slice = sliceOf(columns, Math.min(left, batch.numRows));
        left -= slice.rows;
        yield slice;
      }
    },
  };
}

/** The first `rows` of columns, laid out as slices are. */
function sliceOf(columns: (BigInt64Array | Float64Array)[], rows: number): BarSlice {
  const bytes = new Uint8Array(8 * rows * columns.length);
  for (const [index, column] of columns.entries()) {
    bytes.set(new Uint8Array(column.buffer, column.byteOffset, 8 * rows), 8 * rows * index);
  }
  return { rows, bytes };
}
