import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { Window } from "../../src/backfill/plan.ts";
import { resolveLedger } from "../../src/core/gaps.ts";
import type { BarsReply } from "../../src/core/ports.ts";
import { absorbed, allTen, LATER, told, WINDOW } from "./absorbed.ts";
import { LATE_DAYS, ledgerRow, replyOf, type Row, rowAt } from "./made.ts";

Deno.test("absorb() asks an absent slot again after 10 min, 1 h, 1 d, 7 d, then monthly", () => {
  const pauses: number[] = [];
  let spans = resolveLedger([]);
  for (let attempt = 1; attempt <= 6; attempt++) {
    const { write } = absorbed(allTen([rowAt(0)]), { spans });
    const row = write.ledger[0];
    strictEqual(row.attempts, attempt);
    pauses.push(row.nextAsk! - LATER);
    spans = resolveLedger([row]);
  }
  deepStrictEqual(pauses, [600, 3_600, 86_400, 604_800, 2_592_000, 2_592_000]);
});

Deno.test("absorb() asks a pending slot again after 2, 4, 8 s … and at most one interval", () => {
  const pauses: number[] = [];
  let spans = resolveLedger([]);
  for (let attempt = 1; attempt <= 8; attempt++) {
    const { write } = absorbed(
      replyOf([], { answered: [[540, 600]], askedAt: 601 }),
      { spans, window: { ...WINDOW, ask: [540, 600], slots: 1 } },
    );
    pauses.push(write.ledger[0].nextAsk! - 601);
    spans = resolveLedger(write.ledger);
  }
  deepStrictEqual(pauses, [2, 4, 8, 16, 32, 60, 60, 60]);
});

Deno.test("absorb() counts attempts by slot: a slot newly absent beside an old one has its own pause", () => {
  const old = ledgerRow([0, 300], { askedAt: 5, reason: "absent_at_source", attempts: 3, nextAsk: 9 });
  const { write } = absorbed(allTen([rowAt(60)]), { spans: resolveLedger([old]) });
  deepStrictEqual(
    write.ledger.map(({ start, end, attempts, nextAsk }) => [start, end, attempts, nextAsk! - LATER]),
    [
      [0, 300, 4, 604_800],
      [300, 600, 1, 600],
    ],
  );
});

Deno.test("absorb() remembers the first ask of a slot that is asked again alone, and gives new holes their own", () => {
  const old = ledgerRow([0, 600], { askedAt: 5, firstAskedAt: 2, reason: "absent_at_source", attempts: 1 });
  const alone = absorbed(replyOf([], { answered: [[60, 120]], askedAt: LATER }), {
    spans: resolveLedger([old]),
    window: { ...WINDOW, ask: [60, 120], slots: 1 },
  });
  deepStrictEqual(alone.write.ledger.map(({ firstAskedAt, attempts }) => [firstAskedAt, attempts]), [[2, 2]]);
  strictEqual(absorbed(allTen([rowAt(0)])).write.ledger[0].firstAskedAt, LATER);
});

Deno.test("absorb() forgets the tries of pending when a slot becomes absent, and those of absence when it is quarantined", () => {
  const spans = resolveLedger([
    ledgerRow([0, 600], { askedAt: 5, reason: "pending", attempts: 9, nextAsk: 6 }),
  ]);
  const { write } = absorbed(allTen([]), { spans });
  deepStrictEqual(write.ledger.map(({ reason, attempts }) => [reason, attempts]), [["absent_at_source", 1]]);
});

Deno.test("absorb() takes the venue's own reasons: not_listed is due weekly, delisted and beyond_source_history never", () => {
  const absent: BarsReply["absent"] = [
    { start: -600, end: 120, reason: "not_listed" },
    { start: 480, end: 540, reason: "delisted" },
    { start: 540, end: 9_000, reason: "beyond_source_history" },
  ];
  const { write } = absorbed(allTen([rowAt(120)], { absent }));
  deepStrictEqual(told(write.ledger, [0, 60, 180, 420, 480, 540]), {
    0: "not_listed",
    60: "not_listed",
    180: "absent_at_source",
    420: "absent_at_source",
    480: "delisted",
    540: "beyond_source_history",
  });
  const byReason = Object.fromEntries(write.ledger.map((row) => [row.reason, row]));
  deepStrictEqual([byReason.not_listed.start, byReason.not_listed.end, byReason.not_listed.nextAsk], [
    0,
    120,
    LATER + 604_800,
  ]);
  deepStrictEqual([byReason.delisted.nextAsk, byReason.beyond_source_history.nextAsk], [null, null]);
  deepStrictEqual([byReason.beyond_source_history.end], [600]);
});

Deno.test("absorb() withdraws nothing where the venue can have no bar or shows none so far back", () => {
  const absent: BarsReply["absent"] = [{ start: 0, end: 300, reason: "beyond_source_history" }];
  const { write } = absorbed(allTen([rowAt(300)], { absent }));
  deepStrictEqual(write.answered, [[300, 600]]);
});

Deno.test("absorb() never answers beyond what was asked", () => {
  const { write } = absorbed(
    replyOf([rowAt(60)], { answered: [[-6_000, 9_000]], askedAt: LATER }),
    { window: { start: 0, end: 600, ask: [60, 180], slots: 2 } },
  );
  deepStrictEqual(write.answered, [[60, 180]]);
  deepStrictEqual(write.ledger.map(({ start, end }) => [start, end]), [[60, 180]]);
});

Deno.test("absorb() leaves what the venue did not speak of open, with the reason why", () => {
  const { write } = absorbed(replyOf([rowAt(0)], { answered: [[0, 300]], askedAt: LATER }));
  deepStrictEqual(told(write.ledger, [60, 300, 540]), {
    60: "absent_at_source",
    300: "fetch_failed",
    540: "fetch_failed",
  });
  const failed = write.ledger.find((row) => row.error !== null)!;
  strictEqual(failed.error!.startsWith("EXCHANGE_UNAVAILABLE: "), true);
  deepStrictEqual(write.answered, [[0, 300]]);
});

Deno.test("absorb() quarantines a slot whose only row was set aside, and keeps the raw reply", () => {
  const rows: Row[] = [rowAt(0), rowAt(73), [120, null, null, null, null, null], rowAt(180)];
  const { write } = absorbed(allTen(rows));
  deepStrictEqual([...write.final.ts], [0, 180]);
  deepStrictEqual(told(write.ledger, [60, 120, 240]), {
    60: "quarantined",
    120: "quarantined",
    240: "absent_at_source",
  });
  deepStrictEqual(write.quarantine, [new Uint8Array([1, 2, 3])]);
  strictEqual(write.replySha256, "ab".repeat(32));
  deepStrictEqual(
    write.findings.map(({ ts, flag, count }) => [ts, flag, count]),
    [[60, "misaligned_ts", 1], [120, "non_finite", 5]],
  );
});

Deno.test("absorb() does not quarantine a slot that has a sound row beside the one set aside", () => {
  const { write } = absorbed(allTen([rowAt(0), rowAt(17), rowAt(60)]));
  deepStrictEqual([...write.final.ts], [0, 60]);
  strictEqual(write.ledger.some((row) => row.reason === "quarantined"), false);
  deepStrictEqual(write.quarantine, []);
});

Deno.test("absorb() speaks only of whole slots of the node's grid, whatever grid was asked on", () => {
  const day = 86_400;
  // Asked from midnight to midnight; the days of this venue open at 16:00.
  const window: Window = { start: 0, end: 10 * day, ask: [0, 4 * day], slots: 4 };
  const opens = [57_600, day + 57_600, 3 * day + 57_600];
  const reply = replyOf(opens.map((ts) => rowAt(ts)), { answered: [[0, 4 * day]], askedAt: 100 * day });
  const { write } = absorbed(reply, { grid: LATE_DAYS, window });
  deepStrictEqual([...write.final.ts], opens);
  deepStrictEqual(write.ledger.map(({ start, end, reason }) => [start, end, reason]), [
    [57_600, 3 * day + 57_600, "absent_at_source"],
  ]);
  deepStrictEqual(write.answered, [[57_600, 3 * day + 57_600]]);
});
