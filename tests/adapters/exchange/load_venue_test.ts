import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { loadCcxt, loadVenue, VENUE_GROUND } from "../../../src/adapters/exchange/ccxt_client.ts";
import { roundTripsDuring } from "../../round_trips.ts";

Deno.test("loading a venue for the first time lets sockets have their turn", async () => {
  const trips = await roundTripsDuring(() => loadVenue("kraken"));
  assert.ok(trips >= VENUE_GROUND.length, `${trips} round trips`);
});

Deno.test("the modules that are loaded first are there", () => {
  const ccxt = import.meta.resolve("ccxt");
  const lacking = VENUE_GROUND.filter((path) =>
    statSync(new URL(`src/${path}`, ccxt), { throwIfNoEntry: false }) === undefined
  );
  assert.deepEqual(lacking, []);
});

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
