/** Why slots of an answer could not be fetched: the venue's own words, which the ledger kept. */

import { type ErrorCode, errorCodes, HistoryError } from "../core/errors.ts";
import type { Metadata } from "../core/metadata.ts";
import type { HistoryService } from "../core/service.ts";
import { adviceFor } from "./failure.ts";

/** The failure behind the first slots that could not be fetched; null when none failed, or nothing is known of it. */
export async function failedFetch(service: HistoryService, metadata: Metadata): Promise<HistoryError | null> {
  const gap = metadata.gaps.find(({ reason }) => reason === "fetch_failed");
  if (metadata.complete || gap === undefined) return null;
  const range = [gap.start, gap.end] as const;
  const { gaps: [row] } = await service.gaps(metadata.node_id, { range, reason: "fetch_failed", limit: 1 });
  const noted = /^([A-Z_]+): ([^]+)$/.exec(row?.error ?? "");
  if (noted === null || !errorCodes().includes(noted[1] as ErrorCode)) return null;
  const [, code, message] = noted;
  return new HistoryError(code as ErrorCode, message, { hint: adviceFor(code), ranges: [range] });
}
