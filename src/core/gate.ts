/** The domain gate: may this answer be traded on? (spec §11). Pure; HOLD means compute, do not trade. */

import type { OnViolation, Verdict, VerdictReason } from "./metadata.ts";

/** What the verdict is made of. */
export interface GateInput {
  onViolation: OnViolation;
  /** `domains.live.allow_partial`: false turns PARTIAL_FILL into HOLD. */
  allowPartial: boolean;
  /** True when slots of the effective range are open. */
  openGaps: boolean;
  slaViolated: boolean;
  explainedRatio: number;
  minCoverage: number | null;
  /** Seconds beyond one interval since the last bar ended; null where freshness is not judged. */
  overdueSec: number | null;
  maxLagSec: number | null;
  asOfRegression: boolean;
  conformanceBlocked: boolean;
}

/** Whether the coverage asked for is missed. */
export function breachesCoverage(explainedRatio: number, minCoverage: number | null): boolean {
  return minCoverage !== null && explainedRatio < minCoverage;
}

/** All reasons, and the strongest mode among them: HOLD beats PARTIAL_FILL beats PASS. */
export function judge(input: GateInput): Verdict {
  const holds: VerdictReason[] = [];
  if (input.overdueSec !== null && input.maxLagSec !== null && input.overdueSec > input.maxLagSec) {
    holds.push("freshness_breach");
  }
  if (input.asOfRegression) holds.push("as_of_regression");
  if (input.conformanceBlocked) holds.push("conformance_blocked");

  const violations: VerdictReason[] = [];
  if (input.slaViolated) violations.push("sla_violation");
  if (breachesCoverage(input.explainedRatio, input.minCoverage)) violations.push("coverage_breach");
  const partials: VerdictReason[] = input.openGaps ? ["open_gaps"] : [];

  const reasons = [...holds, ...violations, ...partials];
  // FAIL_FAST is an error where anything is open; what is delivered all the same must at least not be traded on.
  const held = holds.length > 0 || (violations.length > 0 && input.onViolation !== "PARTIAL_FILL");
  if (held) return { mode: "HOLD", reasons };
  if (reasons.length === 0) return { mode: "PASS", reasons };
  return { mode: input.allowPartial ? "PARTIAL_FILL" : "HOLD", reasons };
}

/**
 * How overdue the newest delivered bar is: seconds since its end, less one interval, at least 0 (spec §11).
 * Without a bar nothing is fresh: infinitely overdue.
 */
export function overdueOf(stalenessSec: number | null, intervalSec: number): number {
  return stalenessSec === null ? Infinity : Math.max(0, stalenessSec - intervalSec);
}
