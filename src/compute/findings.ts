/** The policy that rows are conformed under, the flags that count what was found, and what those mean in words. */
import type { ConformOptions } from "./types.ts";

/** Options with every default filled in. */
export type Policy = Required<Omit<ConformOptions, "range">> & Pick<ConformOptions, "range">;

/** Sets a flag, unless it counts zero. */
export function raise(flags: Record<string, number>, name: string, count: number): void {
  if (count > 0) flags[name] = count;
}

const MEANING: Record<string, string> = {
  missing_column: "columns are missing",
  dtype_cast: "columns were converted to numbers or text",
  dtype_mismatch: "columns hold cells that are neither numbers nor written as numbers",
  ts_cast: "times were converted",
  ts_timezone_normalized: "times had an offset from UTC",
  invalid_timestamp: "rows without a usable time were dropped",
  non_finite: "cells are not finite numbers",
  misaligned_ts: "rows are off the grid",
  duplicate_ts: "rows were dropped as duplicates",
  conflict: "dropped duplicates differ from the row that stays",
  ohlc_invariant: "rows contradict themselves (high, low, price or volume)",
  gap: "slots have no bar",
};

/** One sentence for each flag, in the order of their names. */
export function warningsOf(flags: Record<string, number>): string[] {
  return Object.keys(flags).sort().map((flag) => `${flag}: ${flags[flag]} ${MEANING[flag]}`);
}
