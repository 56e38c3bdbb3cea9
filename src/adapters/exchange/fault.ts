/** Makes faults: the code follows from the kind. */

import type { ErrorCode } from "../../core/errors.ts";
import { ExchangeFault, type FaultDetails, type FaultKind } from "../../core/exchange_fault.ts";

const CODE_OF: Record<FaultKind, ErrorCode> = {
  passing: "EXCHANGE_UNAVAILABLE",
  rate_limited: "RATE_LIMITED",
  refused: "EXCHANGE_REFUSED",
};

/** A fault of a kind, with the code that goes with it. */
export function fault(kind: FaultKind, message: string, details: FaultDetails): ExchangeFault {
  return new ExchangeFault(kind, CODE_OF[kind], message, details);
}
