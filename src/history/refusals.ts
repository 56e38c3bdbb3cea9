/** What the provider refuses, and what it says then. */

import { HistoryError } from "../core/errors.ts";
import { UNPINNED_MAX_ROWS } from "../core/limits.ts";
import type { RequestContext } from "../core/request.ts";
import { slotCount } from "../core/timeframe.ts";
import type { TimeRange } from "../core/time_range.ts";
import type { Question } from "./question.ts";
import type { Standing } from "./standing.ts";

/** `RANGE_TOO_LARGE` for more slots than one answer, or all pages of one, may span. */
export function refuseTooLarge(
  question: Question,
  standing: Pick<Standing, "site" | "effective">,
  context: RequestContext,
  maxRangeBars: number,
): void {
  const slots = slotCount(standing.effective, standing.site.grid);
  const most = Math.min(
    context.maxSlots ?? UNPINNED_MAX_ROWS,
    context.page === undefined ? Infinity : maxRangeBars,
  );
  if (slots <= most) return;
  throw new HistoryError(
    "RANGE_TOO_LARGE",
    `Cannot answer ${question.nodeId}: the range has ${slots} slots, at most ${most} are answered at once`,
    {
      hint: "Ask for less, page with limit, or publish the range and read it pinned (as_of or fingerprint)",
      ranges: [standing.effective],
    },
  );
}

/** Open slots where the strategy wants none; the first 100 ranges are named. */
export function coverageIncomplete(question: Question, open: TimeRange[]): HistoryError {
  const shown = open.slice(0, 100);
  return new HistoryError(
    "COVERAGE_INCOMPLETE",
    `Cannot answer ${question.nodeId} in full: ${open.length} ranges are open, the first is [${shown[0]})`,
    {
      hint: "Run `seamless fill`, or ask with strategy SEAMLESS or AUTO_BACKFILL",
      ranges: shown,
    },
  );
}

/** A pinned question where nothing is published. */
export function domainDisabled(question: Question): HistoryError {
  return new HistoryError(
    "DOMAIN_DISABLED",
    `Cannot serve ${question.domain} of ${question.nodeId}: nothing is published here`,
    {
      hint: "Set seamless.artifact.enabled and seamless.artifact.publish_fingerprint to true",
    },
  );
}
