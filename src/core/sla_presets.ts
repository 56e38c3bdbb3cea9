/** The two named SLA policies (spec §10), for configuration, requests and sessions alike. */

import type { SLAPolicy } from "./metadata.ts";

/** What a preset sets; the rest keeps its default, and what a user writes beside the preset wins over it. */
export const SLA_PRESETS = {
  baseline: {
    max_wait_storage_ms: 3_000,
    max_wait_backfill_ms: 45_000,
    max_wait_live_ms: 5_000,
    total_deadline_ms: 60_000,
    retry_backoff_ms: 500,
    min_coverage: 0.98,
    max_lag_seconds: 45,
    on_violation: "FAIL_FAST",
  },
  "tolerant-partial": {
    max_wait_storage_ms: 5_000,
    max_wait_backfill_ms: 75_000,
    max_wait_live_ms: 7_000,
    total_deadline_ms: 90_000,
    retry_backoff_ms: 1_000,
    min_coverage: 0.9,
    max_lag_seconds: 90,
    on_violation: "PARTIAL_FILL",
  },
} as const satisfies Record<string, Partial<SLAPolicy>>;

/** The name of a preset. */
export type SlaPreset = keyof typeof SLA_PRESETS;
