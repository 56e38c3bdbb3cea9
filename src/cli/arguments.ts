/**
 * Reads command lines: `--name value`, `--name=value`, `-n value`, flags, and what stands alone. A value may begin
 * with a minus (`--start -86400`). Whatever is not understood is refused by name, with the nearest name that is.
 */

import { HistoryError } from "../core/errors.ts";
import { nearestName } from "../core/nearest_name.ts";

/** One option of a verb. */
export interface OptionSpec {
  name: string;
  short?: string;
  /** What the value is called in the help; without it the option is a flag. */
  value?: string;
  /** May be given more than once. */
  many?: boolean;
  doc: string;
}

/** A command line taken apart. */
export interface ParsedArguments {
  positional: string[];
  /** Values by option name, in the order given; flags hold one empty text. */
  options: Map<string, string[]>;
}

/** A mistake in the command line: exit 2, before anything runs. */
export function usageError(message: string, hint: string): HistoryError {
  return new HistoryError("BAD_REQUEST", message, { hint });
}

/** Takes `args` apart by the options that `verb` knows. `BAD_REQUEST` for anything else. */
export function parseArguments(
  verb: string,
  args: readonly string[],
  known: readonly OptionSpec[],
): ParsedArguments {
  const parsed: ParsedArguments = { positional: [], options: new Map() };
  for (let at = 0; at < args.length; at++) {
    const text = args[at];
    if (text === "--") {
      parsed.positional.push(...args.slice(at + 1));
      break;
    }
    if (text === "-" || !text.startsWith("-") || /^-\d/.test(text)) {
      parsed.positional.push(text);
      continue;
    }
    const { spec, inline } = optionOf(verb, text, known);
    const takesNext = spec.value !== undefined && inline === null && !isOption(args[at + 1], known);
    if (takesNext) at++;
    addOption(parsed, { verb, spec, value: takesNext ? args[at] ?? null : inline });
  }
  return parsed;
}

/** Whether a text is one of the options, spelled out: then it is nobody's value. */
function isOption(text: string | undefined, known: readonly OptionSpec[]): boolean {
  return known.some((one) =>
    text === `--${one.name}` || (one.short !== undefined && text === `-${one.short}`)
  );
}

/** The option that a text names, and the value that stands in the same text. */
function optionOf(verb: string, text: string, known: readonly OptionSpec[]) {
  const [, name, inline] = /^(--?[^=]+)(?:=([\s\S]*))?$/.exec(text) ?? [];
  const spec = known.find((one) => name === `--${one.name}` || (one.short && name === `-${one.short}`));
  if (spec !== undefined) return { spec, inline: inline ?? null };
  const near = nearestName((name ?? text).replace(/^-+/, ""), known.map((one) => one.name));
  throw usageError(
    `Cannot run ${verb}: there is no option ${(name ?? text).slice(0, 80)}`,
    near === null ? `See seamless ${verb} --help` : `Did you mean --${near}? See seamless ${verb} --help`,
  );
}

function addOption(
  parsed: ParsedArguments,
  { verb, spec, value }: { verb: string; spec: OptionSpec; value: string | null },
): void {
  if (spec.value === undefined && value !== null) {
    throw usageError(`Cannot run ${verb}: --${spec.name} takes no value`, `Write --${spec.name} alone`);
  }
  if (spec.value !== undefined && value === null) {
    throw usageError(
      `Cannot run ${verb}: --${spec.name} lacks its value`,
      `Write --${spec.name} ${spec.value}`,
    );
  }
  const before = parsed.options.get(spec.name);
  if (before !== undefined && spec.value !== undefined && !spec.many) {
    throw usageError(`Cannot run ${verb}: --${spec.name} is given twice`, `Keep one of them`);
  }
  parsed.options.set(spec.name, [...(before ?? []), value ?? ""]);
}
