/** One table of encoders, for HTTP answers and for files alike. */

import { encodeArrow } from "./arrow.ts";
import type { EncodeInput, FormatName } from "./format.ts";
import { encodeParquet } from "./parquet.ts";
import { encodeCsv, encodeJson, encodeNdjson } from "./text.ts";

const ENCODERS: Readonly<
  Record<FormatName, (input: EncodeInput) => AsyncIterable<Uint8Array<ArrayBuffer>>>
> = {
  arrow: encodeArrow,
  parquet: encodeParquet,
  csv: encodeCsv,
  ndjson: encodeNdjson,
  json: encodeJson,
};

/** Writes an answer piece by piece: a piece is made when it is asked for, so memory stays flat. */
export function encodeBars(format: FormatName, input: EncodeInput): AsyncIterable<Uint8Array<ArrayBuffer>> {
  return ENCODERS[format](input);
}

/** Joins pieces into one buffer. */
export function concatBytes(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
