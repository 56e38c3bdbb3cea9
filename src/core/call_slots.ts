/**
 * At most so many at once: calls of one venue's client (`rate_limit.local_semaphore`), windows of one process
 * (`backfill.max_concurrent_requests`). A call's slot is taken before tokens are asked for: a call that was granted tokens must go out then, not when a slot happens to be free,
 * or calls would reach the venue in a heap that the budget never granted.
 */

import { cancelled, HistoryError } from "./errors.ts";
import type { Priority } from "./ports.ts";

type Waiter = () => void;

/** Slots for calls; the most urgent caller first, in order of arrival within one priority. */
export class CallSlots {
  #free: number;
  readonly #lines: Record<Priority, Set<Waiter>> = {
    live: new Set(),
    dryrun: new Set(),
    backfill: new Set(),
  };

  constructor(slots: number) {
    if (!Number.isInteger(slots) || slots < 1) throw new RangeError(`Cannot keep ${slots} slots for calls`);
    this.#free = slots;
  }

  /** Callers that wait. */
  get waiting(): number {
    return this.#lines.live.size + this.#lines.dryrun.size + this.#lines.backfill.size;
  }

  /**
   * Resolves with the function that gives the slot back (calling it twice does nothing). Rejects with `CANCELLED`, or
   * with the signal's own `HistoryError`, when the signal fires first.
   */
  async take({ priority, signal }: { priority: Priority; signal?: AbortSignal }): Promise<() => void> {
    if (signal?.aborted) throw reasonOf(signal);
    if (this.#free > 0) this.#free--;
    else await this.#wait(priority, signal);
    let isTaken = true;
    return () => {
      if (isTaken) this.#handOn();
      isTaken = false;
    };
  }

  /** Runs `work` on a slot, and gives it back whatever comes of it. Rejects as `take` while it waits. */
  async run<T>(o: { priority: Priority; signal?: AbortSignal }, work: () => Promise<T>): Promise<T> {
    const giveBack = await this.take(o);
    try {
      return await work();
    } finally {
      giveBack();
    }
  }

  #wait(priority: Priority, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const line = this.#lines[priority];
      const giveUp = () => {
        line.delete(waiter);
        reject(reasonOf(signal));
      };
      const waiter = () => {
        line.delete(waiter);
        signal?.removeEventListener("abort", giveUp);
        resolve();
      };
      signal?.addEventListener("abort", giveUp, { once: true });
      line.add(waiter);
    });
  }

  /** The slot goes straight to the next caller, so that nobody can slip in between. */
  #handOn(): void {
    const [next] = [...this.#first("live"), ...this.#first("dryrun"), ...this.#first("backfill")];
    if (next === undefined) this.#free++;
    else next();
  }

  #first(priority: Priority): Waiter[] {
    const [first] = this.#lines[priority];
    return first === undefined ? [] : [first];
  }
}

function reasonOf(signal?: AbortSignal): HistoryError {
  return signal?.reason instanceof HistoryError ? signal.reason : cancelled("Waiting for a free call slot");
}
