/** The codes of surface §5, each with its HTTP status and exit code, and the problem document of each. */

import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { errorCodes, exitCodeOf, HistoryError, problemOf, statusOf } from "../../src/core/errors.ts";

/** Surface §5 as it is written there: codes, status, exit. `–`: never sent over HTTP. */
const SURFACE = `
BAD_REQUEST BAD_NODE_ID BAD_TIMEFRAME BAD_TIME CURSOR_INVALID UNKNOWN_DOMAIN CONTEXT_REQUIRED AS_OF_REQUIRED AS_OF_NOT_SETTLED 400, 2
CONFIG_INVALID –, 2
DOMAIN_DISABLED 400, 2
UNAUTHENTICATED 401, 1
FORBIDDEN 403, 1
NODE_UNKNOWN SYMBOL_UNKNOWN EXCHANGE_UNKNOWN SNAPSHOT_UNKNOWN SESSION_UNKNOWN LEASE_UNKNOWN JOB_UNKNOWN PIN_UNKNOWN NOT_FOUND 404, 1
METHOD_NOT_ALLOWED 405, 1
UNSUPPORTED_MEDIA 415, 2
RANGE_NOT_SATISFIABLE 416, 1
ARTIFACT_MISSING 404, 3
NOT_ACCEPTABLE 406, 2
COVERAGE_INCOMPLETE 409, 3
LEASE_HELD LEASE_LOST PUBLISH_CONFLICT 409, 1
ARTIFACT_COLLECTED CURSOR_EXPIRED 410, 1
RANGE_TOO_LARGE BODY_TOO_LARGE 413, 2
CONFORMANCE_BLOCKED 422, 1
RATE_LIMITED OVERLOADED 429, 75
INTERNAL 500, 1
VERIFY_FAILED 500, 4
EXCHANGE_REFUSED 502, 1
NOT_AVAILABLE 501, 1
EXCHANGE_UNAVAILABLE STORE_UNAVAILABLE ARTIFACT_STORE_UNAVAILABLE CLOCK_SKEW 503, 75
SLA_EXCEEDED 504, 5
CANCELLED 499, 130`;

Deno.test("each code has its status and its exit code of surface §5, and there are no others", () => {
  const expected = SURFACE.trim().split("\n").flatMap((line) => {
    const words = line.split(/,? /);
    const exit = Number(words.pop());
    const status = words.pop()!;
    return words.map((code) => [code, status === "–" ? 500 : Number(status), exit]);
  });
  const ours = errorCodes().map((code) => [code, statusOf(code), exitCodeOf(code)]);
  deepStrictEqual(ours.toSorted(), expected.toSorted());
});

Deno.test("problemOf() writes every field of the page, and leaves out what the failure does not have", () => {
  const plain = new HistoryError("BAD_TIME", "Cannot use start = 5.5", { hint: "Give whole seconds" });
  deepStrictEqual(problemOf(plain), {
    type: "urn:seamless:error:BAD_TIME",
    title: "bad time",
    status: 400,
    detail: "Cannot use start = 5.5",
    code: "BAD_TIME",
    hint: "Give whole seconds",
  });
  const details = { hint: "Wait", retryAfter: 7, phase: "total", budgetMs: 1_500, elapsedMs: 1_501 };
  const late = new HistoryError("SLA_EXCEEDED", "Too late", { ...details, ranges: [[0, 60]] });
  const { retry_after, ranges, phase, budget_ms, elapsed_ms } = problemOf(late);
  deepStrictEqual([retry_after, ranges, phase, budget_ms, elapsed_ms], [7, [[0, 60]], "total", 1_500, 1_501]);
});

Deno.test("problemOf() of what passes by itself always says when to come back", () => {
  for (const code of errorCodes().filter((code) => exitCodeOf(code) === 75)) {
    strictEqual(problemOf(new HistoryError(code, "not now", { hint: "later" })).retry_after! > 0, true, code);
  }
});
