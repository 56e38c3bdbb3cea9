/**
 * Runs a recorded exchange by hand, in a process of its own: for benches, for a look with curl, for a try of
 * the product without the internet. Prints one JSON line with its address, then serves until Ctrl-C.
 *
 *   deno run --allow-net=127.0.0.1 --allow-read scripts/recorded_exchange/main.ts --demo
 *   deno run --allow-net=127.0.0.1 --allow-read scripts/recorded_exchange/main.ts \
 *     --bars "BTC/USDT 1m=path/to/bars.csv.gz" --now 2023-05-02 --venue binance --port 9000
 */

import { parseArgs } from "node:util";
import { settableClock, systemClock } from "./clock.ts";
import { startDemoExchange } from "./demo_month.ts";
import type { Market } from "./market.ts";
import { seriesFromBarFile } from "./recorded_files.ts";
import type { Series } from "./series.ts";
import { seriesByName } from "./series.ts";
import {
  type RecordedExchange,
  type RecordedExchangeOptions,
  startRecordedExchange,
  VENUES,
} from "./server.ts";

const USAGE = `Usage: main.ts [options]
  --demo               the demo's month instead of generated bars
  --bars "SYM TF=FILE" serve a bar file (again for more); only these markets exist then
  --markets A/B,C/D    generated markets (default BTC/USDT,ETH/USDT,BTC/USD)
  --venue ID           ${VENUES.join(", ")} (default: all)
  --now TIME           hold the clock at an ISO time (default: the system's clock)
  --budget             enforce the venues' own request budgets
  --no-record          do not keep a record of calls
  --port N             port on 127.0.0.1 (default: a free one)`;

const OPTIONS = {
  demo: { type: "boolean" },
  bars: { type: "string", multiple: true },
  markets: { type: "string" },
  venue: { type: "string", multiple: true },
  now: { type: "string" },
  budget: { type: "boolean" },
  "no-record": { type: "boolean" },
  port: { type: "string" },
  help: { type: "boolean" },
} as const;

/** What the command line said. */
interface Flags {
  demo?: boolean;
  bars?: string[];
  markets?: string;
  venue?: string[];
  now?: string;
  budget?: boolean;
  "no-record"?: boolean;
  port?: string;
  help?: boolean;
}

/** Starts what the arguments ask for. Throws TypeError or RangeError on arguments it cannot use. */
export async function startFromArguments(args: string[]): Promise<RecordedExchange> {
  const flags: Flags = parseArgs({ args, options: OPTIONS }).values;
  const options = shared(flags);
  if (flags.demo) return startDemoExchange(options);
  if (flags.bars === undefined) {
    const markets = flags.markets?.split(",").map((symbol): Market => ({ symbol }));
    return startRecordedExchange({ ...options, markets });
  }
  const named = await barFiles(flags.bars);
  const symbols = new Set(Object.keys(named).map((name) => name.split(" ")[0]));
  const markets = [...symbols].map((symbol): Market => ({ symbol }));
  return startRecordedExchange({ ...options, markets, series: seriesByName(named) });
}

function shared(flags: Flags): RecordedExchangeOptions {
  const venues = flags.venue?.map((id) => {
    const known = VENUES.find((venue) => venue === id);
    if (known === undefined) throw new RangeError(`--venue ${id}: not one of ${VENUES.join(", ")}`);
    return known;
  });
  const options: RecordedExchangeOptions = {
    venues,
    budget: flags.budget ? "venue" : "unlimited",
    record: !flags["no-record"],
    port: flags.port === undefined ? 0 : wholePort(flags.port),
  };
  if (flags.now !== undefined) options.clock = settableClock(timeOf(flags.now));
  else if (!flags.demo) options.clock = systemClock;
  return options;
}

function wholePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new RangeError(`--port ${text}: not 0 to 65535`);
  }
  return port;
}

function timeOf(text: string): number {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new RangeError(`--now ${text}: not an ISO time such as 2024-02-01T00:05Z`);
  return ms;
}

async function barFiles(args: string[]): Promise<Record<string, Series>> {
  const named: Record<string, Series> = {};
  for (const arg of args) {
    const match = /^(\S+\/\S+ \S+)=(.+)$/.exec(arg);
    if (match === null) throw new RangeError(`--bars ${arg}: not like "BTC/USDT 1m=bars.csv.gz"`);
    named[match[1]] = await seriesFromBarFile(match[2]);
  }
  return named;
}

if (import.meta.main) {
  if (Deno.args.includes("--help")) {
    console.log(USAGE);
  } else {
    const exchange = await startFromArguments(Deno.args);
    console.log(JSON.stringify({ url: exchange.url, venues: exchange.venues }));
    Deno.addSignalListener("SIGINT", () => exchange.close());
    Deno.addSignalListener("SIGTERM", () => exchange.close());
  }
}
