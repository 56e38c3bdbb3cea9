/**
 * The whole service over the demo's exchange, for tests that look at HTTP from outside: real stores in a temporary
 * folder, real ccxt, a venue on loopback whose clock stands just after January 2024.
 */

import { startDemoExchange } from "../../scripts/recorded_exchange/mod.ts";
import { type ConfigInput, loadConfig } from "../../src/config/mod.ts";
import { serve } from "../../src/wire.ts";

/** The series that the demo's exchange serves as binance. */
export const DEMO_NODE = "ohlcv:binance:BTC/USDT:1m";

/** Runs `work` against the address of a service; everything is gone afterwards. */
export async function withRealService(
  work: (o: { url: string; folder: string }) => Promise<void>,
  o: { config?: ConfigInput } = {},
): Promise<void> {
  const exchange = startDemoExchange({ venues: ["binance"] });
  const folder = await Deno.makeTempDir({ prefix: "seamless_http_" });
  const venue = { urls: { ...exchange.urls("binance") }, options: exchange.options("binance") };
  const input: ConfigInput = {
    storage: { bars: `sqlite:${folder}/bars.db` },
    seamless: { artifact: { object_store_uri: `${folder}/artifacts` } },
    server: { port: 0 },
    exchanges: { binance: venue },
    ...o.config,
  };
  const silent = { emit() {/* The venue's clock stands in 2024: its skew is warned about. */} };
  const running = await serve(loadConfig({ input, env: {}, cwd: folder }), { log: silent });
  try {
    await work({ url: running.url, folder });
  } finally {
    await running.stop();
    await exchange.close();
    await Deno.remove(folder, { recursive: true });
  }
}

/** Asks until the answer has no open slot: what the deadline of one request leaves out goes on in the background. */
export async function filled(url: string, query: string): Promise<Response> {
  for (let tries = 0; tries < 50; tries++) {
    const response = await fetch(`${url}/v1/bars?node_id=${DEMO_NODE}&total_deadline_ms=60000&${query}`);
    if (response.headers.get("seamless-coverage")?.includes("complete=true")) return response;
    await response.body?.cancel();
  }
  throw new Error(`The range never became complete: ${query}`);
}
