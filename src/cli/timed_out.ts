/** What the end of `--timeout` is: exit 5. */

import { HistoryError } from "../core/errors.ts";

/** `SLA_EXCEEDED` of `--timeout`. */
export function timedOut(
  verb: string,
  { budgetMs, elapsedMs }: { budgetMs: number; elapsedMs: number },
): HistoryError {
  return new HistoryError(
    "SLA_EXCEEDED",
    `seamless ${verb} was not done within its --timeout of ${budgetMs / 1000} s`,
    {
      hint: "What was finished is kept: run it again, or give it a longer --timeout",
      phase: "total",
      budgetMs: Math.round(budgetMs),
      elapsedMs: Math.round(elapsedMs),
    },
  );
}
