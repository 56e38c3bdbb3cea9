/** Callers abort with any reason they like; inside, a cancelled wait always fails with `CANCELLED`. */

import { cancelled, HistoryError } from "./errors.ts";

/** Why work under `signal` ended, as an expected failure: the signal's own where it is one. */
export function whyCancelled(signal: AbortSignal, act: string): HistoryError {
  return signal.reason instanceof HistoryError ? signal.reason : cancelled(act);
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
