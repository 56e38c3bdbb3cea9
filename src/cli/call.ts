/** One run of one verb: its arguments, its surroundings, and what it opened. */

import type { HistoryService } from "../core/service.ts";
import { type OptionSpec, type ParsedArguments, usageError } from "./arguments.ts";
import type { LoadedConfig } from "../config/mod.ts";
import type { Output } from "./output.ts";
import type { Surroundings } from "./surroundings.ts";

/** What a verb is given. */
export interface Call {
  args: ParsedArguments;
  /** The command line as it was typed, verb first: for "go on with". */
  typed: readonly string[];
  s: Surroundings;
  out: Output;
  /** Fires at Ctrl-C, and when `--timeout` is used up; its reason is the `HistoryError` to end with. */
  signal: AbortSignal;
  dryRun: boolean;
  /** `--timeout` and what the run has taken so far, in milliseconds; null without one. */
  timeout: { budgetMs: number; elapsedMs(): number } | null;
  /** The configuration, loaded once. */
  config(): Promise<LoadedConfig>;
  /** The service, opened once and closed after the verb: local, or over HTTP with `--server`. */
  service(): Promise<HistoryService>;
  /** The address of `--server`, if it was given. */
  server: string | undefined;
}

/** A verb of the command line. */
export interface Verb {
  name: string;
  /** Half a line for the list of verbs. */
  summary: string;
  /** What follows `seamless`, such as `get NODE…`. */
  usage: string;
  /** A paragraph for its help page. */
  about: string;
  options: readonly OptionSpec[];
  examples: readonly string[];
  /** Least and most positional arguments, and what they are called. */
  takes: { min: number; max: number; what: string };
  /** Ctrl-C means: finished work is kept, the same command goes on. */
  resumable?: boolean;
  /** It passes `--timeout` to the service, which can say more than "too late" when given a head start. */
  ownsTimeout?: boolean;
  /** Why `--server` makes no sense for it. */
  notOverHttp?: string;
  /** Runs it; the exit code. Failures are thrown. */
  run(call: Call): Promise<number>;
}

/** Checks how many arguments stand alone. */
export function checkPositional(verb: Verb, args: ParsedArguments): void {
  const { min, max, what } = verb.takes;
  const given = args.positional.length;
  if (given < min) {
    throw usageError(
      `Cannot run ${verb.name}: ${what} is missing`,
      `Write seamless ${verb.usage}, as in: ${verb.examples[0]}`,
    );
  }
  if (given > max) {
    const extra = JSON.stringify(args.positional[max].slice(0, 80));
    throw usageError(
      `Cannot run ${verb.name}: it does not take ${extra}`,
      `Write seamless ${verb.usage}, as in: ${verb.examples[0]}`,
    );
  }
}
