/** Query parameters that several routes share. */

import { DEFAULT_PAGE_ROWS, LOOKS_LIKE_MS, MAX_PAGE_ROWS, NODE_ID_MAX_BYTES } from "../core/limits.ts";
import type { JsonSchema, QueryParam } from "./route.ts";

const DATE = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])";
const TIME = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]";

/** Whole epoch seconds, or RFC 3339: a pattern and no `format`, because instants here have no fractions. */
export const TIME_SCHEMA: JsonSchema = {
  anyOf: [
    { type: "integer", exclusiveMinimum: -LOOKS_LIKE_MS, exclusiveMaximum: LOOKS_LIKE_MS },
    { type: "string", pattern: `^${DATE}(T${TIME}(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9]))?$` },
  ],
};

/** A node id by its form; series that are not built yet (trades, derived ones) are left out. */
export const NODE_ID_SCHEMA: JsonSchema = {
  type: "string",
  maxLength: NODE_ID_MAX_BYTES,
  pattern: "^ohlcv:[a-z0-9_]+:[!-}]+:([1-9][0-9]{0,3}[smhdw]|1M)$",
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
