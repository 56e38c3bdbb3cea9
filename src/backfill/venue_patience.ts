/**
 * How long a job or a request bears with a venue that does not answer (spec §14): a window that failed has spent all
 * its attempts already, so after a few turns of that, one after another, the other windows would only spend theirs too.
 */

import { HistoryError } from "../core/errors.ts";
import { VENUE_FAILED_TURNS_MAX } from "../core/limits.ts";

/** Failures that show a venue at work: it answered, if not with what was asked for. */
const ANSWERS: ReadonlySet<string> = new Set(["CONFORMANCE_BLOCKED", "RATE_LIMITED"]);

/** Counts, for one job or request, the failed turns of each venue since its last answer. */
export class VenuePatience {
  readonly #failed = new Map<string, number>();
  readonly #ended = new Map<string, HistoryError>();

  /** Why nothing more is asked of the venue, with what to do; null as long as it is asked. */
  over(exchange: string): HistoryError | null {
    return this.#ended.get(exchange) ?? null;
  }

  /**
   * Asks the venue through `act`, and counts how that ended. Questions that are under way side by side and fail
   * together are one turn: they met the same moment. Rejects as `act` does, and with `over()` where that is not null.
   */
  async during<T>(exchange: string, act: () => Promise<T>): Promise<T> {
    const over = this.over(exchange);
    if (over !== null) throw over;
    const turn = this.#turnsOf(exchange);
    try {
      const result = await act();
      this.#failed.delete(exchange);
      return result;
    } catch (error) {
      if (error instanceof HistoryError) this.#note(exchange, { turn, error });
      throw error;
    }
  }

  #turnsOf(exchange: string): number {
    return this.#failed.get(exchange) ?? 0;
  }

  #note(exchange: string, { turn, error }: { turn: number; error: HistoryError }): void {
    if (ANSWERS.has(error.code)) this.#failed.delete(exchange);
    if (error.code !== "EXCHANGE_UNAVAILABLE" || turn !== this.#turnsOf(exchange)) return;
    this.#failed.set(exchange, turn + 1);
    if (turn + 1 >= VENUE_FAILED_TURNS_MAX) this.#ended.set(exchange, gaveUp(exchange, error));
  }
}

function gaveUp(exchange: string, last: HistoryError): HistoryError {
  return new HistoryError(
    "EXCHANGE_UNAVAILABLE",
    `Gave ${exchange} up: ${VENUE_FAILED_TURNS_MAX} times in a row all attempts failed, the last time with: ${last.message}`,
    {
      hint:
        "What was fetched is kept. Check the network and the venue's status, then ask again: the rest alone is asked for",
    },
  );
}
