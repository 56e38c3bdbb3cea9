/** The ledger: what was asked and answered, kept as short as what it says. Every bar store must do this. */

import assert from "node:assert/strict";
import type { BarStore, LedgerRow } from "../../src/core/ports.ts";
import { barsAt, minutes, NODE, rowOf, STEP, writeOf } from "./bar_store_samples.ts";
import type { BarStoreCheck } from "./bar_store_samples.ts";

const WINDOW = [0, 54_000] as const;

/** Writes rows of the window, each in a write of its own. */
async function ask(store: BarStore, ...rows: LedgerRow[]): Promise<void> {
  for (const row of rows) await store.commit(writeOf([], { window: row.window, ledger: [row] }));
}

const inWindow = (range: readonly [number, number], more: Partial<LedgerRow> = {}) =>
  rowOf(range, { window: WINDOW, ...more });
const absent = (range: readonly [number, number], more: Partial<LedgerRow> = {}) =>
  inWindow(range, { bars: 0, reason: "absent_at_source", nextAsk: 99, ...more });
const failed = (range: readonly [number, number], more: Partial<LedgerRow> = {}) =>
  inWindow(range, { bars: 0, error: "EXCHANGE_UNAVAILABLE: reset", ...more });

async function ledgerOf(store: BarStore): Promise<LedgerRow[]> {
  return (await store.state(NODE))!.ledger;
}

/** What is left of a ledger, told by range, reason or error, and times asked. */
async function told(store: BarStore): Promise<(string | number | null)[][]> {
  return (await ledgerOf(store)).map((
    { start, end, reason, error, askedAt },
  ) => [start, end, reason ?? error, askedAt]);
}

export const LEDGER_CHECKS: Record<string, BarStoreCheck> = {
  "a ledger row comes back as it was written": async ({ store, second }) => {
    const row: LedgerRow = {
      start: -120,
      end: 60,
      source: "binance",
      askedAt: 1_700_000_000.123,
      firstAskedAt: 1_600_000_000.25,
      bars: 2,
      attempts: 3,
      reason: "exchange_outage",
      error: null,
      nextAsk: 1_700_000_600.5,
      replySha256: "ab".repeat(32),
      window: [-54_000, 0],
    };
    const lost = failed([60, 120], { error: "EXCHANGE_UNAVAILABLE: “reset”", nextAsk: null });
    await store.commit(writeOf([], { ledger: [row, lost] }));
    assert.deepEqual((await ledgerOf(second)).toSorted((a, b) => a.start - b.start), [row, lost]);
  },
  "the ledger stands by the time of asking, then in the order of writing": async ({ store }) => {
    await ask(store, absent([0, 60], { askedAt: 5 }), absent([600, 660], { askedAt: 3 }));
    await store.commit(
      writeOf([], { ledger: [absent([120, 180], { askedAt: 5 }), absent([60, 120], { askedAt: 5 })] }),
    );
    assert.deepEqual((await ledgerOf(store)).map(({ start }) => start), [600, 0, 120, 60]);
  },
  "an answer takes the place of older rows inside it, answered or failed": async ({ store }) => {
    await ask(
      store,
      absent([0, 60], { askedAt: 1 }),
      failed([120, 180], { askedAt: 2 }),
      absent([240, 360], { askedAt: 3 }),
    );
    await ask(store, absent([0, 300], { askedAt: 4, attempts: 2 }));
    assert.deepEqual(await told(store), [[240, 360, "absent_at_source", 3], [0, 300, "absent_at_source", 4]]);
    const [, newest] = await ledgerOf(store);
    assert.deepEqual([newest.firstAskedAt, newest.attempts], [1, 2]);
  },
  "the first ask is remembered through any number of further ones": async ({ store }) => {
    for (const askedAt of [10, 20, 30, 40]) await ask(store, absent([60, 120], { askedAt }));
    assert.deepEqual((await ledgerOf(store)).map(({ askedAt, firstAskedAt }) => [askedAt, firstAskedAt]), [[
      40,
      10,
    ]]);
    await ask(store, failed([60, 120], { askedAt: 50 }), failed([60, 120], { askedAt: 60 }));
    assert.deepEqual((await ledgerOf(store)).map(({ firstAskedAt }) => firstAskedAt), [10, 50]);
  },
  "an answer that comes late does not take the place of a younger one": async ({ store }) => {
    await ask(
      store,
      absent([60, 120], { askedAt: 10 }),
      inWindow([60, 120], { askedAt: 5, reason: "pending" }),
    );
    assert.deepEqual(await told(store), [[60, 120, "pending", 5], [60, 120, "absent_at_source", 10]]);
  },
  "a failed ask never takes the place of an answer, only of older failures": async ({ store }) => {
    await ask(
      store,
      absent([60, 120], { askedAt: 1 }),
      failed([60, 120], { askedAt: 2 }),
      failed([0, 180], { askedAt: 3, attempts: 5 }),
    );
    assert.deepEqual(await told(store), [
      [60, 120, "absent_at_source", 1],
      [0, 180, "EXCHANGE_UNAVAILABLE: reset", 3],
    ]);
    assert.deepEqual((await ledgerOf(store))[1].firstAskedAt, 2);
  },
  "rows of another source stay as they are": async ({ store }) => {
    await ask(store, absent([0, 60], { askedAt: 1, source: "file" }), absent([0, 120], { askedAt: 2 }));
    await ask(
      store,
      inWindow([120, 180], { askedAt: 3, source: "file" }),
      inWindow([180, 240], { askedAt: 4 }),
    );
    assert.equal((await ledgerOf(store)).length, 4);
  },
  "whole answers that touch within one window become one": async ({ store }) => {
    await ask(
      store,
      inWindow([0, 120], { askedAt: 1, replySha256: "aa" }),
      inWindow([240, 300], { askedAt: 2 }),
    );
    await ask(store, inWindow([120, 240], { askedAt: 3, replySha256: "bb" }));
    const [row, ...others] = await ledgerOf(store);
    assert.deepEqual(others, []);
    assert.deepEqual([row.start, row.end, row.bars], [0, 300, 5]);
    assert.deepEqual([row.askedAt, row.firstAskedAt, row.replySha256], [3, 1, "bb"]);
  },
  "a whole answer joins with neither a hole, another window, nor a gap's reason": async ({ store }) => {
    await ask(
      store,
      inWindow([0, 60]),
      inWindow([120, 180]),
      absent([180, 240]),
      rowOf([60, 120], { window: [60, 120] }),
    );
    assert.equal((await ledgerOf(store)).length, 4);
  },
  "a day that is polled each minute leaves a row per window, not per minute": async ({ store }) => {
    for (let minute = 0; minute < 900; minute += 3) {
      const from = Math.max(0, minute - 2) * STEP;
      const end = (minute + 1) * STEP;
      await store.commit(
        writeOf([], { ledger: [inWindow([from, end], { askedAt: minute })], provisional: barsAt([from]) }),
      );
      // The holes between two polls are asked with the next one, as a fill would.
      await store.commit(writeOf([], { ledger: [inWindow([0, end], { askedAt: minute + 0.5 })] }));
    }
    const ledger = await ledgerOf(store);
    assert.deepEqual(ledger.map(({ start, end, bars }) => [start, end, bars]), [[0, 898 * STEP, 898]]);
    assert.equal(ledger[0].firstAskedAt, 0);
  },
  "another process's state follows rows that vanish": async ({ store, second }) => {
    await ask(
      store,
      absent([0, 60], { askedAt: 1 }),
      absent([60, 120], { askedAt: 2 }),
      absent([120, 180], { askedAt: 3 }),
    );
    assert.equal((await ledgerOf(second)).length, 3);
    await ask(store, absent([0, 180], { askedAt: 4 }));
    assert.deepEqual(await told(second), [[0, 180, "absent_at_source", 4]]);
    await ask(second, inWindow([180, 240], { askedAt: 5 }));
    assert.equal((await ledgerOf(store)).length, 2);
  },
  "stateWithin() finds rows that began long before the range": async ({ store }) => {
    const long = rowOf([-6_000_000, 60_000_000], { bars: 0, reason: "not_listed" });
    await ask(store, long, rowOf([59_000_000, 59_000_060]));
    const at = async (start: number) =>
      (await store.stateWithin(NODE, [start, start + 60]))!.ledger.map((row) => row.start);
    assert.deepEqual(await at(30_000_000), [-6_000_000]);
    assert.deepEqual(await at(59_000_000), [-6_000_000, 59_000_000]);
    assert.deepEqual(await at(60_000_000), []);
  },
  "the ledger of a write that is refused is not written": async ({ store }) => {
    await assert.rejects(store.commit(writeOf([61], { ledger: [rowOf([0, 120])] })));
    await store.commit(writeOf(minutes(0, 2)));
    assert.deepEqual(await ledgerOf(store), []);
  },
};
