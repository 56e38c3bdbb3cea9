/** Where pages are made ready before they are due: one after the other, with pauses in which what is due is served. */

import { CallSlots } from "../core/call_slots.ts";
import { REHEARSED_AT_A_TIME_MS } from "../core/limits.ts";
import type { Clock } from "../core/ports.ts";
import { nextTurn } from "../formats/next_turn.ts";

export class Rehearsals {
  readonly #clock: Clock;
  readonly #turns = new CallSlots(1);
  #pausedMs = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Runs `work` when those before it have ended: each page that is ready in time is one less to be made when all are
   * due. Rejects as `work` does, and with `CANCELLED` when the signal fires first.
   */
  async inTurn(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    await this.#turns.run({ priority: "live", signal }, work);
  }

  /** Gives way to everybody else where the work has gone on for long enough. */
  async pause(): Promise<void> {
    if (this.#clock.monotonicMs() - this.#pausedMs < REHEARSED_AT_A_TIME_MS) return;
    await nextTurn();
    this.#pausedMs = this.#clock.monotonicMs();
  }
}
