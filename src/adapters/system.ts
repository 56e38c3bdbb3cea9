/**
 * Time and chance of the machine: the only `Clock` and `Dice` of a running service. Tests use
 * `tests/fake_clock.ts` instead.
 */

import type { Clock, Dice } from "../core/ports.ts";

/** A timer holds at most a signed 32-bit number of milliseconds; a longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The machine's clock: the wall clock for instants, a monotonic one for durations. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  async sleep(ms, signal) {
    signal?.throwIfAborted();
    const dueMs = performance.now() + ms;
    // A timer may fire a fraction of a millisecond early, and a long sleep takes several of them.
    for (let leftMs = ms; leftMs > 0; leftMs = dueMs - performance.now()) {
      await oneTimer(Math.min(Math.ceil(leftMs), LONGEST_TIMER_MS), signal);
    }
  },
};

/** One timer; an abort clears it, so that no sleeper outlives its caller. */
function oneTimer(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const giveUp = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", giveUp);
      resolve();
    }, ms);
    signal?.addEventListener("abort", giveUp, { once: true });
  });
}

/** The machine's chance: a fast generator for jitter, the cryptographic one for ids. */
export const systemDice: Dice = {
  random: () => Math.random(),
  id: () => crypto.randomUUID().replaceAll("-", ""),
};
