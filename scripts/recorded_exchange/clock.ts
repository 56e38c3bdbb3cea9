/**
 * The venue's clock. Everything the recorded exchange does (which bars exist, how full the budget is,
 * when a ban ends) follows this clock alone, so a test turns an hour by setting a number.
 */

/** Answers "what time does the venue think it is?" in epoch milliseconds. */
export interface VenueClock {
  nowMs(): number;
}

/** A clock that stands still until it is told otherwise. */
export interface SettableClock extends VenueClock {
  set(nowMs: number): void;
  advance(byMs: number): void;
}

/** Makes a clock that stands at `startMs` (epoch milliseconds). */
export function settableClock(startMs: number): SettableClock {
  let nowMs = startMs;
  return {
    nowMs: () => nowMs,
    set: (toMs) => {
      nowMs = toMs;
    },
    advance: (byMs) => {
      nowMs += byMs;
    },
  };
}

/** The machine's own clock, for a server that a person runs by hand. */
export const systemClock: VenueClock = { nowMs: () => Date.now() };
