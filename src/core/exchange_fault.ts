/** What went wrong at a venue, as the retry policy needs to know it (spec §14, §16). */

import { HistoryError } from "./errors.ts";
import type { ErrorCode, ErrorDetails } from "./errors.ts";

/**
 * `passing`: network, timeout, 5xx, a broken body: tried again within `max_attempts`. `rate_limited`: 429 or 418, the
 * gate is closed already: tried again without being counted. `refused`: another try gives the same: one call.
 */
export type FaultKind = "passing" | "rate_limited" | "refused";

/** A failed call of a venue. */
export class ExchangeFault extends HistoryError {
  readonly kind: FaultKind;

  constructor(kind: FaultKind, code: ErrorCode, message: string, details: ErrorDetails) {
    super(code, message, details);
    this.kind = kind;
  }
}
