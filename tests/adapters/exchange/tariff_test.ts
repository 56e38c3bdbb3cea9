import assert from "node:assert/strict";
import { loadCcxt, makeClient } from "../../../src/adapters/exchange/ccxt_client.ts";
import { costOfBars, pageRowsOf } from "../../../src/adapters/exchange/tariff.ts";
import { usedTokens } from "../../../src/adapters/exchange/usage.ts";
import { volumeUnitOf } from "../../../src/adapters/exchange/volume_unit.ts";

const ccxt = await loadCcxt();

/** `[id, cost of a full page, rows of a page]` as ccxt 4.5.84 declares them. */
const TARIFFS: [string, number, number][] = [
  ["binance", 0.4, 1000],
  ["binanceusdm", 5, 500],
  ["kraken", 1.2, 720],
  ["bitfinex", 2.7, 10_000],
  ["okx", 1, 300],
  ["coinbaseexchange", 1, 300],
  ["bybit", 5, 1000],
];

for (const [id, cost, rows] of TARIFFS) {
  Deno.test(`${id}: a page of ${rows} bars costs ${cost}`, async () => {
    assert.equal(pageRowsOf(makeClient(ccxt, id, {}), { batchLimit: null }), rows);
    assert.equal(await costOfBars(ccxt, id, rows), cost);
  });
}

Deno.test("no venue's tariff needs the network, and each is a positive number", async () => {
  for (const id of ccxt.exchanges) {
    const client = makeClient(ccxt, id, {});
    const pageRows = pageRowsOf(client, { batchLimit: null });
    const cost = await costOfBars(ccxt, id, pageRows);
    assert.ok(Number.isInteger(pageRows) && pageRows >= 1, `${id}: ${pageRows} rows`);
    assert.ok(cost > 0 && Number.isFinite(cost), `${id}: cost ${cost}`);
  }
});

Deno.test("batch_limit makes pages smaller, never larger than the venue's", () => {
  const client = makeClient(ccxt, "okx", {});
  assert.equal(pageRowsOf(client, { batchLimit: 120 }), 120);
  assert.equal(pageRowsOf(client, { batchLimit: 5000 }), 300);
});

Deno.test("Binance's coin-margined pages span at most 200 days", () => {
  const client = makeClient(ccxt, "binance", {});
  const market = { type: "swap", inverse: true };
  assert.equal(pageRowsOf(client, { batchLimit: null, market, stepSec: 86_400 }), 200);
  assert.ok(pageRowsOf(client, { batchLimit: null, market, stepSec: 60 }) >= 500);
  assert.equal(pageRowsOf(client, { batchLimit: null, stepSec: 86_400 }), 1000);
});

Deno.test("used weight is read as tokens: five to one on Binance's spot host, one to one on its others", () => {
  const headers = new Headers({ "x-mbx-used-weight-1m": "300" });
  assert.equal(usedTokens(headers, "/api/v3/klines"), 60);
  assert.equal(usedTokens(headers, "/binance/api/v3/klines"), 60);
  assert.equal(usedTokens(headers, "/fapi/v1/klines"), 300);
  assert.equal(usedTokens(new Headers(), "/api/v3/klines"), null);
  assert.equal(usedTokens(new Headers({ "x-mbx-used-weight-1m": "many" }), "/api/v3/klines"), null);
  assert.equal(usedTokens(null, "/"), null);
});

Deno.test("volume is in base currency, but for contracts of venues whose column ccxt does not choose", () => {
  const spot = { id: "A", symbol: "A/B", contract: false };
  const swap = { id: "A", symbol: "A/B:B", contract: true };
  assert.equal(volumeUnitOf("kraken", spot), "base");
  assert.equal(volumeUnitOf("okx", swap), "base");
  assert.equal(volumeUnitOf("kucoinfutures", swap), "contracts");
});
