/**
 * Many markets at once: answers come in the order asked, and the failure of one does not end the others.
 *
 *   deno run --allow-read --allow-write --allow-env --allow-net docs/examples/many_markets.ts
 */

import { type ConfigInput, nodeId, open } from "@seamless/seamless";

const SYMBOLS = ["BTC/USDT", "NEW/USDT", "GONE/USDT"];

export async function manyMarkets(config?: ConfigInput, symbols: readonly string[] = SYMBOLS) {
  const seamless = await open(config);
  const bars = new Map<string, number>();
  const errors = new Map<string, string>();
  try {
    const requests = symbols.map((symbol) => ({
      nodeId: nodeId({ exchange: "binance", symbol, timeframe: "1m" }),
      start: "2024-01-10T00:00:00Z",
      end: "2024-01-10T06:00:00Z",
      sla: { total_deadline_ms: 30_000 },
    }));
    for await (const answer of seamless.fetchMany(requests)) {
      const { nodeId } = answer.request;
      if ("error" in answer) {
        // Every failure has a stable code and a hint that says the way out.
        console.log(`${nodeId}: ${answer.error.code}. ${answer.error.hint}`);
        errors.set(nodeId, answer.error.code);
      } else {
        console.log(`${nodeId}: ${answer.metadata.rows} bars`);
        bars.set(nodeId, answer.metadata.rows);
      }
    }
    return { bars, errors };
  } finally {
    await seamless.close();
  }
}

if (import.meta.main) await manyMarkets();
