/**
 * Two ways not to wait: FAIL_FAST answers from storage or not at all; PARTIAL_FILL answers with what is there and
 * lets the rest be fetched meanwhile.
 *
 *   deno run --allow-read --allow-write --allow-env --allow-net docs/examples/without_waiting.ts
 */

import { type ConfigInput, HistoryError, open } from "@seamless/seamless";

const ASKED = { nodeId: "ohlcv:binance:BTC/USDT:1m", start: "2024-01-12", end: "2024-01-13" };

export async function withoutWaiting(config?: ConfigInput) {
  const seamless = await open(config);
  try {
    const refused = await seamless.fetch({ ...ASKED, strategy: "FAIL_FAST" }).then(() => null, codeOf);
    console.log(`FAIL_FAST: ${refused}`);

    const partial = await seamless.fetch({ ...ASKED, strategy: "PARTIAL_FILL" });
    console.log(
      `PARTIAL_FILL: ${partial.metadata.rows} bars now, ask again in ${partial.metadata.retry_after} s`,
    );

    // `ensureCoverage` joins the fetch that goes on, and waits for it.
    await seamless.ensureCoverage(ASKED.nodeId, [
      Date.parse(ASKED.start) / 1000,
      Date.parse(ASKED.end) / 1000,
    ]);
    const whole = await seamless.fetch({ ...ASKED, strategy: "FAIL_FAST" });
    console.log(`FAIL_FAST: ${whole.metadata.rows} bars`);
    return { refused, partial: partial.metadata, whole: whole.metadata };
  } finally {
    await seamless.close();
  }
}

function codeOf(error: unknown): string {
  if (error instanceof HistoryError) return error.code;
  throw error;
}

if (import.meta.main) await withoutWaiting();
