/**
 * The one Parquet schema of bars: what segments and Parquet answers hold (surface §4). `ts` is INT64 seconds, the
 * rest DOUBLE; no cell is ever null (NaN is a value).
 */

import type { SchemaElement } from "hyparquet";
import { BAR_COLUMNS } from "../../core/bar_frame.ts";

/** The schema as Parquet lists it: the root first, then the columns in schema order. */
export const BAR_PARQUET_SCHEMA: SchemaElement[] = [
  { name: "schema", num_children: BAR_COLUMNS.length },
  ...BAR_COLUMNS.map((name): SchemaElement => ({
    name,
    type: name === "ts" ? "INT64" : "DOUBLE",
    repetition_type: "REQUIRED",
  })),
];

/** The key under which metadata stands in the file's schema (surface §4). */
export const METADATA_KEY = "seamless";

/** Whether a file has exactly these columns, of these types, without nulls. */
export function isBarSchema(schema: readonly SchemaElement[]): boolean {
  return schema.length === BAR_PARQUET_SCHEMA.length && BAR_PARQUET_SCHEMA.slice(1).every((column, i) => {
    const { name, type, repetition_type, converted_type, logical_type } = schema[i + 1];
    return name === column.name && type === column.type && repetition_type === "REQUIRED" &&
      converted_type === undefined && logical_type === undefined;
  });
}
