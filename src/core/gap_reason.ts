/** The reasons of gaps (spec §4): which settle a slot, and which count as delivered. */

/** What an answered ledger row can say of the slots that it left without a bar. */
export type AnsweredReason =
  | "not_listed"
  | "delisted"
  | "beyond_source_history"
  | "absent_at_source"
  | "exchange_outage"
  | "no_trades"
  | "pending"
  | "quarantined";

/** Every reason that a gap can show. */
export type GapReason = AnsweredReason | "fetch_failed" | "not_yet_closed";

const SETTLED_REASONS = [
  "not_listed",
  "delisted",
  "beyond_source_history",
  "absent_at_source",
  "exchange_outage",
  "no_trades",
] as const;
const SETTLED: ReadonlySet<GapReason> = new Set(SETTLED_REASONS);

const EXPLAINED: ReadonlySet<GapReason> = new Set(["no_trades", "not_listed", "delisted"]);

/** A settled slot is complete without a bar: it never makes an answer incomplete. */
export function isSettled(reason: GapReason): boolean {
  return SETTLED.has(reason);
}

/** Counted as delivered by `explained_ratio`. */
export function isExplained(reason: GapReason): boolean {
  return EXPLAINED.has(reason);
}

/** Every reason, for parsing and documents. */
export const GAP_REASONS: readonly GapReason[] = [
  ...SETTLED_REASONS,
  "pending",
  "fetch_failed",
  "quarantined",
  "not_yet_closed",
];
