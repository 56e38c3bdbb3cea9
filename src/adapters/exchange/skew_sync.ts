/** Measures a venue's clock. */

import { ExchangeFault } from "../../core/exchange_fault.ts";
import type { CcxtClient } from "./ccxt_client.ts";
import type { Venue } from "./venue.ts";

/** A cheap question of which only the `Date` header is of interest, for venues that tell the time in no other way. */
export type Knock = (client: CcxtClient) => Promise<unknown>;

/**
 * Asks the time endpoint; a venue without one is read by the `Date` header of its last reply, and knocked at when
 * there was none. A venue that is down for the moment is no reason to fail here: the call that follows will say so.
 * A refusal is, and a cancellation; under `strict` every failure is.
 */
export async function syncSkew(
  venue: Venue,
  signal: AbortSignal,
  knock: Knock | null = null,
  o: { strict?: boolean } = {},
): Promise<void> {
  try {
    if (venue.client.has.fetchTime === true) await askTime(venue, signal);
    else await readDate(venue, signal, knock);
  } catch (error) {
    if (o.strict === true || !(error instanceof ExchangeFault) || error.kind !== "passing") throw error;
    venue.skew.fallBack();
    venue.input.log.emit("warn", "seamless.exchange.clock_unknown", {
      exchange: venue.id,
      error: error.message,
    });
  }
}

async function askTime(venue: Venue, signal: AbortSignal): Promise<void> {
  const { value, call } = await venue.call(asking(signal), (client) => client.fetchTime());
  if (typeof value !== "number" || !Number.isFinite(value)) return venue.skew.fallBack();
  venue.skew.measured({ sentAtMs: call.sentAtMs, receivedAtMs: call.receivedAtMs, venueMs: value });
}

async function readDate(venue: Venue, signal: AbortSignal, knock: Knock | null): Promise<void> {
  if (!venue.skew.hasDate) {
    if (knock === null) return; // Still due: whoever can knock does.
    await venue.call(asking(signal), knock);
  }
  venue.skew.fallBack();
}

function asking(signal: AbortSignal) {
  return { what: "the time", priority: "live" as const, signal };
}
