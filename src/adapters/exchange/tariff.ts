/** What one call for bars costs at a venue, found out by letting ccxt prepare one that is never sent. */

import { type CcxtClient, type CcxtMarket, type CcxtModule, makeClient } from "./ccxt_client.ts";

/** Where neither ccxt's `features` nor anything else tells how many rows a page has. */
const UNKNOWN_PAGE_ROWS = 100;

/** Stops ccxt at the gate; never leaves this file. */
class NotSent extends Error {}

/** Cost units of one call for a full page of bars, as ccxt charges them; 1 where it cannot be found out. */
export async function costOfBars(ccxt: CcxtModule, id: string, pageRows: number): Promise<number> {
  const client = makeClient(ccxt, id, { enableRateLimit: true });
  let cost = 1;
  client.throttle = (charged = 1) => {
    cost = charged;
    return Promise.reject(new NotSent());
  };
  client.setMarkets([pretendedMarket(client)]);
  const timeframe = Object.keys(client.timeframes ?? {})[0];
  if (timeframe === undefined) return cost;
  try {
    // A time that no venue treats as special: recent, and far from the newest bars.
    await client.fetchOHLCV("AAA/BBB", timeframe, client.milliseconds() - 400 * 86_400_000, pageRows);
  } catch (error) {
    // Whatever ccxt says of a market that does not exist: the charge stands, or the default does.
    if (!(error instanceof Error)) throw error;
  }
  return cost;
}

/** A market that no venue has: spot where the venue has spot, else a linear perpetual. */
function pretendedMarket(client: CcxtClient) {
  const isSpot = client.has.spot !== false;
  return client.safeMarketStructure({
    id: "AAABBB",
    symbol: "AAA/BBB",
    base: "AAA",
    quote: "BBB",
    baseId: "AAA",
    quoteId: "BBB",
    type: isSpot ? "spot" : "swap",
    spot: isSpot,
    swap: !isSpot,
    contract: !isSpot,
    linear: isSpot ? undefined : true,
    inverse: isSpot ? undefined : false,
    settle: isSpot ? undefined : "BBB",
    contractSize: isSpot ? undefined : 1,
    active: true,
    info: {},
  });
}

/** What decides the page of a market. */
export type MarketKind = Pick<CcxtMarket, "type" | "linear" | "inverse">;

/**
 * Most rows of one call: the venue's own page for this kind of market (without one: for its main kind, spot where it
 * has spot), or fewer where `batchLimit` says so, or where the venue bounds the time that one call may span.
 */
export function pageRowsOf(
  client: CcxtClient,
  { batchLimit, market = mainKind(client), stepSec = 60 }: {
    batchLimit: number | null;
    market?: MarketKind;
    stepSec?: number;
  },
): number {
  const own = venuePageRows(client.features, market) ?? batchLimit ?? UNKNOWN_PAGE_ROWS;
  return Math.max(
    1,
    Math.min(own, batchLimit ?? own, Math.floor(longestSpanSec(client.id, market) / stepSec)),
  );
}

/** Binance's coin-margined host refuses calls over more than 200 days (-4088), and ccxt asks for the span of the limit. */
function longestSpanSec(id: string, { inverse }: MarketKind): number {
  return id.startsWith("binance") && inverse === true ? 200 * 86_400 : Infinity;
}

function mainKind(client: CcxtClient): MarketKind {
  return client.has.spot === false ? { type: "swap", linear: true } : { type: "spot" };
}

/** The page that ccxt's `features` declare for a kind of market, or null. */
function venuePageRows(features: unknown, { type = "spot", linear, inverse }: MarketKind): number | null {
  const ofType = fieldOf(features, type);
  const subType = inverse === true ? "inverse" : linear === true ? "linear" : undefined;
  const of = subType === undefined ? ofType : fieldOf(ofType, subType) ?? ofType;
  const limit = fieldOf(fieldOf(of, "fetchOHLCV"), "limit");
  return typeof limit === "number" && limit >= 1 ? limit : null;
}

function fieldOf(value: unknown, name: string): unknown {
  return value !== null && typeof value === "object" ? (value as Record<string, unknown>)[name] : undefined;
}
