/** One question, as callers ask it (surface.md §1, §4). Text becomes these shapes at the edges; meaning is resolved in `history/`. */

import type { AnswerRows } from "./answer.ts";
import type { Features, SLAPolicy } from "./metadata.ts";

/**
 * A request for bars. Times: integer epoch seconds or RFC 3339 text; `start` or `last` is required. What is left
 * out comes from configuration.
 */
export interface FetchRequest {
  nodeId: string;
  start?: number | string;
  /** Default: the start of the forming bar. */
  end?: number | string;
  /** The last N slots up to `end`. */
  last?: number;
  /** RFC 3339. Selects in backtest and dryrun; a floor in live. */
  asOf?: string;
  fingerprint?: string;
  worldId?: string;
  executionDomain?: string;
  strategy?: string;
  /** Seconds. */
  maxLag?: number;
  /** 0 … 1. */
  minCoverage?: number;
  sla?: Partial<SLAPolicy> | "baseline" | "tolerant-partial";
  features?: Features;
}

/** What the edges add to a request, and callers of the library do not. */
export interface RequestContext {
  signal?: AbortSignal;
  /** The CLI waits until the work is done: SLA deadlines do not apply (surface §6), `timeoutMs` does. */
  patient?: { timeoutMs: number | null };
  /** HTTP off loopback: a request must name its domain (spec §11). */
  requireContext?: boolean;
  /** Most slots that an unpinned answer may span; more is `RANGE_TOO_LARGE` before anything is fetched. */
  maxSlots?: number;
  /** Deliver only the first N rows from `after` on (a page); metadata describe the whole answer. */
  page?: { limit: number; after: number | null };
  session?: string;
  /**
   * Called shortly before a deadline with the rows of the answer as they would be by then, so that what is to be made of
   * them can be made ready. Where the answer that follows has the same `content`, ranges and rows are the same.
   */
  rehearse?: (answer: AnswerRows) => Promise<void>;
}
