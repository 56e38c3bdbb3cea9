/**
 * The month that the demo fills: January 2024 in 1m bars. BTC/USDT has two outages and an hour without
 * trades; NEW/USDT is listed on the fifth, so its month begins late. The same bars on every run.
 */

import { type SettableClock, settableClock } from "./clock.ts";
import { generatedSource, type GeneratorOptions } from "./generator.ts";
import type { Market } from "./market.ts";
import type { SeriesSource } from "./series.ts";
import type { Span } from "./span.ts";
import { type RecordedExchange, type RecordedExchangeOptions, startRecordedExchange } from "./server.ts";

const at = (iso: string) => Date.parse(iso);

/** 44,640 minutes. */
export const DEMO_MONTH: Readonly<Span> = {
  startMs: at("2024-01-01T00:00Z"),
  endMs: at("2024-02-01T00:00Z"),
};

/** When the exchange was down: 150 bars on the 9th, 284 on the 21st. */
export const DEMO_OUTAGES: readonly Readonly<Span>[] = [
  { startMs: at("2024-01-09T10:30Z"), endMs: at("2024-01-09T13:00Z") },
  { startMs: at("2024-01-21T02:16Z"), endMs: at("2024-01-21T07:00Z") },
];

/** Nobody traded for an hour: 60 real bars without volume. */
export const DEMO_QUIET: Readonly<Span> = {
  startMs: at("2024-01-17T04:00Z"),
  endMs: at("2024-01-17T05:00Z"),
};

/** When NEW/USDT was listed: 5,760 minutes into the month. */
export const DEMO_LISTED_MS = at("2024-01-05T00:00Z");

/** The markets of the demo; NEW/USDT is the late one. */
export const DEMO_MARKETS: readonly Market[] = [
  { symbol: "BTC/USDT" },
  { symbol: "NEW/USDT", priceDecimals: 4, listedMs: DEMO_LISTED_MS },
];

/** The bars of the demo. */
export const demoSeries: SeriesSource = (key) => generatedSource(optionsFor(key.symbol))(key);

function optionsFor(symbol: string): GeneratorOptions {
  const shared = { seed: 20240101, outages: DEMO_OUTAGES, zeroVolume: [DEMO_QUIET] };
  if (symbol === "BTC/USDT") return { ...shared, basePrice: 42_000 };
  return { ...shared, basePrice: 3.5, priceDecimals: 4, listedMs: DEMO_LISTED_MS };
}

/**
 * Starts the demo's exchange. Its clock stands five minutes after the month, so that every bar of it is final
 * and nothing depends on today; give another clock to change that.
 */
export function startDemoExchange(
  options: Omit<RecordedExchangeOptions, "series" | "markets"> = {},
): RecordedExchange & { demoClock: SettableClock } {
  const demoClock = settableClock(DEMO_MONTH.endMs + 5 * 60_000);
  const exchange = startRecordedExchange({
    clock: demoClock,
    ...options,
    markets: DEMO_MARKETS,
    series: demoSeries,
  });
  return { ...exchange, demoClock };
}
