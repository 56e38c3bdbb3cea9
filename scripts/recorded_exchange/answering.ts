/**
 * From a request to a reply: who is meant, what it costs, what strikes it, what the dialect says.
 */

import { binance } from "./dialects/binance.ts";
import { bitfinex } from "./dialects/bitfinex.ts";
import type { Answer, Dialect, DialectPage } from "./dialects/dialect.ts";
import { kraken } from "./dialects/kraken.ts";
import { okx } from "./dialects/okx.ts";
import type { FaultBox, FaultCall, Struck } from "./faults.ts";
import type { Market } from "./market.ts";
import type { Meter } from "./meter.ts";
import type { Row } from "./row.ts";
import { pageRows } from "./rows.ts";
import { noBars, type Series, type SeriesSource } from "./series.ts";
import type { VenueId } from "./venue_id.ts";

/** The dialects spoken, by ccxt's ids. */
export const DIALECTS: Readonly<Record<VenueId, Dialect>> = { binance, kraken, bitfinex, okx };

/** The state of one venue. */
export interface Venue {
  dialect: Dialect;
  markets: readonly Market[];
  meter: Meter;
  /** Series already looked up; generated ones keep nothing but their seed. */
  series: Map<string, Series>;
}

/** A request, understood as far as the path goes. */
export interface Asked {
  venue: Venue;
  /** Below the venue's prefix. */
  path: string;
  params: URLSearchParams;
  nowMs: number;
}

/** What goes out, before the wire's faults. */
export interface Served extends Answer {
  headers: Record<string, string>;
  /** The rows sent, where bars were asked for. */
  rows?: Row[];
}

/** A reply with all that the record of calls wants to know. */
export interface Answered {
  call: FaultCall;
  cost: number;
  struck: Struck;
  served: Served;
}

/** Finds whom a URL is meant for: `/binance/api/v3/…`, or the dialect's own root without the name. */
export function findVenue(
  url: string,
  venues: ReadonlyMap<VenueId, Venue>,
): Omit<Asked, "nowMs"> | undefined {
  const { pathname, searchParams } = new URL(url);
  const path = pathname.includes("%") ? decoded(pathname) : pathname;
  for (const [id, venue] of venues) {
    const below = path.startsWith(`/${id}/`) ? path.slice(id.length + 1) : path;
    if (below.startsWith(venue.dialect.root)) return { venue, path: below, params: searchParams };
  }
  return undefined;
}

/** A path with a broken escape is nobody's, so it is left as it is and found by none. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (error) {
    if (error instanceof URIError) return path;
    throw error;
  }
}

/** Charges the call, draws faults, and makes the reply. */
export function answer(
  asked: Asked,
  { faults, source }: { faults: FaultBox; source: SeriesSource },
): Answered {
  const { venue, path, params, nowMs } = asked;
  const { endpoint, bucket, cost } = venue.dialect.costOf(path, params);
  const call: FaultCall = { venue: venue.dialect.venue, endpoint, path, params, atMs: nowMs };
  const struck = faults.draw(call);
  banFor(struck, asked);
  const charge = venue.meter.charge({ bucket, cost, nowMs });
  const reply = charge.isRefused
    ? venue.dialect.refusal(charge, nowMs)
    : failure(struck, asked) ?? regular(asked, { struck, source });
  const usage = venue.meter.isLimited(bucket) ? venue.dialect.usageHeaders?.(charge) : undefined;
  const date = new Date(nowMs).toUTCString();
  return { call, cost, struck, served: { ...reply, headers: { date, ...usage, ...reply.headers } } };
}

/** A ban that is in force is not made longer by the calls it refuses. */
function banFor(struck: Struck, { venue, nowMs }: Asked): void {
  const ban = struck.wire.find((fault) => fault.kind === "ban");
  if (ban === undefined || venue.meter.bannedUntil(nowMs) !== undefined) return;
  venue.meter.ban(nowMs + ban.forMs);
}

function failure(struck: Struck, { venue, nowMs }: Asked): Served | undefined {
  const fault = struck.wire.find((one) => one.kind === "status");
  if (fault === undefined) return undefined;
  const reply = venue.dialect.failure({ status: fault.status, nowMs });
  const headers: Record<string, string> = { ...fault.headers };
  if (fault.retryAfterSec !== undefined) headers["retry-after"] = String(fault.retryAfterSec);
  return { ...reply, body: fault.body ?? reply.body, headers };
}

function regular(asked: Asked, { struck, source }: { struck: Struck; source: SeriesSource }): Served {
  const { venue, path, params, nowMs } = asked;
  let sent: Row[] | undefined;
  const rows = (page: DialectPage) => {
    sent = pageRows({ ...page, series: seriesOf({ venue, page, source }) }, { nowMs, faults: struck });
    return sent;
  };
  const reply = venue.dialect.answer({ path, params, nowMs, markets: venue.markets, rows });
  return { ...reply, headers: {}, rows: sent };
}

function seriesOf(
  { venue, page, source }: { venue: Venue; page: DialectPage; source: SeriesSource },
): Series {
  const { market, grid, anchorMs } = page;
  const name = `${market.symbol} ${grid.timeframe} ${anchorMs ?? ""}`;
  let series = venue.series.get(name);
  if (series === undefined) {
    const key = { venue: venue.dialect.venue, symbol: market.symbol, timeframe: grid.timeframe, anchorMs };
    series = source(key) ?? noBars;
    venue.series.set(name, series);
  }
  return series;
}
