/**
 * The command line: finds the verb, checks the arguments before anything runs, gives the verb its surroundings, and
 * turns whatever comes of it into output and an exit code (surface §6).
 */

import { cancelled, HistoryError } from "../core/errors.ts";
import { nearestName } from "../core/nearest_name.ts";
import type { LoadedConfig } from "../config/mod.ts";
import type { HistoryService } from "../core/service.ts";
import { type OptionSpec, parseArguments, type ParsedArguments, usageError } from "./arguments.ts";
import { type Call, checkPositional, type Verb } from "./call.ts";
import { loadConfiguration } from "./configuration.ts";
import { reportFailure } from "./failure.ts";
import { helpPage, homePage } from "./help.ts";
import { EVERYWHERE, flagOption, numberOption, serverOption } from "./options.ts";
import { Output } from "./output.ts";
import { PipeClosed, type Surroundings } from "./surroundings.ts";
import { shellWord } from "./texts.ts";
import { timedOut } from "./timed_out.ts";
import { notBuiltYet, UNBUILT_VERBS } from "./unbuilt.ts";
import { VERBS } from "./verbs.ts";

/** After Ctrl-C or the time-out a verb may finish what it has in hand for so long. */
const STOP_GRACE_MS = 5_000;
/**
 * One press of Ctrl-C can come twice: the terminal tells every process of the group, and a task runner among them
 * passes it on. What follows so soon is the same press.
 */
const SAME_PRESS_MS = 500;
/** What a service that was told the deadline may be late by, before it is ended from outside. */
const TIMEOUT_HEAD_START_MS = 500;
const TIMEOUT_MAX_SEC = 30 * 86_400;

/** Runs one command line (without the program's name); resolves with the exit code and never rejects. */
export async function main(args: readonly string[], s: Surroundings): Promise<number> {
  const out = new Output(s.stdout, s.stderr, modeOf(args));
  const name = args.find((arg) => !arg.startsWith("-")) ?? "";
  try {
    return await dispatch(args, s, out);
  } catch (error) {
    // Whoever read our output has seen enough.
    if (error instanceof PipeClosed) return 0;
    return await reportFailure(name, error, out).catch((second) => {
      if (second instanceof PipeClosed) return 1;
      throw second;
    });
  }
}

/** How to print is needed before the arguments are known to be right, for their errors. */
function modeOf(args: readonly string[]) {
  const given = (...names: string[]) => args.some((arg) => names.includes(arg));
  return { json: given("--json"), quiet: given("--quiet", "-q"), verbose: given("--verbose", "-v") };
}

async function dispatch(args: readonly string[], s: Surroundings, out: Output): Promise<number> {
  const [first, ...rest] = args;
  if (first === undefined || first === "--help" || first === "-h") return await home([], s, out);
  if (first === "--version" || first === "-V") return await dispatch(["version", ...rest], s, out);
  if (first === "help") {
    return rest.length === 0 ? await home([], s, out) : await dispatch([rest[0], "--help"], s, out);
  }
  if (first.startsWith("-") && first !== "-") return await optionsFirst(args, s, out);
  if (UNBUILT_VERBS.includes(first)) throw notBuiltYet(first);
  const verb = VERBS.find((one) => one.name === first);
  if (verb === undefined) throw unknownVerb(first);
  const parsed = parseArguments(first, rest, [...verb.options, ...EVERYWHERE]);
  if (flagOption(parsed, "help")) {
    await out.line(helpPage(verb).join("\n"));
    return 0;
  }
  checkPositional(verb, parsed);
  return await runVerb(verb, { parsed, typed: args, s, out });
}

/** `seamless --config x.yaml get …`: options of every verb may stand before it; without a verb it is the first page. */
async function optionsFirst(args: readonly string[], s: Surroundings, out: Output): Promise<number> {
  const takesValue = (arg: string, option: OptionSpec) =>
    option.value !== undefined && (arg === `--${option.name}` || arg === `-${option.short}`);
  let at = 0;
  while (at < args.length && args[at].startsWith("-")) {
    at += EVERYWHERE.some((option) => takesValue(args[at], option)) ? 2 : 1;
  }
  if (at >= args.length) return await home(args, s, out);
  return await dispatch([args[at], ...args.slice(at + 1), ...args.slice(0, at)], s, out);
}

function unknownVerb(name: string): HistoryError {
  const near = nearestName(name, [...VERBS.map((verb) => verb.name), ...UNBUILT_VERBS]);
  return usageError(
    `Cannot run ${JSON.stringify(name.slice(0, 60))}: there is no such verb`,
    near === null ? "seamless alone lists the verbs" : `Did you mean seamless ${near}?`,
  );
}

/** The first page. A configuration that cannot be read is told there, and is no failure of the page. */
async function home(args: readonly string[], s: Surroundings, out: Output): Promise<number> {
  const parsed = parseArguments("seamless", args, EVERYWHERE);
  const where = await loadConfiguration(parsed, s).then((loaded) => loaded.paths, (error) => {
    if (error instanceof HistoryError) {
      return `not known: ${error.message.split("\n")[0]} (see seamless config check)`;
    }
    throw error;
  });
  await out.line(homePage(VERBS, where).join("\n"));
  return 0;
}

interface Run {
  parsed: ParsedArguments;
  typed: readonly string[];
  s: Surroundings;
  out: Output;
}

async function runVerb(verb: Verb, run: Run): Promise<number> {
  const { parsed, s } = run;
  const timeoutSec = numberOption(parsed, "timeout", { min: 0, above: true, max: TIMEOUT_MAX_SEC });
  const server = serverOption(parsed);
  if (server !== undefined && verb.notOverHttp !== undefined) {
    throw usageError(
      `Cannot run ${verb.name} with --server: ${verb.notOverHttp}`,
      "Run it where the stores are, without --server",
    );
  }
  const stopping = new AbortController();
  const release = [
    ...watchInterrupts(verb, run, stopping),
    ...(timeoutSec === undefined ? [] : [watchTimeout(verb, s, timeoutSec, stopping)]),
  ];
  const startedMs = s.monotonicMs();
  const opened = new Opened(run, server);
  const call: Call = {
    args: parsed,
    typed: run.typed,
    s,
    out: run.out,
    signal: stopping.signal,
    dryRun: flagOption(parsed, "dry-run"),
    timeout: timeoutSec === undefined
      ? null
      : { budgetMs: timeoutSec * 1000, elapsedMs: () => s.monotonicMs() - startedMs },
    config: () => opened.config(),
    service: () => opened.service(),
    server,
  };
  try {
    return await untilStopped(verb.run(call), stopping.signal, s);
  } finally {
    for (const undo of release) undo();
    await opened.close();
  }
}

/** What a run opened: at most one configuration and one service. */
class Opened {
  #config: ReturnType<typeof loadConfiguration> | null = null;
  #service: Promise<HistoryService> | null = null;

  constructor(readonly run: Run, readonly server: string | undefined) {}

  config(): ReturnType<typeof loadConfiguration> {
    return this.#config ??= loadConfiguration(this.run.parsed, this.run.s);
  }

  service(): Promise<HistoryService> {
    return this.#service ??= this.#open();
  }

  async #open(): Promise<HistoryService> {
    const { s, out } = this.run;
    if (this.server !== undefined) {
      const { RemoteService } = await import("./remote_service.ts");
      return new RemoteService({ url: this.server, apiKey: s.env.SEAMLESS_API_KEY, fetch: s.fetch, s });
    }
    const config = this.#placeOf(await this.config());
    const { describe } = await import("../config/mod.ts");
    for (const warning of config.warnings) {
      await out.note(`warning: ${describe(warning, config.source ?? "configuration")}`);
    }
    const { verbose } = out.mode;
    // The log of a service is for its operators; a verb tells what matters itself.
    if (verbose) return await s.wire(config, { verbosity: "verbose" });
    return await s.wire(config, {
      verbosity: "quiet",
      onWarning: (event, fields) => void tellWarning(out, event, fields),
    });
  }

  /** Under `--dry-run` a store that is not there yet stays away: what is said is said of an empty one in memory. */
  #placeOf(config: LoadedConfig): LoadedConfig {
    const { barsFile } = config.paths;
    const isThere = barsFile !== null && this.run.s.exists(barsFile);
    if (isThere || !flagOption(this.run.parsed, "dry-run")) return config;
    return { ...config, paths: { ...config.paths, barsFile: null, dataFolder: null } };
  }

  /** Closes the service, if it came to be one; a failure to open has been told already. */
  async close(): Promise<void> {
    const service = await this.#service?.catch(() => null);
    if (service) await withinGrace(service.close(), this.run.s);
  }
}

/** What of the log's warnings a person must hear to trust the answer: a clock that is off (spec §16). */
async function tellWarning(out: Output, event: string, fields: Record<string, unknown>): Promise<void> {
  if (event !== "seamless.exchange.clock_skew") return;
  const { exchange, skew_ms } = fields;
  const seconds = (Math.abs(Number(skew_ms)) / 1000).toFixed(1);
  const side = Number(skew_ms) > 0 ? "ahead of" : "behind";
  await out.note(
    `warning: this machine's clock is ${seconds} s ${side} ${exchange}'s; bars are judged by the venue's time, but as_of is this machine's: set it right`,
  );
}

/** Ctrl-C: the first asks to stop, the second ends the process. `serve` stops gracefully by itself. */
function watchInterrupts(verb: Verb, { typed, s, out }: Run, stopping: AbortController): (() => void)[] {
  const again = `seamless ${typed.map(shellWord).join(" ")}`;
  const reason = verb.resumable
    ? new HistoryError("CANCELLED", "Interrupted; what was finished is kept", {
      hint: `Go on with: ${again}`,
    })
    : cancelled(`seamless ${verb.name}`);
  let firstMs: number | null = null;
  const stop = () => {
    if (firstMs !== null && s.monotonicMs() - firstMs < SAME_PRESS_MS) return;
    if (stopping.signal.aborted) return s.exitNow(130);
    firstMs = s.monotonicMs();
    stopping.abort(reason);
    // A stop that cannot be announced is still one.
    out.note(`${s.stderr.isTerminal ? "\n" : ""}stopping … press Ctrl-C again to end at once`).catch(
      () => {},
    );
  };
  return [s.onSignal("SIGINT", stop), s.onSignal("SIGTERM", stop)];
}

function watchTimeout(verb: Verb, s: Surroundings, sec: number, stopping: AbortController): () => void {
  const budgetMs = sec * 1000;
  const elapsedMs = budgetMs + (verb.ownsTimeout ? TIMEOUT_HEAD_START_MS : 0);
  return s.after(elapsedMs, () => stopping.abort(timedOut(verb.name, { budgetMs, elapsedMs })));
}

/** The verb's outcome; once the signal has fired, its reason, unless the verb ends by itself within the grace. */
async function untilStopped(work: Promise<number>, signal: AbortSignal, s: Surroundings): Promise<number> {
  let undo = () => {};
  const stopped = new Promise<never>((_, reject) => {
    const onAbort = () => {
      undo = s.after(STOP_GRACE_MS, () => reject(signal.reason));
    };
    signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([work, stopped]);
  } catch (error) {
    throw signal.aborted && !(error instanceof PipeClosed) ? signal.reason : error;
  } finally {
    undo();
  }
}

/** Waits for `work`, but not for ever. */
async function withinGrace(work: Promise<void>, s: Surroundings): Promise<void> {
  let undo = () => {};
  const late = new Promise<void>((resolve) => {
    undo = s.after(STOP_GRACE_MS, resolve);
  });
  await Promise.race([work, late]);
  undo();
}
