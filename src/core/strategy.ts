/**
 * The availability strategies as one table (spec §9): whether a request waits for what is missing is the strategy's,
 * what happens when a budget breaks is `on_violation`'s.
 */

import { HistoryError } from "./errors.ts";
import type { OnViolation, StrategyName } from "./metadata.ts";

/** What a strategy does with slots that storage lacks. */
export interface Strategy {
  /** `never`: nothing is fetched; `wait`: within the budget; `start`: fetched, not waited for. */
  backfill: "never" | "wait" | "start";
  /** Whether the newest bars are asked for under the live budget. */
  live: boolean;
  /** Whether `max_sync_gap_bars` bounds what is waited for. */
  bounded: boolean;
  /** Whether `partial_ok: false` turns a partial answer into an error. */
  needsPartialOk: boolean;
}

export const STRATEGIES: Readonly<Record<StrategyName, Strategy>> = {
  FAIL_FAST: { backfill: "never", live: false, bounded: false, needsPartialOk: false },
  AUTO_BACKFILL: { backfill: "wait", live: false, bounded: false, needsPartialOk: true },
  PARTIAL_FILL: { backfill: "start", live: false, bounded: false, needsPartialOk: false },
  SEAMLESS: { backfill: "wait", live: true, bounded: true, needsPartialOk: false },
};

/** The strategy that a text names; `BAD_REQUEST` for any other. */
export function parseStrategy(text: string): StrategyName {
  if (Object.hasOwn(STRATEGIES, text)) return text as StrategyName;
  throw new HistoryError(
    "BAD_REQUEST",
    `Cannot use strategy ${JSON.stringify(text.slice(0, 60))}: it is none`,
    {
      hint: `Use one of ${Object.keys(STRATEGIES).join(", ")}`,
    },
  );
}

/** Why slots are still open when the waiting is over. */
export type OpenBecause = "not_waited" | "fetch_failed" | "budget_ended" | "storage_late" | "still_pending";

/** What becomes of the answer: delivered (then the verdict is the gate's), or one of the errors. */
export type Outcome = "deliver" | "COVERAGE_INCOMPLETE" | "SLA_EXCEEDED" | "last_error";

/** One cell of the outcome table of spec §9. */
export function outcomeOf(
  cell: { strategy: StrategyName; because: OpenBecause; onViolation: OnViolation; partialOk: boolean },
): Outcome {
  const { strategy, because, onViolation, partialOk } = cell;
  const refusesPartial = STRATEGIES[strategy].needsPartialOk && !partialOk;
  switch (because) {
    case "storage_late":
      if (strategy === "FAIL_FAST" || onViolation === "FAIL_FAST") return "SLA_EXCEEDED";
      return refusesPartial && onViolation === "PARTIAL_FILL" ? "COVERAGE_INCOMPLETE" : "deliver";
    case "budget_ended":
      if (onViolation === "FAIL_FAST") return "SLA_EXCEEDED";
      return refusesPartial && onViolation === "PARTIAL_FILL" ? "COVERAGE_INCOMPLETE" : "deliver";
    case "fetch_failed":
      return refusesPartial ? "last_error" : "deliver";
    case "still_pending":
      return refusesPartial || strategy === "FAIL_FAST" ? "COVERAGE_INCOMPLETE" : "deliver";
    case "not_waited":
      return strategy === "FAIL_FAST" ? "COVERAGE_INCOMPLETE" : "deliver";
  }
}
