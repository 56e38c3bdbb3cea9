/** SLA policies: presets, how a request overrides them, and what is left of a budget (spec §10). */

import { HistoryError } from "./errors.ts";
import type { Phase, SLAPolicy } from "./metadata.ts";
import { shown } from "./shown.ts";
import { SLA_PRESETS, type SlaPreset } from "./sla_presets.ts";

/** Every key of a policy: those of the presets, and the one that they leave as it is. */
const KEYS: readonly string[] = [...Object.keys(SLA_PRESETS.baseline), "max_sync_gap_bars"];

const PHASE_BUDGETS = ["max_wait_storage_ms", "max_wait_backfill_ms", "max_wait_live_ms"] as const;
const WHOLE_NUMBERS = [
  ...PHASE_BUDGETS,
  "total_deadline_ms",
  "retry_backoff_ms",
  "max_sync_gap_bars",
] as const;
const NULLABLE: ReadonlySet<string> = new Set(["max_sync_gap_bars", "min_coverage", "max_lag_seconds"]);
const ACTIONS: ReadonlySet<unknown> = new Set(["FAIL_FAST", "PARTIAL_FILL", "HOLD"]);

/**
 * The policy of one request: a preset replaces what is configured, single keys override it. A request's own
 * `total_deadline_ms` also raises phase budgets that are smaller and that it does not set. `BAD_REQUEST` for
 * unknown keys and impossible values.
 */
export function requestPolicy(
  configured: SLAPolicy,
  asked: Partial<SLAPolicy> | string | undefined,
): SLAPolicy {
  if (asked === undefined) return configured;
  if (typeof asked === "string") {
    if (!Object.hasOwn(SLA_PRESETS, asked)) throw badSla("preset", asked, "baseline or tolerant-partial");
    return { ...configured, ...SLA_PRESETS[asked as SlaPreset] };
  }
  if (asked === null || typeof asked !== "object") {
    throw badSla("preset", asked, "a policy or the name of a preset");
  }
  const policy: SLAPolicy = { ...configured };
  for (const [key, value] of Object.entries(asked)) {
    if (value === undefined) continue;
    if (!KEYS.includes(key)) throw badSla(key, value, "a key of SLAPolicy");
    checkValue(key as keyof SLAPolicy, value);
    Object.assign(policy, { [key]: value });
  }
  if (asked.total_deadline_ms !== undefined) {
    for (const phase of PHASE_BUDGETS) {
      if (asked[phase] === undefined) policy[phase] = Math.max(policy[phase], asked.total_deadline_ms);
    }
  }
  return policy;
}

/** The budget of a waiting phase by its own key, ms. */
export function phaseBudget(policy: SLAPolicy, phase: Exclude<Phase, "sync_gap">): number {
  switch (phase) {
    case "storage_wait":
      return policy.max_wait_storage_ms;
    case "backfill_wait":
      return policy.max_wait_backfill_ms;
    case "live_wait":
      return policy.max_wait_live_ms;
    case "total":
      return policy.total_deadline_ms;
  }
}

function checkValue(key: keyof SLAPolicy, value: unknown): void {
  if (value === null && NULLABLE.has(key)) return;
  if (key === "on_violation") {
    if (!ACTIONS.has(value)) throw badSla(key, value, "FAIL_FAST, PARTIAL_FILL or HOLD");
    return;
  }
  if (typeof value !== "number" || !(value >= 0) || value > 1e9) {
    throw badSla(key, value, "a number from 0 on");
  }
  if ((WHOLE_NUMBERS as readonly string[]).includes(key) && !Number.isInteger(value)) {
    throw badSla(key, value, "a whole number");
  }
  if (key === "min_coverage" && value > 1) throw badSla(key, value, "a number from 0 to 1");
}

function badSla(key: string, value: unknown, wanted: string): HistoryError {
  return new HistoryError(
    "BAD_REQUEST",
    `Cannot use sla ${key} = ${shown(value)}: it must be ${wanted}`,
    {
      hint: `Known keys: ${KEYS.join(", ")}; presets: ${Object.keys(SLA_PRESETS).join(", ")}`,
    },
  );
}
