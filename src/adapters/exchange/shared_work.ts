/** Work that several callers want at once and that is done once. */

import { cancelled, HistoryError } from "../../core/errors.ts";

/** One piece of work at a time: who comes while it runs waits for the same outcome. */
export class SharedWork<T> {
  #running: { done: Promise<T>; waiting: number; stop: AbortController } | null = null;

  /**
   * Joins the work under way, or starts it. Nobody waits longer than their own signal (`CANCELLED`); when the last one
   * has left, the work's own signal fires.
   */
  async join(signal: AbortSignal, start: (own: AbortSignal) => Promise<T>): Promise<T> {
    const running = this.#running ?? this.#begin(start);
    running.waiting++;
    try {
      return await orGivenUp(running.done, signal);
    } finally {
      if (--running.waiting === 0) running.stop.abort();
    }
  }

  #begin(start: (own: AbortSignal) => Promise<T>) {
    const stop = new AbortController();
    const done = start(stop.signal).finally(() => {
      this.#running = null;
    });
    done.catch(() => {}); // Whoever waits gets the failure; nobody may be left when it comes.
    return this.#running = { done, waiting: 0, stop };
  }
}

/** Waits for work of somebody else, however it ends, but no longer than the own signal. */
export async function untilSettled(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  await orGivenUp(work.then(() => {}, () => {}), signal);
}

/** The outcome of `work`, or `CANCELLED` if the signal fires first. */
async function orGivenUp<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let leave = () => {};
  const left = new Promise<never>((_, reject) => {
    leave = () => reject(signal.reason instanceof HistoryError ? signal.reason : cancelled("Waiting"));
    if (signal.aborted) leave();
    signal.addEventListener("abort", leave, { once: true });
  });
  try {
    return await Promise.race([work, left]);
  } finally {
    signal.removeEventListener("abort", leave);
  }
}
