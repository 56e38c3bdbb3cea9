/** Verbs that are promised and not built yet: each says so, and what to do instead. */

import { HistoryError } from "../core/errors.ts";

const INSTEAD: Readonly<Record<string, string>> = {
  diff: "compare the fingerprints that `seamless snapshots NODE` lists; two equal ones are equal data",
  import: "fetch the bars from their venue with `seamless fill NODE --start TIME`",
  export:
    "`seamless get NODE --start TIME -o FILE.parquet` writes one file; published segments are Parquet files already (`seamless snapshots NODE` names their folder)",
  lock: "note the fingerprint that `seamless get` prints and ask for it with --fingerprint",
  pin: "nothing is ever collected yet, so every snapshot stays; ask for it with --fingerprint",
  unpin: "nothing is pinned yet",
  compact: "nothing needs it: segments of any size are read",
  collect: "nothing is superseded yet; every published file is kept",
  rebuild:
    "fetch again with `seamless fill NODE --start TIME --refetch`; published snapshots are read as they are",
  audit:
    "ask a range again with `seamless fill NODE --start TIME --end TIME --refetch`; changes become revisions",
  worker: "run `seamless fill NODE…` from a timer, or POST /v1/backfills to `seamless serve`",
  live:
    "`seamless get NODE --last N` asks for the newest closed bars; GET /v1/events of `seamless serve` tells what changes",
};

/** Names of all unbuilt verbs. */
export const UNBUILT_VERBS: readonly string[] = Object.keys(INSTEAD);

/** `NOT_AVAILABLE` for an unbuilt verb. */
export function notBuiltYet(verb: string): HistoryError {
  return new HistoryError("NOT_AVAILABLE", `Cannot run ${verb}: it is not built yet`, {
    hint: `Until then: ${INSTEAD[verb]}`,
  });
}
