import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { SLAPolicy } from "../../src/core/metadata.ts";
import { phaseBudget, requestPolicy } from "../../src/core/sla.ts";
import { refusal } from "../refusal.ts";

/** The defaults of the configuration contract. */
const CONFIGURED: SLAPolicy = {
  max_wait_storage_ms: 300,
  max_wait_backfill_ms: 5_000,
  max_wait_live_ms: 800,
  total_deadline_ms: 1_500,
  retry_backoff_ms: 500,
  max_sync_gap_bars: null,
  min_coverage: null,
  max_lag_seconds: null,
  on_violation: "PARTIAL_FILL",
};

Deno.test("requestPolicy() leaves the configured policy alone when nothing is asked", () => {
  deepStrictEqual(requestPolicy(CONFIGURED, undefined), CONFIGURED);
  deepStrictEqual(requestPolicy(CONFIGURED, {}), CONFIGURED);
  deepStrictEqual(requestPolicy(CONFIGURED, { min_coverage: undefined }), CONFIGURED);
});

Deno.test("requestPolicy() knows both presets, number by number (spec §10)", () => {
  deepStrictEqual(requestPolicy(CONFIGURED, "baseline"), {
    max_wait_storage_ms: 3_000,
    max_wait_backfill_ms: 45_000,
    max_wait_live_ms: 5_000,
    total_deadline_ms: 60_000,
    retry_backoff_ms: 500,
    max_sync_gap_bars: null,
    min_coverage: 0.98,
    max_lag_seconds: 45,
    on_violation: "FAIL_FAST",
  });
  deepStrictEqual(requestPolicy(CONFIGURED, "tolerant-partial"), {
    max_wait_storage_ms: 5_000,
    max_wait_backfill_ms: 75_000,
    max_wait_live_ms: 7_000,
    total_deadline_ms: 90_000,
    retry_backoff_ms: 1_000,
    max_sync_gap_bars: null,
    min_coverage: 0.9,
    max_lag_seconds: 90,
    on_violation: "PARTIAL_FILL",
  });
});

Deno.test("requestPolicy() overrides single keys and touches no other", () => {
  const policy = requestPolicy(CONFIGURED, { max_sync_gap_bars: 10, on_violation: "HOLD", min_coverage: 1 });
  deepStrictEqual(policy, { ...CONFIGURED, max_sync_gap_bars: 10, on_violation: "HOLD", min_coverage: 1 });
  strictEqual(CONFIGURED.max_sync_gap_bars, null);
});

Deno.test("requestPolicy() raises smaller phase budgets to a request's own total deadline", () => {
  const raised = requestPolicy(CONFIGURED, { total_deadline_ms: 20_000 });
  deepStrictEqual(
    [
      raised.max_wait_storage_ms,
      raised.max_wait_backfill_ms,
      raised.max_wait_live_ms,
      raised.total_deadline_ms,
    ],
    [20_000, 20_000, 20_000, 20_000],
  );
  const lower = requestPolicy(CONFIGURED, { total_deadline_ms: 1_000 });
  deepStrictEqual([lower.max_wait_storage_ms, lower.max_wait_backfill_ms, lower.max_wait_live_ms], [
    1_000,
    5_000,
    1_000,
  ]);
  const own = requestPolicy(CONFIGURED, { total_deadline_ms: 20_000, max_wait_backfill_ms: 7 });
  strictEqual(own.max_wait_backfill_ms, 7);
});

Deno.test("requestPolicy() lets null mean: not set, where a key allows it", () => {
  const strict = { ...CONFIGURED, max_sync_gap_bars: 5, min_coverage: 0.9, max_lag_seconds: 3 };
  deepStrictEqual(
    requestPolicy(strict, { max_sync_gap_bars: null, min_coverage: null, max_lag_seconds: null }),
    CONFIGURED,
  );
});

Deno.test("requestPolicy() refuses unknown keys, presets and impossible values with BAD_REQUEST", () => {
  const broken: unknown[] = [
    "fast",
    "toString",
    null,
    7,
    { total: 1 },
    { total_deadline_ms: -1 },
    { total_deadline_ms: NaN },
    { total_deadline_ms: Infinity },
    { total_deadline_ms: "1000" },
    { total_deadline_ms: 1.5 },
    { total_deadline_ms: null },
    { max_wait_live_ms: 0.5 },
    { max_sync_gap_bars: 1.5 },
    { min_coverage: 1.01 },
    { min_coverage: -0.1 },
    { max_lag_seconds: -1 },
    { on_violation: "hold" },
    { on_violation: null },
    { __proto__x: 1 },
  ];
  for (const asked of broken) {
    const error = refusal(() => requestPolicy(CONFIGURED, asked as Partial<SLAPolicy>));
    strictEqual(error.code, "BAD_REQUEST", JSON.stringify(asked));
    strictEqual(error.hint.includes("tolerant-partial"), true);
  }
});

Deno.test("phaseBudget() reads each phase's own key", () => {
  const phases = ["storage_wait", "backfill_wait", "live_wait", "total"] as const;
  deepStrictEqual(phases.map((phase) => phaseBudget(CONFIGURED, phase)), [300, 5_000, 800, 1_500]);
});

Deno.test("requestPolicy() keeps what a preset does not set", () => {
  const configured = { ...CONFIGURED, max_sync_gap_bars: 7 };
  strictEqual(requestPolicy(configured, "baseline").max_sync_gap_bars, 7);
});
