/** The program as a process, beside a venue on loopback whose clock the tests hold. */

import {
  type Fault,
  type Market,
  type RecordedExchange,
  type SettableClock,
  settableClock,
  startRecordedExchange,
} from "../../scripts/recorded_exchange/mod.ts";
import { ended, spawnIn } from "../program_process.ts";

export const NODE = "ohlcv:binance:BTC/USDT:1m";
export const DAY = ["--start", "2024-01-01", "--end", "2024-01-02"];

export interface World {
  folder: string;
  exchange: RecordedExchange;
  /** The venue's clock. */
  clock: SettableClock;
}

/** A venue on loopback, and a folder whose seamless.yaml knows it. */
export async function inWorld(
  test: (world: World) => Promise<void>,
  faults: Fault[] = [],
  o: { markets?: Market[] } = {},
): Promise<void> {
  const clock = settableClock(Date.UTC(2024, 0, 3));
  const exchange = startRecordedExchange({ venues: ["binance"], clock, faults, ...o });
  const folder = await Deno.makeTempDir();
  const venue = { urls: exchange.urls("binance"), options: exchange.options("binance") };
  const config = { exchanges: { binance: venue }, seamless: { backfill: { max_attempts: 1 } } };
  await Deno.writeTextFile(`${folder}/seamless.yaml`, JSON.stringify(config));
  try {
    await test({ folder, exchange, clock });
  } finally {
    await exchange.close();
    await Deno.remove(folder, { recursive: true });
  }
}

export const spawn = (folder: string, ...args: string[]) => spawnIn(folder, args);

export const run = (folder: string, ...args: string[]) => ended(spawn(folder, ...args));
