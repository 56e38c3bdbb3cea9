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
import { cancelled, HistoryError } from "../core/errors.ts";
import { HANDS_PER_PLACE } from "../core/limits.ts";
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

/** A window that failed, to be tried once more when the venue may be back. */
interface Second {
  window: Window;
  /** Monotonic ms. */
  dueMs: number;
  failure: HistoryError;
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
  /** In the order in which they are due. */
  readonly #seconds: Second[] = [];
  /** Fires when nothing more is to be asked: who pauses before a second try goes home. */
  readonly #over = new AbortController();
  #failure: HistoryError | null = null;
  #filled = 0;

  constructor(input: FillingInput) {
    this.#input = input;
    this.windows = input.windows;
    const hands = Math.min(HANDS_PER_PLACE * input.backfiller.windowsAtOnce, input.windows.length);
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

  /** Takes up one window after the other until none is left, those that are due once more first. */
  async #work(): Promise<void> {
    const { clock } = this.#input;
    while (true) {
      const isDue = this.#seconds.length > 0 && this.#seconds[0].dueMs <= clock.monotonicMs();
      const isNew = !isDue && this.#next < this.windows.length;
      const second = isNew ? undefined : this.#seconds.shift();
      if (isNew) await this.#first(this.windows[this.#next++]);
      else if (second !== undefined) await this.#again(second);
      else return;
    }
  }

  async #first(window: Window): Promise<void> {
    const { clock, maySettle, nodeId, retryBackoffMs, signal } = this.#input;
    const failure = await failureOf(() => this.#fetch(window));
    const mayPass = failure?.code === "EXCHANGE_UNAVAILABLE" && maySettle && !signal.aborted &&
      this.#patience.over(parseNodeId(nodeId).exchange) === null;
    if (!mayPass) return this.#land(window, failure);
    // Others have the hand meanwhile: one bad window must not keep ten good ones waiting.
    this.#seconds.push({ window, dueMs: clock.monotonicMs() + retryBackoffMs, failure });
  }

  /** Once more after the pause of the SLA: the venue may be back. */
  async #again({ window, dueMs, failure }: Second): Promise<void> {
    const { clock, signal } = this.#input;
    const ending = AbortSignal.any([signal, this.#over.signal]);
    const second = await failureOf(async () => {
      await clock.sleep(dueMs - clock.monotonicMs(), ending);
      await this.#fetch(window);
    });
    this.#land(window, second?.code === "CANCELLED" ? failure : second);
  }

  async #fetch(window: Window): Promise<void> {
    const { backfiller, nodeId, options, signal } = this.#input;
    await backfiller.fillWindow(nodeId, window, { ...options, signal, patience: this.#patience });
  }

  #land(window: Window, failure: HistoryError | null): void {
    if (failure === null) this.#filled++;
    else if (!isRefusal(this.#failure)) this.#failure = failure;
    this.#tell(window);
    if (failure !== null && (this.#input.signal.aborted || isRefusal(failure))) this.#leaveRest();
  }

  /** What is refused once would be refused for every window (spec §14): those that were not taken up yet are not asked. */
  #leaveRest(): void {
    this.#over.abort(cancelled("The second try"));
    for (const { window } of this.#seconds.splice(0)) this.#tell(window);
    for (; this.#next < this.windows.length; this.#next++) this.#tell(this.windows[this.#next]);
  }

  #tell(window: Window): void {
    this.#landed.add(window);
    for (const waiter of this.#waiters) {
      waiter.left.delete(window);
      if (waiter.left.size > 0) continue;
      this.#waiters.delete(waiter);
      waiter.wake();
    }
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
