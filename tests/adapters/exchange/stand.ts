/** What the tests of the exchange adapter share: an adapter over a recorded exchange, and fakes of its neighbours. */

import { createExchanges } from "../../../src/adapters/exchange/ccxt.ts";
import type { ExchangeSettings, ExchangesInput } from "../../../src/adapters/exchange/settings.ts";
import type { BarsAsk, Exchange, Exchanges, Log, RateLimiter } from "../../../src/core/ports.ts";
import { gridOf } from "../../../src/core/timeframe.ts";
import type { TimeRange } from "../../../src/core/time_range.ts";
import {
  type RecordedExchange,
  type RecordedExchangeOptions,
  settableClock,
  startRecordedExchange,
} from "../../../scripts/recorded_exchange/mod.ts";
import { FakeClock, SeededDice } from "../../fake_clock.ts";

/** The venues that the recorded exchange speaks. */
export type VenueId = "binance" | "kraken" | "bitfinex" | "okx";

/** A limiter that lets everybody through and writes down what it is told. */
export class OpenLimiter implements RateLimiter {
  acquired: { key: string; cost: number; priority: string }[] = [];
  corrected: { key: string; tokens: number }[] = [];
  penalties: { key: string; untilMs: number }[] = [];

  acquire({ key, cost, priority }: Parameters<RateLimiter["acquire"]>[0]): Promise<void> {
    this.acquired.push({ key, cost, priority });
    return Promise.resolve();
  }

  correct(key: string, { tokens }: { tokens: number }): void {
    this.corrected.push({ key, tokens });
  }

  penalize(key: string, untilMs: number): void {
    this.penalties.push({ key, untilMs });
  }

  state() {
    return { tokens: 1, capacity: 1, closedUntilMs: null, waiting: 0 };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** A log that keeps its events. */
export class KeptLog implements Log {
  events: { level: string; event: string; fields: Record<string, unknown> }[] = [];

  emit(level: string, event: string, fields: Record<string, unknown> = {}): void {
    this.events.push({ level, event, fields });
  }
}

/** An adapter at work on one venue of a recorded exchange. */
export interface Stand {
  server: RecordedExchange;
  exchanges: Exchanges;
  exchange: Exchange;
  clock: FakeClock;
  limiter: OpenLimiter;
  log: KeptLog;
  /** Moves both clocks. */
  setNow(iso: string): void;
  /** Calls for bars that the server has seen since the last look. */
  barCalls(): RecordedExchange["calls"][number][];
  ask(wanted: { symbol?: string; timeframe?: string; range: TimeRange; signal?: AbortSignal }): BarsAsk;
}

/** Seconds of an instant. */
export function at(iso: string): number {
  return Date.parse(iso) / 1000;
}

/** Runs `test` against a venue; everything is closed afterwards. */
export async function onVenue(
  venue: VenueId,
  { now, settings, marketsDir, clocksDir, declareBudget, ...options }: RecordedExchangeOptions & {
    now: string;
    settings?: Partial<ExchangeSettings>;
    marketsDir?: string;
    clocksDir?: string;
    declareBudget?: ExchangesInput["declareBudget"];
  },
  test: (stand: Stand) => Promise<void>,
): Promise<void> {
  const nowMs = Date.parse(now);
  const venueClock = settableClock(nowMs);
  const server = startRecordedExchange({ venues: [venue], clock: venueClock, ...options });
  const clock = new FakeClock(nowMs);
  const limiter = new OpenLimiter();
  const log = new KeptLog();
  const exchanges = createExchanges({
    settings: (id) => ({ ...settingsFor(server, id as VenueId), ...settings }),
    limiter,
    clock,
    dice: new SeededDice(1),
    log,
    marketsDir: marketsDir ?? null,
    clocksDir,
    declareBudget,
  });
  try {
    const exchange = await exchanges.get(venue);
    await test({
      server,
      exchanges,
      exchange,
      clock,
      limiter,
      log,
      setNow(iso) {
        clock.setWall(Date.parse(iso));
        venueClock.set(Date.parse(iso));
      },
      barCalls: () => server.calls.filter((call) => call.endpoint === "bars"),
      ask: ({ symbol = "BTC/USDT", timeframe = "1m", range, signal }) => ({
        symbol,
        timeframe,
        grid: gridOf(timeframe),
        range,
        priority: "backfill",
        signal: signal ?? new AbortController().signal,
        attempt: (call) => call(signal ?? new AbortController().signal),
      }),
    });
  } finally {
    await exchanges.close();
    await server.close();
  }
}

/** Settings that keep a venue on the recorded exchange. */
export function settingsFor(server: RecordedExchange, id: VenueId): ExchangeSettings {
  return {
    sandbox: false,
    urls: { ...server.urls(id) },
    options: server.options(id),
    timeoutMs: 10_000,
    batchLimit: null,
    budgetKey: `ccxt:${id}`,
    msPerUnit: null,
    localSemaphore: 10,
    penaltyBackoffMs: 30_000,
  };
}
