import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { failedWrite, finalBorder } from "../../src/backfill/absorb.ts";
import type { TimeRange } from "../../src/core/time_range.ts";
import { absorbed, allTen, LATER, TEN, told, WINDOW } from "./absorbed.ts";
import { compute, MINUTES, NODE, replyOf, type Row, rowAt } from "./made.ts";

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
