import assert from "node:assert/strict";
import { scanCandles } from "../../../src/adapters/exchange/candle_json.ts";
import { SeededDice } from "../../fake_clock.ts";

const scan = (text: string) => scanCandles(new TextEncoder().encode(text));
const asNumbers = (text: string) => (JSON.parse(text) as (string | number)[][]).map((row) => row.map(Number));

Deno.test("candles are read as JSON and Number would read them, quoted or not", () => {
  const texts = [
    `[[1700000000000,"30297.82",30298.15,"0","0.00000001",-1.5]]`,
    `[[0,1],[2,"3"]]`,
    `[["-0.0",-0,"123456789012345"]]`,
    `[[0.1,0.2,0.3,2.675,1.005,"9007199254740.9"]]`,
    `[["99999999","999999999","999999999999999","9999999.9","99999999.9","12345678.00000001"]]`,
    `[["98765432109.87654321",-98765432109.87654321,"0.1234567890123456789","123456789012345678.5"]]`,
  ];
  for (const text of texts) assert.deepEqual(scan(text), asNumbers(text), text);
});

Deno.test("random candles are the doubles that Number gives for their texts", () => {
  const dice = new SeededDice(7);
  for (let round = 0; round < 20_000; round++) {
    const decimals = Math.floor(dice.random() * 12);
    const value = (dice.random() * 10 ** Math.floor(dice.random() * 14)).toFixed(decimals);
    const text = dice.random() < 0.5 ? `[["${value}"]]` : `[[-${value}]]`;
    assert.deepEqual(scan(text), asNumbers(text), text);
  }
});

Deno.test("what is not exactly an array of number rows is left to the JSON parser", () => {
  const others = [
    "",
    "[]",
    "[[]]",
    "[[1]",
    "[[1]] ",
    "[ [1]]",
    "[[1 ]]",
    "[[1],]",
    "[[1,]]",
    "[[01]]",
    "[[1.]]",
    "[[.5]]",
    "[[1e5]]",
    `[["1]]`,
    `[["a"]]`,
    `[[""]]`,
    "[[null]]",
    "[[1]]x",
    "[[-]]",
    "[[1234567890123456]]",
    "[[1.2.3]]",
    `[["1.2.3"]]`,
    "[[.]]",
    "[[1",
    `[["1`,
    "[[1],",
    "[[1],[",
    "[[1]]]",
    `{"data":[[1]]}`,
    "[[[1]]]",
  ];
  for (const text of others) assert.equal(scan(text), null, text);
});
