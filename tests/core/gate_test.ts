import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { breachesCoverage, type GateInput, judge, overdueOf } from "../../src/core/gate.ts";
import type { OnViolation, VerdictReason } from "../../src/core/metadata.ts";

const FINE: GateInput = {
  onViolation: "PARTIAL_FILL",
  allowPartial: true,
  openGaps: false,
  slaViolated: false,
  explainedRatio: 1,
  minCoverage: null,
  overdueSec: 0,
  maxLagSec: 120,
  asOfRegression: false,
  conformanceBlocked: false,
};

Deno.test("judge() passes an answer with nothing against it", () => {
  deepStrictEqual(judge(FINE), { mode: "PASS", reasons: [] });
});

Deno.test("judge() holds for stale bars, a regressed as_of and blocked conformance, whatever on_violation says", () => {
  const holds: [Partial<GateInput>, VerdictReason][] = [
    [{ overdueSec: 121 }, "freshness_breach"],
    [{ asOfRegression: true }, "as_of_regression"],
    [{ conformanceBlocked: true }, "conformance_blocked"],
  ];
  for (const [fault, reason] of holds) {
    for (const onViolation of ["FAIL_FAST", "PARTIAL_FILL", "HOLD"] as const) {
      deepStrictEqual(judge({ ...FINE, ...fault, onViolation }), { mode: "HOLD", reasons: [reason] });
    }
  }
});

Deno.test("judge() does as on_violation says where a budget or the coverage broke", () => {
  for (
    const [fault, reason] of [[{ slaViolated: true }, "sla_violation"], [
      { explainedRatio: 0.5, minCoverage: 0.9 },
      "coverage_breach",
    ]] as const
  ) {
    strictEqual(judge({ ...FINE, ...fault, onViolation: "HOLD" }).mode, "HOLD");
    strictEqual(judge({ ...FINE, ...fault, onViolation: "FAIL_FAST" }).mode, "HOLD");
    strictEqual(judge({ ...FINE, ...fault, onViolation: "PARTIAL_FILL" }).mode, "PARTIAL_FILL");
    deepStrictEqual(judge({ ...FINE, ...fault }).reasons, [reason]);
  }
});

Deno.test("judge() calls open gaps a partial fill", () => {
  for (const onViolation of ["FAIL_FAST", "PARTIAL_FILL", "HOLD"] as const) {
    deepStrictEqual(judge({ ...FINE, openGaps: true, onViolation }), {
      mode: "PARTIAL_FILL",
      reasons: ["open_gaps"],
    });
  }
});

Deno.test("judge() holds instead of a partial fill where partial answers are not allowed", () => {
  deepStrictEqual(judge({ ...FINE, openGaps: true, allowPartial: false }), {
    mode: "HOLD",
    reasons: ["open_gaps"],
  });
  strictEqual(judge({ ...FINE, slaViolated: true, allowPartial: false }).mode, "HOLD");
  strictEqual(judge({ ...FINE, allowPartial: false }).mode, "PASS");
});

Deno.test("judge() lists all reasons, and HOLD beats PARTIAL_FILL beats PASS, over every combination", () => {
  const flags = [false, true];
  for (const onViolation of ["FAIL_FAST", "PARTIAL_FILL", "HOLD"] as OnViolation[]) {
    for (const allowPartial of flags) {
      for (let bits = 0; bits < 64; bits++) {
        const [stale, regressed, blocked, late, thin, open] = [0, 1, 2, 3, 4, 5].map((bit) =>
          (bits >> bit & 1) === 1
        );
        const verdict = judge({
          onViolation,
          allowPartial,
          openGaps: open,
          slaViolated: late,
          explainedRatio: thin ? 0.1 : 1,
          minCoverage: 0.9,
          overdueSec: stale ? 999 : 0,
          maxLagSec: 120,
          asOfRegression: regressed,
          conformanceBlocked: blocked,
        });
        const count = [stale, regressed, blocked, late, thin, open].filter(Boolean).length;
        strictEqual(verdict.reasons.length, count);
        const holds = stale || regressed || blocked || ((late || thin) && onViolation !== "PARTIAL_FILL") ||
          (count > 0 && !allowPartial);
        strictEqual(verdict.mode, holds ? "HOLD" : count > 0 ? "PARTIAL_FILL" : "PASS");
      }
    }
  }
});

Deno.test("judge() does not judge freshness where no lag is set or the request is of the past", () => {
  strictEqual(judge({ ...FINE, overdueSec: 1e9, maxLagSec: null }).mode, "PASS");
  strictEqual(judge({ ...FINE, overdueSec: null, maxLagSec: 0 }).mode, "PASS");
  strictEqual(judge({ ...FINE, overdueSec: 120, maxLagSec: 120 }).mode, "PASS");
});

Deno.test("overdueOf() allows one interval, and nothing is fresher than no bar at all is stale", () => {
  strictEqual(overdueOf(59, 60), 0);
  strictEqual(overdueOf(60, 60), 0);
  strictEqual(overdueOf(61, 60), 1);
  strictEqual(overdueOf(null, 60), Infinity);
});

Deno.test("breachesCoverage() compares with explained_ratio, and equal is enough", () => {
  strictEqual(breachesCoverage(0.9, 0.9), false);
  strictEqual(breachesCoverage(0.8999, 0.9), true);
  strictEqual(breachesCoverage(0, null), false);
});
