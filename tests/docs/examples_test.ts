/** The examples of the library, run as they stand in docs/examples, against the demo's exchange on loopback. */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { backtest } from "../../docs/examples/backtest.ts";
import { gapsAndVerdicts } from "../../docs/examples/gaps_and_verdicts.ts";
import { manyMarkets } from "../../docs/examples/many_markets.ts";
import { newestBars } from "../../docs/examples/newest_bars.ts";
import { withoutWaiting } from "../../docs/examples/without_waiting.ts";
import { startDemoExchange, systemClock } from "../../scripts/recorded_exchange/mod.ts";
import type { ConfigInput } from "../../src/mod.ts";

/** Runs an example with a configuration that knows the demo's exchange; what it prints is not shown. */
async function running<T>(example: (config: ConfigInput) => Promise<T>): Promise<T> {
  const exchange = startDemoExchange({ venues: ["binance"], clock: systemClock });
  const folder = await Deno.makeTempDir({ prefix: "seamless_examples_" });
  const { log } = console;
  console.log = () => {};
  try {
    return await example({
      storage: { bars: "memory:" },
      seamless: { artifact: { object_store_uri: folder } },
      exchanges: { binance: { urls: { ...exchange.urls("binance") }, options: exchange.options("binance") } },
    });
  } finally {
    console.log = log;
    await exchange.close();
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("newest_bars: the last hundred bars come, without a hole", async () => {
  const { frame, metadata } = await running(newestBars);
  strictEqual(frame.ts.length, 100);
  deepStrictEqual([metadata.complete, metadata.gaps, metadata.verdict.mode], [true, [], "PASS"]);
  ok(metadata.final_until <= metadata.effective_range[1]);
});

Deno.test("backtest: the published dataset is the live one, by its fingerprint", async () => {
  const { live, tested } = await running(backtest);
  strictEqual(live.metadata.rows, 1_440 - 150);
  strictEqual(tested.metadata.execution_domain, "backtest");
  deepStrictEqual(tested.frame, live.frame);
  strictEqual(tested.metadata.answer_fingerprint, live.metadata.answer_fingerprint);
  strictEqual(tested.metadata.dataset_fingerprint, live.metadata.dataset_fingerprint);
});

Deno.test("gaps_and_verdicts: the outage is told with its reason, and missed coverage in the verdict", async () => {
  const metadata = await running(gapsAndVerdicts);
  deepStrictEqual(metadata.gaps.map(({ bars, reason, settled }) => [bars, reason, settled]), [
    [150, "absent_at_source", true],
  ]);
  deepStrictEqual(metadata.conformance_flags, { gap: 150 });
  deepStrictEqual(metadata.verdict, { mode: "PARTIAL_FILL", reasons: ["coverage_breach"] });
});

Deno.test("many_markets: one unknown symbol does not end the others", async () => {
  const { bars, errors } = await running(manyMarkets);
  deepStrictEqual([...bars], [["ohlcv:binance:BTC/USDT:1m", 360], ["ohlcv:binance:NEW/USDT:1m", 360]]);
  deepStrictEqual([...errors], [["ohlcv:binance:GONE/USDT:1m", "SYMBOL_UNKNOWN"]]);
});

Deno.test("without_waiting: nothing is waited for, and the fetch goes on", async () => {
  const { refused, partial, whole } = await running(withoutWaiting);
  strictEqual(refused, "COVERAGE_INCOMPLETE");
  strictEqual(partial.complete, false);
  ok(partial.retry_after !== null && partial.retry_after > 0);
  deepStrictEqual([whole.complete, whole.rows], [true, 1_440]);
});
