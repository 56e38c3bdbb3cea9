/** What requests need of the configuration; `wire.ts` fills it in. */

import type { SLAPolicy, StrategyName } from "../core/metadata.ts";

export interface HistorySettings {
  strategy: StrategyName;
  partialOk: boolean;
  sla: SLAPolicy;
  /** `seamless.conformance.gap_flagging`. */
  gapFlagging: boolean;
  /** `seamless.conformance.blocking`. */
  blocking: string[];
  stabilizationBars: number;
  /** False: no manifest is written, backtests are refused. */
  publish: boolean;
  earlyFingerprint: boolean;
  live: { maxLagSec: number | null; allowPartial: boolean; closeDelayMs: number; monotonicAsOf: boolean };
  /** Whether fetches go on when their request has ended (blueprint `seamless.backfill.mode`). */
  backfillMode: "background" | "sync";
  /** Windows fetched side by side, the default of a job's workers. */
  workers: number;
  windowBars: number;
  /** Most slots of any request. */
  maxRangeBars: number;
}
