/**
 * The yardstick of the fill: the loop that every user of ccxt has written, which pages forward from the last bar and
 * stores nothing. Runs in Node and in Deno. Prints {"ms": …, "bars": …}; loading ccxt and its markets is not counted.
 *
 * Usage: ccxt_loop.mjs CCXT_MODULE OPTIONS_JSON START_MS END_MS
 */

import process from "node:process";

const [module, options, start, end] = process.argv.slice(2);
const { default: ccxt } = await import(module);
// Its own throttle is off, as a venue without a budget allows: the loop is as fast as it can be.
const exchange = new ccxt.binance({ ...JSON.parse(options), enableRateLimit: false });
await exchange.loadMarkets();

const begun = performance.now();
let bars = 0;
for (let since = Number(start); since < Number(end);) {
  const rows = await exchange.fetchOHLCV("BTC/USDT", "1m", since, 1000);
  if (rows.length === 0) break;
  bars += rows.length;
  since = rows[rows.length - 1][0] + 60_000;
}
console.log(JSON.stringify({ ms: performance.now() - begun, bars }));
