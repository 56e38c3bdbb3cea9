/**
 * The markets a recorded exchange lists, in unified names; each dialect derives its own ids from them.
 */

/** One spot market. */
export interface Market {
  /** Unified symbol, e.g. `BTC/USDT`. */
  symbol: string;
  /** Digits after the point. Default 2 and 5. */
  priceDecimals?: number;
  amountDecimals?: number;
  /** The venue shows the market, and bars of it, only from here on (epoch ms). */
  listedMs?: number;
  /** Bars end here (epoch ms). */
  delistedMs?: number;
  /** What the venue does with the market once it is delisted: keeps it as inactive (default) or drops it. */
  afterDelisting?: "inactive" | "dropped";
}

/** Base and quote of a unified symbol. Throws RangeError where there is no `/`. */
export function partsOf(market: Market): { base: string; quote: string } {
  const [base, quote] = market.symbol.split("/");
  if (!base || !quote) throw new RangeError(`market "${market.symbol}" is not like BTC/USDT`);
  return { base, quote };
}

/** Whether the venue lists the market at this time, and whether it trades. */
export function statusAt(market: Market, nowMs: number): "absent" | "trading" | "inactive" {
  if (market.listedMs !== undefined && nowMs < market.listedMs) return "absent";
  if (market.delistedMs === undefined || nowMs < market.delistedMs) return "trading";
  return market.afterDelisting === "dropped" ? "absent" : "inactive";
}

/** The markets that the venue shows at this time, trading or not. */
export function listedAt(markets: readonly Market[], nowMs: number): Market[] {
  return markets.filter((market) => statusAt(market, nowMs) !== "absent");
}

/** The smallest step with so many digits, written out: 2 gives `0.01`. */
export function tickText(decimals: number): string {
  return decimals === 0 ? "1" : `0.${"0".repeat(decimals - 1)}1`;
}

/** A number as plain decimal text that parses back to the same double; never an exponent. */
export function decimal(value: number | null): string {
  if (value === null) return "null";
  const text = String(value);
  if (!text.includes("e")) return text;
  const [mantissa, exponent] = text.split("e");
  const digits = mantissa.replace("-", "").replace(".", "");
  const sign = value < 0 ? "-" : "";
  const shift = Number(exponent);
  if (shift < 0) return `${sign}0.${"0".repeat(-shift - 1)}${digits}`;
  return `${sign}${digits}${"0".repeat(shift - digits.length + 1)}`;
}
