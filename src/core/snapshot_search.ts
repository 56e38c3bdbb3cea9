/**
 * The one search over a snapshot log (spec §8): which is the last manifest that is there, or that is not past an
 * `as_of`?
 *
 * It doubles the sequence number until it misses or passes, then bisects. It does no I/O: it yields the sequence
 * number to look at and is sent whether that one still holds.
 */

import { LOG_SEARCH_MAX_READS } from "./limits.ts";

/**
 * Finds the last sequence number that holds, given that all up to some number do and none after it. `known` is one
 * that is known to hold (0: nothing is known). Yields the number to look at, is sent `true` when it holds, returns
 * the last that does (0: none).
 */
export function* searchLastHolding(known = 0): Generator<number, number, boolean> {
  let low = known;
  let high = known + 1;
  for (let reads = 0, step = 1; yield high; reads++) {
    // A log cannot double so often and be real: whoever answers "yes" for ever would keep us here for ever.
    if (reads > LOG_SEARCH_MAX_READS / 2) throw new Error(`The log still holds at sequence number ${high}`);
    low = high;
    step *= 2;
    high = known + step;
  }
  while (high - low > 1) {
    const middle = low + Math.floor((high - low) / 2);
    if (yield middle) low = middle;
    else high = middle;
  }
  return low;
}

/** Runs the search against a log that answers later. */
export async function findLastHolding(
  holds: (seq: number) => Promise<boolean>,
  known = 0,
): Promise<number> {
  const search = searchLastHolding(known);
  let turn = search.next();
  while (!turn.done) turn = search.next(await holds(turn.value));
  return turn.value;
}
