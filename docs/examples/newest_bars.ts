/**
 * The newest hundred minutes of a market, and what is known of them.
 *
 *   deno run --allow-read --allow-write --allow-env --allow-net docs/examples/newest_bars.ts
 */

import { type Bars, type ConfigInput, open } from "@seamless/seamless";

export async function newestBars(config?: ConfigInput) {
  const seamless = await open(config);
  try {
    const { frame, metadata } = await seamless.fetch({
      nodeId: "ohlcv:binance:BTC/USDT:1m",
      last: 100,
      // The first request also loads the exchange's markets: give it more than the usual second and a half.
      sla: { total_deadline_ms: 30_000 },
    });
    const { ts, close } = frame as Bars;
    console.log(`${ts.length} bars, the last one opened ${new Date(ts[ts.length - 1] * 1000).toISOString()}`);
    console.log(
      `close ${close[close.length - 1]}, complete: ${metadata.complete}, verdict ${metadata.verdict.mode}`,
    );
    // Bars from here on may still be restated by the exchange; those before are final.
    console.log(`final until ${new Date(metadata.final_until * 1000).toISOString()}`);
    return { frame: frame as Bars, metadata };
  } finally {
    await seamless.close();
  }
}

if (import.meta.main) await newestBars();
