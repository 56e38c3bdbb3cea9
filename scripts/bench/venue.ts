/**
 * The venue of the benches, in a process of its own: Binance as the recorded exchange speaks it, without a budget.
 * Prints its address, then serves until it is killed.
 *
 * Usage: venue.ts [latency in ms]
 */

import { startRecordedExchange } from "../recorded_exchange/mod.ts";

const latencyMs = Number(Deno.args[0] ?? 0);
const exchange = startRecordedExchange({
  venues: ["binance"],
  markets: [{ symbol: "BTC/USDT" }],
  record: false,
  faults: latencyMs > 0 ? [{ kind: "latency", ms: latencyMs }] : [],
});
console.log(JSON.stringify({ urls: exchange.urls("binance"), options: exchange.options("binance") }));
