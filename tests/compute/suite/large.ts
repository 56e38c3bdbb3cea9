/** Inputs of a size at which other paths are taken: sorting by radix, tables by slot, many passes, many pairs. */
import {
  type Bars,
  type Compute,
  type Grid,
  type TimeRange,
  toPairs,
  toRanges,
} from "../../../src/compute/mod.ts";
import * as twinConform from "../twin/conform.ts";
import { type Case, equal } from "./case.ts";
import { randomBars } from "./inputs.ts";
import { Dice } from "./random.ts";

const MINUTES: Grid = { step: 60 };

/** The cases. */
export function largeCases(): Case[] {
  return [
    { name: "mergeRanges() of 60,000 ranges in any order equals a bitmap", run: mergesMany },
    { name: "segmentsOf() of 60,000 times in any order equals a set", run: findsMany },
    { name: "conform() of 6,000 shuffled rows, dense and far apart, equals its twin", run: conformsMany },
  ];
}

function mergesMany(compute: Compute): void {
  const dice = new Dice(5);
  // The last one is too wide for a bitmap of its slots, and is sorted.
  for (const spread of [100_000, 3_000_000, 40_000_000]) {
    const held = new Uint8Array(spread + 50);
    const pairs = Array.from({ length: 60_000 }, (): TimeRange => {
      const start = dice.whole(0, spread);
      const length = dice.whole(0, 5);
      held.fill(1, start, start + length);
      return [(start - 1000) * 60, (start + length - 1000) * 60];
    });
    const wanted: [number, number][] = [];
    for (let slot = 0; slot < held.length; slot++) {
      if (held[slot] === 0) continue;
      const start = (slot - 1000) * 60;
      if (slot > 0 && held[slot - 1] === 1) wanted[wanted.length - 1][1] = start + 60;
      else wanted.push([start, start + 60]);
    }
    equal(toPairs(compute.mergeRanges(toRanges(pairs), MINUTES)), wanted, `spread over ${spread} slots`);
    const all: TimeRange = [-1000 * 60, (spread + 50 - 1000) * 60];
    const missing = compute.missingRanges(all, toRanges(pairs), MINUTES);
    const back = compute.missingRanges(all, missing, MINUTES);
    equal(toPairs(back), wanted, `what is missing of what is missing, over ${spread} slots`);
  }
}

function findsMany(compute: Compute): void {
  const dice = new Dice(6);
  for (const scale of [1, 1000, 1_000_000]) {
    const slots = Array.from({ length: 60_000 }, () => dice.whole(-40_000, 40_000) * scale);
    const found = toPairs(compute.segmentsOf(Float64Array.from(slots, (slot) => slot * 60), MINUTES));
    const all = new Set(slots);
    const inside = found.flatMap(([start, end]) =>
      Array.from({ length: (end - start) / 60 }, (_, i) => start / 60 + i)
    );
    equal(inside, [...all].sort((a, b) => a - b), `slots times ${scale}`);
  }
}

function conformsMany(compute: Compute): void {
  const dice = new Dice(8);
  for (const scale of [1, 5000, 100_000_000]) {
    const frame = randomBars(dice, MINUTES, { around: -100, rows: 5000, oddness: 0.02 });
    const order = dice.shuffled([
      ...frame.ts.keys(),
      ...Array.from({ length: 1000 }, () => dice.whole(0, 4999)),
    ]);
    const columns = Object.fromEntries(
      Object.entries(frame).map(([name, column]) => [
        name,
        Float64Array.from(
          order,
          (i) => name === "ts" ? column[i] * scale : column[i] + (dice.chance(0.01) ? 1 : 0),
        ),
      ]),
    );
    const input = { kind: "ohlcv" as const, columns };
    const options = {
      grid: MINUTES,
      timeUnit: "s" as const,
      invariant: dice.pick(["flag", "quarantine"] as const),
    };
    const found = compute.conform(input, options);
    const wanted = twinConform.conform(input, options);
    equal(found.flags, wanted.flags, `flags, scale ${scale}`);
    const rows = Array.from(
      (found.frame as Bars).ts,
      (_, i) => Object.values(found.frame as Bars).map((c) => c[i] + 0),
    );
    equal(rows, wanted.frame!.map((row) => row.map((x) => (x as number) + 0)), `frame, scale ${scale}`);
    equal([found.setAside, found.conflicts], [wanted.setAside, wanted.conflicts], `rows, scale ${scale}`);
  }
}
