/** Places for concurrent work: live work goes first, within one priority the first that came. */

import { cancelled, HistoryError } from "../core/errors.ts";
import type { Priority } from "../core/ports.ts";

const ORDER: Record<Priority, number> = { live: 0, dryrun: 1, backfill: 2 };

interface Waiter {
  priority: Priority;
  enter: () => void;
}

/** At most `places` holders at once. */
export class WorkSlots {
  readonly #queue: Waiter[] = [];
  #free: number;

  constructor(places: number) {
    this.#free = places;
  }

  /** Runs `work` when a place is free; gives the place back whatever comes of it. Rejects with `CANCELLED` while waiting. */
  async run<T>(o: { priority: Priority; signal: AbortSignal }, work: () => Promise<T>): Promise<T> {
    await this.#enter(o);
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  #enter({ priority, signal }: { priority: Priority; signal: AbortSignal }): Promise<void> {
    if (signal.aborted) return Promise.reject(whyEnded(signal));
    if (this.#free > 0) {
      this.#free--;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        priority,
        enter: () => {
          signal.removeEventListener("abort", leave);
          resolve();
        },
      };
      const leave = () => {
        this.#queue.splice(this.#queue.indexOf(waiter), 1);
        reject(whyEnded(signal));
      };
      signal.addEventListener("abort", leave, { once: true });
      const after = this.#queue.findIndex((other) => ORDER[other.priority] > ORDER[priority]);
      this.#queue.splice(after === -1 ? this.#queue.length : after, 0, waiter);
    });
  }

  #leave(): void {
    const next = this.#queue.shift();
    if (next === undefined) this.#free++;
    else next.enter();
  }
}

/** The signal's own reason where it is one that a caller can read, else `CANCELLED`. */
function whyEnded(signal: AbortSignal): HistoryError {
  return signal.reason instanceof HistoryError ? signal.reason : cancelled("Waiting for a fetch slot");
}
