/**
 * Time and chance that a test holds in its hand. Nothing here looks at the real clock: `sleep` resolves when the
 * test moves time, in the order in which the sleepers are due, and what a sleeper starts has run before the next
 * one wakes.
 */

import { setImmediate } from "node:timers";
import type { Clock, Dice } from "../src/core/ports.ts";

/** Wake-ups of one `advance` or `runUntilSettled`: a loop that sleeps 0 ms for ever must not hang the tests. */
const WAKE_UPS_MAX = 5_000_000;

interface Sleeper {
  dueMs: number;
  /** Sleepers that are due together wake in the order in which they lay down. */
  order: number;
  wake: () => void;
}

/** Lets everything run that is ready to run: all microtasks, and one round of the event loop's I/O. */
export function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/**
 * A clock that moves only when it is told to. `startMs` is the first wall-clock reading (epoch ms).
 *
 * ```ts
 * const clock = new FakeClock(Date.UTC(2024, 0, 1));
 * const done = clock.sleep(1000);
 * await clock.advance(1000);
 * await done;
 * ```
 */
export class FakeClock implements Clock {
  #elapsedMs = 0;
  #wallOffsetMs: number;
  #order = 0;
  /** Ascending in due time, then in order. */
  #sleepers: Sleeper[] = [];

  constructor(startMs: number = Date.UTC(2024, 0, 1)) {
    this.#wallOffsetMs = startMs;
  }

  nowMs(): number {
    return this.#wallOffsetMs + this.#elapsedMs;
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  /** Sleepers that have not woken yet. */
  get sleeping(): number {
    return this.#sleepers.length;
  }

  /** Milliseconds until the next sleeper is due, or null when nobody sleeps. */
  get nextDueInMs(): number | null {
    return this.#sleepers.length === 0 ? null : this.#sleepers[0].dueMs - this.#elapsedMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (!(ms > 0)) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        this.#sleepers.splice(this.#sleepers.indexOf(sleeper), 1);
        reject(signal?.reason);
      };
      const wake = () => {
        signal?.removeEventListener("abort", giveUp);
        resolve();
      };
      const sleeper: Sleeper = { dueMs: this.#elapsedMs + ms, order: this.#order++, wake };
      signal?.addEventListener("abort", giveUp, { once: true });
      this.#insert(sleeper);
    });
  }

  /** Jumps the wall clock (an NTP step, a set date) without any time passing: nobody wakes. */
  setWall(epochMs: number): void {
    this.#wallOffsetMs = epochMs - this.#elapsedMs;
  }

  /** Lets `ms` pass: wakes everybody who is due by then, each at its own moment. */
  async advance(ms: number): Promise<void> {
    const targetMs = this.#elapsedMs + ms;
    await turn();
    for (let woken = 0; this.#sleepers.length > 0 && this.#sleepers[0].dueMs <= targetMs; woken++) {
      if (woken >= WAKE_UPS_MAX) {
        throw new Error(`FakeClock woke ${woken} sleepers within ${ms} ms: endless loop?`);
      }
      await this.#wakeNext();
    }
    this.#elapsedMs = targetMs;
  }

  /** Lets time pass to the next sleeper and wakes it; false when nobody sleeps. */
  async advanceToNext(): Promise<boolean> {
    await turn();
    if (this.#sleepers.length === 0) return false;
    await this.#wakeNext();
    return true;
  }

  /**
   * Moves time from sleeper to sleeper until `work` settles, and gives its result. Fails when `limitMs` of fake
   * time pass first. Real I/O of the work (loopback, files) is waited for only while nobody sleeps.
   */
  async runUntilSettled<T>(work: Promise<T>, limitMs = 86_400_000): Promise<T> {
    let settled = false;
    const mark = () => void (settled = true);
    work.then(mark, mark);
    const targetMs = this.#elapsedMs + limitMs;
    for (let turns = 0; turns < WAKE_UPS_MAX; turns++) {
      await turn();
      if (settled) return await work;
      if (this.#sleepers.length === 0) continue;
      if (this.#sleepers[0].dueMs > targetMs) {
        throw new Error(`Nothing came of the work within ${limitMs} ms of fake time`);
      }
      await this.#wakeNext();
    }
    throw new Error(`Nothing came of the work within ${WAKE_UPS_MAX} turns, ${this.sleeping} sleep`);
  }

  async #wakeNext(): Promise<void> {
    const sleeper = this.#sleepers.shift()!;
    this.#elapsedMs = Math.max(this.#elapsedMs, sleeper.dueMs);
    sleeper.wake();
    await turn();
  }

  #insert(sleeper: Sleeper): void {
    let low = 0;
    let high = this.#sleepers.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#sleepers[middle].dueMs <= sleeper.dueMs) low = middle + 1;
      else high = middle;
    }
    this.#sleepers.splice(low, 0, sleeper);
  }
}

/** Chance from a seed (mulberry32): the same seed gives the same sequence, on every machine. */
export class SeededDice implements Dice {
  #state: number;
  #ids = 0;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  random(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Ids count upwards, so that a failing test names the same one each time. */
  id(): string {
    return (++this.#ids).toString(16).padStart(32, "0");
  }
}
