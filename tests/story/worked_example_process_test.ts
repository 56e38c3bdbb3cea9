/** The worked example, as a user has it: the program over the recorded day of Binance's halt, process by process. */

import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { seriesByName, seriesFromBarFile } from "../../scripts/recorded_exchange/mod.ts";
import { testNeeding } from "../needs.ts";
import { inFolder } from "./process_world.ts";

const NODE = "ohlcv:binance:BTC/USDT:1m";
const DAY = ["--start", "1679616000", "--end", "1679702400"];
const FINGERPRINT = "sfp1:5e71397d8448f6db91b1b7ac032996600d9d67d4ffa0bd30971dc60dc07552ef";
const FILE = new URL("../../../shared/data/bars/binance_BTC-USDT_1m__2023-03.csv.gz", import.meta.url);

testNeeding(
  ["../shared"],
  "fill, get, gaps, verify and a backtest of the day of Binance's halt give the figures that are known",
  async () => {
    const series = seriesByName({ "BTC/USDT 1m": await seriesFromBarFile(FILE) });
    const markets = [{ symbol: "BTC/USDT" }];
    await inFolder({ now: "2023-03-26T00:00:00Z", series, markets }, async ({ run, exchange, folder }) => {
      const filled = await run("fill", NODE, ...DAY, "--json");
      strictEqual(filled.code, 0, filled.err);
      deepStrictEqual([JSON.parse(filled.out).state, JSON.parse(filled.out).rows >= 1_360], [
        "complete",
        true,
      ]);
      const calls = exchange.calls.length;
      const got = await run("get", NODE, ...DAY, "--json");
      strictEqual(got.code, 0, got.err);
      strictEqual(exchange.calls.length, calls, "what is stored is answered without any call");
      const { metadata, rows } = JSON.parse(got.out);
      deepStrictEqual([rows.length, metadata.rows, metadata.complete, metadata.coverage_ratio], [
        1_360,
        1_360,
        true,
        0.9444444444444444,
      ]);
      strictEqual(rows.filter((row: number[]) => row[5] === 0).length, 72);
      deepStrictEqual(metadata.gaps, [{
        start: 1_679_661_600,
        end: 1_679_666_400,
        bars: 80,
        reason: "absent_at_source",
        settled: true,
        alternative: null,
      }]);
      strictEqual(metadata.answer_fingerprint, FINGERPRINT);
      deepStrictEqual([metadata.dataset_fingerprint, metadata.fingerprint_scope], [FINGERPRINT, "snapshot"]);

      const again = await run("fill", NODE, ...DAY, "--json");
      deepStrictEqual([again.code, JSON.parse(again.out).windows.total], [0, 0], again.err);
      strictEqual(exchange.calls.length, calls, "asked again at once: no call");

      const gaps = await run("gaps", NODE, ...DAY, "--json");
      deepStrictEqual([gaps.code, JSON.parse(gaps.out).gaps_total], [0, 1], gaps.err);
      const verified = await run("verify", NODE, "--hot", "--json");
      deepStrictEqual([verified.code, JSON.parse(verified.out).ok], [0, true], verified.err);

      await exchange.close();
      await Deno.remove(`${folder}/data/bars.db`);
      const asOf = ["--domain", "backtest", "--as-of", metadata.as_of];
      const backtests = [
        await run("get", NODE, ...DAY, ...asOf, "--json"),
        await run("get", NODE, ...DAY, ...asOf, "--json"),
      ];
      deepStrictEqual(backtests.map(({ code }) => code), [0, 0], backtests[0].err);
      strictEqual(backtests[0].out, backtests[1].out, "the same bytes in another process");
      const pinned = JSON.parse(backtests[0].out);
      deepStrictEqual([pinned.metadata.answer_fingerprint, pinned.rows.length], [FINGERPRINT, 1_360]);
      deepStrictEqual([pinned.metadata.sla, pinned.metadata.sources], [null, null]);
    });
  },
);
