import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  absorb,
  type AbsorbInput,
  type ConformancePolicy,
  failedWrite,
  finalBorder,
} from "../../src/backfill/absorb.ts";
import type { Window } from "../../src/backfill/plan.ts";
import { resolveLedger } from "../../src/core/gaps.ts";
import type { BarsReply, LedgerRow } from "../../src/core/ports.ts";
import type { TimeRange } from "../../src/core/time_range.ts";
import { compute, LATE_DAYS, ledgerRow, MINUTES, NODE, replyOf, type Row, rowAt } from "./made.ts";

const POLICY: ConformancePolicy = {
  align: "reject",
  invariant: "flag",
  dtypePolicy: "strict",
  blocking: ["missing_column", "dtype_mismatch"],
  stabilizationBars: 2,
};
/** Ten minutes, asked whole, long after they were final. */
const WINDOW: Window = { start: 0, end: 600, ask: [0, 600], slots: 10 };
const LATER = 100_000;
const TEN = Array.from({ length: 10 }, (_, i) => i * 60);

function absorbed(
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

const allTen = (rows: readonly Row[], more: Partial<BarsReply> = {}) =>
  replyOf(rows, { answered: [[0, 600]], askedAt: LATER, ...more });

/** What the ledger rows of a write say, slot by slot, of the slots without a bar. */
function told(rows: readonly LedgerRow[], slots: readonly number[]): Record<number, string> {
  const spans = resolveLedger(rows);
  return Object.fromEntries(
    slots.map((ts) => [ts, spans.find((span) => span.start <= ts && ts < span.end)?.reason ?? "nothing"]),
  );
}

Deno.test("absorb() of a whole final reply keeps every bar and says nothing is missing", () => {
  const { write, rows, blocked } = absorbed(allTen(TEN.map((ts) => rowAt(ts))));
  deepStrictEqual([...write.final.ts], TEN);
  strictEqual(write.provisional.ts.length, 0);
  strictEqual(rows, 10);
  strictEqual(blocked, null);
  deepStrictEqual(
    write.ledger.map(({ start, end, reason, bars, nextAsk, attempts }) => ({
      start,
      end,
      reason,
      bars,
      nextAsk,
      attempts,
    })),
    [{ start: 0, end: 600, reason: null, bars: 10, nextAsk: null, attempts: 1 }],
  );
  deepStrictEqual(write.answered, [[0, 600]]);
  deepStrictEqual(write.fence, { key: "k", generation: 3 });
  deepStrictEqual([write.observedAtMs, write.seenAtMs, write.cause], [LATER * 1000, 7, "refetch"]);
  deepStrictEqual([write.findings, write.conflicts, write.quarantine], [[], [], []]);
});

Deno.test("absorb() calls a slot that was left out absent_at_source once it is final by time, else pending", () => {
  // At 605 the slot [600, 660) forms; with two stabilization bars, slots from 480 on are not final.
  const reply = allTen([0, 60, 120, 240, 300, 360, 420, 480].map((ts) => rowAt(ts)), { askedAt: 605 });
  const { write } = absorbed(reply);
  deepStrictEqual([...write.final.ts], [0, 60, 120, 240, 300, 360, 420]);
  deepStrictEqual([...write.provisional.ts], [480]);
  const missing = told(write.ledger, [180, 540]);
  deepStrictEqual(missing, { 180: "absent_at_source", 540: "pending" });
  deepStrictEqual(write.ledger.map(({ start, end, nextAsk }) => [start, end, nextAsk]), [
    [0, 480, 605 + 600],
    [480, 600, 607],
  ]);
  strictEqual(write.finalUntil, 480);
});

Deno.test("finalBorder() leaves out the forming bar and as many closed ones as stabilization asks for", () => {
  deepStrictEqual([0, 1, 2, 5].map((bars) => finalBorder(605, MINUTES, bars)), [600, 540, 480, 300]);
  strictEqual(finalBorder(600, MINUTES, 2), 480);
  strictEqual(finalBorder(599.999, MINUTES, 2), 420);
});

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

Deno.test("absorb() sets broken bars aside under invariant: quarantine, and serves them flagged otherwise", () => {
  const broken: Row = [60, 10, 9, 8, 11, 5];
  const flagged = absorbed(allTen([rowAt(0), broken]));
  deepStrictEqual([...flagged.write.final.ts], [0, 60]);
  deepStrictEqual(flagged.write.findings.map(({ ts, flag, count }) => [ts, flag, count]), [[
    60,
    "ohlc_invariant",
    1,
  ]]);
  const strict = absorbed(allTen([rowAt(0), broken]), { policy: { invariant: "quarantine" } });
  deepStrictEqual([...strict.write.final.ts], [0]);
  strictEqual(told(strict.write.ledger, [60])[60], "quarantined");
});

Deno.test("absorb() refuses a reply that conformance blocks: nothing is written, the window is quarantined", () => {
  const { write, blocked, misalignedMost } = absorbed(allTen([rowAt(0), [60, "x", 1, 1, 1, 1]]));
  strictEqual(blocked, "dtype_mismatch=1");
  strictEqual(misalignedMost, false);
  deepStrictEqual([write.final.ts.length, write.provisional.ts.length, write.answered, write.findings], [
    0,
    0,
    [],
    [],
  ]);
  deepStrictEqual(
    write.ledger.map(({ start, end, reason, error, nextAsk }) => [start, end, reason, error, nextAsk]),
    [
      [0, 600, "quarantined", null, null],
    ],
  );
  deepStrictEqual(write.quarantine, [new Uint8Array([1, 2, 3])]);
});

Deno.test("absorb() blocks by the flags that the policy names, but never for holes", () => {
  const rows = [rowAt(0), rowAt(0), rowAt(540)];
  strictEqual(absorbed(allTen(rows), { policy: { blocking: ["duplicate_ts"] } }).blocked, "duplicate_ts=1");
  strictEqual(absorbed(allTen(rows), { policy: { blocking: ["gap"] } }).blocked, null);
});

Deno.test("absorb() stops a reply that is mostly off the grid, unless the policy floors it", () => {
  const rows = [rowAt(0), rowAt(73), rowAt(133)];
  const rejected = absorbed(allTen(rows));
  deepStrictEqual([rejected.misalignedMost, rejected.blocked], [true, "misaligned_ts=2"]);
  strictEqual(rejected.write.ledger[0].reason, "quarantined");
  const floored = absorbed(allTen(rows), { policy: { align: "floor" } });
  deepStrictEqual([floored.misalignedMost, floored.blocked], [false, null]);
  deepStrictEqual([...floored.write.final.ts], [0, 60, 120]);
  strictEqual(absorbed(allTen([rowAt(0), rowAt(73)])).misalignedMost, false);
});

Deno.test("absorb() keeps the later of two rows of one time and logs both where they differ", () => {
  const rows = [rowAt(-60), rowAt(0), rowAt(60), rowAt(60, 5), rowAt(120), rowAt(120)];
  const observedAt = [1_000, 1_001, 1_002, 1_003, 1_004, 1_005];
  const { write } = absorbed(allTen(rows, { observedAt }));
  deepStrictEqual([...write.final.ts], [0, 60, 120]);
  strictEqual(write.final.open[1], rowAt(60, 5)[1]);
  deepStrictEqual(write.findings.map(({ ts, flag, count }) => [ts, flag, count]), [
    [60, "duplicate_ts", 1],
    [60, "conflict", 1],
    [120, "duplicate_ts", 1],
  ]);
  // The row before the ask was left out: times must still be those of the rows that were sent.
  deepStrictEqual(
    write.conflicts.map(({ ts, values, observedAtMs, cause, kept }) => ({
      ts,
      open: values![0],
      observedAtMs,
      cause,
      kept,
    })),
    [
      { ts: 60, open: rowAt(60)[1], observedAtMs: 1_002_000, cause: "duplicate", kept: false },
      { ts: 60, open: rowAt(60, 5)[1], observedAtMs: 1_003_000, cause: "duplicate", kept: true },
    ],
  );
});

Deno.test("absorb() sums what it found to what conformance counted, flag by flag", () => {
  const rows: Row[] = [
    rowAt(0),
    rowAt(0, 1),
    [60, NaN, 3, 1, 2, null],
    [120, 1, 0.5, 2, 1, -1],
    rowAt(185),
    ["not a time", 1, 2, 1, 2, 1],
    [240, "101.5", "103", "100", "102", "7"],
  ];
  const reply = allTen(rows);
  const { write } = absorbed(reply);
  const sums: Record<string, number> = {};
  for (const { flag, count } of write.findings) sums[flag] = (sums[flag] ?? 0) + count;
  const { flags } = compute.conform({ kind: "ohlcv", columns: reply.columns, observedAt: reply.observedAt }, {
    grid: MINUTES,
    timeUnit: "s",
  });
  delete flags.gap;
  deepStrictEqual(sums, flags);
  strictEqual(Object.keys(sums).length >= 6, true, JSON.stringify(sums));
  strictEqual(write.findings.every(({ ts }) => ts >= 0 && ts < 600 && ts % 60 === 0), true);
});

Deno.test("absorb() drops the forming bar in silence and rows after it with a warning", () => {
  const ask: TimeRange = [0, 600];
  const rows = [rowAt(0), rowAt(600), rowAt(660), rowAt(99_960)];
  const { write } = absorbed(replyOf(rows, { answered: [ask], askedAt: 612 }));
  deepStrictEqual([...write.final.ts], [0]);
  deepStrictEqual(write.findings.map(({ ts, flag, count }) => [ts, flag, count]), [
    [540, "warning: 2 rows after the forming bar were dropped", 1],
  ]);
  const quiet = absorbed(replyOf([rowAt(0), rowAt(600)], { answered: [ask], askedAt: 612 }));
  deepStrictEqual(quiet.write.findings, []);
});

Deno.test("absorb() leaves out rows beside the question, as numbers and as text", () => {
  const rows: Row[] = [rowAt(0), rowAt(60), rowAt(120), ["1970-01-01T00:09:00Z", 1, 2, 1, 2, 1], [
    "0",
    1,
    2,
    1,
    2,
    1,
  ]];
  const { write } = absorbed(allTen(rows), { window: { start: 0, end: 600, ask: [60, 180], slots: 2 } });
  deepStrictEqual([...write.final.ts], [60, 120]);
});

Deno.test("absorb() keeps the venue's own warnings with the rows that they concern", () => {
  const { write } = absorbed(
    allTen(TEN.map((ts) => rowAt(ts)), { warnings: ["the venue's clock is 9 s off"] }),
  );
  deepStrictEqual(write.findings.map(({ ts, flag }) => [ts, flag]), [[
    540,
    "warning: the venue's clock is 9 s off",
  ]]);
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

Deno.test("absorb() of an empty reply is an answer, not the end", () => {
  const { write, rows } = absorbed(allTen([]));
  strictEqual(rows, 0);
  deepStrictEqual(write.ledger.map(({ start, end, reason, bars }) => [start, end, reason, bars]), [
    [0, 600, "absent_at_source", 0],
  ]);
});

Deno.test("failedWrite() covers nothing and keeps the last error", () => {
  const write = failedWrite(
    { nodeId: NODE, window: WINDOW, source: "ccxt:fake", seenAtMs: 9, fence: null },
    { askedAt: 5.5, attempts: 4, error: "EXCHANGE_UNAVAILABLE: away" },
  );
  deepStrictEqual([write.final.ts.length, write.answered, write.findings, write.replySha256], [
    0,
    [],
    [],
    null,
  ]);
  deepStrictEqual(write.ledger, [{
    start: 0,
    end: 600,
    source: "ccxt:fake",
    askedAt: 5.5,
    firstAskedAt: 5.5,
    bars: 0,
    attempts: 4,
    reason: null,
    error: "EXCHANGE_UNAVAILABLE: away",
    nextAsk: null,
    replySha256: null,
    window: [0, 600],
  }]);
});
