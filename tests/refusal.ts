/** Expected failures, caught by tests that look at their code, hint and details. */

import { HistoryError } from "../src/core/errors.ts";

/** The `HistoryError` that `act` throws; anything else, or nothing, fails the test. */
export function refusal(act: () => unknown): HistoryError {
  try {
    act();
  } catch (error) {
    if (error instanceof HistoryError) return error;
    throw error;
  }
  throw new Error(`Nothing was refused by ${act}`);
}

/** The `HistoryError` that `work` rejects with; anything else, or nothing, fails the test. */
export async function rejection(work: Promise<unknown>): Promise<HistoryError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof HistoryError) return error;
    throw error;
  }
  throw new Error("The work did not reject");
}
