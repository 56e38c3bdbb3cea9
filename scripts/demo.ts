/**
 * The demo: a month of 1-minute bars, from an exchange to a verified dataset, on this machine and without the internet.
 * It starts the recorded exchange and the service, fills two symbols, looks at what came, and reads the published
 * snapshot back byte for byte. The folder that it leaves can be opened with DuckDB, Polars or pandas.
 *
 *   deno task demo [FOLDER]        default: ./demo-data
 */

import { isAbsolute, relative, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { main as seamless } from "../src/cli/main.ts";
import { machineSurroundings } from "../src/cli/machine.ts";
import { loadConfig } from "../src/config/mod.ts";
import type { JobReport } from "../src/core/service.ts";
import { serve, systemClock } from "../src/wire.ts";
import { DEMO_MARKETS, DEMO_MONTH, startDemoExchange } from "./recorded_exchange/mod.ts";
import { emptyFolder, writeConfig } from "./demo/folder.ts";
import { showProgress } from "./demo/progress.ts";
import { Service, sha256 } from "./demo/service.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const NODES = DEMO_MARKETS.map(({ symbol }) => `ohlcv:binance:${symbol}:1m`);
const [NODE] = NODES;
const MONTH = { start: DEMO_MONTH.startMs / 1000, end: DEMO_MONTH.endMs / 1000 };
const MONTH_ARGS = ["--start", "2024-01-01", "--end", "2024-02-01"];
/** How this machine was told to run tasks: a newcomer may have Deno from npx alone. */
const TASK = Deno.execPath().includes("_npx") ? "npx --yes deno@2.9.6 task --quiet" : "deno task --quiet";

const encoder = new TextEncoder();
const say = (text = "") => void Deno.stdout.writeSync(encoder.encode(`${text}\n`));
let steps = 0;
const step = (text: string) => say(`\n${++steps}. ${text}`);

/** A path as it is typed in a shell, from where the demo was started. */
const shown = (path: string) => relative(Deno.cwd(), path) || ".";

async function demo(folder: string): Promise<void> {
  const startedMs = systemClock.monotonicMs();
  await emptyFolder(folder);
  say(
    "Seamless asks an exchange for a month of 1-minute bars, and says what it got, what is missing, and why.",
  );
  say("Nothing leaves this machine: the exchange is a server of our own that speaks Binance.");
  const { config, ...published } = await withExchange(folder, filledMonth);
  step("The exchange is switched off. A new service answers a backtest from the published files alone:");
  await sameAgain(config, published);
  say(`\nDone in ${((systemClock.monotonicMs() - startedMs) / 1000).toFixed(1)} s.`);
  farewell(folder, config);
}

/** What the first service published: its moment, and its rows. */
interface Published {
  config: string;
  asOf: string;
  live: Uint8Array;
}

/** Runs `work` while the exchange is there, with a configuration that knows it. */
async function withExchange<T>(
  folder: string,
  work: (url: string, config: string) => Promise<T>,
): Promise<T> {
  const exchange = startDemoExchange({ venues: ["binance"], clock: systemClock });
  try {
    const venue = { urls: exchange.urls("binance"), options: exchange.options("binance") };
    return await work(exchange.url, await writeConfig(folder, venue));
  } finally {
    await exchange.close();
  }
}

/** Fills the month through a running service, and looks at what came of it with the commands that a user has. */
async function filledMonth(exchangeUrl: string, config: string): Promise<Published> {
  const server = await start(config);
  const command = (...args: string[]) => run([...args, "-c", config]);
  try {
    const service = new Service(server.url);
    step(`The exchange listens on ${exchangeUrl}, Seamless on ${server.url}. The fill begins:`);
    await fill(service);
    step("What came: two symbols, the second one listed on the fifth.");
    for (const node of NODES) await command("coverage", node, ...MONTH_ARGS);
    step("What is missing, and why: every hole has its reason, and nothing is made up to fill it.");
    for (const node of NODES) await command("gaps", node, ...MONTH_ARGS);
    step(`The dataset of ${NODE} has a name that follows from its bars, whoever fetches them:`);
    const live = await service.live(NODE, MONTH);
    say(`\n   ${live.fingerprint}`);
    say(`   as of ${live.asOf}, ${live.coverage.replaceAll(";", ", ")}`);
    step("It is published as files that never change. Every hash of it is computed again:");
    await command("verify", ...NODES);
    return { config, asOf: live.asOf, live: live.csv };
  } finally {
    await server.stop();
  }
}

function start(config: string) {
  const loaded = loadConfig({ path: config, env: {}, flags: { "server.port": "0" }, cwd: ROOT });
  return serve(loaded, { verbosity: "quiet" });
}

/** Starts a job and shows how it goes on. */
async function fill(service: Service): Promise<void> {
  const job = await service.post<JobReport>("/v1/backfills", { nodes: NODES, ...MONTH });
  const done = await showProgress(() => service.get<JobReport>(`/v1/backfills/${job.id}`), say);
  if (done.state !== "complete") {
    throw new Error(`The fill ended ${done.state}: ${JSON.stringify(done.errors)}`);
  }
}

/** Runs a command as it would be typed, and prints it with what it says. */
async function run(args: string[]): Promise<void> {
  say(`\n$ ${typed(args)}`);
  const code = await seamless(args, machineSurroundings());
  if (code !== 0) throw new Error(`seamless ${args[0]} ended with exit code ${code}`);
}

function typed(args: readonly string[]): string {
  return `${TASK} seamless ${args.map((arg) => isAbsolute(arg) ? shown(arg) : arg).join(" ")}`;
}

/** Asks the same again as a backtest, twice, of a service that has no exchange to ask. */
async function sameAgain(config: string, { asOf, live }: Omit<Published, "config">): Promise<void> {
  const server = await start(config);
  try {
    const service = new Service(server.url);
    const csv = await service.backtest(NODE, MONTH, { asOf, format: "csv" });
    const first = await service.backtest(NODE, MONTH, { asOf, format: "arrow" });
    const second = await service.backtest(NODE, MONTH, { asOf, format: "arrow" });
    say(`\n   the bars, live:              ${await sha256(live)}  ${live.length} bytes of CSV`);
    say(`   the bars, backtest:          ${await sha256(csv)}  ${csv.length} bytes of CSV`);
    say(`   the whole answer, backtest:  ${await sha256(first)}  ${first.length} bytes of Arrow`);
    say(`   the same request again:      ${await sha256(second)}  ${second.length} bytes of Arrow`);
    if (await sha256(live) !== await sha256(csv)) {
      throw new Error("The backtest's bars are not the live ones");
    }
    if (await sha256(first) !== await sha256(second)) throw new Error("The same request gave other bytes");
    say("   Equal, to the byte.");
  } finally {
    await server.stop();
  }
}

function farewell(folder: string, config: string): void {
  const here = shown(folder);
  const after = ["-c", config];
  say(`
The data lie in ${here}: bars.db is what is asked first, artifacts/ is what was published. Any tool reads it:

  DuckDB   SELECT symbol, count(*), max(high) FROM '${here}/artifacts/**/*.parquet' GROUP BY symbol
  Polars   pl.scan_parquet("${here}/artifacts/**/*.parquet", hive_partitioning=True)
  pandas   pd.read_parquet("${here}/artifacts/ohlcv/exchange=binance/symbol=BTC%2FUSDT/timeframe=1m/segments")

Try next, without any exchange:

  ${typed(["explain", NODE, "2024-01-09T11:00:00Z", ...after])}
  ${typed(["gaps", NODES[1], "--reason", "not_listed", ...after])}
  ${typed(["get", NODE, "--start", "2024-01-09T10:00", "--end", "2024-01-09T13:30", ...after])}

The same with a real exchange: docs/first-steps.md. Seen enough? rm -r ${here}`);
}

if (import.meta.main) {
  try {
    await demo(resolve(Deno.args[0] ?? `${ROOT}demo-data`));
  } catch (error) {
    console.error(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
