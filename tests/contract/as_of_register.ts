/** What every register of `as_of` must do: per world and node it never goes back (spec §11). */

import assert from "node:assert/strict";
import type { AsOfRegister } from "../../src/core/ports.ts";
import { holdTo } from "./promises.ts";

/** An empty register, and how to throw it away. */
export interface AsOfRegisterUnderTest {
  register: AsOfRegister;
  /** A second door to the same register, as another process would have. */
  second: AsOfRegister;
  dispose(): Promise<void>;
}

type Check = (under: AsOfRegisterUnderTest) => Promise<void>;

const NOW = 1_700_000_000_123;

const CHECKS: Record<string, Check> = {
  "nothing was given at first": async ({ register }) => {
    assert.equal(await register.last("world", "node"), null);
  },
  "advance() keeps the highest, and says it": async ({ register, second }) => {
    assert.equal(await register.advance("world", "node", NOW), NOW);
    assert.equal(await second.advance("world", "node", NOW - 1), NOW);
    assert.equal(await second.advance("world", "node", NOW + 1), NOW + 1);
    assert.equal(await register.last("world", "node"), NOW + 1);
  },
  "mark() stays while nobody writes, and changes when anybody gives a higher one": async (
    { register, second },
  ) => {
    const before = register.mark();
    await register.last("w", "n");
    assert.equal(register.mark(), before);
    await second.advance("w", "n", NOW);
    assert.notEqual(register.mark(), before);
  },
  "worlds and nodes stand apart, whatever their names": async ({ register }) => {
    await register.advance("a", "b|c", NOW);
    await register.advance("a|b", "c", NOW + 1);
    await register.advance("a", "d", NOW + 2);
    const given = [["a", "b|c"], ["a|b", "c"], ["a", "d"], ["A", "d"]] as const;
    const last = await Promise.all(given.map(([world, node]) => register.last(world, node)));
    assert.deepEqual(last, [NOW, NOW + 1, NOW + 2, null]);
  },
  "of many at once the highest stays, and nobody is told less than was given before": async (
    { register, second },
  ) => {
    const told = await Promise.all(
      Array.from(
        { length: 50 },
        (_, i) => (i % 2 === 0 ? register : second).advance("w", "n", NOW + (i * 37) % 50),
      ),
    );
    assert.equal(await second.last("w", "n"), NOW + 49);
    assert.equal(told.every((asOfMs, i) => asOfMs >= NOW + (i * 37) % 50), true);
  },
};

/** Registers one test per promise of the port. `make` gives an empty register. */
export function asOfRegisterContract(name: string, make: () => Promise<AsOfRegisterUnderTest>): void {
  holdTo(name, { promises: CHECKS, make });
}
