/** Which format an answer takes: `format=` first, then `Accept` with its weights. */

import { HistoryError } from "../core/errors.ts";
import { FORMAT_NAMES, type FormatName, MEDIA_TYPES } from "../formats/format.ts";
import { choiceOf, type Query, shown } from "./query.ts";

/** Between equal weights the one that stands first here wins: who takes anything gets JSON. */
const PREFERENCE: readonly FormatName[] = ["json", "arrow", "parquet", "csv", "ndjson"];

/** The format of an answer. `BAD_REQUEST` for an unknown `format=`, `NOT_ACCEPTABLE` when `Accept` allows none. */
export function formatFor(query: Query, accept: string | null): FormatName {
  const asked = choiceOf(query, "format", FORMAT_NAMES);
  if (asked !== undefined) return asked;
  if (accept === null || accept.trim() === "") return "json";
  const ranges = accept.split(",").map(parseRange);
  let best: FormatName | null = null;
  let bestWeight = 0;
  for (const format of PREFERENCE) {
    const weight = weightOf(MEDIA_TYPES[format], ranges);
    if (weight > bestWeight) {
      best = format;
      bestWeight = weight;
    }
  }
  if (best !== null) return best;
  throw new HistoryError("NOT_ACCEPTABLE", `Cannot answer in "${shown(accept)}"`, {
    hint: `Use format=${FORMAT_NAMES.join("|")}, or Accept: ${Object.values(MEDIA_TYPES).join(", ")}`,
  });
}

interface MediaRange {
  type: string;
  weight: number;
}

function parseRange(text: string): MediaRange {
  const [type, ...parameters] = text.split(";").map((part) => part.trim().toLowerCase());
  const q = parameters.find((parameter) => parameter.startsWith("q="));
  const weight = q === undefined ? 1 : Number(q.slice(2));
  return { type, weight: weight >= 0 && weight <= 1 ? weight : 0 };
}

/** The weight of the most specific range that covers a type (RFC 9110 §12.5.1). */
function weightOf(mediaType: string, ranges: MediaRange[]): number {
  const [group] = mediaType.split("/");
  for (const covering of [mediaType, `${group}/*`, "*/*"]) {
    const range = ranges.find(({ type }) => type === covering);
    if (range) return range.weight;
  }
  return 0;
}
