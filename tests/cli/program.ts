/** The program as a process, beside a venue on loopback whose clock the tests hold. */

import { ok } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import {
  type Fault,
  type Market,
  type RecordedExchange,
  type SettableClock,
  settableClock,
  startRecordedExchange,
} from "../../scripts/recorded_exchange/mod.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const ROOT_CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));
export const NODE = "ohlcv:binance:BTC/USDT:1m";
export const DAY = ["--start", "2024-01-01", "--end", "2024-01-02"];
/** A process that is not done by then hangs. */
const LIMIT_MS = 60_000;

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

export function spawn(folder: string, ...args: string[]): Deno.ChildProcess {
  const permissions = ["--allow-read", "--allow-write", "--allow-env", "--allow-net", "--allow-sys=hostname"];
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", `--config=${ROOT_CONFIG}`, ...permissions, MAIN, ...args],
    cwd: folder,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

export interface Ended {
  code: number;
  out: string;
  err: string;
}

/** All that a process said; it is killed, and the test fails, when it does not end. */
export async function ended(child: Deno.ChildProcess): Promise<Ended> {
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill("SIGKILL");
  }, LIMIT_MS);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(timer);
  const text = new TextDecoder();
  const [out, err] = [text.decode(stdout), text.decode(stderr)];
  ok(!late, `not done after ${LIMIT_MS} ms: ${out}${err}`);
  return { code, out, err };
}

export const run = (folder: string, ...args: string[]) => ended(spawn(folder, ...args));
