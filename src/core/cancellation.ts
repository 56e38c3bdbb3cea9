/** Callers abort with any reason they like; inside, a cancelled wait always fails with `CANCELLED`. */

import { cancelled, HistoryError } from "./errors.ts";

/** Why work under `signal` ended, as an expected failure: the signal's own where it is one. */
export function whyCancelled(signal: AbortSignal, act: string): HistoryError {
  return signal.reason instanceof HistoryError ? signal.reason : cancelled(act);
}

/** What is to be done when a signal fires, in order. */
const actsOf = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `act` when the signal fires, until the returned function is called. All that waits for one signal shares one
 * listener: a signal looks through all of its listeners for each that is added, and a long question alone waits for a
 * thousand windows. `act` must not throw, and is not called for a signal that has fired already.
 */
export function onAbort(signal: AbortSignal, act: () => void): () => void {
  if (signal.aborted) return () => {};
  let acts = actsOf.get(signal);
  if (acts === undefined) {
    const mine = new Set<() => void>();
    actsOf.set(signal, acts = mine);
    signal.addEventListener("abort", () => mine.forEach((one) => one()), { once: true });
  }
  // Another object for each call, so that whoever gives one function twice is called twice.
  const own = () => act();
  acts.add(own);
  return () => void acts.delete(own);
}

/** Runs `work` under the callers' signals: its own signal fires with them, and its reason is a `HistoryError`. */
export async function underSignals<T>(
  signals: readonly (AbortSignal | undefined)[],
  act: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const given = signals.filter((signal) => signal !== undefined);
  const ending = new AbortController();
  const end = ({ target }: { target: unknown }) => ending.abort(whyCancelled(target as AbortSignal, act));
  for (const signal of given) {
    if (signal.aborted) end({ target: signal });
    signal.addEventListener("abort", end, { once: true });
  }
  try {
    return await work(ending.signal);
  } finally {
    for (const signal of given) signal.removeEventListener("abort", end);
  }
}
