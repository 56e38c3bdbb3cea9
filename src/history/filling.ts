/**
 * The windows that one request wants filled: taken up in order, as many at a time as may be fetched, shared with
 * whoever wants the same, waited for as far as the request may. What is under way when the request ends goes on or is
 * given up as `backfill.mode` says. A window costs nothing before it is taken up: a question of years has hundreds, and
 * beginning them all can take longer than its deadline allows.
 */

import type { AskOptions, Backfiller } from "../backfill/backfiller.ts";
import type { Window } from "../backfill/plan.ts";
import { isRefusal } from "../backfill/scout.ts";
import { VenuePatience } from "../backfill/venue_patience.ts";
import { HistoryError } from "../core/errors.ts";
import { parseNodeId } from "../core/node_id.ts";
import type { Clock } from "../core/ports.ts";

export interface FillingInput {
  backfiller: Backfiller;
  clock: Clock;
  nodeId: string;
  /** In the order in which they are taken up. */
  windows: Window[];
  options: Omit<AskOptions, "signal">;
  retryBackoffMs: number;
  /** Whether a failed window is tried once more after the pause (requests under an SLA). */
  maySettle: boolean;
  /** Publishes what was filled, and tells by itself when it cannot; null: nothing is published. */
  publish: (() => Promise<void>) | null;
  /** Fires when the windows are given up: at the end of the service, or of the request (`backfill.mode: sync`). */
  signal: AbortSignal;
}

/** Somebody who waits for windows. */
interface Waiter {
  left: Set<Window>;
  wake: () => void;
}

export class Filling {
  readonly windows: Window[];
  /** Settles when every window has landed and was published. Rejects only for what is no `HistoryError`. */
  readonly done: Promise<void>;
  readonly #input: FillingInput;
  /** Settles with the last hand; rejects with what is no `HistoryError`. */
  readonly #hands: Promise<unknown>;
  readonly #landed = new Set<Window>();
  readonly #waiters = new Set<Waiter>();
  /** A venue that answers none of many windows is asked for no more of them. */
  readonly #patience = new VenuePatience();
  /** Index of the window that is taken up next. */
  #next = 0;
  #failure: HistoryError | null = null;
  #filled = 0;

  constructor(input: FillingInput) {
    this.#input = input;
    this.windows = input.windows;
    const hands = Math.min(input.backfiller.windowsAtOnce, input.windows.length);
    this.#hands = Promise.all(Array.from({ length: hands }, () => this.#work()));
    this.done = this.#publish();
  }

  /** The last failure of a window, or null. */
  get failure(): HistoryError | null {
    return this.#failure;
  }

  /** Resolves when the given windows have landed, well or not. */
  async settled(windows: Window[]): Promise<void> {
    const left = new Set(windows.filter((window) => !this.#landed.has(window)));
    if (left.size === 0) return;
    const landed = new Promise<void>((wake) => this.#waiters.add({ left, wake }));
    await Promise.race([landed, this.#hands]);
  }

  /** Takes up one window after the other until none is left. */
  async #work(): Promise<void> {
    while (this.#next < this.windows.length) {
      const window = this.windows[this.#next++];
      const failure = await this.#fetchInTwo(window);
      if (failure !== null) this.#note(failure);
      else this.#filled++;
      this.#land(window);
    }
  }

  #note(failure: HistoryError): void {
    this.#failure = failure;
    const { backfiller, nodeId, signal } = this.#input;
    const wouldAllFail = signal.aborted || (isRefusal(failure) && !backfiller.wasAnswered(nodeId));
    if (!wouldAllFail) return;
    for (; this.#next < this.windows.length; this.#next++) this.#land(this.windows[this.#next]);
  }

  #land(window: Window): void {
    this.#landed.add(window);
    for (const waiter of this.#waiters) {
      waiter.left.delete(window);
      if (waiter.left.size > 0) continue;
      this.#waiters.delete(waiter);
      waiter.wake();
    }
  }

  /** Fetches a window, once more after the pause of the SLA where the venue may be back; resolves with why it failed, or null. */
  async #fetchInTwo(window: Window): Promise<HistoryError | null> {
    const { clock, maySettle, nodeId, retryBackoffMs, signal } = this.#input;
    const first = await failureOf(() => this.#fetch(window));
    if (first?.code !== "EXCHANGE_UNAVAILABLE" || !maySettle || signal.aborted) return first;
    if (this.#patience.over(parseNodeId(nodeId).exchange) !== null) return first;
    const second = await failureOf(async () => {
      await clock.sleep(retryBackoffMs, signal);
      await this.#fetch(window);
    });
    return second?.code === "CANCELLED" ? first : second;
  }

  async #fetch(window: Window): Promise<void> {
    const { backfiller, nodeId, options, signal } = this.#input;
    await backfiller.fillWindow(nodeId, window, { ...options, signal, patience: this.#patience });
  }

  async #publish(): Promise<void> {
    await this.#hands;
    if (this.#filled === 0 || this.#input.publish === null) return;
    await this.#input.publish();
  }
}

/** Why `act` failed, or null. */
async function failureOf(act: () => Promise<void>): Promise<HistoryError | null> {
  try {
    await act();
    return null;
  } catch (error) {
    if (!(error instanceof HistoryError)) throw error;
    return error;
  }
}
