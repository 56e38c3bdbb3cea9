/** Coverage and conformance that a request does not accept, where the policy makes them errors (spec §5, §9, §11). */

import { HistoryError } from "../core/errors.ts";
import { breachesCoverage } from "../core/gate.ts";
import type { Metadata } from "../core/metadata.ts";
import type { TimeRange } from "../core/time_range.ts";
import type { Question } from "./question.ts";

/** Throws `CONFORMANCE_BLOCKED` or `COVERAGE_INCOMPLETE` for an answer that must not leave. */
export function refuseBreaches(question: Question, metadata: Metadata, partialOk: boolean): void {
  if (metadata.verdict.reasons.includes("conformance_blocked") && !partialOk) {
    throw new HistoryError(
      "CONFORMANCE_BLOCKED",
      `Cannot serve ${question.nodeId}: its flags ${JSON.stringify(metadata.conformance_flags)} are blocking`,
      { hint: "Change seamless.conformance.blocking, or set partial_ok to let answers through, flagged" },
    );
  }
  // Settled gaps never fail a request (spec §9): a complete answer below min_coverage is delivered, on HOLD.
  if (question.sla.on_violation !== "FAIL_FAST" || metadata.complete) return;
  if (!breachesCoverage(metadata.explained_ratio, question.minCoverage)) return;
  throw new HistoryError(
    "COVERAGE_INCOMPLETE",
    `Cannot serve ${question.nodeId}: coverage ${metadata.explained_ratio} is below min_coverage ${question.minCoverage}`,
    {
      hint:
        "Look at the reasons with `seamless gaps`; lower min_coverage, or use on_violation PARTIAL_FILL or HOLD",
      ranges: metadata.gaps.map((gap): TimeRange => [gap.start, gap.end]),
    },
  );
}
