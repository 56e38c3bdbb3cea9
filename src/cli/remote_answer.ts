/** An answer that a running service streams as Arrow: metadata first, then rows as they arrive. */

import { openArrowBars } from "../client/arrow_reader.ts";
import { type HttpTarget, piecesOf } from "../client/calls.ts";
import type { Metadata } from "../core/metadata.ts";
import type { Answer } from "../core/service.ts";
import { sliceRows } from "../core/stored_chunk.ts";

/** Reads an answer to a question of bars. Its rows can be pulled once. */
export async function arrowAnswer(
  response: Response,
  o: { target: HttpTarget; signal?: AbortSignal },
): Promise<Answer> {
  const { metadataText, slices } = await openArrowBars(piecesOf(response, o.target, o.signal));
  return {
    metadata: JSON.parse(metadataText) as Metadata,
    pinned: response.headers.get("etag") !== null,
    timing: [],
    remainderDigest: () => Promise.reject(new TypeError("A streamed answer has no pages")),
    async *slices({ limit = Infinity } = {}) {
      let left = limit;
      for await (const slice of slices) {
        const rows = Math.min(left, slice.rows);
        yield { rows, bytes: sliceRows(slice, 0, rows) };
        left -= rows;
        if (left <= 0) return;
      }
    },
  };
}
