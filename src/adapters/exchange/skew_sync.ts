/** Measures a venue's clock. */

import { ExchangeFault } from "../../core/exchange_fault.ts";
import type { Venue } from "./venue.ts";

/**
 * Asks the time endpoint, else takes the `Date` header of what came so far. A venue that is down for the moment is
 * no reason to fail here: the call that follows will say so. A refusal is, and a cancellation.
 */
export async function syncSkew(venue: Venue, signal: AbortSignal): Promise<void> {
  if (venue.client.has.fetchTime !== true) return venue.skew.fallBack();
  try {
    const ask = { what: "the time", priority: "live" as const, signal };
    const { value, call } = await venue.call(ask, (client) => client.fetchTime());
    if (typeof value !== "number" || !Number.isFinite(value)) return venue.skew.fallBack();
    venue.skew.measured({ sentAtMs: call.sentAtMs, receivedAtMs: call.receivedAtMs, venueMs: value });
  } catch (error) {
    if (!(error instanceof ExchangeFault) || error.kind !== "passing") throw error;
    venue.skew.fallBack();
    venue.input.log.emit("warn", "seamless.exchange.clock_unknown", {
      exchange: venue.id,
      error: error.message,
    });
  }
}
