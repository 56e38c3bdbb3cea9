/** What venues say of the budget that is used already, in tokens (units of CCXT cost). */

/** Weight of one unit of CCXT cost: Binance allows 6,000 a minute on spot, where CCXT counts 1,200 units. */
const SPOT_WEIGHT_PER_TOKEN = 5;

/**
 * Used tokens of the running minute, by whomever; null where the venue does not say. Binance's futures hosts
 * count apart from spot, in CCXT's own units.
 */
export function usedTokens(headers: Headers | null, path: string): number | null {
  const text = headers?.get("x-mbx-used-weight-1m") ?? null;
  if (text === null || !/^\d+(\.\d+)?$/.test(text)) return null;
  return Number(text) / (path.includes("/api/") ? SPOT_WEIGHT_PER_TOKEN : 1);
}
