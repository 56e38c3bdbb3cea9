/** The formats in which bars leave the service: their names, media types, file names and encoders. */

import type { BarSlice } from "../core/service.ts";

/** The names that `format=` and `--format` take. */
export const FORMAT_NAMES = ["arrow", "parquet", "csv", "ndjson", "json"] as const;

/** The name of a format. */
export type FormatName = typeof FORMAT_NAMES[number];

/** What is to be written: one answer, or one page of it. */
export interface EncodeInput {
  /** The metadata of the answer as JSON text, made once. */
  metadataJson: string;
  /** Rows ascending. */
  slices: AsyncIterable<BarSlice>;
  /** The rows as JSON writes them, where they were made before. */
  rowsMade?: Uint8Array<ArrayBuffer>[];
  /** The cursor of the next page, for the one format that has a place for it (JSON). */
  next: string | null;
}

/** The media type of each format, without parameters. */
export const MEDIA_TYPES: Readonly<Record<FormatName, string>> = {
  arrow: "application/vnd.apache.arrow.stream",
  parquet: "application/vnd.apache.parquet",
  csv: "text/csv",
  ndjson: "application/x-ndjson",
  json: "application/json",
};

const EXTENSIONS: Readonly<Record<string, FormatName>> = {
  arrow: "arrow",
  arrows: "arrow",
  parquet: "parquet",
  pq: "parquet",
  csv: "csv",
  ndjson: "ndjson",
  jsonl: "ndjson",
  json: "json",
};

/** The format that a file's name asks for by its ending, or `null`. */
export function formatOfFile(name: string): FormatName | null {
  const dot = name.lastIndexOf(".");
  return dot < 0 ? null : EXTENSIONS[name.slice(dot + 1).toLowerCase()] ?? null;
}
