/** Query parameters that several routes share. */

import { DEFAULT_PAGE_ROWS, LOOKS_LIKE_MS, MAX_PAGE_ROWS } from "../core/limits.ts";
import type { JsonSchema, QueryParam } from "./route.ts";

/** Whole epoch seconds, or RFC 3339. */
export const TIME_SCHEMA: JsonSchema = {
  anyOf: [
    { type: "integer", exclusiveMinimum: -LOOKS_LIKE_MS, exclusiveMaximum: LOOKS_LIKE_MS },
    { type: "string", format: "date-time" },
    { type: "string", format: "date" },
  ],
};

/** A node id by its form. */
export const NODE_ID_SCHEMA: JsonSchema = {
  type: "string",
  maxLength: 200,
  pattern: "^(ohlcv:[a-z0-9_]+:.+:([1-9][0-9]*[smhdw]|1M)(~[A-Za-z0-9_-]+)?|trades:[a-z0-9_]+:.+)$",
  examples: ["ohlcv:binance:BTC/USDT:1m"],
};

export const NODE_ID: QueryParam = {
  name: "node_id",
  description: "The series: ohlcv:{exchange}:{symbol}:{timeframe}",
  schema: NODE_ID_SCHEMA,
  required: true,
};

export const START: QueryParam = {
  name: "start",
  description: "First instant of the half-open range",
  schema: TIME_SCHEMA,
};

export const END: QueryParam = {
  name: "end",
  description: "End of the half-open range; default: the start of the forming bar",
  schema: TIME_SCHEMA,
};

export const AS_OF: QueryParam = {
  name: "as_of",
  description: "Selects the newest snapshot at or before it; in live a floor",
  schema: { type: "string", format: "date-time", examples: ["2026-01-01T00:00:00.000Z"] },
};

export const FINGERPRINT: QueryParam = {
  name: "fingerprint",
  description: "A published dataset",
  schema: { type: "string", pattern: "^sfp1:[0-9a-f]{64}$" },
};

export const LIMIT: QueryParam = {
  name: "limit",
  description: `Rows of one page; JSON and lists default to ${DEFAULT_PAGE_ROWS}`,
  schema: { type: "integer", minimum: 1, maximum: MAX_PAGE_ROWS },
};

export const CURSOR: QueryParam = {
  name: "cursor",
  description: "The next of the page before, with the same query or alone",
  schema: { type: "string", minLength: 1 },
};

export const WORLD_ID: QueryParam = {
  name: "world_id",
  description: "Who asks",
  schema: { type: "string", pattern: "^[!-~]{1,200}$" },
};
