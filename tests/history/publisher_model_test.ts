/**
 * Three publishers with different holdings publish one node in random turns, and a model that knows slots and nothing
 * else says after each turn what must be published.
 */

import assert from "node:assert/strict";
import { proverHere } from "../../src/adapters/parquet/proof_threads.ts";
import { createMemoryArtifacts } from "../../src/adapters/artifact_store/memory.ts";
import { makeBars } from "../../src/core/bar_frame.ts";
import type { Bars } from "../../src/core/bar_frame.ts";
import type { GapReason } from "../../src/core/gap_reason.ts";
import { toPairs } from "../../src/core/time_range.ts";
import { createSnapshots } from "../../src/history/snapshots.ts";
import { verifyPublished } from "../../src/history/verify.ts";
import { FakeClock, SeededDice } from "../fake_clock.ts";
import { barsOf, codec, compute, fingerprintOf, holding, NODE, START } from "./holdings.ts";
import { objectsOf, publishing, rowsOf, T0 } from "./publisher_fixture.ts";

const ROUNDS = 6;
const TURNS = 20;
/** Slots near the borders of chunks, where most can go wrong: six on either side of each border of a 70-chunk span. */
const SLOTS = [0, 1, 2, 8, 9, 63, 64, 70].flatMap((k) =>
  Array.from({ length: 12 }, (_, i) => START + (k * 4096 + i - 6) * 60)
);
const REASONS: GapReason[] = ["absent_at_source", "no_trades", "exchange_outage"];

/** What is known of one slot: the salt of its bar's prices, or why it has none. */
type Slot = { salt: number } | { reason: GapReason };
type Slots = Map<number, Slot>;

function barsIn(slots: Slots): Bars {
  const held = [...slots].filter(([, slot]) => "salt" in slot).sort(([a], [b]) => a - b);
  const bars = makeBars(held.length);
  held.forEach(([ts, slot], i) => {
    const one = barsOf([ts, ts + 60], { salt: (slot as { salt: number }).salt });
    for (const name of ["ts", "open", "high", "low", "close", "volume"] as const) {
      bars[name][i] = one[name][0];
    }
  });
  return bars;
}

function gapsIn(slots: Slots) {
  const gaps: { start: number; end: number; reason: GapReason }[] = [];
  for (const [ts, slot] of [...slots].sort(([a], [b]) => a - b)) {
    if ("reason" in slot) gaps.push({ start: ts, end: ts + 60, reason: slot.reason });
  }
  return gaps;
}

/** Something happens to what a publisher holds: bars come, change, or turn out to be missing. */
function live(slots: Slots, dice: SeededDice): void {
  for (let i = Math.floor(dice.random() * 20); i >= 0; i--) {
    const ts = SLOTS[Math.floor(dice.random() * SLOTS.length)];
    const drawn = dice.random();
    if (drawn < 0.6) slots.set(ts, { salt: Math.floor(dice.random() * 3) });
    else slots.set(ts, { reason: REASONS[Math.floor(dice.random() * REASONS.length)] });
  }
}

/** What publishing `ours` on what is published must come to. */
function expected(published: Slots, ours: Slots): { slots: Slots; operation: string | null } {
  const slots = new Map(published);
  let [revised, added, told] = [false, false, false];
  for (const [ts, slot] of ours) {
    const before = published.get(ts);
    if ("salt" in slot) {
      revised ||= before !== undefined && "salt" in before && before.salt !== slot.salt;
      added ||= before === undefined || !("salt" in before);
      slots.set(ts, slot);
    } else if (before === undefined || !("salt" in before)) {
      told ||= before === undefined || before.reason !== slot.reason;
      slots.set(ts, slot);
    }
  }
  const operation = revised ? "revise" : added ? "publish" : told ? "coverage" : null;
  return { slots, operation: published.size === 0 ? "publish" : operation };
}

Deno.test({
  name: "random publishers of one node always publish what the model says, and all of it verifies",
  sanitizeOps: true,
  sanitizeResources: true,
  async fn() {
    for (let round = 0; round < ROUNDS; round++) {
      const dice = new SeededDice(1000 + round);
      const artifacts = createMemoryArtifacts();
      const clock = new FakeClock(T0);
      const sites = [0, 1, 2].map(() => ({ ...publishing({ artifacts, clock }), slots: new Map() as Slots }));
      let published: Slots = new Map();
      for (let turn = 0; turn < TURNS; turn++) {
        const site = sites[Math.floor(dice.random() * sites.length)];
        if (dice.random() < 0.8 || site.slots.size === 0) live(site.slots, dice);
        const { slots, operation } = expected(published, site.slots);
        const before = await objectsOf(artifacts);
        const bars = barsIn(site.slots);
        const { entry, unchanged } = await site.publisher.publish(
          holding(bars, { gaps: gapsIn(site.slots) }),
        );
        const where = `round ${round}, turn ${turn}`;
        assert.equal(unchanged, operation === null, where);
        if (unchanged) assert.deepEqual(await objectsOf(artifacts), before, where);
        else assert.equal(entry.manifest.operation, operation, where);
        published = slots;
        await checkHead(site.snapshots, published, where);
      }
      const snapshots = createSnapshots({
        artifacts,
        codec,
        compute,
        clock,
        settings: { asOfSettleSec: 30 },
      });
      const report = await verifyPublished({ nodeIds: [NODE] }, {
        artifacts,
        prover: () => proverHere(compute),
        compute,
        snapshots,
        settings: {},
      });
      assert.deepEqual(report.failures, [], `round ${round}`);
    }
  },
});

async function checkHead(snapshots: ReturnType<typeof createSnapshots>, slots: Slots, where: string) {
  const { manifest } = (await snapshots.head(NODE))!;
  const bars = barsIn(slots);
  assert.deepEqual(await rowsOf(snapshots, manifest), bars, where);
  const times = [...slots.keys()].sort((a, b) => a - b);
  const range: [number, number] = [times[0], times[times.length - 1] + 60];
  assert.deepEqual(manifest.range, range, where);
  assert.equal(manifest.dataset_fingerprint, fingerprintOf(bars, range), where);
  const covered = toPairs(await snapshots.covered(manifest)).flatMap(([start, end]) => slotsOf(start, end));
  assert.deepEqual(covered, times, where);
  const gaps = (await snapshots.gaps(manifest, range)).flatMap(({ start, end, reason }) =>
    slotsOf(start, end).map((ts) => [ts, reason])
  );
  assert.deepEqual(gaps, gapsIn(slots).map(({ start, reason }) => [start, reason]), where);
}

function slotsOf(start: number, end: number): number[] {
  return Array.from({ length: (end - start) / 60 }, (_, i) => start + 60 * i);
}
