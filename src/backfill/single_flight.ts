/**
 * One key, one flight (spec §14): whoever asks for work that is under way shares it. A flight goes on while anybody
 * wants it (a request in `background` mode wants it until it lands); one without progress for the ttl is given up and
 * flown again.
 */

import { onAbort, whyCancelled } from "../core/cancellation.ts";
import { cancelled, HistoryError, throwIfCancelled } from "../core/errors.ts";
import type { Clock } from "../core/ports.ts";

interface Flight<T> {
  promise: Promise<T>;
  abort: AbortController;
  riders: number;
  /** Monotonic ms of the last progress; `Infinity` while it waits its turn, which is no standstill. */
  progressAtMs: number;
}

/**
 * How a flight is flown: `progress` tells that it is alive, `waiting` that it waits its turn and owes no progress
 * until it says so again.
 */
export type Fly<T> = (
  o: { signal: AbortSignal; progress: () => void; waiting: () => void },
) => Promise<T>;

export class SingleFlight<T> {
  /** Flights that can be joined. */
  readonly #flights = new Map<string, Flight<T>>();
  /** All that have not landed yet, those given up too. */
  readonly #airborne = new Set<Flight<T>>();
  readonly #clock: Clock;
  readonly #ttlMs: number;

  constructor(o: { clock: Clock; ttlMs: number }) {
    this.#clock = o.clock;
    this.#ttlMs = o.ttlMs;
  }

  /** Flights under way. */
  get size(): number {
    return this.#flights.size;
  }

  /**
   * Joins the flight of `key`, or starts it. `shared` tells whether it was under way. Rejects with the flight's own
   * failure, with why it was given up, or with `CANCELLED` when `signal` fires, which ends this caller's wait and
   * not the flight of others.
   */
  async ride(key: string, fly: Fly<T>, signal?: AbortSignal): Promise<{ value: T; shared: boolean }> {
    throwIfCancelled(signal, "The wait");
    const known = this.#flights.get(key);
    const stale = known !== undefined && this.#clock.monotonicMs() - known.progressAtMs > this.#ttlMs;
    if (stale) this.#end(key, known, stalled(key, this.#ttlMs));
    const shared = known !== undefined && !stale;
    const flight = shared ? known : this.#start(key, fly);
    flight.riders++;
    try {
      return { value: await raceSignal(raceSignal(flight.promise, flight.abort.signal), signal), shared };
    } finally {
      flight.riders--;
      const isAbandoned = flight.riders === 0 && this.#airborne.has(flight);
      if (isAbandoned) this.#end(key, flight, cancelled("The fetch"));
    }
  }

  /** Ends every flight and waits until each has landed. */
  async close(): Promise<void> {
    for (const [key, flight] of [...this.#flights]) this.#end(key, flight, cancelled("The fetch"));
    await Promise.allSettled([...this.#airborne].map((flight) => flight.promise));
  }

  #start(key: string, fly: Fly<T>): Flight<T> {
    const abort = new AbortController();
    const progress = () => void (flight.progressAtMs = this.#clock.monotonicMs());
    const waiting = () => void (flight.progressAtMs = Infinity);
    const flight: Flight<T> = {
      abort,
      riders: 0,
      progressAtMs: this.#clock.monotonicMs(),
      promise: Promise.resolve().then(() => fly({ signal: abort.signal, progress, waiting })),
    };
    this.#flights.set(key, flight);
    this.#airborne.add(flight);
    const land = () => {
      this.#airborne.delete(flight);
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    };
    // Both branches only clean up: the failure itself reaches every rider through `promise`.
    flight.promise.then(land, land);
    return flight;
  }

  /** Tells a flight to end. Nobody joins it from now on: who comes next must not meet a failure that was not meant for them. */
  #end(key: string, flight: Flight<T>, why: HistoryError): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
    flight.abort.abort(why);
  }
}

function stalled(key: string, ttlMs: number): HistoryError {
  return new HistoryError("EXCHANGE_UNAVAILABLE", `The fetch of ${key} made no progress for ${ttlMs} ms`, {
    hint: "It is tried again; raise backfill.single_flight_ttl_ms for a slow venue",
  });
}

/** Waits for `promise`, or rejects with the signal's reason as soon as it fires; what comes after that is passed over. */
export function raceSignal<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const stop = () => reject(whyCancelled(signal, "The wait"));
    const leave = onAbort(signal, stop);
    const settle = (act: () => void) => {
      leave();
      act();
    };
    promise.then((value) => settle(() => resolve(value)), (error) => settle(() => reject(error)));
    if (signal.aborted) stop();
  });
}
