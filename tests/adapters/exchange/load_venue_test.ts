import assert from "node:assert/strict";
import { loadCcxt, loadVenue } from "../../../src/adapters/exchange/ccxt_client.ts";

Deno.test("every venue of ccxt can be loaded alone, and is the class that the whole package has", async () => {
  const whole = await loadCcxt();
  for (const id of whole.exchanges) {
    const alone = await loadVenue(id);
    assert.deepEqual(alone?.exchanges, [id], `${id} is not to be had alone`);
    assert.equal(alone[id], whole[id], id);
  }
});

Deno.test("a venue comes with ccxt's own error classes, so that its failures are told apart", async () => {
  const [whole, alone] = [await loadCcxt(), await loadVenue("kraken")];
  for (
    const name of [
      "BaseError",
      "ExchangeError",
      "RateLimitExceeded",
      "DDoSProtection",
      "BadSymbol",
      "OnMaintenance",
    ]
  ) {
    assert.equal(typeof alone?.[name], "function", name);
    assert.equal(alone?.[name], whole[name], name);
  }
});

Deno.test("what is no venue, or no name of a file, is not loaded alone", async () => {
  for (const id of ["binnance", "base", "../ccxt", "pro/binance", ""]) {
    assert.equal(await loadVenue(id), null, id);
  }
});
