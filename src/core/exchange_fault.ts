/** What went wrong at a venue, as the retry policy needs to know it (spec §14, §16). */

import { HistoryError } from "./errors.ts";
import type { ErrorCode, ErrorDetails } from "./errors.ts";

/**
 * `passing`: network, timeout, 5xx, a broken body: tried again within `max_attempts`. `rate_limited`: 429 or 418, the
 * gate is closed already: tried again without being counted. `refused`: another try gives the same: one call.
 */
export type FaultKind = "passing" | "rate_limited" | "refused";

/** What a fault can carry besides its message. */
export interface FaultDetails extends ErrorDetails {
  /** The HTTP status, where there was a reply. */
  status?: number;
  /** Local wall clock (epoch ms) until which the gate is closed; of `rate_limited` only. */
  retryAtMs?: number;
}

/** A failed call of a venue. */
export class ExchangeFault extends HistoryError {
  readonly kind: FaultKind;
  readonly status?: number;
  readonly retryAtMs?: number;

  constructor(kind: FaultKind, code: ErrorCode, message: string, details: FaultDetails) {
    super(code, message, details);
    this.kind = kind;
    this.status = details.status;
    this.retryAtMs = details.retryAtMs;
  }
}
