import { deepEqual, equal, ok } from "node:assert/strict";
import {
  DEMO_LISTED_MS,
  DEMO_MONTH,
  DEMO_OUTAGES,
  DEMO_QUIET,
  startDemoExchange,
} from "../../scripts/recorded_exchange/mod.ts";
import { type Kline, klines, MINUTE } from "./asking.ts";

async function month(symbol: string): Promise<Kline[]> {
  const exchange = startDemoExchange();
  try {
    const rows: Kline[] = [];
    for (let since = DEMO_MONTH.startMs; since < DEMO_MONTH.endMs && exchange.calls.length < 60;) {
      const page = await klines(exchange, {
        symbol,
        startTime: since,
        endTime: DEMO_MONTH.endMs - 1,
        limit: 1_000,
      });
      rows.push(...page);
      since = page.length === 0 ? DEMO_MONTH.endMs : page.at(-1)![0] + MINUTE;
    }
    return rows;
  } finally {
    await exchange.close();
  }
}

/** Stretches of the month without bars, in minutes. */
function holes(rows: Kline[]): number[] {
  const edges = [DEMO_MONTH.startMs - MINUTE, ...rows.map((row) => row[0]), DEMO_MONTH.endMs];
  return edges.slice(1).map((open, index) => (open - edges[index]) / MINUTE - 1).filter((missing) =>
    missing > 0
  );
}

Deno.test("the demo's month has 44,640 minutes less two outages, and an hour without trades", async () => {
  const rows = await month("BTCUSDT");
  deepEqual(holes(rows), [150, 284]);
  equal(rows.length, 44_640 - 150 - 284);
  for (const outage of DEMO_OUTAGES) {
    ok(!rows.some((row) => row[0] >= outage.startMs && row[0] < outage.endMs));
  }
  const quiet = rows.filter((row) => Number(row[5]) === 0);
  deepEqual([quiet.length, quiet[0][0]], [60, DEMO_QUIET.startMs]);
});

Deno.test("the demo's second market is listed on the fifth", async () => {
  const rows = await month("NEWUSDT");
  equal(rows[0][0], DEMO_LISTED_MS);
  deepEqual(holes(rows), [5_760, 150, 284]);
});

Deno.test("the demo serves the same bars on every run", async () => {
  deepEqual(await month("NEWUSDT"), await month("NEWUSDT"));
});
