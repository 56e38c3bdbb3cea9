/**
 * At most so many at once: calls of one venue's client (`rate_limit.local_semaphore`), windows of one process
 * (`backfill.max_concurrent_requests`). A call's slot is taken before tokens are asked for: a call that was granted
 * tokens must go out then, not when a slot happens to be free, or calls would reach the venue in a heap that the
 * budget never granted.
 */

import { onAbort, whyCancelled } from "./cancellation.ts";
import type { Priority } from "./ports.ts";
import { Urgency } from "./urgency.ts";

const WAITING = "Waiting for a free call slot";

type Waiter = () => void;
/** Callers of one priority, by whom they work for; who was served last stands last. */
type Line = Map<unknown, Set<Waiter>>;

/** Who asks for a slot. */
export interface SlotAsk {
  /** An urgency may be raised while it waits. */
  priority: Priority | Urgency;
  /** For whom: parties of one priority take turns, so that one with a thousand calls does not keep others waiting. */
  party?: unknown;
  signal?: AbortSignal;
}

/** Slots for calls; the most urgent caller first, parties by turns within one priority, in order of arrival within one party. */
export class CallSlots {
  #free: number;
  readonly #lines: Record<Priority, Line> = { live: new Map(), dryrun: new Map(), backfill: new Map() };

  constructor(slots: number) {
    if (!Number.isInteger(slots) || slots < 1) throw new RangeError(`Cannot keep ${slots} slots for calls`);
    this.#free = slots;
  }

  /** Callers that wait. */
  get waiting(): number {
    const parties = Object.values(this.#lines).flatMap((line) => [...line.values()]);
    return parties.reduce((sum, callers) => sum + callers.size, 0);
  }

  /**
   * Resolves with the function that gives the slot back (calling it twice does nothing). Rejects with `CANCELLED`, or
   * with the signal's own `HistoryError`, when the signal fires first.
   */
  async take(ask: SlotAsk): Promise<() => void> {
    if (ask.signal?.aborted) throw whyCancelled(ask.signal, WAITING);
    if (this.#free > 0) this.#free--;
    else await this.#wait(ask);
    let isTaken = true;
    return () => {
      if (isTaken) this.#handOn();
      isTaken = false;
    };
  }

  /** Runs `work` on a slot, and gives it back whatever comes of it. Rejects as `take` while it waits. */
  async run<T>(o: SlotAsk, work: () => Promise<T>): Promise<T> {
    const giveBack = await this.take(o);
    try {
      return await work();
    } finally {
      giveBack();
    }
  }

  #wait({ priority, party, signal }: SlotAsk): Promise<void> {
    return new Promise((resolve, reject) => {
      const urgency = priority instanceof Urgency ? priority : new Urgency(priority);
      let line = this.#lines[urgency.priority];
      const leave = () => {
        this.#leave(line, party, waiter);
        forget?.();
        deaf();
      };
      const giveUp = () => {
        leave();
        reject(whyCancelled(signal!, WAITING));
      };
      const waiter = () => {
        leave();
        resolve();
      };
      const forget = signal && onAbort(signal, giveUp);
      const deaf = urgency.onRaise(() => {
        this.#leave(line, party, waiter);
        line = this.#lines[urgency.priority];
        this.#enter(line, party, waiter);
      });
      this.#enter(line, party, waiter);
    });
  }

  #enter(line: Line, party: unknown, waiter: Waiter): void {
    const callers = line.get(party);
    if (callers === undefined) line.set(party, new Set([waiter]));
    else callers.add(waiter);
  }

  #leave(line: Line, party: unknown, waiter: Waiter): void {
    const others = line.get(party)!;
    others.delete(waiter);
    if (others.size === 0) line.delete(party);
  }

  /** The slot goes straight to the next caller, so that nobody can slip in between. */
  #handOn(): void {
    const { live, dryrun, backfill } = this.#lines;
    const line = [live, dryrun, backfill].find(({ size }) => size > 0);
    if (line === undefined) {
      this.#free++;
      return;
    }
    const [[party, callers]] = line;
    // To the end of the line, for the turn after this one.
    line.delete(party);
    line.set(party, callers);
    const [next] = callers;
    next();
  }
}
