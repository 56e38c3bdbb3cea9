/** The exchange as the service sees it: markets, tariffs, and bars asked range by range (spec §16). */

import type { AnsweredReason } from "./gap_reason.ts";
import type { Priority } from "./port_words.ts";
import type { TimeRange } from "./time_range.ts";
import type { Grid } from "./timeframe.ts";

/** What the exchange says of one symbol. */
export interface Market {
  symbol: string;
  /** False when the venue marks it inactive; a symbol it no longer lists at all is `SYMBOL_UNKNOWN`. */
  active: boolean;
  /** Unit of `volume`: `base`, `quote` or `contracts`. */
  volumeUnit: "base" | "quote" | "contracts";
  /** Timeframes that the venue serves, CCXT names. */
  timeframes: string[];
}

/** What one call costs and how much one page holds, for planning (nothing is fetched). */
export interface BarsTariff {
  /** CCXT cost units of one call. */
  cost: number;
  /** Most rows that one call returns. */
  pageRows: number;
  /** Milliseconds of one cost unit at the configured pace (`interval_ms / tokens_per_interval`). */
  msPerUnit: number;
}

/**
 * Runs one call of a venue under the caller's retry policy: counted attempts with a growing pause for what can
 * pass, no count for a 429/418, none at all for a refusal.
 */
export type Attempt = <T>(call: (signal: AbortSignal) => Promise<T>) => Promise<T>;

export interface BarsAsk {
  symbol: string;
  timeframe: string;
  grid: Grid;
  /** Whole slots, all of them closed by venue time. */
  range: TimeRange;
  priority: Priority;
  signal: AbortSignal;
  attempt: Attempt;
}

/** Slots of the ask that can have no bar, and why. */
export interface AbsentSpan {
  start: number;
  end: number;
  reason: Extract<AnsweredReason, "not_listed" | "delisted" | "beyond_source_history">;
}

/** What the venue answered about a range, after all pages. */
export interface BarsReply {
  /**
   * Rows as the venue sent them, in its order, duplicates included; `ts` in epoch seconds (fractions kept), prices and
   * volume as numbers or text. Rows outside the ask may be among them.
   */
  columns: Record<"ts" | "open" | "high" | "low" | "close" | "volume", (number | string | null)[]>;
  /** Per row: venue time (epoch seconds, fractional) at which the request that brought it was sent. */
  observedAt: number[];
  /** The part of the ask that the venue answered, bars or none; flat pairs on the grid. What lacks stays open. */
  answered: TimeRange[];
  absent: AbsentSpan[];
  /** Venue time at which the first request was sent. */
  askedAt: number;
  calls: number;
  bytes: number;
  /** SHA-256 (hex) over the raw bodies in order; and those bodies, kept when the reply is refused. */
  replySha256: string;
  rawBodies: Uint8Array[];
  warnings: string[];
}

/** One venue through CCXT (spec §16). Failures: `EXCHANGE_UNAVAILABLE`, `EXCHANGE_REFUSED`, `SYMBOL_UNKNOWN`, … */
export interface Exchange {
  readonly id: string;
  /** Key of its rate budget. */
  readonly budgetKey: string;
  /** Loads markets when needed (cached in the data folder); `SYMBOL_UNKNOWN` after one reload. */
  market(symbol: string, signal?: AbortSignal): Promise<Market>;
  tariff(timeframe: string): BarsTariff;
  /** Local clock − venue clock in ms, as last measured; 0 before the first measurement. */
  skewMs(): number;
  /**
   * Measures the skew when it is unknown or an hour old. A venue that is down for the moment is no failure: the call
   * that follows will say so. `strict`: it is one.
   */
  syncClock(signal?: AbortSignal, o?: { strict?: boolean }): Promise<void>;
  fetchBars(ask: BarsAsk): Promise<BarsReply>;
  /** Open time of the first bar the venue serves (from the listing, or its last N only); null when it has none. */
  firstBar(ask: Omit<BarsAsk, "range">): Promise<number | null>;
  close(): Promise<void>;
}

/** How far the local clock is off a venue's, as it was last measured. */
export interface VenueClock {
  /** Local − venue in ms. */
  skewMs: number;
  /** Local wall clock at the end of the measurement, epoch ms. */
  measuredAtMs: number;
  /** This process measured it; else an earlier one on the same data folder. */
  isOwn: boolean;
}

/** The venues; one client per exchange and process. `EXCHANGE_UNKNOWN` for an id that CCXT lacks. */
export interface Exchanges {
  get(id: string): Promise<Exchange>;
  /** The client if it is in use already, else null: never loads anything. */
  peek(id: string): Exchange | null;
  /** The venue's clock, if it was ever measured; asks nobody. */
  clock(id: string): VenueClock | null;
  close(): Promise<void>;
}
