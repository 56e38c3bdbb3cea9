/**
 * Random histories against a model that keeps every bar in a map, and hashes with the compute core. Whatever was
 * written in whatever order, a bar store must hold what the model holds.
 */

import assert from "node:assert/strict";
import { load } from "../../src/compute/mod.ts";
import type { Revision, WindowWrite } from "../../src/core/ports.ts";
import { sameValues } from "../../src/core/stored_chunk.ts";
import type { BarValues } from "../../src/core/stored_chunk.ts";
import { barsAt, CHUNK, chunksOf, EVER, GRID, NODE, STEP, storedBars, writeOf } from "./bar_store_samples.ts";
import type { BarStoreCheck } from "./bar_store_samples.ts";

const WRITES = 150;
/** Slots that the histories play in: around a chunk border, and around the epoch. */
const FIELDS = [[CHUNK - 40 * STEP, 80], [-30 * STEP, 60]] as const;

/** A small seeded generator (mulberry32): a failing history can be run again. */
function diceOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** What a store should hold, the slow and obvious way. */
class Model {
  readonly final = new Map<number, BarValues>();
  readonly provisional = new Map<number, { values: BarValues; observedAtMs: number }>();
  /** Each ts with the values it ever lost or gained, and whether it was withdrawn. */
  readonly log = new Map<number, (BarValues | null)[]>();
  sums = { inserted: 0, revised: 0, withdrawn: 0 };

  apply(write: WindowWrite): void {
    write.final.ts.forEach((ts, i) => {
      const { open, high, low, close, volume } = write.final;
      const values: BarValues = [open[i], high[i], low[i], close[i], volume[i]];
      const old = this.final.get(ts);
      if (old === undefined) this.sums.inserted++;
      else if (!sameValues(old, values)) {
        this.sums.revised++;
        this.note(ts, old);
        this.note(ts, values);
      }
      this.final.set(ts, values);
      this.provisional.delete(ts);
    });
    for (const [start, end] of write.answered) {
      for (const ts of this.final.keys()) {
        const isSent = write.final.ts.includes(ts) || write.provisional.ts.includes(ts);
        if (ts >= start && ts < end && !isSent && this.note(ts, null)) this.sums.withdrawn++;
      }
    }
    write.provisional.ts.forEach((ts, i) => {
      const { open, high, low, close, volume } = write.provisional;
      const values: BarValues = [open[i], high[i], low[i], close[i], volume[i]];
      const isYounger = write.observedAtMs >= (this.provisional.get(ts)?.observedAtMs ?? -Infinity);
      if (!this.final.has(ts) && isYounger) {
        this.provisional.set(ts, { values, observedAtMs: write.observedAtMs });
      }
    });
  }

  note(ts: number, values: BarValues | null): boolean {
    const known = this.log.get(ts) ?? [];
    if (known.some((old) => old === null || values === null ? old === values : sameValues(old, values))) {
      return false;
    }
    this.log.set(ts, [...known, values]);
    return true;
  }
}

/** A write of random bars of a random window: some final, the youngest perhaps provisional, answered in whole or in part. */
function randomWrite(below: (n: number) => number): WindowWrite {
  const [from, slots] = FIELDS[below(FIELDS.length)];
  const first = below(slots);
  const count = 1 + below(slots - first);
  const times = Array.from({ length: count }, (_, i) => from + (first + i) * STEP).filter(() => below(4) > 0);
  const finals = times.slice(0, below(3) > 0 ? times.length : below(times.length + 1));
  const odd = [0, -0, NaN, 1e-320, 3];
  const values = (
    ts: number,
  ): BarValues => [100 + ts % 7, 1 + below(2), NaN, odd[below(odd.length)], below(3)];
  const cut = first + below(count);
  const answered = [[from + first * STEP, from + cut * STEP], [
    from + cut * STEP,
    from + (first + count) * STEP,
  ]] as const;
  return writeOf(barsAt(finals, values), {
    provisional: barsAt(times.slice(finals.length), values),
    answered: answered.slice(0, below(3)),
    observedAtMs: 1_700_000_000_000 + below(1000),
    window: [from, from + slots * STEP],
  });
}

function keptOf(revisions: Revision[], ts: number): (BarValues | null)[] {
  return revisions.filter((revision) => revision.ts === ts && revision.kept).map(({ values }) => values);
}

async function play(seed: number, { store, second }: Parameters<BarStoreCheck>[0]): Promise<void> {
  const below = diceOf(seed);
  const model = new Model();
  const sums = { inserted: 0, revised: 0, withdrawn: 0 };
  for (let i = 0; i < WRITES; i++) {
    const writes = Array.from({ length: 1 + below(3) }, () => randomWrite(below));
    writes.forEach((write) => model.apply(write));
    const door = below(2) === 0 ? store : second;
    for (const outcome of await Promise.all(writes.map((write) => door.commit(write)))) {
      for (const name of ["inserted", "revised", "withdrawn"] as const) sums[name] += outcome[name];
    }
    assert.deepEqual(sums, model.sums, `seed ${seed}, write ${i}`);
  }
  await compare(model, store);
}

async function compare(model: Model, store: Parameters<BarStoreCheck>[0]["store"]): Promise<void> {
  const compute = await load();
  const times = [...model.final.keys()].sort((a, b) => a - b);
  const frame = barsAt(times, (ts) => model.final.get(ts)!);
  const state = (await store.state(NODE))!;
  const claims = {
    nodeId: NODE,
    grid: GRID,
    range: [times[0], times.at(-1)! + STEP] as const,
    conformanceVersion: "v2",
  };
  const { chunks } = compute.fingerprint(frame, claims);
  const stored = await chunksOf(store);
  assert.deepEqual(stored.map(({ k, rows, digest, leaves }) => ({ k, rows, digest, leaves })), chunks);
  assert.deepEqual(state.chunks, chunks.map(({ k, rows, digest }) => ({ k, rows, digest })));
  assert.deepEqual(state.final, compute.segmentsOf(frame.ts, GRID));
  assert.deepEqual(compute.fingerprint(await storedBars(store), claims).chunks, chunks);
  assert.deepEqual([...state.provisional.ts], [...model.provisional.keys()].sort((a, b) => a - b));
  state.provisional.ts.forEach((ts, i) => {
    assert.ok(
      sameValues([
        state.provisional.open[i],
        state.provisional.high[i],
        state.provisional.low[i],
        state.provisional.close[i],
        state.provisional.volume[i],
      ], model.provisional.get(ts)!.values),
    );
  });
  const revisions = await store.revisions(NODE, EVER);
  assert.equal(revisions.length, [...model.log.values()].flat().length);
  for (const [ts, values] of model.log) {
    assert.equal(revisions.filter((revision) => revision.ts === ts).length, values.length);
    const expected = values.some((value) => value !== null) ? [model.final.get(ts)!] : [];
    assert.equal(keptOf(revisions, ts).length, expected.length);
    if (expected.length > 0) assert.ok(sameValues(keptOf(revisions, ts)[0]!, expected[0]));
  }
}

export const MODEL_CHECKS: Record<string, BarStoreCheck> = {
  "a random history leaves what the model holds, digests as the compute core makes them": (under) =>
    play(1, under),
  "another random history does so too": (under) => play(20_240_117, under),
};
