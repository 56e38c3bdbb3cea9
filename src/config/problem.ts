/** What is wrong with a configuration, all of it at once, each with the place where it was written. */

import { HistoryError } from "../core/errors.ts";

/** One thing wrong, or worth a warning. Shape of `config check --json` (surface.md §6). */
export interface ConfigProblem {
  /** The key with dots (`seamless.sla.preset`), or the name of an environment variable; empty: the file itself. */
  path: string;
  /** Place in the file, counted from 1; null for what no file says. */
  line: number | null;
  column: number | null;
  message: string;
  /** The known name that is most like the unknown one. */
  nearest: string | null;
}

/** Line and column in the file, counted from 1. */
export interface Place {
  line: number;
  column: number;
}

/** Messages of an error list at most so many problems; `problems` holds all. */
const LISTED_MAX = 50;

/** `CONFIG_INVALID` with every problem that was found. */
export class ConfigInvalid extends HistoryError {
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly ConfigProblem[];

  constructor(o: { source: string; problems: readonly ConfigProblem[]; warnings: readonly ConfigProblem[] }) {
    const count = o.problems.length === 1 ? "1 problem" : `${o.problems.length} problems`;
    const lines = o.problems.slice(0, LISTED_MAX).map((problem) => `  ${describe(problem, o.source)}`);
    if (o.problems.length > LISTED_MAX) lines.push(`  … and ${o.problems.length - LISTED_MAX} more`);
    super("CONFIG_INVALID", `Cannot use configuration ${o.source}: ${count}\n${lines.join("\n")}`, {
      hint:
        "Correct what is listed; `seamless config schema` prints every key, docs/configuration.md explains them",
    });
    this.problems = o.problems;
    this.warnings = o.warnings;
  }
}

/** One line of text: `seamless.yaml:3:5 seamless.slaa: is no known key; did you mean "sla"?` */
export function describe(problem: ConfigProblem, source: string): string {
  const where = problem.line === null ? "" : `${source}:${problem.line}:${problem.column} `;
  const nearest = problem.nearest === null ? "" : `; did you mean "${problem.nearest}"?`;
  return `${where}${problem.path === "" ? "" : `${problem.path}: `}${problem.message}${nearest}`;
}
