import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { MemoryBarStore } from "../../src/adapters/bar_store/memory.ts";
import type { FoundGap } from "../../src/core/gaps.ts";
import type { NodeState } from "../../src/core/ports.ts";
import { type Grid, gridOf } from "../../src/core/timeframe.ts";
import { type TimeRange, toPairs } from "../../src/core/time_range.ts";
import { Outages, outagesOf } from "../../src/history/outages.ts";
import { compute, ledgerRow, stateOf } from "../backfill/made.ts";

const HOUR = 3_600;
const MINUTES = gridOf("1m");
const HOURS = gridOf("1h");

/** A node that was asked for `[0, 4 h)` and has every bar but those inside `away`. */
function node(away: TimeRange[], o: { grid?: Grid; asked?: TimeRange } = {}): NodeState {
  const { grid = MINUTES, asked = [0, 4 * HOUR] } = o;
  const step = (grid as { step: number }).step;
  const times: number[] = [];
  for (let t = asked[0]; t < asked[1]; t += step) {
    if (!away.some(([start, end]) => start < t + step && t < end)) times.push(t);
  }
  return stateOf({
    grid,
    final: times,
    ledger: [ledgerRow(asked, { askedAt: 1e6, reason: "absent_at_source" })],
  });
}

const OUT: TimeRange = [HOUR + 1_800, 2 * HOUR + 1_800];
const found = (symbols: NodeState[][]) => toPairs(outagesOf(symbols, compute));

Deno.test("what is absent for three symbols and present for none is an outage of the venue", () => {
  deepStrictEqual(found([[node([OUT])], [node([OUT])], [node([OUT])]]), [OUT]);
  deepStrictEqual(found([[node([OUT])], [node([OUT])]]), [], "two symbols are no venue");
});

Deno.test("one symbol that traded through it makes it none", () => {
  deepStrictEqual(found([[node([OUT])], [node([OUT])], [node([OUT])], [node([])]]), []);
  const early: TimeRange = [OUT[0], OUT[0] + 600];
  deepStrictEqual(found([[node([OUT])], [node([OUT])], [node([OUT])], [node([early])]]), [early]);
});

Deno.test("a symbol that was not asked over that time says nothing of it", () => {
  const elsewhere = node([], { asked: [3 * HOUR, 4 * HOUR] });
  deepStrictEqual(found([[node([OUT])], [node([OUT])], [node([OUT])], [elsewhere]]), [OUT]);
});

Deno.test("bars of a longer timeframe that hold minutes beside the outage are no evidence against it", () => {
  // The hours from 1 to 3 have bars, made of the half hours in which there was trade.
  const hours = () => node([], { grid: HOURS });
  const symbols = [[node([OUT]), hours()], [node([OUT]), hours()], [node([OUT])]];
  deepStrictEqual(found(symbols), [OUT]);
  const long: TimeRange = [HOUR, 3 * HOUR];
  const whole = [[node([long])], [node([long])], [node([long])], [hours()]];
  deepStrictEqual(found(whole), [], "an hour's bar inside the hour that was absent is");
});

Deno.test("Outages tells the gaps of a node, cut where the whole venue was away", async () => {
  const store = new MemoryBarStore();
  const outages = new Outages({ store, compute });
  const gap: FoundGap = { start: 0, end: 600, reason: "absent_at_source", row: null };
  strictEqual((await outages.explain("fake", [gap], MINUTES))[0].reason, "absent_at_source");
  for (const symbol of ["A/B", "C/D", "E/F"]) {
    const nodeId = `ohlcv:fake:${symbol}:1m`;
    await store.ensureNode({ nodeId, grid: MINUTES, volumeUnit: "base" });
    const write = {
      nodeId,
      window: [0, 600] as const,
      final: stateOf({ grid: MINUTES }).provisional,
      provisional: stateOf({ grid: MINUTES }).provisional,
      answered: [],
      observedAtMs: 1e9,
      seenAtMs: 1e9,
      source: "ccxt:fake",
      cause: "refetch" as const,
      replySha256: null,
      ledger: [ledgerRow([120, 300], { askedAt: 1e6, reason: "absent_at_source" })],
      findings: [],
      conflicts: [],
      quarantine: [],
      fence: null,
    };
    await store.commit(write);
  }
  const told = await outages.explain(
    "fake",
    [gap, { ...gap, start: 900, end: 960, reason: "pending" }],
    MINUTES,
  );
  deepStrictEqual(told.map(({ start, end, reason }) => [start, end, reason]), [
    [0, 120, "absent_at_source"],
    [120, 300, "exchange_outage"],
    [300, 600, "absent_at_source"],
    [900, 960, "pending"],
  ]);
});
