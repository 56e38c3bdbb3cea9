import assert from "node:assert/strict";
import { SeededDice } from "../fake_clock.ts";
import type { GapReason } from "../../src/core/gap_reason.ts";
import type { GapRecord } from "../../src/core/manifest.ts";
import {
  contains,
  gapsOutside,
  gapsWithin,
  joinGaps,
  manifestCoverage,
  mergeFindings,
  rangesOfGaps,
  slotsWithin,
  sumFlags,
} from "../../src/core/snapshot_merge.ts";
import { toRanges } from "../../src/core/time_range.ts";
import type { TimeRange } from "../../src/core/time_range.ts";

const grid = { step: 10, anchor: 0 };
const gap = (start: number, end: number, reason: GapReason = "absent_at_source"): GapRecord => ({
  start,
  end,
  bars: (end - start) / 10,
  reason,
});

/** The same, slot by slot. */
function reasons(gaps: readonly GapRecord[]): Map<number, GapReason> {
  const bySlot = new Map<number, GapReason>();
  for (const { start, end, reason } of gaps) for (let t = start; t < end; t += 10) bySlot.set(t, reason);
  return bySlot;
}

Deno.test("gapsOutside() keeps what no range covers, cut where it has to be", () => {
  const gaps = [gap(0, 30), gap(50, 100, "no_trades"), gap(120, 130)];
  assert.deepEqual(gapsOutside(gaps, toRanges([]), grid), gaps);
  assert.deepEqual(gapsOutside(gaps, toRanges([[10, 20], [60, 70], [90, 200]]), grid), [
    gap(0, 10),
    gap(20, 30),
    gap(50, 60, "no_trades"),
    gap(70, 90, "no_trades"),
  ]);
  assert.deepEqual(gapsOutside(gaps, toRanges([[-100, 200]]), grid), []);
});

Deno.test("gapsWithin() keeps what the ranges hold, and with gapsOutside() it makes the whole", () => {
  const gaps = [gap(0, 30), gap(50, 100, "no_trades"), gap(120, 130)];
  assert.deepEqual(gapsWithin(gaps, toRanges([]), grid), []);
  assert.deepEqual(gapsWithin(gaps, toRanges([[10, 20], [60, 70], [90, 200]]), grid), [
    gap(10, 20),
    gap(60, 70, "no_trades"),
    gap(90, 100, "no_trades"),
    gap(120, 130),
  ]);
  assert.deepEqual(gapsWithin(gaps, toRanges([[-100, 200]]), grid), gaps);
  const dice = new SeededDice(12);
  for (let round = 0; round < 100; round++) {
    const held: TimeRange[] = [];
    for (let t = 0; t < 150; t += 20) if (dice.random() < 0.5) held.push([t, t + 10]);
    const parts = [gapsWithin(gaps, toRanges(held), grid), gapsOutside(gaps, toRanges(held), grid)];
    assert.deepEqual(reasons(joinGaps(parts[0], parts[1], grid)), reasons(gaps));
  }
});

Deno.test("joinGaps() joins neighbours of one reason and keeps others apart", () => {
  assert.deepEqual(joinGaps([gap(0, 20), gap(40, 50)], [gap(20, 40), gap(50, 60, "no_trades")], grid), [
    gap(0, 50),
    gap(50, 60, "no_trades"),
  ]);
  assert.deepEqual(joinGaps([], [], grid), []);
});

Deno.test("gaps agree with a slot-by-slot reckoning on random lists", () => {
  const dice = new SeededDice(11);
  const kinds: GapReason[] = ["absent_at_source", "no_trades"];
  for (let round = 0; round < 300; round++) {
    const [gaps, cut]: [GapRecord[], TimeRange[]] = [[], []];
    for (let t = 0; t < 600; t += 10) {
      const drawn = dice.random();
      if (drawn < 0.3) gaps.push(gap(t, t + 10, kinds[Math.floor(dice.random() * 2)]));
      if (dice.random() < 0.3) cut.push([t, t + 10]);
    }
    const joined = joinGaps(gaps, [], grid);
    assert.deepEqual(reasons(joined), reasons(gaps));
    const left = gapsOutside(joined, toRanges(cut), grid);
    const expected = reasons(gaps);
    for (const [start] of cut) expected.delete(start);
    assert.deepEqual(reasons(left), expected);
    assert.ok(left.every(({ start, end, bars }) => bars === (end - start) / 10 && bars > 0));
  }
});

Deno.test("rangesOfGaps() makes one range of neighbours, whatever their reasons", () => {
  assert.deepEqual(
    rangesOfGaps([gap(0, 10), gap(10, 20, "no_trades"), gap(40, 50)]),
    toRanges([[0, 20], [40, 50]]),
  );
});

Deno.test("mergeFindings() takes the publisher's where it covers, and the head's elsewhere", () => {
  const merged = mergeFindings({
    head: [{ ts: 0, flag: "duplicate_ts", count: 1 }, { ts: 50, flag: "duplicate_ts", count: 9 }],
    ours: [
      { ts: 60, flag: "ohlc_invariant", count: 1 },
      { ts: 60, flag: "duplicate_ts", count: 2 },
      { ts: 60, flag: "duplicate_ts", count: 3 },
    ],
    oursCovered: toRanges([[40, 100]]),
  });
  assert.deepEqual(merged, [
    { ts: 0, flag: "duplicate_ts", count: 1 },
    { ts: 60, flag: "duplicate_ts", count: 5 },
    { ts: 60, flag: "ohlc_invariant", count: 1 },
  ]);
});

Deno.test("sumFlags() counts gap now and leaves zeros out", () => {
  assert.deepEqual(
    sumFlags([{ ts: 0, flag: "conflict", count: 2 }, { ts: 10, flag: "conflict", count: 1 }], 7),
    {
      conflict: 3,
      gap: 7,
    },
  );
  assert.deepEqual(sumFlags([], 0), {});
});

Deno.test("manifestCoverage() counts explained slots as delivered", () => {
  const gaps = [gap(0, 10), gap(20, 30, "no_trades"), gap(30, 50, "not_listed")];
  assert.deepEqual(manifestCoverage({ range: [0, 100], rows: 6, gaps, grid }), {
    ratio: 0.6,
    explained_ratio: 0.9,
  });
});

Deno.test("slotsWithin() and contains() look inside ranges", () => {
  const held = toRanges([[0, 30], [50, 60], [100, 200]]);
  assert.equal(slotsWithin(held, [20, 110], grid), 3);
  assert.equal(slotsWithin(held, [30, 50], grid), 0);
  assert.equal(slotsWithin(held, [-100, 1000], grid), 14);
  const inside = [-1, 0, 29, 30, 55, 60, 199, 200].map((t) => contains(held, t));
  assert.deepEqual(inside, [false, true, true, false, true, false, true, false]);
});
