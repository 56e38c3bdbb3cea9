/**
 * How often the tests of `kill -9` kill: a sample here, 200 times each under CI. `TEST_KILLS=200 deno task test kill`
 * does the same by hand.
 */

import { SeededDice } from "./fake_clock.ts";

/** Kills of one test. */
export const KILLS = Number(Deno.env.get("TEST_KILLS") || 20);
/** Folders that are worked on side by side: half the time goes by while a process starts or waits. */
const LANES = 2;
/** Kills of one folder; then a new one is begun, so that the first moments of a folder are among them. */
const KILLS_PER_FOLDER = 20;

/** Spends all kills in rounds of at most twenty, each with chance of its own; a round is one folder's life. */
export async function killRounds(
  seed: number,
  round: (kills: number, dice: SeededDice) => Promise<void>,
): Promise<void> {
  let left = KILLS;
  const lane = async (number: number) => {
    for (let i = number; left > 0; i += LANES) {
      const kills = Math.min(left, KILLS_PER_FOLDER);
      left -= kills;
      await round(kills, new SeededDice(seed + i));
    }
  };
  await Promise.all(Array.from({ length: LANES }, (_, number) => lane(number)));
}
