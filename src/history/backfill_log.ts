/** Writes what becomes of each window to the log, under the stable names of metrics.md. */

import type { Log, LogLevel } from "../core/ports.ts";
import type { ServiceEvent } from "../core/service.ts";

type BackfillEvent = Extract<ServiceEvent, { type: "backfill" }>;

/** What goes well is many lines and for those who look for something; what does not is for everybody. */
const LEVELS: Record<BackfillEvent["phase"], LogLevel> = {
  attempt: "debug",
  complete: "debug",
  retry: "warn",
  fail: "warn",
};

/** Logs `seamless.backfill.{attempt,complete,fail,retry}`; other events are none of its business. */
export function logBackfill(log: Log, event: ServiceEvent): void {
  if (event.type !== "backfill") return;
  const { type: _type, phase, ...fields } = event;
  log.emit(LEVELS[phase], `seamless.backfill.${phase}`, fields);
}
