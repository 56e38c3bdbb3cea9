/**
 * One key, one flight (spec §14): whoever asks for work that is under way shares it. A flight goes on while anybody
 * wants it, or in `background` mode until it ends; one without progress for the ttl is given up and flown again.
 */

import { cancelled, HistoryError } from "../core/errors.ts";
import type { Clock } from "../core/ports.ts";

interface Flight<T> {
  promise: Promise<T>;
  abort: AbortController;
  riders: number;
  progressAtMs: number;
}

/** How a flight is flown: `progress` tells that it is alive. */
export type Fly<T> = (o: { signal: AbortSignal; progress: () => void }) => Promise<T>;

export class SingleFlight<T> {
  readonly #flights = new Map<string, Flight<T>>();
  readonly #clock: Clock;
  readonly #ttlMs: number;
  readonly #landAbandoned: boolean;

  /** `landAbandoned`: a flight that nobody waits for any more goes on to its end. */
  constructor(o: { clock: Clock; ttlMs: number; landAbandoned: boolean }) {
    this.#clock = o.clock;
    this.#ttlMs = o.ttlMs;
    this.#landAbandoned = o.landAbandoned;
  }

  /** Flights under way. */
  get size(): number {
    return this.#flights.size;
  }

  /**
   * Joins the flight of `key`, or starts it. `shared` tells whether it was under way. Rejects with the flight's own
   * failure, or with `CANCELLED` when `signal` fires, which ends this caller's wait and not the flight of others.
   */
  async ride(key: string, fly: Fly<T>, signal?: AbortSignal): Promise<{ value: T; shared: boolean }> {
    const known = this.#flights.get(key);
    const stale = known !== undefined && this.#clock.monotonicMs() - known.progressAtMs > this.#ttlMs;
    if (stale) this.#giveUp(key, known);
    const shared = known !== undefined && !stale;
    const flight = shared ? known : this.#start(key, fly);
    flight.riders++;
    try {
      return { value: await raceSignal(flight.promise, signal), shared };
    } finally {
      flight.riders--;
      if (flight.riders === 0 && !this.#landAbandoned) flight.abort.abort(cancelled("The fetch"));
    }
  }

  /** Ends every flight and waits until each has landed. */
  async close(): Promise<void> {
    const flights = [...this.#flights.values()];
    for (const flight of flights) flight.abort.abort(cancelled("The fetch"));
    await Promise.allSettled(flights.map((flight) => flight.promise));
  }

  #start(key: string, fly: Fly<T>): Flight<T> {
    const abort = new AbortController();
    const flight: Flight<T> = {
      abort,
      riders: 0,
      progressAtMs: this.#clock.monotonicMs(),
      promise: Promise.resolve().then(() =>
        fly({ signal: abort.signal, progress: () => flight.progressAtMs = this.#clock.monotonicMs() })
      ),
    };
    this.#flights.set(key, flight);
    const land = () => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    };
    // Both branches only clean up: the failure itself reaches every rider through `promise`.
    flight.promise.then(land, land);
    return flight;
  }

  #giveUp(key: string, flight: Flight<T>): void {
    this.#flights.delete(key);
    flight.abort.abort(
      new HistoryError("EXCHANGE_UNAVAILABLE", `The fetch of ${key} made no progress for ${this.#ttlMs} ms`, {
        hint: "It is tried again; raise backfill.single_flight_ttl_ms for a slow venue",
      }),
    );
  }
}

/** Waits for `promise`, or rejects with the signal's reason as soon as it fires. */
export function raceSignal<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason instanceof HistoryError ? signal.reason : cancelled("The wait"));
    if (signal.aborted) return stop();
    signal.addEventListener("abort", stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}
