/**
 * Reads what a caller sent by name: query strings and JSON bodies alike. Names that nobody knows or that come twice
 * are refused, with the nearest known name; values are read as what they must be or refused with what to write.
 */

import { HistoryError } from "../core/errors.ts";
import { formatAsOf, parseAsOfMs, parseSeconds } from "../core/instant.ts";
import { LOOKS_LIKE_MS } from "../core/limits.ts";
import { nearestName } from "../core/nearest_name.ts";
import { parseNodeId } from "../core/node_id.ts";

/** Texts of a query string, or values of a JSON object, by name. */
export type Query = Readonly<Record<string, unknown>>;

/** Reads a query string (without `?`). `BAD_REQUEST` for a name that is not among `known`, or that comes twice. */
export function readQuery(search: string, known: ReadonlySet<string>): Query {
  const query: Record<string, string> = Object.create(null);
  for (const pair of search.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = decoded(equals < 0 ? pair : pair.slice(0, equals));
    checkName(name, known, "the query");
    if (name in query) {
      throw badRequest(`Cannot use "${name}" twice in the query`, `Give ${name} once`);
    }
    query[name] = equals < 0 ? "" : decoded(pair.slice(equals + 1));
  }
  return query;
}

/** A part of a query, decoded once; most hold nothing to decode. */
function decoded(part: string): string {
  if (!/[%+]/.test(part)) return part;
  return decodeOnce(part.replaceAll("+", " "));
}

/** Decodes percent-encoding, once. `BAD_REQUEST` for what is no percent-encoding of UTF-8. */
export function decodeOnce(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    throw badRequest(
      `Cannot read "${shown(part)}": it is no percent-encoded UTF-8`,
      "Encode it anew, as UTF-8",
    );
  }
}

/** Checks the names of a JSON object. `BAD_REQUEST` for what is no object, and for unknown names. */
export function readObject(value: unknown, known: ReadonlySet<string>, what: string): Query {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw badRequest(`Cannot read ${what}: it is no JSON object`, `Send an object with ${list(known)}`);
  }
  for (const name of Object.keys(value)) checkName(name, known, what);
  return Object.assign(Object.create(null), value);
}

function checkName(name: string, known: ReadonlySet<string>, what: string): void {
  if (known.has(name)) return;
  const nearest = nearestName(name, known);
  const message = `Cannot use "${shown(name)}" in ${what}: there is no such name`;
  throw badRequest(message, nearest ? `Did you mean "${nearest}"?` : `Known here: ${list(known)}`);
}

/** A text that is not empty, or `undefined` when it was not given. */
export function textOf(query: Query, name: string): string | undefined {
  const value = query[name];
  if (value === undefined) return undefined;
  if (typeof value !== "string") {
    throw badRequest(`Cannot read ${name} ${shown(value)}: it is no text`, `Give ${name} as text`);
  }
  if (value === "") {
    throw badRequest(`Cannot read ${name}: it is empty`, `Give ${name} a value, or leave it out`);
  }
  return value;
}

/** A node id that is well-formed, checked; `BAD_REQUEST` when it is missing. */
export function nodeIdOf(query: Query): string {
  const text = textOf(query, "node_id");
  if (text === undefined) {
    throw badRequest(
      "Cannot tell which series is meant: node_id is missing",
      "Give node_id=ohlcv:binance:BTC/USDT:1m",
    );
  }
  parseNodeId(text);
  return text;
}

/** Whole epoch seconds; `BAD_TIME` for what is no time. */
export function secondsOf(query: Query, name: string): number | undefined {
  const value = query[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string" && typeof value !== "number") {
    throw new HistoryError("BAD_TIME", `Cannot read ${name} ${shown(value)}: it is no time`, {
      hint: "Write whole epoch seconds (1679616000) or RFC 3339 (2023-03-24T00:00:00Z)",
    });
  }
  return parseSeconds(value, name);
}

/**
 * The same, as a request carries it: checked again further in, where only a number can look like milliseconds. A date
 * beyond that bound goes on as the text that it was.
 */
export function timeOf(query: Query, name: string): number | string | undefined {
  const seconds = secondsOf(query, name);
  const isFar = seconds !== undefined && Math.abs(seconds) >= LOOKS_LIKE_MS;
  return isFar ? String(query[name]) : seconds;
}

/** An `as_of`, brought to its one form. */
export function asOfOf(query: Query): string | undefined {
  const value = query.as_of;
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string" && typeof value !== "number") {
    throw new HistoryError("BAD_TIME", `Cannot read as_of ${shown(value)}: it is no time`, {
      hint: "Write RFC 3339: 2026-01-01T00:00:00.000Z",
    });
  }
  return formatAsOf(parseAsOfMs(value));
}

/** A number within bounds; whole unless `fraction`. */
export function numberOf(
  query: Query,
  name: string,
  bounds: { min: number; max: number; fraction?: boolean },
): number | undefined {
  const value = query[name];
  if (value === undefined) return undefined;
  const number = typeof value === "number"
    ? value
    : typeof value === "string" && /^[+-]?\d+(\.\d+)?$/.test(value.trim())
    ? Number(value)
    : NaN;
  const whole = bounds.fraction || Number.isInteger(number);
  if (whole && number >= bounds.min && number <= bounds.max) return number;
  const kind = bounds.fraction ? "a number" : "a whole number";
  throw badRequest(
    `Cannot use ${name} ${shown(value)}: it is not ${kind} from ${bounds.min} to ${bounds.max}`,
    `Give ${name} as ${kind} from ${bounds.min} to ${bounds.max}`,
  );
}

/** A truth value; only JSON bodies have them. */
export function booleanOf(query: Query, name: string): boolean | undefined {
  const value = query[name];
  if (value === undefined || typeof value === "boolean") return value;
  throw badRequest(
    `Cannot use ${name} ${shown(value)}: it is neither true nor false`,
    `Give ${name} true or false`,
  );
}

/** One of a few words; the nearest one is named when it is none of them. */
export function choiceOf<T extends string>(query: Query, name: string, words: readonly T[]): T | undefined {
  const text = textOf(query, name);
  if (text === undefined || words.includes(text as T)) return text as T | undefined;
  const nearest = nearestName(text, words);
  throw badRequest(
    `Cannot use ${name} "${shown(text)}": there is no such value`,
    nearest ? `Did you mean "${nearest}"?` : `Use one of ${words.join(", ")}`,
  );
}

/** A `BAD_REQUEST`. */
export function badRequest(message: string, hint: string): HistoryError {
  return new HistoryError("BAD_REQUEST", message, { hint });
}

/** A value as an error message may show it: short, on one line. What is nested is named only: it may be nested deeply. */
export function shown(value: unknown): string {
  const nested = typeof value === "object" && value !== null;
  const text = nested ? Array.isArray(value) ? "(a list)" : "(an object)" : String(value);
  const plain = text.replaceAll(/\p{Cc}/gu, "\ufffd");
  return plain.length > 80 ? `${plain.slice(0, 80)}…` : plain;
}

function list(words: Iterable<string>): string {
  return [...words].join(", ");
}
