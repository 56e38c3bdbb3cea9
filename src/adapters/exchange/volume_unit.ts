/** In which unit a venue's `volume` comes out of ccxt. */

import type { Market } from "../../core/ports.ts";
import type { CcxtMarket } from "./ccxt_client.ts";

/**
 * Venues whose `parseOHLCV` in ccxt 4.5.84 picks the column of base currency for contracts too: binance (columns 5
 * linear, 7 inverse), bybit and bitget (5, 6), okx and blofin (6, the currency volume), xt (`a`, or `v` if inverse).
 */
const BASE_FOR_CONTRACTS: ReadonlySet<string> = new Set([
  "binance",
  "binanceusdm",
  "binancecoinm",
  "binanceus",
  "bitget",
  "blofin",
  "bybit",
  "okx",
  "okxus",
  "myokx",
  "xt",
]);

/** Spot is in base currency; contracts are in contracts unless ccxt is known to take another column. */
export function volumeUnitOf(exchange: string, market: CcxtMarket): Market["volumeUnit"] {
  if (market.contract !== true || BASE_FOR_CONTRACTS.has(exchange)) return "base";
  return "contracts";
}
