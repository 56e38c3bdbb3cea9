/** The retry policy of one venue call (spec §14): growing pauses for what can pass, one call for a refusal. */

import { throwIfCancelled } from "../core/errors.ts";
import { ExchangeFault } from "../core/exchange_fault.ts";
import { PENALTIES_MAX } from "../core/limits.ts";
import type { Clock, Dice } from "../core/ports.ts";

export interface RetryPolicy {
  /** Counted attempts, the first one included. */
  maxAttempts: number;
  backoffMs: number;
  backoffCapMs: number;
  /** Each pause is lengthened or shortened by up to this share. */
  jitterRatio: number;
}

/** The pause after failed attempt number `attempt` (from 1), ms: doubling to the cap, with jitter. Pure. */
export function pauseAfter(attempt: number, policy: RetryPolicy, random: number): number {
  const base = Math.min(policy.backoffCapMs, policy.backoffMs * 2 ** (attempt - 1));
  return base * (1 + policy.jitterRatio * (2 * random - 1));
}

/** What the runner tells while it works. */
export interface RetryEvents {
  onAttempt?: (attempt: number) => void;
  onRetry?: (attempt: number, error: ExchangeFault) => void;
}

/**
 * Runs `call` until it succeeds. Rejects with the last fault when attempts are used up, at once with a refusal or
 * with what is no fault of the venue, and with `CANCELLED` when the signal fires, in a pause too. A 429/418 is not
 * counted: the rate gate holds the next call back until the venue's ban is over.
 */
export async function withRetries<T>(
  call: (signal: AbortSignal) => Promise<T>,
  o: { policy: RetryPolicy; clock: Clock; dice: Dice; signal: AbortSignal } & RetryEvents,
): Promise<T> {
  let attempt = 1;
  for (let penalties = 0; penalties <= PENALTIES_MAX;) {
    throwIfCancelled(o.signal, "Fetching");
    o.onAttempt?.(attempt);
    try {
      return await call(o.signal);
    } catch (error) {
      throwIfCancelled(o.signal, "Fetching");
      if (!(error instanceof ExchangeFault) || error.kind === "refused") throw error;
      if (error.kind === "rate_limited") {
        penalties++;
        if (penalties > PENALTIES_MAX) throw error;
      } else if (attempt >= o.policy.maxAttempts) throw error;
      else {
        await pause(pauseAfter(attempt, o.policy, o.dice.random()), o);
        attempt++;
      }
      o.onRetry?.(attempt, error);
    }
  }
  throw new Error("unreachable: the loop returns or throws");
}

/** Rests; whatever reason a caller gave its signal, what comes of it here is `CANCELLED`. */
async function pause(ms: number, { clock, signal }: { clock: Clock; signal: AbortSignal }): Promise<void> {
  try {
    await clock.sleep(ms, signal);
  } catch (error) {
    throwIfCancelled(signal, "Fetching");
    throw error;
  }
}
