/** Starts the benches' venue. */

import { join } from "node:path";
import { ROOT, type Stage } from "./stage.ts";

/** What ccxt is told to reach it: `urls` and `options`. */
export interface VenueAddress {
  urls: { api: Record<string, string> };
  options: Record<string, unknown>;
}

/** Starts Binance without a budget, each reply late by `latencyMs`. */
export async function startVenue(stage: Stage, latencyMs = 0): Promise<VenueAddress> {
  const script = join(ROOT, "scripts/bench/venue.ts");
  const args = ["run", "--no-prompt", "--allow-net=127.0.0.1", "--allow-read", script, String(latencyMs)];
  return JSON.parse((await stage.start({ args })).line) as VenueAddress;
}
