/**
 * The waiting of one request under its SLA (spec §10): a phase may use the smaller of its own budget and what is left
 * of the total, and a deadline ends the waiting when it is due, whatever is still under way.
 */

import { whyCancelled } from "../core/cancellation.ts";
import { HistoryError } from "../core/errors.ts";
import { NEAR_END_MS } from "../core/limits.ts";
import type { Phase, SLAPolicy, SlaViolation } from "../core/metadata.ts";
import type { Clock } from "../core/ports.ts";
import { phaseBudget } from "../core/sla.ts";

type TimedPhase = Exclude<Phase, "sync_gap">;

/** How long a wait may take, and the budget that says so. */
interface Limit {
  ms: number;
  phase: TimedPhase;
}

/** What a wait heeds besides its budget. */
export interface Heeded {
  /** Ends it with `CANCELLED`. */
  signal?: AbortSignal | undefined;
  /** Called when the budget is nearly used. */
  nearEnd?: (() => void) | undefined;
}

/** What a wait came to. */
export type Waited<T> = { late: false; value: T } | { late: true };

export class Waits {
  readonly #clock: Clock;
  readonly #sla: SLAPolicy;
  readonly #patient: { timeoutMs: number | null } | null;
  readonly #startedMs: number;
  readonly phases: Partial<Record<Phase, { ms: number; budget_ms: number }>> = {};
  violation: SlaViolation | null = null;

  constructor(o: { clock: Clock; sla: SLAPolicy; patient: { timeoutMs: number | null } | null }) {
    this.#clock = o.clock;
    this.#sla = o.sla;
    this.#patient = o.patient;
    this.#startedMs = o.clock.monotonicMs();
  }

  elapsedMs(): number {
    return this.#clock.monotonicMs() - this.#startedMs;
  }

  /** What `phase` may still use, ms; `Infinity` for callers that wait until the work is done. */
  budgetMs(phase: TimedPhase): number {
    return this.#limitOf(phase).ms;
  }

  /**
   * Waits for `work` within the phase's budget; late, it notes the violation and leaves the work alone. Rejects as
   * `work` does, and with `CANCELLED` when the signal fires.
   */
  async within<T>(phase: TimedPhase, work: Promise<T>, heeded: Heeded = {}): Promise<Waited<T>> {
    return await this.#race(phase, { limit: this.#limitOf(phase), work, ...heeded });
  }

  /** As `within` the total, but `work` gets at least `leastMs`, also when nothing is left. */
  async atLeast<T>(
    leastMs: number,
    work: Promise<T>,
    { signal }: Pick<Heeded, "signal"> = {},
  ): Promise<Waited<T>> {
    const limit = this.#limitOf("total");
    return await this.#race("total", { limit: { ...limit, ms: Math.max(limit.ms, leastMs) }, work, signal });
  }

  async #race<T>(
    phase: TimedPhase,
    { limit, work, signal, nearEnd }: { limit: Limit; work: Promise<T> } & Heeded,
  ): Promise<Waited<T>> {
    const started = this.#clock.monotonicMs();
    if (limit.ms > 0 && !signal?.aborted && await isAtHand(work)) {
      const value = await work;
      this.#note(phase, { started, limit, late: false });
      return { late: false, value };
    }
    const done = new AbortController();
    const alarm = limit.ms === Infinity
      ? never<Waited<T>>()
      : this.#alarm<T>(limit.ms, { cancel: done.signal, nearEnd });
    try {
      const outcome = await Promise.race([
        work.then((value): Waited<T> => ({ late: false, value })),
        alarm,
        ...(signal === undefined ? [] : [rejectOn<Waited<T>>(signal, done.signal)]),
      ]);
      this.#note(phase, { started, limit, late: outcome.late });
      return outcome;
    } finally {
      done.abort(OVER);
    }
  }

  /** The phases as they stand, with the total. */
  summary(): {
    phases: Partial<Record<Phase, { ms: number; budget_ms: number }>>;
    violation: SlaViolation | null;
  } {
    const total = { ms: Math.round(this.elapsedMs()), budget_ms: finite(this.#totalMs()) };
    return { phases: { ...this.phases, total }, violation: this.violation };
  }

  /** More open slots than may be waited for. */
  noteSyncGap(budgetBars: number, bars: number): void {
    this.violation ??= { phase: "sync_gap", budget_bars: budgetBars, bars };
  }

  /** The error that a broken budget becomes where the policy says so; `--timeout` of the CLI always does. */
  exceeded(act: string): HistoryError {
    const violation = this.violation!;
    const timed = violation.phase === "sync_gap" ? null : violation;
    const what = timed === null
      ? `${"bars" in violation ? violation.bars : 0} open slots are more than max_sync_gap_bars`
      : `${timed.phase} took ${timed.elapsed_ms} ms of ${timed.budget_ms} ms`;
    return new HistoryError("SLA_EXCEEDED", `Cannot answer ${act} in time: ${what}`, {
      hint:
        "The fetch goes on in the background: ask again soon, give a larger budget, or use on_violation PARTIAL_FILL",
      phase: violation.phase,
      budgetMs: timed?.budget_ms,
      elapsedMs: timed?.elapsed_ms,
    });
  }

  #totalMs(): number {
    return this.#patient === null ? this.#sla.total_deadline_ms : this.#patient.timeoutMs ?? Infinity;
  }

  /** The smaller of the phase's own budget, less what it used already, and what is left of the total. */
  #limitOf(phase: TimedPhase): Limit {
    const total = { ms: Math.max(0, this.#totalMs() - this.elapsedMs()), phase: "total" } as const;
    if (this.#patient !== null || phase === "total") return total;
    const own = Math.max(0, phaseBudget(this.#sla, phase) - (this.phases[phase]?.ms ?? 0));
    return own < total.ms ? { ms: own, phase } : total;
  }

  #note(phase: TimedPhase, o: { started: number; limit: Limit; late: boolean }): void {
    const before = this.phases[phase];
    const ms = Math.round(this.#clock.monotonicMs() - o.started) + (before?.ms ?? 0);
    const budget_ms = before?.budget_ms ?? finite(o.limit.ms);
    this.phases[phase] = { ms, budget_ms };
    if (!o.late) return;
    this.violation ??= o.limit.phase === "total"
      ? { phase: "total", budget_ms: finite(this.#totalMs()), elapsed_ms: Math.round(this.elapsedMs()) }
      : { phase, budget_ms, elapsed_ms: ms };
  }

  async #alarm<T>(
    ms: number,
    o: { cancel: AbortSignal; nearEnd?: (() => void) | undefined },
  ): Promise<Waited<T>> {
    const { cancel, nearEnd } = o;
    const dueMs = this.#clock.monotonicMs() + ms;
    const leftMs = () => dueMs - this.#clock.monotonicMs();
    try {
      if (nearEnd !== undefined) {
        await this.#clock.sleep(ms - Math.min(NEAR_END_MS, ms / 2), cancel);
        if (leftMs() > 0) nearEnd();
      }
      await this.#clock.sleep(leftMs(), cancel);
    } catch (error) {
      // The race is over: this wait ended with it.
      if (!cancel.aborted) throw error;
    }
    return { late: true };
  }
}

/** Turns of the microtask queue that work gets before it is waited for with an alarm. */
const AT_HAND_TURNS = 24;

/** Whether work ends without anything from outside: all it needs is in memory. Most answers are; alarms cost them dear. */
async function isAtHand(work: Promise<unknown>): Promise<boolean> {
  let ended = false;
  const end = () => void (ended = true);
  work.then(end, end);
  for (let turns = 0; turns < AT_HAND_TURNS && !ended; turns++) await null;
  return ended;
}

/** Why the alarm of a race that is over stops. Given, because an abort without a reason makes an exception with a stack. */
const OVER = "the race is over";

/** Budgets in metadata are numbers: what waits for ever says 0. */
function finite(ms: number): number {
  return Number.isFinite(ms) ? Math.round(ms) : 0;
}

function never<T>(): Promise<T> {
  return new Promise<T>(() => {});
}

function rejectOn<T>(signal: AbortSignal, over: AbortSignal): Promise<T> {
  return new Promise<T>((_, reject) => {
    const stop = () => reject(whyCancelled(signal, "The request"));
    if (signal.aborted) return stop();
    signal.addEventListener("abort", stop, { once: true });
    over.addEventListener("abort", () => signal.removeEventListener("abort", stop), { once: true });
  });
}
