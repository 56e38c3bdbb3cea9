/** The program as processes over one folder, against a recorded exchange in the process of the test. */

import { ok } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import {
  type RecordedExchange,
  type RecordedExchangeOptions,
  settableClock,
  startRecordedExchange,
} from "../../scripts/recorded_exchange/mod.ts";
import { loadConfig } from "../../src/config/mod.ts";
import type { HistoryService } from "../../src/core/service.ts";
import { wire } from "../../src/wire.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const DENO_CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));
/** A process that is not done by then hangs. */
const LIMIT_MS = 90_000;

export interface ProcessWorld {
  folder: string;
  exchange: RecordedExchange;
  spawn(...args: string[]): Deno.ChildProcess;
  /** Runs to the end. */
  run(...args: string[]): Promise<Ended>;
  /** The folder's service in this process, for a look at what the others left. */
  look<T>(act: (service: HistoryService) => Promise<T>): Promise<T>;
}

/** What a process said, and how it ended. */
export interface Ended {
  code: number;
  out: string;
  err: string;
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

function spawnIn(folder: string, args: string[]): Deno.ChildProcess {
  // The variables of a test run would be unknown keys of the program's configuration.
  const env = Object.fromEntries(
    Object.entries(Deno.env.toObject()).filter(([name]) => !name.startsWith("SEAMLESS_")),
  );
  const permissions = ["--allow-read", "--allow-write", "--allow-env", "--allow-net", "--allow-sys=hostname"];
  return new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--no-check",
      `--config=${DENO_CONFIG}`,
      ...permissions,
      MAIN,
      ...args,
    ],
    cwd: folder,
    clearEnv: true,
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** All that a process says until it ends; one that hangs is killed, and the test fails. */
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

async function lookInto<T>(folder: string, act: (service: HistoryService) => Promise<T>): Promise<T> {
  const loaded = loadConfig({ path: `${folder}/seamless.yaml`, env: {}, cwd: folder });
  const service = await wire(loaded, { log: { emit: () => {} } });
  try {
    return await act(service);
  } finally {
    await service.close();
  }
}
