import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { findingsOf, type Rows } from "../../src/backfill/findings.ts";
import type { BarsReply } from "../../src/core/ports.ts";
import { SeededDice } from "../fake_clock.ts";
import { compute, MINUTES, replyOf, type Row, rowAt } from "./made.ts";

const WINDOW = { start: 0, end: 1_800, ask: [0, 1_800] as const };

/** Conforms rows. */
function conformed(rows: Rows, align: "reject" | "floor") {
  return compute.conform({ kind: "ohlcv", ...rows }, { grid: MINUTES, timeUnit: "s", align });
}

/** Rows with times of observation that follow from their values. */
function observed(columns: BarsReply["columns"]): Rows {
  return {
    columns,
    observedAt: columns.open.map((cell) => Number.isFinite(cell) ? (cell as number) % 7 : 3),
  };
}

function found(columns: BarsReply["columns"], align: "reject" | "floor" = "reject") {
  const rows = observed(columns);
  const report = conformed(rows, align);
  const recount = (some: Rows) => conformed(some, align).flags;
  return {
    report,
    findings: findingsOf({ flags: report.flags, rows, grid: MINUTES, window: WINDOW, recount }),
  };
}

/** A row with the faults that venues have, some of them at once. */
function oddRow(dice: SeededDice): Row {
  const row = rowAt(60 * Math.floor(dice.random() * 30));
  const odd = (share: number) => dice.random() < share;
  if (odd(0.1)) row[0] = (row[0] as number) + 7;
  if (odd(0.02)) row[0] = null;
  for (let cell = 1; cell < 6; cell++) {
    if (odd(0.05)) row[cell] = [null, NaN, Infinity][Math.floor(dice.random() * 3)];
  }
  if (odd(0.1)) row[2] = -5;
  if (odd(0.05)) row[5] = -1;
  return row;
}

Deno.test("findings sum to what conformance counted, flag by flag, on 1,000 random replies", () => {
  const dice = new SeededDice(21);
  for (let round = 0; round < 1_000; round++) {
    const rows = Array.from({ length: Math.floor(dice.random() * 40) }, () => oddRow(dice));
    const { columns } = replyOf(rows, { answered: [], askedAt: 1e6 });
    const { report, findings } = found(columns);
    const sums: Record<string, number> = {};
    for (const { flag, count } of findings) sums[flag] = (sums[flag] ?? 0) + count;
    const { gap: _, ...counted } = report.flags;
    deepStrictEqual(sums, { ...counted });
    findings.forEach(({ ts, count }, i) => {
      strictEqual(ts >= 0 && ts < 1_800 && ts % 60 === 0 && count > 0, true);
      strictEqual(i === 0 || findings[i - 1].ts <= ts, true);
    });
  }
});

for (const align of ["reject", "floor"] as const) {
  Deno.test(`findings of a slot are what conformance finds in its rows alone, align ${align}, on 300 random replies`, () => {
    const dice = new SeededDice(22);
    for (let round = 0; round < 300; round++) {
      const rows = Array.from({ length: Math.floor(dice.random() * 60) }, () => oddRow(dice))
        .filter(([ts]) => ts !== null);
      const columnsOf = (some: Row[]) => replyOf(some, { answered: [], askedAt: 1e6 }).columns;
      const { findings } = found(columnsOf(rows), align);
      const wanted: string[] = [];
      for (let slot = 0; slot < 1_800; slot += 60) {
        const inside = rows.filter(([ts]) => Math.floor(ts as number / 60) * 60 === slot);
        const { gap: _, ...flags } = conformed(observed(columnsOf(inside)), align).flags;
        for (const [flag, count] of Object.entries(flags)) wanted.push(`${slot} ${flag} ${count}`);
      }
      deepStrictEqual(findings.map(({ ts, flag, count }) => `${ts} ${flag} ${count}`).sort(), wanted.sort());
    }
  });
}

Deno.test("each finding stands at the slot that it was counted for", () => {
  const rows: Row[] = [rowAt(0), rowAt(67), rowAt(120), rowAt(120), [180, NaN, 5, 1, 2, null], [
    240,
    5,
    4,
    1,
    2,
    3,
  ]];
  const { findings } = found(replyOf(rows, { answered: [], askedAt: 1e6 }).columns);
  deepStrictEqual(findings.map(({ ts, flag, count, window }) => [ts, flag, count, ...window]), [
    [60, "misaligned_ts", 1, 0, 1_800],
    [120, "duplicate_ts", 1, 0, 1_800],
    [180, "non_finite", 2, 0, 1_800],
    [240, "ohlc_invariant", 1, 0, 1_800],
  ]);
});

Deno.test("what has no slot of its own stands at the first one that was asked", () => {
  const rows: Row[] = [["never", 1, 2, 1, 2, 1], [60, "1", 2, 1, 2, 1]];
  const { findings } = found(replyOf(rows, { answered: [], askedAt: 1e6 }).columns);
  deepStrictEqual(findings.map(({ ts, flag, count }) => [ts, flag, count]), [
    [0, "dtype_cast", 1],
    [0, "invalid_timestamp", 1],
  ]);
});
