/** The program as processes over one folder, against a recorded exchange in the process of the test. */

import {
  type RecordedExchange,
  type RecordedExchangeOptions,
  settableClock,
  startRecordedExchange,
} from "../../scripts/recorded_exchange/mod.ts";
import { loadConfig } from "../../src/config/mod.ts";
import type { HistoryService } from "../../src/core/service.ts";
import { wire } from "../../src/wire.ts";
import { type Ended, ended, spawnIn } from "../program_process.ts";

export interface ProcessWorld {
  folder: string;
  exchange: RecordedExchange;
  spawn(...args: string[]): Deno.ChildProcess;
  /** Runs to the end. */
  run(...args: string[]): Promise<Ended>;
  /** The folder's service in this process, for a look at what the others left. */
  look<T>(act: (service: HistoryService) => Promise<T>): Promise<T>;
}

/** Runs a story; `now` is the venue's, RFC 3339, and stands still. */
export async function inFolder(
  o: Omit<RecordedExchangeOptions, "clock" | "venues"> & { now: string; config?: Record<string, unknown> },
  story: (world: ProcessWorld) => Promise<void>,
): Promise<void> {
  const { now, config, ...options } = o;
  const clock = settableClock(Date.parse(now));
  const exchange = startRecordedExchange({ venues: ["binance"], clock, ...options });
  const folder = await Deno.makeTempDir();
  const binance = { urls: exchange.urls("binance"), options: exchange.options("binance") };
  const written = { ...config, exchanges: { binance: { ...binance, rate_limit: { burst_tokens: 1_200 } } } };
  await Deno.writeTextFile(`${folder}/seamless.yaml`, JSON.stringify(written));
  const spawn = (...args: string[]) => spawnIn(folder, args);
  try {
    await story({
      folder,
      exchange,
      spawn,
      run: (...args) => ended(spawn(...args)),
      look: (act) => lookInto(folder, act),
    });
  } finally {
    await exchange.close();
    await Deno.remove(folder, { recursive: true });
  }
}

async function lookInto<T>(folder: string, act: (service: HistoryService) => Promise<T>): Promise<T> {
  const loaded = loadConfig({ path: `${folder}/seamless.yaml`, env: {}, cwd: folder });
  const service = await wire(loaded, { log: { emit: () => {} } });
  try {
    return await act(service);
  } finally {
    await service.close();
  }
}
