/** Replies absorbed with a usual policy, for tests that name only what they are about. */

import { absorb, type AbsorbInput, type ConformancePolicy } from "../../src/backfill/absorb.ts";
import type { Window } from "../../src/backfill/plan.ts";
import { resolveLedger } from "../../src/core/gaps.ts";
import type { BarsReply, LedgerRow } from "../../src/core/ports.ts";
import { compute, MINUTES, NODE, replyOf, type Row } from "./made.ts";

export const POLICY: ConformancePolicy = {
  align: "reject",
  invariant: "flag",
  dtypePolicy: "strict",
  blocking: ["missing_column", "dtype_mismatch"],
  stabilizationBars: 2,
};
/** Ten minutes, asked whole, long after they were final. */
export const WINDOW: Window = { start: 0, end: 600, ask: [0, 600], slots: 10 };
export const LATER = 100_000;
export const TEN = Array.from({ length: 10 }, (_, i) => i * 60);

export function absorbed(
  reply: BarsReply,
  o: Partial<Omit<AbsorbInput, "reply" | "policy">> & { policy?: Partial<ConformancePolicy> } = {},
) {
  const input: AbsorbInput = {
    nodeId: NODE,
    grid: MINUTES,
    window: WINDOW,
    spans: [],
    source: "ccxt:fake",
    seenAtMs: 7,
    fence: { key: "k", generation: 3 },
    ...o,
    reply,
    policy: { ...POLICY, ...o.policy },
  };
  return absorb(input, compute);
}

export const allTen = (rows: readonly Row[], more: Partial<BarsReply> = {}) =>
  replyOf(rows, { answered: [[0, 600]], askedAt: LATER, ...more });

/** What the ledger rows of a write say, slot by slot, of the slots without a bar. */
export function told(rows: readonly LedgerRow[], slots: readonly number[]): Record<number, string> {
  const spans = resolveLedger(rows);
  return Object.fromEntries(
    slots.map((ts) => [ts, spans.find((span) => span.start <= ts && ts < span.end)?.reason ?? "nothing"]),
  );
}
