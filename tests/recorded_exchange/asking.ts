/**
 * Asking a recorded exchange without a client in between, so that a test sees what was really sent.
 */

import {
  type RecordedExchange,
  type RecordedExchangeOptions,
  type SettableClock,
  settableClock,
  startRecordedExchange,
} from "../../scripts/recorded_exchange/mod.ts";

/** One minute and one hour in milliseconds. */
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
/** The venue's clock in most tests: half a minute into 2024-02-01. */
export const NOW = Date.UTC(2024, 1, 1, 0, 0, 30);
/** The open of the bar that is forming at NOW. */
export const FORMING = Date.UTC(2024, 1, 1);

/** Runs a test against a server of its own, whose clock stands at NOW, and closes it whatever happens. */
export async function withExchange(
  options: RecordedExchangeOptions,
  test: (exchange: RecordedExchange, clock: SettableClock) => Promise<void>,
): Promise<void> {
  const clock = settableClock(NOW);
  const exchange = startRecordedExchange({ clock, ...options });
  try {
    await test(exchange, clock);
  } finally {
    await exchange.close();
  }
}

/** A Binance row: open time, open, high, low, close, volume, close time, … */
export type Kline = [number, string, string, string, string, string, number, ...unknown[]];

/** A page of Binance's 1m BTC/USDT bars. */
export interface KlinesAsk {
  startTime?: number;
  endTime?: number;
  limit?: number;
  interval?: string;
  symbol?: string;
}

/** The address of a page. */
export function klinesUrl(exchange: RecordedExchange, ask: KlinesAsk = {}): string {
  const params = new URLSearchParams({ symbol: "BTCUSDT", interval: "1m" });
  for (const [name, value] of Object.entries(ask)) params.set(name, String(value));
  return `${exchange.url}/binance/api/v3/klines?${params}`;
}

/** Fetches a page; throws unless it is whole JSON with status 200. */
export async function klines(exchange: RecordedExchange, ask: KlinesAsk = {}): Promise<Kline[]> {
  const response = await fetch(klinesUrl(exchange, ask));
  const text = await response.text();
  if (response.status !== 200) throw new Error(`status ${response.status}: ${text}`);
  return JSON.parse(text);
}

/** Fetches anything below the server's address: status, headers and text. */
export async function ask(
  exchange: RecordedExchange,
  path: string,
): Promise<{ status: number; headers: Headers; text: string }> {
  const response = await fetch(exchange.url + path);
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** The open times of a page. */
export function opens(rows: Kline[]): number[] {
  return rows.map((row) => row[0]);
}
