import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  explainMissing,
  type FoundGap,
  joinFound,
  ratiosOf,
  resolveLedger,
  sumGaps,
} from "../../src/core/gaps.ts";
import {
  type AnsweredReason,
  GAP_REASONS,
  type GapReason,
  isExplained,
  isSettled,
} from "../../src/core/gap_reason.ts";
import type { LedgerRow } from "../../src/core/ports.ts";
import { type Grid, slotOf, slotStart } from "../../src/core/timeframe.ts";
import { type TimeRange, toRanges } from "../../src/core/time_range.ts";
import { SeededDice } from "../fake_clock.ts";

const MINUTES: Grid = { step: 60, anchor: 0 };
const MONTHS: Grid = { unit: "month" };
/** Daily bars of a venue whose days open at 16:00 UTC. */
const LATE_DAYS: Grid = { step: 86_400, anchor: 57_600 };

function ledgerRow(
  [start, end]: TimeRange,
  o: { askedAt: number; reason?: AnsweredReason | null; error?: string },
): LedgerRow {
  return {
    start,
    end,
    source: "ccxt:test",
    askedAt: o.askedAt,
    firstAskedAt: o.askedAt,
    bars: 0,
    attempts: 1,
    reason: o.reason ?? null,
    error: o.error ?? null,
    nextAsk: null,
    replySha256: null,
    window: [start, end],
  };
}

/** Spec §4, word by word: the newest answered row over the slot, else fetch_failed where an ask failed, else pending. */
function twinReason(t: number, ledger: readonly LedgerRow[]): { reason: GapReason; row: LedgerRow | null } {
  const over = ledger.filter((row) => row.start <= t && t < row.end);
  const answered = over.filter((row) => row.error === null);
  if (answered.length > 0) {
    const row = answered[answered.length - 1];
    return { reason: row.reason ?? "pending", row };
  }
  return over.length > 0
    ? { reason: "fetch_failed", row: over[over.length - 1] }
    : { reason: "pending", row: null };
}

/** Gaps slot by slot: neighbours with one reason become one gap, whose row is the newest among them. */
function twinGaps(missingSlots: number[], ledger: readonly LedgerRow[], grid: Grid): FoundGap[] {
  const gaps: FoundGap[] = [];
  for (const slot of missingSlots) {
    const start = slotStart(slot, grid);
    const { reason, row } = twinReason(start, ledger);
    const last = gaps.at(-1);
    if (last === undefined || last.end !== start || last.reason !== reason) {
      gaps.push({ start, end: slotStart(slot + 1, grid), reason, row });
      continue;
    }
    last.end = slotStart(slot + 1, grid);
    if (row !== null && (last.row === null || row.askedAt > last.row.askedAt)) last.row = row;
  }
  return gaps;
}

const ANSWERED = GAP_REASONS.filter((reason) => reason !== "fetch_failed" && reason !== "not_yet_closed");

function randomLedger(dice: SeededDice, grid: Grid, slots: number): LedgerRow[] {
  const below = (n: number) => Math.floor(dice.random() * n);
  const base = slotOf(1_700_000_000, grid);
  return Array.from({ length: below(12) }, (_, index) => {
    const from = below(slots);
    const to = from + (below(8) === 0 ? 0 : 1 + below(slots - from));
    const range: TimeRange = [slotStart(base + from, grid), slotStart(base + to, grid)];
    const kind = below(10);
    if (kind < 3) return ledgerRow(range, { askedAt: 1_000 + index, error: "EXCHANGE_UNAVAILABLE: away" });
    const reason = kind < 5 ? null : ANSWERED[below(ANSWERED.length)] as AnsweredReason;
    // Two asks of one moment happen too: the later written one is the newer one.
    return ledgerRow(range, { askedAt: 1_000 + (below(3) === 0 ? index - 1 : index), reason });
  }).sort((a, b) => a.askedAt - b.askedAt);
}

for (const [name, grid] of Object.entries({ MINUTES, MONTHS, LATE_DAYS })) {
  Deno.test(`explainMissing() agrees with a slot-by-slot twin on 1,000 random ledgers (${name})`, () => {
    const dice = new SeededDice(name.length);
    const base = slotOf(1_700_000_000, grid);
    for (let round = 0; round < 1_000; round++) {
      const slots = 1 + Math.floor(dice.random() * 40);
      const ledger = randomLedger(dice, grid, slots);
      const density = dice.random();
      const missingSlots: number[] = [];
      for (let slot = base - 3; slot < base + slots + 3; slot++) {
        if (dice.random() < density) missingSlots.push(slot);
      }
      const missing = toRanges(
        runsOf(missingSlots).map(([from, to]): TimeRange => [
          slotStart(from, grid),
          slotStart(to, grid),
        ]),
      );
      deepStrictEqual(explainMissing(missing, resolveLedger(ledger)), twinGaps(missingSlots, ledger, grid));
    }
  });
}

function runsOf(slots: number[]): [number, number][] {
  const runs: [number, number][] = [];
  for (const slot of slots) {
    const last = runs.at(-1);
    if (last !== undefined && last[1] === slot) last[1] = slot + 1;
    else runs.push([slot, slot + 1]);
  }
  return runs;
}

Deno.test("resolveLedger() gives disjoint ascending spans that say what the newest answer over each slot says", () => {
  const dice = new SeededDice(5);
  for (let round = 0; round < 500; round++) {
    const ledger = randomLedger(dice, MINUTES, 30);
    const spans = resolveLedger(ledger);
    spans.forEach((span, i) => {
      strictEqual(span.start < span.end, true);
      strictEqual(i === 0 || spans[i - 1].end <= span.start, true);
      for (let t = span.start; t < span.end; t += 60) {
        deepStrictEqual({ reason: span.reason, row: span.row }, twinReason(t, ledger));
      }
    });
    const painted = spans.reduce((sum, span) => sum + span.end - span.start, 0) / 60;
    const base = slotOf(1_700_000_000, MINUTES);
    let touched = 0;
    for (let slot = base; slot < base + 61; slot++) {
      if (twinReason(slot * 60, ledger).row !== null) touched++;
    }
    strictEqual(painted, touched);
  }
});

Deno.test("a failed ask never replaces a settled reason, however new it is", () => {
  const ledger = [
    ledgerRow([0, 600], { askedAt: 1, reason: "absent_at_source" }),
    ledgerRow([0, 900], { askedAt: 2, error: "EXCHANGE_UNAVAILABLE: away" }),
  ];
  deepStrictEqual(
    explainMissing(toRanges([[0, 900]]), resolveLedger(ledger)).map((
      { start, end, reason },
    ) => [start, end, reason]),
    [[0, 600, "absent_at_source"], [600, 900, "fetch_failed"]],
  );
});

Deno.test("a slot that nobody asked for is pending, and so is one whose answer brought a bar that is no longer there", () => {
  const ledger = [ledgerRow([60, 120], { askedAt: 1, reason: null })];
  deepStrictEqual(
    explainMissing(toRanges([[0, 180]]), resolveLedger(ledger)).map(({ start, end, reason }) => [
      start,
      end,
      reason,
    ]),
    [[0, 180, "pending"]],
  );
  deepStrictEqual(explainMissing(toRanges([[0, 60]]), []), [{
    start: 0,
    end: 60,
    reason: "pending",
    row: null,
  }]);
  deepStrictEqual(explainMissing(toRanges([]), resolveLedger(ledger)), []);
});

Deno.test("resolveLedger() stays quick over 100,000 rows that all overlap", () => {
  const rows = Array.from(
    { length: 100_000 },
    (_, i) => ledgerRow([i * 60, (i + 50) * 60], { askedAt: i, reason: "absent_at_source" }),
  );
  const spans = resolveLedger(rows);
  strictEqual(spans.length, 100_000);
  strictEqual(spans[0].row, rows[0]);
  strictEqual(spans[50].row, rows[50]);
  strictEqual(spans.at(-1)!.end, (99_999 + 50) * 60);
});

Deno.test("sumGaps() counts slots, missing, open and explained ones; not_listed counts as delivered (spec §4)", () => {
  const gap = (start: number, end: number, reason: GapReason): FoundGap => ({
    start,
    end,
    reason,
    row: null,
  });
  const gaps = [
    gap(0, 600, "not_listed"),
    gap(600, 720, "absent_at_source"),
    gap(900, 960, "pending"),
    gap(960, 1_020, "no_trades"),
    gap(1_020, 1_080, "quarantined"),
    gap(1_080, 1_140, "delisted"),
  ];
  const sums = sumGaps(gaps, [0, 6_000], MINUTES);
  deepStrictEqual(sums, { slots: 100, missing: 16, open: 2, explained: 12 });
  deepStrictEqual(ratiosOf(sums), { coverage: 0.84, explained: 0.96 });
});

Deno.test("sumGaps() counts months, not seconds", () => {
  const [january, march, june] = [0, 2, 5].map((month) => Date.UTC(2024, month, 1) / 1000);
  const gaps: FoundGap[] = [{ start: january, end: march, reason: "absent_at_source", row: null }];
  deepStrictEqual(sumGaps(gaps, [january, june], MONTHS), { slots: 5, missing: 2, open: 0, explained: 0 });
});

Deno.test("ratiosOf() is 1 over a range without slots", () => {
  deepStrictEqual(ratiosOf(sumGaps([], [600, 600], MINUTES)), { coverage: 1, explained: 1 });
});

Deno.test("every reason is open or settled as spec §4's table says", () => {
  const settled = [
    "not_listed",
    "delisted",
    "beyond_source_history",
    "absent_at_source",
    "exchange_outage",
    "no_trades",
  ];
  deepStrictEqual(GAP_REASONS.filter(isSettled), settled);
  deepStrictEqual(GAP_REASONS.filter(isExplained), ["not_listed", "delisted", "no_trades"]);
  strictEqual(new Set(GAP_REASONS).size, 10);
});

Deno.test("joinFound() puts gaps in order, and joins neighbours of one reason under the newest row", () => {
  const [old, young] = [1, 2].map((askedAt) => ledgerRow([0, 60], { askedAt, reason: "absent_at_source" }));
  const gap = (
    start: number,
    end: number,
    row: LedgerRow | null,
    reason: GapReason = "absent_at_source",
  ) => ({
    start,
    end,
    reason,
    row,
  });
  deepStrictEqual(
    joinFound([gap(120, 180, young), gap(0, 60, null), gap(60, 120, old), gap(180, 240, null, "pending")]),
    [gap(0, 180, young), gap(180, 240, null, "pending")],
  );
  deepStrictEqual(joinFound([]), []);
});
