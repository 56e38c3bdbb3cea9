import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { dueSlots, gapsOf, openSlots, spanAt, viewOf } from "../../src/backfill/node_view.ts";
import { isSettled } from "../../src/core/gap_reason.ts";
import type { AnsweredReason, GapReason } from "../../src/core/gap_reason.ts";
import type { LedgerRow, NodeState } from "../../src/core/ports.ts";
import { type Grid, slotOf, slotStart } from "../../src/core/timeframe.ts";
import { type Ranges, type TimeRange, toPairs } from "../../src/core/time_range.ts";
import { SeededDice } from "../fake_clock.ts";
import { compute, LATE_DAYS, ledgerRow, MINUTES, MONTHS, stateOf } from "./made.ts";

const REASONS: (AnsweredReason | null)[] = [
  null,
  "pending",
  "absent_at_source",
  "not_listed",
  "quarantined",
  "delisted",
];

interface Scene {
  grid: Grid;
  state: NodeState;
  range: TimeRange;
  slots: number[];
  now: number;
}

function randomScene(dice: SeededDice, grid: Grid): Scene {
  const below = (n: number) => Math.floor(dice.random() * n);
  const base = slotOf(1_700_000_000, grid);
  const width = 4 + below(20);
  const slots = Array.from({ length: width }, (_, i) => base + i);
  const at = (slot: number) => slotStart(slot, grid);
  const now = at(base + width + below(2)) + 1;
  const kinds = slots.map(() => below(4));
  const ledger = Array.from({ length: below(7) }, (_, i): LedgerRow => {
    const from = base + below(width);
    const to = from + 1 + below(base + width - from);
    const askedAt = now - (at(base + 3) - at(base)) * dice.random() + i * 1e-3;
    const nextAsk = [null, now - 1, now + 1, now][below(4)];
    const failed = below(5) === 0;
    return ledgerRow([at(from), at(to)], {
      askedAt,
      nextAsk,
      reason: failed ? null : REASONS[below(REASONS.length)],
      error: failed ? "EXCHANGE_UNAVAILABLE: away" : null,
    });
  }).sort((a, b) => a.askedAt - b.askedAt);
  const state = stateOf({
    grid,
    final: slots.filter((_, i) => kinds[i] === 0).map(at),
    provisional: slots.filter((_, i) => kinds[i] === 1).map(at),
    ledger,
  });
  return { grid, state, range: [at(base), at(base + width)], slots, now };
}

/** One slot, judged by the words of spec §1 and §4. */
function judgeSlot(slot: number, { grid, state, now }: Scene) {
  const t = slotStart(slot, grid);
  const over = state.ledger.filter((row) => row.start <= t && t < row.end);
  const row = over.filter((one) => one.error === null).at(-1) ?? over.at(-1) ?? null;
  const reason: GapReason = row === null
    ? "pending"
    : row.error !== null
    ? "fetch_failed"
    : row.reason ?? "pending";
  const final = toPairs(state.final).some(([start, end]) => start <= t && t < end);
  const provisional = state.provisional.ts.includes(t);
  const hasBar = final || provisional;
  const fresh = provisional && row !== null && slotOf(row.askedAt, grid) >= slotOf(now, grid);
  const settled = !hasBar && isSettled(reason);
  const open = !final && !fresh && !settled;
  const rests = reason === "quarantined" ||
    (reason === "pending" && !hasBar && row !== null && row.nextAsk !== null && row.nextAsk > now);
  const fallenDue = settled && row !== null && row.nextAsk !== null && row.nextAsk <= now;
  return {
    hasBar,
    settled,
    covered: final || settled,
    open,
    askNow: open && !rests,
    due: (open && !rests) || fallenDue,
  };
}

/** The slots of `slots` that lie inside the ranges. */
function slotsIn(ranges: Ranges, slots: readonly number[], grid: Grid): number[] {
  const pairs = toPairs(ranges);
  return slots.filter((slot) =>
    pairs.some(([start, end]) => start <= slotStart(slot, grid) && slotStart(slot, grid) < end)
  );
}

for (const [name, grid] of Object.entries({ MINUTES, MONTHS, LATE_DAYS })) {
  Deno.test(`a node's view agrees with a slot-by-slot twin on 700 random states (${name})`, () => {
    const dice = new SeededDice(70 + name.length);
    for (let round = 0; round < 700; round++) {
      const scene = randomScene(dice, grid);
      const { state, range, slots, now } = scene;
      const view = viewOf(state, compute);
      const judged = slots.map((slot) => ({ slot, ...judgeSlot(slot, scene) }));
      const where = (is: "hasBar" | "settled" | "covered" | "open" | "askNow" | "due") =>
        judged.filter((one) => one[is]).map((one) => one.slot);
      deepStrictEqual(slotsIn(view.withBar, slots, grid), where("hasBar"));
      deepStrictEqual(slotsIn(view.settled, slots, grid), where("settled"));
      deepStrictEqual(slotsIn(view.covered, slots, grid), where("covered"));
      deepStrictEqual(slotsIn(openSlots(view, range, now, compute), slots, grid), where("open"));
      deepStrictEqual(
        slotsIn(dueSlots(view, range, { now, scope: "open" }, compute), slots, grid),
        where("askNow"),
      );
      deepStrictEqual(
        slotsIn(dueSlots(view, range, { now, scope: "due" }, compute), slots, grid),
        where("due"),
      );
      deepStrictEqual(slotsIn(dueSlots(view, range, { now, scope: "all" }, compute), slots, grid), slots);
      deepStrictEqual(
        gapsOf(view, range, compute).reduce(
          (sum, gap) => sum + slotOf(gap.end, grid) - slotOf(gap.start, grid),
          0,
        ),
        judged.filter((one) => !one.hasBar).length,
      );
    }
  });
}

Deno.test("viewOf() is made once per state", () => {
  const state = stateOf({ grid: MINUTES, final: [0, 60] });
  strictEqual(viewOf(state, compute), viewOf(state, compute));
  const other = { ...state };
  strictEqual(viewOf(other, compute) === viewOf(state, compute), false);
});

Deno.test("a provisional bar counts until the next bar closes, then it is asked again", () => {
  const state = stateOf({
    grid: MINUTES,
    final: [0],
    provisional: [60, 120],
    ledger: [ledgerRow([0, 180], { askedAt: 185 })],
  });
  const view = viewOf(state, compute);
  deepStrictEqual(toPairs(openSlots(view, [0, 180], 239, compute)), []);
  deepStrictEqual(toPairs(openSlots(view, [0, 180], 240, compute)), [[60, 180]]);
});

Deno.test("a hole that waits for its next try does not keep the provisional bars beside it from being asked", () => {
  const pending = ledgerRow([60, 240], { askedAt: 245, reason: "pending", nextAsk: 305, attempts: 6 });
  const state = stateOf({ grid: MINUTES, final: [0], provisional: [60, 180], ledger: [pending] });
  const due = dueSlots(viewOf(state, compute), [0, 240], { now: 301, scope: "open" }, compute);
  deepStrictEqual(toPairs(due), [[60, 120], [180, 240]]);
});

Deno.test("spanAt() finds the span that holds a time, and null beside them", () => {
  const state = stateOf({
    grid: MINUTES,
    ledger: [ledgerRow([60, 120], { askedAt: 1 }), ledgerRow([180, 240], { askedAt: 2 })],
  });
  const { spans } = viewOf(state, compute);
  deepStrictEqual([0, 59, 60, 119, 120, 179, 180, 239, 240].map((t) => spanAt(spans, t)?.start ?? null), [
    null,
    null,
    60,
    60,
    null,
    null,
    180,
    180,
    null,
  ]);
});
