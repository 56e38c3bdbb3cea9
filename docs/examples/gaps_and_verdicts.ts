/**
 * What an answer says of itself: each hole with its reason, what conformance flagged, and whether to trade on it.
 *
 *   deno run --allow-read --allow-write --allow-env --allow-net docs/examples/gaps_and_verdicts.ts
 */

import { type ConfigInput, type Metadata, open } from "@seamless/seamless";

export async function gapsAndVerdicts(config?: ConfigInput): Promise<Metadata> {
  const seamless = await open(config);
  try {
    const { metadata } = await seamless.fetch({
      nodeId: "ohlcv:binance:BTC/USDT:1m",
      start: "2024-01-09T10:00:00Z",
      end: "2024-01-09T14:00:00Z",
      sla: { total_deadline_ms: 30_000 },
      // An answer with fewer bars than this is delivered all the same, and its verdict says so.
      minCoverage: 0.9,
    });
    for (const gap of metadata.gaps) {
      const from = new Date(gap.start * 1000).toISOString();
      // A settled reason is known not to change soon; the slot is no longer asked for by requests.
      console.log(`${gap.bars} bars from ${from}: ${gap.reason}${gap.settled ? ", settled" : ", open"}`);
    }
    console.log(
      `coverage ${(metadata.coverage_ratio * 100).toFixed(1)} %, flags ${
        JSON.stringify(metadata.conformance_flags)
      }`,
    );
    if (metadata.verdict.mode !== "PASS") {
      console.log(`${metadata.verdict.mode}: ${metadata.verdict.reasons.join(", ")}`);
    }
    return metadata;
  } finally {
    await seamless.close();
  }
}

if (import.meta.main) await gapsAndVerdicts();
