/**
 * The windows that one request wants filled: started together, shared with whoever wants the same, waited for as far
 * as the request may. What is under way when the request ends goes on or is given up as `backfill.mode` says.
 */

import type { AskOptions, Backfiller } from "../backfill/backfiller.ts";
import type { Window } from "../backfill/plan.ts";
import { VenuePatience } from "../backfill/venue_patience.ts";
import { HistoryError } from "../core/errors.ts";
import type { Clock } from "../core/ports.ts";

export interface FillingInput {
  backfiller: Backfiller;
  clock: Clock;
  nodeId: string;
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

export class Filling {
  readonly windows: Window[];
  /** Settles when every window has landed and was published; never rejects. */
  readonly done: Promise<void>;
  /** Settles with the publication. */
  readonly published: Promise<void>;
  readonly #input: FillingInput;
  readonly #landed = new Map<Window, Promise<void>>();
  /** A venue that answers none of many windows is asked for no more of them. */
  readonly #patience = new VenuePatience();
  #failure: HistoryError | null = null;
  #filled = 0;

  constructor(input: FillingInput) {
    this.#input = input;
    this.windows = input.windows;
    for (const window of input.windows) this.#landed.set(window, this.#land(window));
    this.published = this.#publish();
    this.done = this.published;
  }

  /** The last failure of a window, or null. */
  get failure(): HistoryError | null {
    return this.#failure;
  }

  /** Resolves when the given windows have landed, well or not. */
  async settled(windows: Window[]): Promise<void> {
    await Promise.all(windows.map((window) => this.#landed.get(window)));
  }

  async #land(window: Window): Promise<void> {
    try {
      await this.#fetch(window);
    } catch (error) {
      if (!(error instanceof HistoryError)) throw error;
      if (!this.#input.maySettle || error.code !== "EXCHANGE_UNAVAILABLE" || this.#input.signal.aborted) {
        this.#failure = error;
        return;
      }
      await this.#tryAgain(window, error);
    }
  }

  /** Once more after the pause of the SLA: the venue may be back. */
  async #tryAgain(window: Window, first: HistoryError): Promise<void> {
    try {
      await this.#input.clock.sleep(this.#input.retryBackoffMs, this.#input.signal);
      await this.#fetch(window);
    } catch (error) {
      if (!(error instanceof HistoryError)) throw error;
      this.#failure = error.code === "CANCELLED" ? first : error;
    }
  }

  async #fetch(window: Window): Promise<void> {
    const { backfiller, nodeId, options, signal } = this.#input;
    await backfiller.fillWindow(nodeId, window, { ...options, signal, patience: this.#patience });
    this.#filled++;
  }

  async #publish(): Promise<void> {
    await this.settled(this.windows);
    if (this.#filled === 0 || this.#input.publish === null) return;
    await this.#input.publish();
  }
}
