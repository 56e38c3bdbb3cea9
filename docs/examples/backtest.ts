/**
 * A backtest that gives the same bytes for ever: fill a day once, note the `as_of` of its snapshot, and ask for exactly
 * that dataset from then on, on any machine that can read the published files.
 *
 *   deno run --allow-read --allow-write --allow-env --allow-net docs/examples/backtest.ts
 */

import { type Bars, type ConfigInput, open } from "@seamless/seamless";

const NODE = "ohlcv:binance:BTC/USDT:1m";
const DAY = { start: "2024-01-09", end: "2024-01-10" };

export async function backtest(config?: ConfigInput) {
  const seamless = await open(config);
  try {
    const range = [Date.parse(DAY.start) / 1000, Date.parse(DAY.end) / 1000] as const;
    await seamless.ensureCoverage(NODE, range, {
      onProgress: ({ windows, rows }) =>
        console.log(`${windows.complete} of ${windows.total} windows, ${rows} bars`),
    });
    const live = await seamless.fetch({ nodeId: NODE, ...DAY });
    const asOf = live.metadata.as_of!;
    console.log(`published as ${live.metadata.dataset_fingerprint} as of ${asOf}`);

    // From here on neither the exchange nor the hot store is asked: only the published files.
    const tested = await seamless.fetch({ nodeId: NODE, ...DAY, executionDomain: "backtest", asOf });
    const same = tested.metadata.answer_fingerprint === live.metadata.answer_fingerprint;
    console.log(`the backtest reads ${tested.metadata.rows} bars, the same ones: ${same}`);
    console.log(`mean close ${mean((tested.frame as Bars).close).toFixed(2)}`);
    return { live, tested };
  } finally {
    await seamless.close();
  }
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

if (import.meta.main) await backtest();
