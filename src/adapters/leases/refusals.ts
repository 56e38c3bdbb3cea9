/** Why a lease cannot be renewed or given back: said in one place for every kind of leases. */

import { HistoryError } from "../../core/errors.ts";

/** Nobody has the key: it was never claimed, or was given back. */
export function leaseUnknown(act: string, key: string): HistoryError {
  return new HistoryError("LEASE_UNKNOWN", `Cannot ${act} the lease of ${key}: nobody holds it`, {
    hint: "Claim the key again",
  });
}

/** Somebody else has the key, or the lease ran out. */
export function leaseLost(act: string, key: string): HistoryError {
  return new HistoryError(
    "LEASE_LOST",
    `Cannot ${act} the lease of ${key}: it ran out or is somebody else's`,
    {
      hint: "Stop writing under it, read the ledger again, then claim the key again for what is still open",
    },
  );
}

/** Any call after `close()`. */
export function leasesClosed(): HistoryError {
  return new HistoryError("CANCELLED", "Cannot use the leases: they are closed", { hint: "Open them again" });
}
