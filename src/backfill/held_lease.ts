/** Work under a lease (spec §14): renewed while the work goes on, given back when it ends, well or not. */

import { cancelled, HistoryError } from "../core/errors.ts";
import type { Clock, Lease, Leases } from "../core/ports.ts";

/** Why a lease is renewed no more. */
const GIVEN_BACK = cancelled("Renewing");

export interface Holding {
  leases: Leases;
  clock: Clock;
  ttlMs: number;
  /** The lease is somebody else's now (a pause of the machine): the work should end. Fenced writes find out themselves. */
  onLost?: (error: HistoryError) => void;
}

/** Runs `work` while the lease is held. Resolves and rejects as `work` does. */
export async function whileHeld<T>(lease: Lease, holding: Holding, work: () => Promise<T>): Promise<T> {
  const { leases } = holding;
  const done = new AbortController();
  const renewing = renew(lease, holding, done.signal);
  try {
    const result = await work();
    await giveBack(() => leases.complete(lease));
    return result;
  } catch (error) {
    await giveBack(() => leases.fail(lease, error instanceof Error ? error.message : String(error)));
    throw error;
  } finally {
    done.abort(GIVEN_BACK);
    await renewing;
  }
}

/** Keeps the lease while the work goes on. A lost one ends the renewing. */
async function renew(
  lease: Lease,
  { leases, clock, ttlMs, onLost }: Holding,
  done: AbortSignal,
): Promise<void> {
  try {
    for (let held = lease;;) {
      await clock.sleep(ttlMs / 3, done);
      held = await renewed(leases, held, ttlMs);
    }
  } catch (error) {
    if (done.aborted) return;
    if (!(error instanceof HistoryError)) throw error;
    onLost?.(error);
  }
}

/** Renews a lease; a store that is away for the moment leaves it as it is, for the next try. */
async function renewed(leases: Leases, lease: Lease, leaseMs: number): Promise<Lease> {
  try {
    return await leases.renew(lease, leaseMs);
  } catch (error) {
    if (error instanceof HistoryError && error.code === "STORE_UNAVAILABLE") return lease;
    throw error;
  }
}

/** Gives a lease back. That it was lost or ran out meanwhile changes nothing of what was done, or of why it failed. */
async function giveBack(act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof HistoryError)) throw error;
  }
}
