/** How failures look on a terminal and under `--json`, and which exit code a run ends with. */

import { ConfigInvalid } from "../config/problem.ts";
import { type ErrorCode, exitCodeOf, HistoryError, problemOf } from "../core/errors.ts";
import type { Output } from "./output.ts";

/** Of several outcomes the first that applies of these is the run's (surface §6); usage errors end a run before. */
const PRECEDENCE = [2, 130, 1, 4, 5, 75, 3];

/** The exit code of a run with these outcomes; 0 when all went well. */
export function worstOf(codes: Iterable<number>): number {
  const seen = new Set(codes);
  return PRECEDENCE.find((code) => seen.has(code)) ?? 0;
}

/** Any failure as one that has a code: what nobody expected is `INTERNAL`. */
export function asHistoryError(error: unknown): HistoryError {
  if (error instanceof HistoryError) return error;
  const said = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new HistoryError("INTERNAL", `Something failed that should not have: ${said}`, {
    hint: "Run it again with -v to see where; if it stays, please report it with that output",
    cause: error,
  });
}

/** Prints a failure and gives its exit code. */
export async function reportFailure(verb: string, thrown: unknown, out: Output): Promise<number> {
  const error = asHistoryError(thrown);
  if (out.mode.json) {
    const details = error instanceof ConfigInvalid ? { problems: error.problems } : {};
    await out.complain(JSON.stringify({ ...problemOf(error), ...details }));
  } else {
    await out.complain(`seamless ${verb}: ${error.message} [${error.code}]`);
    if (error.ranges?.length) await out.complain(`  ranges: ${rangesText(error.ranges)}`);
    if (error.hint !== "") await out.complain(`  → ${error.hint}`);
  }
  if (out.mode.verbose && !out.mode.json) await out.complain(stackOf(error));
  return exitCodeOf(error.code);
}

function stackOf(error: HistoryError): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${error.cause.stack}` : "";
  return `${error.stack ?? ""}${cause}`;
}

/** At most five ranges, in UTC. */
function rangesText(ranges: readonly (readonly [number, number])[]): string {
  const instant = (t: number) => new Date(t * 1000).toISOString().replace(/\.000Z$/, "Z");
  const shown = ranges.slice(0, 5).map(([start, end]) => `${instant(start)} … ${instant(end)}`);
  return shown.join(", ") + (ranges.length > 5 ? ` and ${ranges.length - 5} more` : "");
}

/** What to do about an error that a job noted with its code alone. */
export function adviceFor(code: string): string {
  return ADVICE[code as ErrorCode] ?? "Finished windows are kept: run it again, with -v to see more";
}

const ADVICE: Partial<Record<ErrorCode, string>> = {
  EXCHANGE_UNAVAILABLE: "Try again later: finished windows are kept. `seamless doctor` asks each venue",
  EXCHANGE_REFUSED:
    "The venue refuses this place, account or key; asking again does not help. Set exchanges.ID.urls to a mirror, or use another venue",
  SYMBOL_UNKNOWN: "Look up the symbol as CCXT writes it, such as BTC/USDT or BTC/USDT:USDT",
  EXCHANGE_UNKNOWN: "Use a CCXT id, such as binance, kraken, bitfinex, okx",
  BAD_TIMEFRAME: "Use a timeframe that the venue serves",
  RATE_LIMITED: "Wait, then run it again: finished windows are kept",
  STORE_UNAVAILABLE: "`seamless doctor` looks at each store",
  CONFORMANCE_BLOCKED:
    "`seamless gaps NODE` shows windows whose replies were kept raw, `fill --refetch` asks them again; where the grid differs, set exchanges.ID.anchor to that of the bars",
};
