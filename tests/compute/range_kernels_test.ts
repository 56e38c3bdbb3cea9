/** The kernels of ranges, conformance and folding against their scalar forms: see kernels_test.ts. */
import { toBits } from "./suite/bits.ts";
import { equal } from "./suite/case.ts";
import { randomNumber } from "./suite/inputs.ts";
import type { Dice } from "./suite/random.ts";
import { compare, kernels, layBars, steppedTimes } from "./kernels.ts";

const { wasm } = kernels;

/** A grid for kernels: its step and anchor. */
function chooseGrid(dice: Dice): { step: number; anchor: number } {
  const [step, anchor] = dice.pick([[60, 0], [1, 0], [5, -35], [86_400, 57_600], [604_800, 345_600], [7, 3], [
    0,
    0,
  ]]);
  wasm.setGrid(step, anchor);
  return { step, anchor };
}

/** Times near a slot: on the grid, off it, twice, far away, none. */
function looseTimes(dice: Dice, rows: number, { step, anchor }: { step: number; anchor: number }): number[] {
  const unit = step === 0 ? 2_629_746 : step;
  const first = dice.pick([0, -50, 28_000_000, -900]);
  const faults = dice.pick([0, 0.02, 0.2]);
  let slots = Array.from({ length: rows }, (_, i) => first + i);
  if (dice.chance(0.4)) slots = slots.map((slot) => slot + dice.whole(0, 2));
  if (dice.chance(0.5)) slots = dice.shuffled(slots);
  if (dice.chance(0.1)) slots = slots.map((slot) => (slot - first) * 300 + first);
  return slots.map((slot) => {
    if (dice.chance(faults)) return dice.pick([NaN, Infinity, 2 ** 43, -(2 ** 43), 0.5, -0]);
    return anchor + slot * unit + (dice.chance(faults) ? dice.whole(-3, 3) : 0);
  });
}

compare(
  "rows are judged in slabs of vectors as one after the other, and ordered alike by table and by sorting",
  (dice) => {
    const grid = chooseGrid(dice);
    const rows = dice.whole(0, 45);
    const times = looseTimes(dice, rows, grid);
    const { at, stride } = layBars(dice, rows, times);
    const floor = dice.whole(0, 1);
    const quarantine = dice.whole(0, 1);
    const observed = dice.chance(0.5) ? 0 : kernels.layFloats(times.map(() => dice.whole(0, 2)));
    const cut = dice.whole(0, rows);
    // A table over all slots is no way for rows that lie millions of slots apart.
    const usable = times.filter((t) => Math.abs(t) < 2 ** 43);
    const span = (Math.max(...usable) - Math.min(...usable)) / (grid.step || 2_629_746);
    const ways = span < 100_000 ? [0, 1, 2] : [0, 2];
    const outcomes = (["judgeRows", "judgeRowsScalar"] as const).flatMap((judge) =>
      ways.map((way) => {
        const [timesAt, state] = [kernels.room(rows * 8), kernels.room(rows)];
        wasm.openJudge();
        for (const [from, to] of [[0, cut], [cut, rows]]) {
          wasm[judge](at + from * 8, stride, to - from, timesAt + from * 8, state + from, floor);
        }
        const order = kernels.room(rows * 4);
        const kept = wasm.orderRows(timesAt, state, rows, observed, quarantine, order, way);
        const pairs = new Uint32Array(wasm.memory.buffer, kernels.result(7), kernels.result(3) * 2);
        return {
          order: [...new Uint32Array(wasm.memory.buffer, order, kept)],
          state: [...kernels.bytes(state, rows)],
          times: Array.from(kernels.floats(timesAt, rows), toBits),
          counts: [0, 1, 2, 3, 4, 5].map((field) => kernels.result(field)),
          pairs: Array.from({ length: pairs.length / 2 }, (_, i) => `${pairs[2 * i]} ${pairs[2 * i + 1]}`)
            .sort(),
        };
      })
    );
    for (const outcome of outcomes.slice(1)) equal(outcome, outcomes[0], `${JSON.stringify(grid)} ${times}`);
  },
);

/** Pairs of seconds around a slot, sorted and apart or not at all. */
function loosePairs(dice: Dice, count: number, { step, anchor }: { step: number; anchor: number }): number[] {
  const unit = step === 0 ? 2_629_746 : step;
  const faults = dice.pick([0, 0.05, 0.5]);
  let slot = dice.pick([0, -30, 28_000_000]);
  const pairs = Array.from({ length: count }, () => {
    slot += dice.whole(1, 4);
    const bound = (s: number) => {
      if (dice.chance(faults / 50)) return dice.pick([NaN, Infinity, 2 ** 43, -0, 0.25]);
      return anchor + s * unit + (dice.chance(faults) ? dice.whole(-2 * unit, 2 * unit) / 4 : 0);
    };
    const pair = [bound(slot), 0];
    slot += dice.whole(1, 4);
    pair[1] = bound(slot);
    return pair;
  });
  return (dice.chance(0.4) ? dice.shuffled(pairs) : pairs).flat();
}

compare("pairs are snapped four at a time as one bound after the other", (dice) => {
  const grid = chooseGrid(dice);
  const pairs = loosePairs(dice, dice.whole(0, 30), grid);
  const [a, b] = [kernels.layFloats(pairs), kernels.layFloats(pairs)];
  const outward = dice.whole(0, 1);
  const found = wasm.snapPairs(a, pairs.length / 2, outward);
  equal(found, wasm.snapPairsScalar(b, pairs.length / 2, outward), `${JSON.stringify(grid)} ${pairs}`);
  if (found < 0) return;
  const floats = (at: number) => Array.from(kernels.floats(at, found * 2), (x) => x + 0);
  equal(floats(a), floats(b), `${JSON.stringify(grid)} ${pairs}`);
});

compare("ranges are merged alike by what fits them, by bitmap and by sorting", (dice) => {
  const grid = chooseGrid(dice);
  const pairs = loosePairs(dice, dice.whole(0, 30), grid);
  const outcomes = [0, 1, 2, 3].map((way) => {
    const list = kernels.layFloats(pairs);
    const count = way === 3
      ? wasm.mergeRanges(list, pairs.length / 2)
      : wasm.mergeRangesBy(list, pairs.length / 2, way);
    return count < 0 ? count : Array.from(kernels.floats(list, count * 2), (x) => x + 0);
  });
  for (const outcome of outcomes) equal(outcome, outcomes[0], `${JSON.stringify(grid)} ${pairs}`);
});

/** Sorted ranges, each apart from the next, in memory with room behind them. */
function layApart(dice: Dice, count: number, offset = 0): { at: number; pairs: number[] } {
  let t = dice.whole(-20, 20);
  const wide = dice.pick([2, 5, 40]);
  const pairs = Array.from({ length: count * 2 }, () => t += dice.whole(1, wide));
  const at = wasm.alloc(count * 16 + 16 + offset) + offset;
  new Float64Array(wasm.memory.buffer, at, pairs.length).set(pairs);
  return { at, pairs };
}

compare("a sweep in four places finds what a walk over ranges finds", (dice) => {
  const size = dice.pick([3, 70, 150]);
  const minus = dice.whole(0, 1);
  const a = layApart(dice, dice.whole(0, size));
  const b = layApart(dice, dice.whole(size === 3 ? 0 : 60, size), minus * 8);
  const counts = [a.pairs.length / 2, b.pairs.length / 2];
  const room = (counts[0] + counts[1]) * 16 + 96;
  const [out, other] = [wasm.alloc(room), wasm.alloc(room)];
  const found = wasm.sweep(a.at, counts[0], b.at, counts[1], out, minus);
  const wanted = wasm.sweepScalar(a.at, counts[0], b.at, counts[1], other, minus);
  equal(
    [...kernels.floats(out, found * 2)],
    [...kernels.floats(other, wanted * 2)],
    `${a.pairs} and ${b.pairs}`,
  );
});

compare("one range is cut by shifted bounds as by a walk over ranges", (dice) => {
  const b = layApart(dice, dice.whole(0, 12), 8);
  const from = dice.whole(-30, 60);
  const one = kernels.layFloats([from, from + dice.whole(1, 80)]);
  const [to, count] = [kernels.floats(one, 2)[1], b.pairs.length / 2];
  const other = wasm.alloc(count * 16 + 96);
  const wanted = wasm.sweepScalar(one, 1, b.at, count, other, 1);
  const found = wasm.cutOne(from, to, b.at, count);
  equal(
    [...kernels.floats(kernels.result(0), found * 2)],
    [...kernels.floats(other, wanted * 2)],
    `${from} … ${to} and ${b.pairs}`,
  );
});

compare("segments of slabs by vectors are those of one time after the other", (dice) => {
  const grid = chooseGrid(dice);
  const times = dice.chance(0.5)
    ? steppedTimes(dice, dice.whole(0, 60), grid.step || 1).map((t) => t + grid.anchor)
    : looseTimes(dice, dice.whole(0, 60), grid);
  const cut = dice.whole(0, times.length);
  const outcomes = (["addSegments", "addSegmentsScalar"] as const).map((add) => {
    const at = kernels.layFloats(times, 8);
    const out = kernels.room(times.length * 16 + 16);
    let runs = wasm[add](at, cut, out, 0);
    let back = runs < 0 ? 0 : kernels.result(0);
    if (runs >= 0) runs = wasm[add](at + cut * 8, times.length - cut, out, runs);
    if (runs < 0) return runs;
    back += kernels.result(0);
    runs = wasm.closeSegments(out, runs, Math.min(back, 1));
    return Array.from(kernels.floats(out, runs * 2), (x) => x + 0);
  });
  equal(outcomes[0], outcomes[1], `${JSON.stringify(grid)} ${times}`);
});

compare("bars folded two rows at once are those of one row after the other", (dice) => {
  const rows = dice.whole(1, 60);
  const oddness = dice.pick([0, 0.05, 0.7]);
  const zeros = dice.pick([0, 0, 0.1, 0.9]);
  const wide = dice.pick([60, 300, 1200]);
  const times = Array.from({ length: rows }, (_, i) => (i - 20) * 60 * (dice.chance(0.5) ? 1 : 1));
  const columns = [times, ...[1, 2, 3, 4].map(() => times.map(() => randomNumber(dice, oddness)))];
  columns.push(times.map(() => dice.chance(zeros) ? dice.pick([0, -0]) : randomNumber(dice, oddness)));
  const stride = Math.ceil(rows / 2) * 16;
  const at = kernels.room(stride * 6);
  columns.forEach((column, c) => new Float64Array(wasm.memory.buffer, at + c * stride, rows).set(column));
  const trades = dice.chance(0.5);
  const outcomes = [0, 1].map((plain) => {
    const covered = kernels.layFloats([-30_000, 30_000]);
    const part = kernels.room(64);
    wasm.coverTargets(covered, 1, trades ? 1 : 60, 0, wide, 0, part);
    const [out, empty] = [kernels.room(stride * 6), kernels.room((rows + 4) * 16)];
    const count = trades
      ? wasm.foldTrades(at, stride, rows, out, stride, empty, plain)
      : wasm.resampleRows(at, stride, rows, out, stride, plain);
    const cells = [0, 1, 2, 3, 4, 5].map((c) => Array.from(kernels.floats(out + c * stride, count), toBits));
    return { cells, empty: trades ? [...kernels.floats(empty, kernels.result(0) * 2)] : [] };
  });
  equal(outcomes[0], outcomes[1], JSON.stringify({ wide, trades, columns }));
});

compare("times of trades are checked eight at a time as one after the other", (dice) => {
  let t = dice.whole(-5, 5);
  const faults = dice.pick([0, 0, 0.02]);
  const times = Array.from({ length: dice.whole(0, 40) }, () => {
    t += dice.pick([0, 1, 1, 5, 400]);
    return dice.chance(faults) ? dice.pick([NaN, t - 10, t + 0.5, Infinity, 2 ** 53, -0]) : t;
  });
  const at = kernels.layFloats(times, dice.pick([0, 8]));
  const before = dice.pick([-Infinity, times[0] ?? 0]);
  const ties = [kernels.room(times.length * 4), kernels.room(times.length * 4)];
  const found = wasm.checkTradeTimes(at, times.length, before, ties[0]);
  equal(found, wasm.checkTradeTimesScalar(at, times.length, before, ties[1]), `${before}: ${times}`);
  if (found < 0) return;
  const [a, b] = ties.map((tie) => [...new Uint32Array(wasm.memory.buffer, tie, found)]);
  equal(a, b, `${before}: ${times}`);
});

compare("the radix sort puts equal keys in the order in which they came", (dice) => {
  const size = dice.pick([5, 5000, 2 ** 43, 2 ** 52]);
  const keys = Array.from({ length: dice.whole(0, 40) }, () => dice.whole(-size, size));
  const [at, out] = [kernels.layFloats(keys), kernels.room(keys.length * 4)];
  equal(wasm.sortOrder(at, keys.length, out), 1, "memory");
  const wanted = keys.map((_, i) => i).sort((a, b) => keys[a] - keys[b] || a - b);
  equal([...new Uint32Array(wasm.memory.buffer, out, keys.length)], wanted, `${keys}`);
});
