/**
 * How far the local clock is off a venue's: local − venue, in ms. Measured by the venue's time endpoint, else by
 * the `Date` header of any reply, at first use and hourly.
 */

import type { Clock, Log } from "../../core/ports.ts";

const MEASURED_FOR_MS = 3_600_000;
/** After a failed measurement the next one waits, so that a venue in trouble is not asked for the time as well. */
const RETRY_AFTER_MS = 60_000;
const WARN_ABOVE_MS = 5_000;
/** A `Date` header has whole seconds: what it cannot tell from zero is taken as zero. */
const DATE_RESOLUTION_MS = 1_000;

/** One measurement: local times of sending and receiving, and what the venue said in between. */
export interface SkewSample {
  sentAtMs: number;
  receivedAtMs: number;
  venueMs: number;
}

/** Keeps the skew of one venue. */
export class Skew {
  #ms = 0;
  #measuredAtMs: number | null = null;
  #dueAtMs = -Infinity;
  #fromDateMs: number | null = null;
  readonly #exchange: string;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #keep: (measured: { skewMs: number; measuredAtMs: number }) => void;

  /** `keep` is told each measurement. */
  constructor({ exchange, clock, log, keep = () => {} }: {
    exchange: string;
    clock: Clock;
    log: Log;
    keep?: (measured: { skewMs: number; measuredAtMs: number }) => void;
  }) {
    this.#exchange = exchange;
    this.#clock = clock;
    this.#log = log;
    this.#keep = keep;
  }

  /** Local wall clock at the end of the last measurement, epoch ms; null before the first. */
  get measuredAtMs(): number | null {
    return this.#measuredAtMs;
  }

  /** Local − venue in ms; 0 before the first measurement. */
  ms(): number {
    return this.#ms;
  }

  /** The venue's time in epoch ms. */
  venueNowMs(): number {
    return this.#clock.nowMs() - this.#ms;
  }

  /** Whether a `Date` header has been seen since the last measurement. */
  get hasDate(): boolean {
    return this.#fromDateMs !== null;
  }

  isDue(): boolean {
    return this.#clock.monotonicMs() >= this.#dueAtMs;
  }

  /** Takes what a time endpoint said. */
  measured({ sentAtMs, receivedAtMs, venueMs }: SkewSample): void {
    this.#settle((sentAtMs + receivedAtMs) / 2 - venueMs);
  }

  /** Remembers what the `Date` header of a reply says; it counts where there is no time endpoint. */
  noteDate(
    { sentAtMs, receivedAtMs, date }: { sentAtMs: number; receivedAtMs: number; date: string | null },
  ) {
    const venueMs = date === null ? NaN : Date.parse(date);
    if (Number.isNaN(venueMs)) return;
    const skewMs = (sentAtMs + receivedAtMs) / 2 - (venueMs + DATE_RESOLUTION_MS / 2);
    this.#fromDateMs = Math.abs(skewMs) <= DATE_RESOLUTION_MS ? 0 : skewMs;
  }

  /** No time endpoint, or it failed: takes the last `Date` header, if there was one. */
  fallBack(): void {
    if (this.#fromDateMs !== null) this.#settle(this.#fromDateMs);
    else this.#dueAtMs = this.#clock.monotonicMs() + RETRY_AFTER_MS;
  }

  #settle(skewMs: number): void {
    this.#ms = Math.round(skewMs);
    this.#fromDateMs = null;
    this.#dueAtMs = this.#clock.monotonicMs() + MEASURED_FOR_MS;
    this.#measuredAtMs = this.#clock.nowMs();
    this.#keep({ skewMs: this.#ms, measuredAtMs: this.#measuredAtMs });
    if (Math.abs(this.#ms) > WARN_ABOVE_MS) {
      this.#log.emit("warn", "seamless.exchange.clock_skew", { exchange: this.#exchange, skew_ms: this.#ms });
    }
  }
}
