/** What the adapter is given: settings per venue and the ports that it stands on. */

import type { Clock, Dice, Log, RateLimiter } from "../../core/ports.ts";

/** Settings of one venue, resolved from configuration and environment. */
export interface ExchangeSettings {
  /** Use the venue's test system. */
  sandbox: boolean;
  /** Merged deeply into CCXT's `urls`. */
  urls: Record<string, unknown> | null;
  /** Merged deeply into CCXT's `options`. */
  options: Record<string, unknown> | null;
  /** Over the whole reply, body included. */
  timeoutMs: number;
  /** Most rows a call; null: the venue's own page. */
  batchLimit: number | null;
  /** Calls in flight at once. */
  localSemaphore: number;
  /** Key of the rate budget. */
  budgetKey: string;
  /** Milliseconds of one cost unit at the configured pace; null: CCXT's `rateLimit`. */
  msPerUnit: number | null;
  /** Shortest time that the gate stays closed after a 429 or 418. */
  penaltyBackoffMs: number;
  /** Never logged, never in an error. */
  credentials?: { apiKey: string; secret: string; password?: string };
}

/** What `createExchanges` needs. */
export interface ExchangesInput {
  settings: (id: string) => ExchangeSettings;
  limiter: RateLimiter;
  clock: Clock;
  dice: Dice;
  log: Log;
  /** Folder of the market cache; null: markets are kept in memory only. */
  marketsDir: string | null;
  /** Folder of what was measured of venues' clocks; null or left out: nothing is kept. */
  clocksDir?: string | null;
  /**
   * Told CCXT's own pace of a venue before its first call is made, so that a budget without configured tokens can
   * be set up: `rateLimitMs` is the milliseconds of one cost unit that the venue allows.
   */
  declareBudget?: (exchange: string, venue: { budgetKey: string; rateLimitMs: number }) => void;
}
