/**
 * Node ids: the names of series (spec §1). `ohlcv:{exchange}:{symbol}:{timeframe}` and `trades:{exchange}:{symbol}`;
 * the symbol may itself hold colons. A derived series names its origin after one `~`.
 */

import { HistoryError } from "./errors.ts";
import { NODE_ID_MAX_BYTES, NODE_IDS_KEPT } from "./limits.ts";
import { isTimeframe } from "./timeframe.ts";

/** A node id taken apart. `timeframe` only for ohlcv; `origin` only for derived series (`1m`, `trades`, a recipe). */
export interface ParsedNode {
  kind: "ohlcv" | "trades";
  exchange: string;
  symbol: string;
  timeframe?: string;
  origin?: string;
}

const EXCHANGE = /^[a-z0-9_]+$/;
const ORIGIN = /^[A-Za-z0-9_-]+$/;
/** Control characters, and what ends a line. */
const UNPRINTABLE = /[\p{Cc}\u2028\u2029]/u;
const encoder = new TextEncoder();

/** Ids taken apart lately: each request asks for the same one several times over. */
const known = new Map<string, Readonly<ParsedNode>>();

/**
 * Takes a node id apart. `HistoryError` `BAD_NODE_ID` for what is none, `BAD_TIMEFRAME` where only the timeframe is wrong.
 */
export function parseNodeId(text: string): Readonly<ParsedNode> {
  const before = known.get(text);
  if (before !== undefined) return before;
  const parsed = Object.freeze(takenApart(text));
  if (known.size >= NODE_IDS_KEPT) known.clear();
  known.set(text, parsed);
  return parsed;
}

function takenApart(text: string): ParsedNode {
  if (typeof text !== "string" || text === "") throw badNodeId(String(text), "it is empty");
  const bytes = encoder.encode(text).length;
  if (bytes > NODE_ID_MAX_BYTES) {
    throw badNodeId(
      `${text.slice(0, 40)}…`,
      `it has ${bytes} bytes, at most ${NODE_ID_MAX_BYTES} are allowed`,
    );
  }
  const [kind, exchange, ...rest] = text.split(":");
  if (kind !== "ohlcv" && kind !== "trades") {
    throw badNodeId(text, 'it does not begin with "ohlcv:" or "trades:"');
  }
  if (exchange === undefined || !EXCHANGE.test(exchange)) {
    throw badNodeId(text, "the exchange is no lower-case CCXT id ([a-z0-9_]+)");
  }
  if (kind === "trades") return { kind, exchange, symbol: symbolOf(rest.join(":"), text) };
  if (rest.length < 2) throw badNodeId(text, "the symbol or the timeframe is missing");
  const last = rest.pop()!;
  return { kind, exchange, symbol: symbolOf(rest.join(":"), text), ...frameOf(last, text) };
}

/**
 * Puts a node id together: `nodeId({ exchange: "binance", symbol: "BTC/USDT", timeframe: "1m" })`; without a timeframe
 * it names trades. Errors as `parseNodeId`.
 */
export function nodeId(
  parts: { exchange: string; symbol: string; timeframe?: string; origin?: string },
): string {
  const origin = parts.origin === undefined ? "" : `~${parts.origin}`;
  const text = parts.timeframe === undefined
    ? `trades:${parts.exchange}:${parts.symbol}${origin}`
    : `ohlcv:${parts.exchange}:${parts.symbol}:${parts.timeframe}${origin}`;
  const parsed = parseNodeId(text);
  if (parsed.symbol !== parts.symbol || parsed.timeframe !== parts.timeframe) {
    throw badNodeId(text, "its parts cannot be told apart again");
  }
  return text;
}

/** Percent-encodes all but `A-Z a-z 0-9 - _ .`, so that two symbols never share a path. */
export function encodePart(part: string): string {
  let encoded = "";
  for (const byte of encoder.encode(part)) {
    const char = String.fromCharCode(byte);
    encoded += /[A-Za-z0-9\-_.]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}

function symbolOf(symbol: string, text: string): string {
  if (symbol === "") throw badNodeId(text, "the symbol is empty");
  if (symbol.trim() !== symbol || UNPRINTABLE.test(symbol) || !symbol.isWellFormed()) {
    throw badNodeId(text, "the symbol holds control characters, stray white space or broken text");
  }
  return symbol;
}

function frameOf(field: string, text: string): { timeframe: string; origin?: string } {
  const [timeframe, origin, ...more] = field.split("~");
  if (!isTimeframe(timeframe)) {
    throw new HistoryError(
      "BAD_TIMEFRAME",
      `Cannot read node id ${JSON.stringify(text)}: ${JSON.stringify(timeframe)} is no timeframe`,
      {
        hint: "Write a number and one of s m h d w, as 1m, 4h, 1d, 1w; calendar months are 1M",
      },
    );
  }
  if (origin === undefined) return { timeframe };
  if (more.length > 0 || !ORIGIN.test(origin)) throw badNodeId(text, "what follows ~ is no origin");
  return { timeframe, origin };
}

function badNodeId(text: string, why: string): HistoryError {
  return new HistoryError("BAD_NODE_ID", `Cannot read node id ${JSON.stringify(text)}: ${why}`, {
    hint: "A node id looks like ohlcv:binance:BTC/USDT:1m or trades:kraken:BTC/USD",
  });
}
