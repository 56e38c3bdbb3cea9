import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { OnViolation, StrategyName } from "../../src/core/metadata.ts";
import {
  type OpenBecause,
  type Outcome,
  outcomeOf,
  parseStrategy,
  STRATEGIES,
} from "../../src/core/strategy.ts";
import { refusal } from "../refusal.ts";

Deno.test("STRATEGIES says what spec §9 says of storage, backfill and live", () => {
  deepStrictEqual(
    Object.fromEntries(
      Object.entries(STRATEGIES).map(([name, s]) => [name, [s.backfill, s.live, s.bounded]]),
    ),
    {
      FAIL_FAST: ["never", false, false],
      AUTO_BACKFILL: ["wait", false, false],
      PARTIAL_FILL: ["start", false, false],
      SEAMLESS: ["wait", true, true],
    },
  );
});

/** The outcome table of spec §9, cell by cell; two outcomes: with `partial_ok`, and without. */
const CELLS: [OpenBecause, OnViolation | "any", StrategyName, Outcome, Outcome][] = [
  ["not_waited", "any", "FAIL_FAST", "COVERAGE_INCOMPLETE", "COVERAGE_INCOMPLETE"],
  ["not_waited", "any", "PARTIAL_FILL", "deliver", "deliver"],
  ["fetch_failed", "any", "AUTO_BACKFILL", "deliver", "last_error"],
  ["fetch_failed", "any", "PARTIAL_FILL", "deliver", "deliver"],
  ["fetch_failed", "any", "SEAMLESS", "deliver", "deliver"],
  ["budget_ended", "FAIL_FAST", "AUTO_BACKFILL", "SLA_EXCEEDED", "SLA_EXCEEDED"],
  ["budget_ended", "FAIL_FAST", "SEAMLESS", "SLA_EXCEEDED", "SLA_EXCEEDED"],
  ["budget_ended", "PARTIAL_FILL", "AUTO_BACKFILL", "deliver", "COVERAGE_INCOMPLETE"],
  ["budget_ended", "PARTIAL_FILL", "SEAMLESS", "deliver", "deliver"],
  ["budget_ended", "HOLD", "AUTO_BACKFILL", "deliver", "deliver"],
  ["budget_ended", "HOLD", "SEAMLESS", "deliver", "deliver"],
  ["storage_late", "any", "FAIL_FAST", "SLA_EXCEEDED", "SLA_EXCEEDED"],
  ["storage_late", "FAIL_FAST", "AUTO_BACKFILL", "SLA_EXCEEDED", "SLA_EXCEEDED"],
  ["storage_late", "FAIL_FAST", "PARTIAL_FILL", "SLA_EXCEEDED", "SLA_EXCEEDED"],
  ["storage_late", "FAIL_FAST", "SEAMLESS", "SLA_EXCEEDED", "SLA_EXCEEDED"],
  ["storage_late", "PARTIAL_FILL", "AUTO_BACKFILL", "deliver", "COVERAGE_INCOMPLETE"],
  ["storage_late", "PARTIAL_FILL", "PARTIAL_FILL", "deliver", "deliver"],
  ["storage_late", "PARTIAL_FILL", "SEAMLESS", "deliver", "deliver"],
  ["storage_late", "HOLD", "AUTO_BACKFILL", "deliver", "deliver"],
  ["storage_late", "HOLD", "PARTIAL_FILL", "deliver", "deliver"],
  ["storage_late", "HOLD", "SEAMLESS", "deliver", "deliver"],
  // Everything was fetched in time, and the venue does not have the bar yet: "the same error, or partial".
  ["still_pending", "any", "AUTO_BACKFILL", "deliver", "COVERAGE_INCOMPLETE"],
  ["still_pending", "any", "SEAMLESS", "deliver", "deliver"],
];

for (const [because, onViolation, strategy, partialOk, whole] of CELLS) {
  Deno.test(`outcomeOf() ${strategy}, ${because}, on_violation ${onViolation}: ${partialOk}, ${whole}`, () => {
    const policies: OnViolation[] = onViolation === "any"
      ? ["FAIL_FAST", "PARTIAL_FILL", "HOLD"]
      : [onViolation];
    for (const policy of policies) {
      const cell = { strategy, because, onViolation: policy };
      strictEqual(outcomeOf({ ...cell, partialOk: true }), partialOk);
      strictEqual(outcomeOf({ ...cell, partialOk: false }), whole);
    }
  });
}

Deno.test("parseStrategy() takes the four names as they are written and no other", () => {
  for (const name of Object.keys(STRATEGIES)) strictEqual(parseStrategy(name), name);
  for (const text of ["", "seamless", "SEAMLESS ", "toString", "__proto__"]) {
    const error = refusal(() => parseStrategy(text));
    strictEqual(error.code, "BAD_REQUEST", text);
    strictEqual(error.hint.includes("AUTO_BACKFILL"), true);
  }
});
