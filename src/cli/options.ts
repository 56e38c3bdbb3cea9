/** The options that verbs share, and how their values are read: each wrong value has its code and a hint. */

import { parseDomain } from "../core/domain.ts";
import { parseAsOfMs, parseSeconds } from "../core/instant.ts";
import { nearestName } from "../core/nearest_name.ts";
import { type OptionSpec, type ParsedArguments, usageError } from "./arguments.ts";
import { shellWord } from "./texts.ts";

/** Options of every verb. */
export const EVERYWHERE: readonly OptionSpec[] = [
  {
    name: "config",
    short: "c",
    value: "FILE",
    doc: "configuration; - reads standard input. Else SEAMLESS_CONFIG, else ./seamless.yaml",
  },
  {
    name: "set",
    value: "KEY=VALUE",
    many: true,
    doc: "one key of the configuration: sla.total_deadline_ms=5000",
  },
  { name: "json", doc: "the result as JSON on standard output, errors as problem JSON" },
  { name: "quiet", short: "q", doc: "no progress, no summary" },
  { name: "verbose", short: "v", doc: "say what is done, and where errors come from" },
  { name: "dry-run", doc: "say what would be done, do nothing" },
  { name: "server", value: "URL", doc: "ask a running service instead of the stores of this machine" },
  { name: "timeout", value: "SEC", doc: "give up after so many seconds (exit 5)" },
  { name: "help", short: "h", doc: "this page" },
];

const START: OptionSpec = {
  name: "start",
  value: "TIME",
  doc: "first bar: epoch seconds or RFC 3339 (2024-01-01)",
};
const END: OptionSpec = {
  name: "end",
  value: "TIME",
  doc: "end of the range, itself left out; default: now",
};
const LAST: OptionSpec = {
  name: "last",
  value: "N",
  doc: "the last N bars up to the end, instead of --start",
};
const AS_OF: OptionSpec = { name: "as-of", value: "TIME", doc: "the data as it was published then" };
const FINGERPRINT: OptionSpec = {
  name: "fingerprint",
  value: "FP",
  doc: "the published dataset of this name",
};

/** Options by name, for verbs that take some of them. */
export const OPTIONS = { start: START, end: END, last: LAST, asOf: AS_OF, fingerprint: FINGERPRINT };

/** The options of a question for bars (surface §6, "common"). */
export const COMMON: readonly OptionSpec[] = [
  START,
  END,
  LAST,
  AS_OF,
  FINGERPRINT,
  { name: "domain", value: "NAME", doc: "backtest, dryrun or live" },
  { name: "world", value: "ID", doc: "who asks; default: default" },
  { name: "strategy", value: "NAME", doc: "FAIL_FAST, AUTO_BACKFILL, PARTIAL_FILL or SEAMLESS" },
  { name: "max-lag", value: "SEC", doc: "older data than this is held back from trading (HOLD)" },
  { name: "min-coverage", value: "RATIO", doc: "0 to 1: less than this is a breach" },
];

/** The value of an option, or undefined. */
export function textOption(args: ParsedArguments, name: string): string | undefined {
  return args.options.get(name)?.at(-1);
}

/** The options of a command line that say which service is meant, for a command that is to be typed next. */
export function sameService(args: ParsedArguments): string {
  return ["config", "server"].map((name) => {
    const value = textOption(args, name);
    return value === undefined ? "" : ` --${name} ${shellWord(value)}`;
  }).join("");
}

/** Whether a flag is given. */
export function flagOption(args: ParsedArguments, name: string): boolean {
  return args.options.has(name);
}

/** Epoch seconds; `BAD_TIME` for what is none. */
export function timeOption(args: ParsedArguments, name: string): number | undefined {
  const text = textOption(args, name);
  return text === undefined ? undefined : parseSeconds(text, `--${name}`);
}

/** An `as_of` as it was written, once it is known to be one; `BAD_TIME` else. */
export function asOfOption(args: ParsedArguments): string | undefined {
  const text = textOption(args, "as-of");
  if (text !== undefined) parseAsOfMs(text, "--as-of");
  return text;
}

/** A number within bounds; `BAD_REQUEST` for any other text. */
export function numberOption(
  args: ParsedArguments,
  name: string,
  o: { min: number; max: number; whole?: boolean; above?: boolean },
): number | undefined {
  const text = textOption(args, name);
  if (text === undefined) return undefined;
  const number = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text.trim()) ? Number(text) : NaN;
  const tooLow = o.above ? number <= o.min : number < o.min;
  if (!Number.isFinite(number) || tooLow || number > o.max || (o.whole && !Number.isInteger(number))) {
    const kind = o.whole ? "a whole number" : "a number";
    throw usageError(
      `Cannot use --${name} ${JSON.stringify(text.slice(0, 60))}: it is not ${kind} within bounds`,
      `Give ${kind} ${o.above ? "above" : "from"} ${o.min} up to ${o.max}`,
    );
  }
  return number;
}

/** One of fixed words, whatever its case; `BAD_REQUEST` with the nearest one else. */
export function choiceOption<const V extends readonly string[]>(
  args: ParsedArguments,
  name: string,
  choices: V,
): V[number] | undefined {
  const text = textOption(args, name);
  if (text === undefined) return undefined;
  const plain = (word: string) => word.toLowerCase().replace(/[-_ ]/g, "");
  const found = choices.find((word) => plain(word) === plain(text));
  if (found !== undefined) return found;
  const near = nearestName(text, choices);
  throw usageError(
    `Cannot use --${name} ${JSON.stringify(text.slice(0, 60))}: it is not known`,
    `${near === null ? "" : `Did you mean ${near}? `}Known are ${choices.join(", ")}`,
  );
}

/** The execution domain as it was written, once it is known to be one; `UNKNOWN_DOMAIN` else. */
export function domainOption(args: ParsedArguments): string | undefined {
  const text = textOption(args, "domain");
  return text === undefined ? undefined : parseDomain(text);
}

/** A text that may not be empty. */
export function nameOption(args: ParsedArguments, name: string): string | undefined {
  const text = textOption(args, name);
  if (text !== undefined && (text.trim() === "" || text.length > 200)) {
    throw usageError(`Cannot use --${name}: it is empty or longer than 200 letters`, `Give --${name} a name`);
  }
  return text;
}

/** `--server`: an http(s) address. */
export function serverOption(args: ParsedArguments): string | undefined {
  const text = textOption(args, "server");
  if (text === undefined) return undefined;
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw usageError(
      `Cannot use --server ${JSON.stringify(text.slice(0, 80))}: it is no http:// address`,
      "Write the address that seamless serve prints, such as http://127.0.0.1:8420",
    );
  }
  return url.href.replace(/\/$/, "");
}
