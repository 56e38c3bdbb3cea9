/** A job as it is stored once it was cancelled, whatever its runner says of it later. */

import type { JobRecord } from "../../core/ports.ts";

/** The job's counts as they are, its state as it was answered to whoever cancelled it. */
export function asCancelled(job: JobRecord): JobRecord {
  return { ...job, state: "cancelled", etaSeconds: null };
}
