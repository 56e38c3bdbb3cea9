/** Runs contenders by turns in one process, so that whatever slows the machine slows all of them. */

/** The least milliseconds of each contender, by its name. */
export type Times = Record<string, number>;

/** Rounds that nobody is measured in: code is compiled and memory touched. */
const WARM_ROUNDS = 2;
const LEAST_ROUNDS = 5;
const MOST_ROUNDS = 400;

/**
 * Runs all contenders by turns for about `forMs` and answers the least time of each. One that answers a number has
 * measured itself, in milliseconds.
 */
export async function race(
  contenders: Record<string, () => unknown>,
  forMs = 900,
): Promise<Times> {
  const least: Times = {};
  const entries = Object.entries(contenders);
  const begunMs = performance.now();
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const late = performance.now() - begunMs > forMs;
    if (late && round >= WARM_ROUNDS + LEAST_ROUNDS) break;
    for (const [name, run] of entries) {
      const startMs = performance.now();
      const running = run();
      const answer = running instanceof Promise ? await running : running;
      const tookMs = typeof answer === "number" ? answer : performance.now() - startMs;
      if (round >= WARM_ROUNDS) least[name] = Math.min(least[name] ?? Infinity, tookMs);
    }
  }
  return least;
}

/** Throws unless two lists of numbers, or two frames of them, are equal. */
export function expectSame(ours: unknown, theirs: unknown, what: string): void {
  const plain = (value: unknown): number[][] => {
    if (ArrayBuffer.isView(value) || Array.isArray(value)) return [Array.from(value as ArrayLike<number>)];
    return Object.values(value as Record<string, ArrayLike<number>>).map((column) => Array.from(column));
  };
  const [a, b] = [plain(ours), plain(theirs)];
  const same = a.length === b.length &&
    a.every((list, c) => list.length === b[c].length && list.every((x, i) => x === b[c][i]));
  if (!same) throw new Error(`${what}: the core and its yardstick disagree`);
}
