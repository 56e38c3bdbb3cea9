/** Why a bar store refuses a write: said in one place for every store. */

import { HistoryError } from "../../core/errors.ts";
import type { TimeRange } from "../../core/time_range.ts";

/** The writer's lease was claimed by somebody else meanwhile. */
export function leaseLost(
  lost: { key: string; generation: number; younger: number; window: TimeRange },
): HistoryError {
  return new HistoryError(
    "LEASE_LOST",
    `Cannot write window [${
      lost.window.join(", ")
    }) under generation ${lost.generation} of lease ${lost.key}: ` +
      `generation ${lost.younger} has it`,
    { hint: "Somebody else fetches this window now: read the ledger again before asking for more" },
  );
}

/** A write to a node that was never registered. */
export function unknownNode(nodeId: string): HistoryError {
  return new HistoryError("NODE_UNKNOWN", `Cannot write to ${nodeId}: the store has no such node`, {
    hint: "Register the node before its first write",
  });
}

/** Rows that no conformed frame has: a fault of the program, caught before it is stored. */
export function unfitRows(what: string): HistoryError {
  return new HistoryError("INTERNAL", `Cannot write to the bar store: ${what}`, {
    hint: "This is a fault of the program: please report it with the message above",
  });
}

/** Any call after `close()`. */
export function storeClosed(): HistoryError {
  return new HistoryError("CANCELLED", "Cannot use the bar store: it is closed", {
    hint: "Open it again",
  });
}

/** An update of a job that is not there. */
export function unknownJob(id: string): HistoryError {
  return new HistoryError("JOB_UNKNOWN", `Cannot find job ${id}`, {
    hint: "Jobs are kept for seven days after they ended; start the backfill again",
  });
}
