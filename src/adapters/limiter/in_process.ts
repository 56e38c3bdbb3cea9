/**
 * The rate budget within one process (scopes `local` and `process`): callers wait in line, the most urgent first and
 * in order of arrival within one priority, and no timer runs but the one for the head of the line.
 */

import { cancelled, HistoryError } from "../../core/errors.ts";
import { GATE_QUEUE_MAX, PENALTY_MAX_MS } from "../../core/limits.ts";
import type { Clock, Priority, RateLimiter } from "../../core/ports.ts";
import { type BudgetRules, RateBudget } from "../../core/rate_budget.ts";
import { PRIORITIES } from "../../core/urgency.ts";

interface Waiter {
  cost: number;
  grant: () => void;
  giveUp: (error: HistoryError) => void;
}

/** The line of one budget. */
interface Gate {
  key: string;
  budget: RateBudget;
  /** Sets keep the order of arrival and drop from the middle at no cost. */
  lines: Record<Priority, Set<Waiter>>;
  /** For whom the timer runs, and how to stop it. */
  timer: { head: Waiter; stop: AbortController } | null;
}

/** Why a timer was stopped: its sleep rejects with this, and nobody else's. */
const REPLANNED = new Error("the wait was planned anew");

/** What an acquire asks for. */
type Ask = Parameters<RateLimiter["acquire"]>[0];

/** A limiter for one process. Budgets are declared before they are used. */
export class InProcessLimiter implements RateLimiter {
  readonly #clock: Clock;
  readonly #gates = new Map<string, Gate>();
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Sets the rules of a key, at first or anew; what was spent stays spent, who waits goes on waiting. */
  declare(key: string, rules: BudgetRules): void {
    const nowMs = this.#clock.monotonicMs();
    const known = this.#gates.get(key);
    if (known === undefined) {
      const lines = { live: new Set<Waiter>(), dryrun: new Set<Waiter>(), backfill: new Set<Waiter>() };
      this.#gates.set(key, { key, budget: new RateBudget(rules, nowMs), lines, timer: null });
      return;
    }
    known.budget.follow(rules, nowMs);
    this.#refuseTooDear(known);
    this.#serve(known);
  }

  async acquire({ key, cost, priority, signal }: Ask): Promise<void> {
    if (!(cost >= 0) || cost === Infinity) throw new RangeError(`Cannot acquire ${cost} tokens of ${key}`);
    if (this.#isClosed || signal?.aborted) throw reasonOf(key, signal);
    const gate = this.#gate(key);
    if (cost === 0) return;
    if (cost > gate.budget.rules.tokensPerInterval) throw tooDear(key, cost, gate.budget.rules);
    if (waitingAt(gate) >= GATE_QUEUE_MAX) throw this.#overloaded(gate);
    await this.#wait(gate, { cost, priority, signal });
  }

  correct(key: string, { tokens }: { tokens: number }): void {
    if (!(tokens >= 0) || tokens === Infinity) {
      throw new RangeError(`Cannot correct ${key} to ${tokens} tokens`);
    }
    const gate = this.#gate(key);
    gate.budget.correct(tokens, this.#clock.monotonicMs());
    // The head may have to wait longer now: its timer finds out when it ends.
  }

  penalize(key: string, untilMs: number): void {
    const gate = this.#gate(key);
    const askedMs = untilMs - this.#clock.nowMs();
    const closedMs = Math.min(PENALTY_MAX_MS, Math.max(askedMs || 0, gate.budget.rules.penaltyBackoffMs));
    // A jump of the wall clock must not open or close the gate, so the monotonic one keeps the time from here on.
    gate.budget.closeUntil(this.#clock.monotonicMs() + closedMs);
  }

  state(key: string): ReturnType<RateLimiter["state"]> {
    const gate = this.#gate(key);
    const nowMs = this.#clock.monotonicMs();
    const closedForMs = gate.budget.closedForMs(nowMs);
    return {
      tokens: gate.budget.tokensLeft(nowMs),
      capacity: gate.budget.rules.tokensPerInterval,
      closedUntilMs: closedForMs === null ? null : this.#clock.nowMs() + closedForMs,
      waiting: waitingAt(gate),
    };
  }

  close(): Promise<void> {
    this.#isClosed = true;
    for (const gate of this.#gates.values()) {
      stopTimer(gate);
      for (const line of Object.values(gate.lines)) {
        for (const waiter of [...line]) waiter.giveUp(reasonOf(gate.key));
      }
    }
    return Promise.resolve();
  }

  #gate(key: string): Gate {
    const gate = this.#gates.get(key);
    if (gate === undefined) throw new TypeError(`Cannot use the budget ${key}: it was not declared`);
    return gate;
  }

  #wait(gate: Gate, { cost, priority, signal }: Omit<Ask, "key">): Promise<void> {
    return new Promise((resolve, reject) => {
      const line = gate.lines[priority];
      const leave = () => {
        line.delete(waiter);
        signal?.removeEventListener("abort", onAbort);
      };
      const waiter: Waiter = {
        cost,
        grant: () => (leave(), resolve()),
        giveUp: (error) => (leave(), reject(error)),
      };
      const onAbort = () => {
        waiter.giveUp(reasonOf(gate.key, signal));
        this.#serve(gate);
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      line.add(waiter);
      this.#serve(gate);
    });
  }

  /** Grants what may be granted now, and sets the timer for the head of what is left. */
  #serve(gate: Gate): void {
    for (let head = headOf(gate); head !== null; head = headOf(gate)) {
      // Whoever joins behind the head changes nothing.
      if (gate.timer?.head === head) return;
      const nowMs = this.#clock.monotonicMs();
      const waitMs = gate.budget.waitMs(head.cost, nowMs);
      if (waitMs > 0) return this.#wakeIn(waitMs, gate, head);
      gate.budget.spend(head.cost, nowMs);
      head.grant();
    }
    stopTimer(gate);
  }

  #wakeIn(waitMs: number, gate: Gate, head: Waiter): void {
    stopTimer(gate);
    const stop = new AbortController();
    gate.timer = { head, stop };
    this.#clock.sleep(waitMs, stop.signal).then(() => {
      gate.timer = null;
      this.#serve(gate);
    }, (reason) => {
      if (reason !== REPLANNED) throw reason;
    });
  }

  #refuseTooDear(gate: Gate): void {
    stopTimer(gate);
    for (const line of Object.values(gate.lines)) {
      for (const waiter of [...line]) {
        if (waiter.cost <= gate.budget.rules.tokensPerInterval) continue;
        waiter.giveUp(tooDear(gate.key, waiter.cost, gate.budget.rules));
      }
    }
  }

  #overloaded(gate: Gate): HistoryError {
    const waiting = waitingAt(gate);
    return new HistoryError(
      "OVERLOADED",
      `Cannot wait for tokens of ${gate.key}: ${waiting} callers wait already`,
      {
        hint: "Ask again later, or for fewer nodes at once",
        retryAfter: Math.ceil(gate.budget.rules.intervalMs / 1_000),
      },
    );
  }
}

function headOf(gate: Gate): Waiter | null {
  for (const priority of PRIORITIES) {
    const [head] = gate.lines[priority];
    if (head !== undefined) return head;
  }
  return null;
}

function waitingAt({ lines }: Gate): number {
  return lines.live.size + lines.dryrun.size + lines.backfill.size;
}

function stopTimer(gate: Gate): void {
  gate.timer?.stop.abort(REPLANNED);
  gate.timer = null;
}

function reasonOf(key: string, signal?: AbortSignal): HistoryError {
  return signal?.reason instanceof HistoryError
    ? signal.reason
    : cancelled(`Waiting for the rate budget ${key}`);
}

function tooDear(key: string, cost: number, { tokensPerInterval, intervalMs }: BudgetRules): HistoryError {
  const budget = `${tokensPerInterval} tokens in ${intervalMs} ms`;
  return new HistoryError(
    "RATE_LIMITED",
    `Cannot spend ${cost} tokens of ${key} at once: its budget is ${budget}`,
    {
      hint: "Raise rate_limit.tokens_per_interval, or count over a longer rate_limit.interval_ms",
    },
  );
}
