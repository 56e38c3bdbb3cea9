import { deepStrictEqual, notStrictEqual, strictEqual } from "node:assert/strict";
import { encodePart, nodeId, parseNodeId } from "../../src/core/node_id.ts";
import { refusal } from "../refusal.ts";
import { SeededDice } from "../fake_clock.ts";

Deno.test("parseNodeId() takes the first two fields and the last one; what stands between is the symbol", () => {
  deepStrictEqual(parseNodeId("ohlcv:binance:BTC/USDT:1m"), {
    kind: "ohlcv",
    exchange: "binance",
    symbol: "BTC/USDT",
    timeframe: "1m",
  });
  deepStrictEqual(parseNodeId("ohlcv:binance:BTC/USDT:USDT:1m"), {
    kind: "ohlcv",
    exchange: "binance",
    symbol: "BTC/USDT:USDT",
    timeframe: "1m",
  });
  deepStrictEqual(parseNodeId("ohlcv:okx:BTC/USD:BTC-240329:4h").symbol, "BTC/USD:BTC-240329");
});

Deno.test("parseNodeId() reads all that follows the exchange of trades as the symbol", () => {
  deepStrictEqual(parseNodeId("trades:kraken:BTC/USD"), {
    kind: "trades",
    exchange: "kraken",
    symbol: "BTC/USD",
  });
  strictEqual(parseNodeId("trades:binance:BTC/USDT:USDT").symbol, "BTC/USDT:USDT");
  strictEqual(parseNodeId("trades:binance:BTC/USDT:1m").timeframe, undefined);
});

Deno.test("parseNodeId() reads the origin of a derived series after one ~", () => {
  deepStrictEqual(parseNodeId("ohlcv:kraken:BTC/USD:1h~1m"), {
    kind: "ohlcv",
    exchange: "kraken",
    symbol: "BTC/USD",
    timeframe: "1h",
    origin: "1m",
  });
  strictEqual(parseNodeId("ohlcv:kraken:BTC/USD:1m~trades").origin, "trades");
  strictEqual(parseNodeId("ohlcv:synthetic:BTC/USD:1m~btc_mid").origin, "btc_mid");
  for (const text of ["1h~", "1h~1m~1m", "1h~a b", "1h~a/b"]) {
    strictEqual(refusal(() => parseNodeId(`ohlcv:kraken:BTC/USD:${text}`)).code, "BAD_NODE_ID", text);
  }
});

Deno.test("parseNodeId() takes lower-case exchange ids of letters, digits and _ alone", () => {
  for (const exchange of ["binance", "okx", "gate_io", "1broker", "_"]) {
    strictEqual(parseNodeId(`ohlcv:${exchange}:A/B:1m`).exchange, exchange);
  }
  for (const exchange of ["Binance", "bin-ance", "", " binance", "binancé", "bin.ance"]) {
    strictEqual(refusal(() => parseNodeId(`ohlcv:${exchange}:A/B:1m`)).code, "BAD_NODE_ID", exchange);
  }
});

Deno.test("parseNodeId() refuses what is no node id and says what one looks like", () => {
  const broken = [
    "",
    ":",
    "ohlcv",
    "ohlcv:binance",
    "ohlcv:binance:1m",
    "ohlcv:binance::1m",
    "trades:kraken:",
  ];
  for (const text of [...broken, "bars:binance:BTC/USDT:1m", "OHLCV:binance:BTC/USDT:1m", "trades:kraken"]) {
    const error = refusal(() => parseNodeId(text));
    strictEqual(error.code, "BAD_NODE_ID", text);
    strictEqual(error.hint.includes("ohlcv:binance:BTC/USDT:1m"), true);
  }
});

Deno.test("parseNodeId() refuses symbols with control characters, stray spaces or broken text", () => {
  for (const symbol of ["A\nB", "A\u0000B", " A/B", "A/B ", "A\u2028B", "A\u007fB", "\ud800/B"]) {
    strictEqual(
      refusal(() => parseNodeId(`ohlcv:binance:${symbol}:1m`)).code,
      "BAD_NODE_ID",
      JSON.stringify(symbol),
    );
  }
  strictEqual(parseNodeId("ohlcv:binance:币安人生/USDT:1m").symbol, "币安人生/USDT");
  strictEqual(parseNodeId("ohlcv:binance:../..:1m").symbol, "../..");
});

Deno.test("parseNodeId() names the timeframe alone where only that is wrong", () => {
  for (const timeframe of ["1x", "0m", "01m", "m", "1", "3M", "1Mo", "1 m", "1m ", "", "-1m", "1.5m", "1H"]) {
    strictEqual(
      refusal(() => parseNodeId(`ohlcv:binance:A/B:${timeframe}`)).code,
      "BAD_TIMEFRAME",
      timeframe,
    );
  }
  for (const timeframe of ["1s", "1m", "90m", "4h", "7d", "1w", "1M"]) {
    strictEqual(parseNodeId(`ohlcv:binance:A/B:${timeframe}`).timeframe, timeframe);
  }
});

Deno.test("parseNodeId() allows 200 bytes and no more, counted in UTF-8", () => {
  const room = 200 - "ohlcv:binance:".length - ":1m".length;
  strictEqual(parseNodeId(`ohlcv:binance:${"A".repeat(room)}:1m`).symbol.length, room);
  strictEqual(refusal(() => parseNodeId(`ohlcv:binance:${"A".repeat(room + 1)}:1m`)).code, "BAD_NODE_ID");
  strictEqual(refusal(() => parseNodeId(`ohlcv:binance:${"é".repeat(room - 10)}:1m`)).code, "BAD_NODE_ID");
  const huge = refusal(() => parseNodeId("x".repeat(1_000_000)));
  strictEqual(huge.message.length < 300, true, "the message must not repeat a megabyte");
});

Deno.test("nodeId() puts together what parseNodeId() takes apart, on random parts", () => {
  const dice = new SeededDice(11);
  const pick = <T>(list: readonly T[]) => list[Math.floor(dice.random() * list.length)];
  const letters = ["A", "z", "0", "/", ":", "-", "_", ".", "~", "%", "é", "人"];
  for (let i = 0; i < 2_000; i++) {
    const symbol = Array.from({ length: 1 + Math.floor(dice.random() * 8) }, () => pick(letters)).join("");
    const timeframe = pick([undefined, "1m", "4h", "1M"]);
    const origin = timeframe === undefined ? undefined : pick([undefined, "1m", "trades", "my-mix_2"]);
    const parts = { exchange: pick(["binance", "gate_io"]), symbol, timeframe, origin };
    const parsed = parseNodeId(nodeId(parts));
    deepStrictEqual({ timeframe: undefined, origin: undefined, ...parsed }, {
      ...parts,
      kind: timeframe === undefined ? "trades" : "ohlcv",
    });
  }
});

Deno.test("nodeId() refuses parts that could not be told apart again", () => {
  const cases = [
    { exchange: "binance", symbol: "", timeframe: "1m" },
    { exchange: "bin:ance", symbol: "A/B", timeframe: "1m" },
    { exchange: "binance", symbol: "A/B", timeframe: "1h~1m" },
    { exchange: "binance", symbol: "A/B", origin: "1m" },
    { exchange: "binance", symbol: "A/B", timeframe: "1h", origin: "x~y" },
    { exchange: "binance", symbol: "A/B", timeframe: "1h", origin: "" },
  ];
  for (const parts of cases) {
    strictEqual(refusal(() => nodeId(parts)).code, "BAD_NODE_ID", JSON.stringify(parts));
  }
  strictEqual(refusal(() => nodeId({ exchange: "b", symbol: "A", timeframe: "" })).code, "BAD_TIMEFRAME");
});

Deno.test("encodePart() percent-encodes all but A-Z a-z 0-9 - _ .", () => {
  const kept = "ABCXYZabcxyz0189-_.";
  strictEqual(encodePart(kept), kept);
  strictEqual(encodePart("BTC/USDT:USDT"), "BTC%2FUSDT%3AUSDT");
  strictEqual(encodePart("a b%~é"), "a%20b%25%7E%C3%A9");
  for (let code = 0; code < 128; code++) {
    const char = String.fromCharCode(code);
    const expected = /[A-Za-z0-9\-_.]/.test(char)
      ? char
      : `%${code.toString(16).toUpperCase().padStart(2, "0")}`;
    strictEqual(encodePart(char), expected);
  }
});

Deno.test("encodePart() never gives two symbols one path, and gives back what it was given", () => {
  const symbols = ["A/B", "A%2FB", "A:B", "A%B", "a/b", "A B", "A+B", "Ａ/B", "A/B ", "é", "e\u0301"];
  const encoded = symbols.map(encodePart);
  strictEqual(new Set(encoded).size, symbols.length);
  deepStrictEqual(encoded.map(decodeURIComponent), symbols);
  notStrictEqual(encodePart("BTC/USDT"), encodePart("BTC%2FUSDT"));
});
