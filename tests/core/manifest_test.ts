import assert from "node:assert/strict";
import { logKey, nodeFolder, pageKey, segmentKey } from "../../src/core/manifest.ts";
import { isArtifactKey } from "../../src/core/artifact_key.ts";

Deno.test("a node's folder is made of its percent-encoded parts", () => {
  const folders: [string, string][] = [
    ["ohlcv:binance:BTC/USDT:1m", "ohlcv/exchange=binance/symbol=BTC%2FUSDT/timeframe=1m"],
    ["ohlcv:binance:BTC/USDT:USDT:1m", "ohlcv/exchange=binance/symbol=BTC%2FUSDT%3AUSDT/timeframe=1m"],
    ["trades:kraken:BTC/USD", "trades/exchange=kraken/symbol=BTC%2FUSD/timeframe=trades"],
    ["ohlcv:kraken:BTC/USD:1h~1m", "ohlcv/exchange=kraken/symbol=BTC%2FUSD/timeframe=1h%7E1m"],
    ["ohlcv:okx:A b%2F..:1M", "ohlcv/exchange=okx/symbol=A%20b%252F../timeframe=1M"],
    ["ohlcv:okx:币安:1d", "ohlcv/exchange=okx/symbol=%E5%B8%81%E5%AE%89/timeframe=1d"],
  ];
  for (const [nodeId, folder] of folders) {
    assert.equal(nodeFolder(nodeId), folder);
    assert.ok(isArtifactKey(logKey(folder, 1)), folder);
  }
});

Deno.test("another partition template makes other folders, and symbols cannot break out of them", () => {
  assert.equal(
    nodeFolder("ohlcv:a:{timeframe}:1m", "{timeframe}/{exchange}/{symbol}"),
    "ohlcv/1m/a/%7Btimeframe%7D",
  );
  assert.equal(nodeFolder("ohlcv:a:..:1m"), "ohlcv/exchange=a/symbol=../timeframe=1m");
});

Deno.test("log entries, segments and pages have the keys of spec §8", () => {
  assert.equal(logKey("f", 7), "f/log/000000000007.json");
  assert.equal(segmentKey("f", "ab"), "f/segments/ab.parquet");
  assert.equal(pageKey("f", "chunks", "ab"), "f/pages/ab.bin");
  assert.equal(pageKey("f", "gaps", "ab"), "f/pages/ab.json");
});
