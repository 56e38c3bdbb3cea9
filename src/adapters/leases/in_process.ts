/**
 * Leases within one process. A generation is at least the wall clock's milliseconds, so that those of a restarted
 * process are higher than any before it.
 */

import type { ClaimOutcome, Clock, Dice, Lease, Leases } from "../../core/ports.ts";
import { leaseLost, leasesClosed, leaseUnknown } from "./refusals.ts";

interface Held {
  token: string;
  generation: number;
  leaseUntilMs: number;
  claimedAtMs: number;
}

export class InProcessLeases implements Leases {
  readonly #clock: Clock;
  readonly #dice: Dice;
  /** A key stays when its lease was given back, with its token taken away: its generation must go on rising. */
  readonly #held = new Map<string, Held>();

  #isClosed = false;

  constructor(parts: { clock: Clock; dice: Dice }) {
    this.#clock = parts.clock;
    this.#dice = parts.dice;
  }

  /** The youngest generation that `key` was ever claimed under, or null: what a bar store in memory fences by. */
  generationOf(key: string): number | null {
    return this.#held.get(key)?.generation ?? null;
  }

  claim(key: string, leaseMs: number): Promise<ClaimOutcome> {
    return Promise.try(() => {
      if (this.#isClosed) throw leasesClosed();
      const nowMs = this.#clock.nowMs();
      const held = this.#held.get(key);
      if (held !== undefined && held.leaseUntilMs > nowMs) {
        return { held: { leaseUntilMs: held.leaseUntilMs } };
      }
      const lease = {
        token: this.#dice.id(),
        generation: Math.max((held?.generation ?? 0) + 1, Math.floor(nowMs)),
        leaseUntilMs: nowMs + leaseMs,
      };
      this.#held.set(key, { ...lease, claimedAtMs: nowMs });
      return { lease: { key, ...lease } };
    });
  }

  renew(lease: Lease, leaseMs: number): Promise<Lease> {
    return Promise.try(() => {
      const held = this.#own(lease, "renew");
      held.leaseUntilMs = this.#clock.nowMs() + leaseMs;
      return { ...lease, leaseUntilMs: held.leaseUntilMs };
    });
  }

  complete(lease: Lease): Promise<void> {
    return Promise.try(() => {
      this.#giveBack(this.#own(lease, "complete"));
    });
  }

  fail(lease: Lease, _reason: string): Promise<void> {
    return Promise.try(() => {
      this.#giveBack(this.#own(lease, "fail"));
    });
  }

  list(page: { prefix?: string; after?: string; limit: number }): Promise<
    { key: string; generation: number; leaseUntilMs: number; claimedAtMs: number }[]
  > {
    return Promise.try(() => {
      if (this.#isClosed) throw leasesClosed();
      const { prefix = "", after = "", limit } = page;
      const nowMs = this.#clock.nowMs();
      return [...this.#held]
        .filter(([key, held]) => held.leaseUntilMs > nowMs && key.startsWith(prefix) && key > after)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .slice(0, limit)
        .map(([key, { generation, leaseUntilMs, claimedAtMs }]) => ({
          key,
          generation,
          leaseUntilMs,
          claimedAtMs,
        }));
    });
  }

  close(): Promise<void> {
    return Promise.try(() => {
      this.#isClosed = true;
    });
  }

  #own({ key, token, generation }: Lease, act: string): Held {
    if (this.#isClosed) throw leasesClosed();
    const held = this.#held.get(key);
    if (held === undefined || held.token === "") throw leaseUnknown(act, key);
    const isOwn = held.token === token && held.generation === generation;
    if (!isOwn || held.leaseUntilMs <= this.#clock.nowMs()) throw leaseLost(act, key);
    return held;
  }

  #giveBack(held: Held): void {
    held.token = "";
    held.leaseUntilMs = 0;
  }
}
