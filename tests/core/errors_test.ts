import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { errorCodes, exitCodeOf, HistoryError, problemOf } from "../../src/core/errors.ts";

Deno.test("what passes by itself says when to come back, everything else only where it knows", () => {
  for (const code of errorCodes()) {
    const { retry_after } = problemOf(new HistoryError(code, "Cannot do it", { hint: "Do this" }));
    strictEqual(retry_after !== undefined, exitCodeOf(code) === 75, code);
  }
});

Deno.test("a failure that knows better how long it takes is not overruled", () => {
  const asked = new HistoryError("RATE_LIMITED", "Cannot ask", { hint: "Wait", retryAfter: 40 });
  strictEqual(problemOf(asked).retry_after, 40);
});

Deno.test("a problem holds what the failure knows, and no empty fields", () => {
  const error = new HistoryError("SLA_EXCEEDED", "Cannot wait longer", {
    hint: "Give more time",
    phase: "total",
    budgetMs: 500,
    elapsedMs: 501,
  });
  deepStrictEqual(problemOf(error), {
    type: "urn:seamless:error:SLA_EXCEEDED",
    title: "sla exceeded",
    status: 504,
    detail: "Cannot wait longer",
    code: "SLA_EXCEEDED",
    hint: "Give more time",
    phase: "total",
    budget_ms: 500,
    elapsed_ms: 501,
  });
});
