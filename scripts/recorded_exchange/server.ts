/**
 * The recorded exchange: a loopback HTTP server that speaks real venues' REST dialects over series, a clock,
 * a budget and faults that the caller sets. The real ccxt clients work against it.
 *
 * It promises: nothing leaves loopback; what it serves follows from its options, its clock and the order of
 * calls alone; after `close()` nothing of it is left running.
 */

import { systemClock, type VenueClock } from "./clock.ts";
import { binance } from "./dialects/binance.ts";
import type { Answer, CcxtUrls, Dialect, DialectPage, VenueId } from "./dialects/dialect.ts";
import { type Endpoint, type Fault, FaultBox, type Struck } from "./faults.ts";
import { generatedSource } from "./generator.ts";
import type { Market } from "./market.ts";
import { type Budget, type Charge, Meter, UNLIMITED } from "./meter.ts";
import { pageRows, type Row } from "./rows.ts";
import { noBars, type Series, type SeriesSource } from "./series.ts";
import { spoiledResponse, Stalls } from "./wire.ts";

const DIALECTS: Record<VenueId, Dialect> = { binance } as Record<VenueId, Dialect>;

/** The venues that the server speaks. */
export const VENUES = Object.keys(DIALECTS) as VenueId[];

const DEFAULT_MARKETS: Market[] = [{ symbol: "BTC/USDT" }, { symbol: "ETH/USDT" }, { symbol: "BTC/USD" }];
/** Beyond this the oldest calls are dropped from the record. */
const MAX_CALLS = 200_000;

/** How to start a recorded exchange; everything has a default. */
export interface RecordedExchangeOptions {
  /** Which venues to speak. Default: all. */
  venues?: readonly VenueId[];
  /** The markets of every venue, or of each by its id. Default: BTC/USDT, ETH/USDT, BTC/USD. */
  markets?: readonly Market[] | Partial<Record<VenueId, readonly Market[]>>;
  /** Where bars come from. Default: generated. */
  series?: SeriesSource;
  /** The venue's clock. Default: the system's. */
  clock?: VenueClock;
  /** `venue`: the budget each venue publishes; `unlimited` (default): counted, never refused; or rules. */
  budget?: "venue" | "unlimited" | Partial<Record<VenueId, Budget>>;
  faults?: readonly Fault[];
  /** Seed of all chance in faults. Default 1. */
  seed?: number;
  /** Keep a record of calls. Default true. */
  record?: boolean;
  /** Port on 127.0.0.1. Default 0: a free one. */
  port?: number;
}

/** One call, as it was answered. */
export interface RecordedCall {
  /** 1 for the first call of the server. */
  seq: number;
  venue: VenueId;
  endpoint: Endpoint;
  /** Time by the venue's clock, epoch ms. */
  atMs: number;
  path: string;
  params: Record<string, string>;
  status: number;
  cost: number;
  /** Rows sent, with the first and last open in the order sent; for bars only. */
  rows?: number;
  firstOpenMs?: number;
  lastOpenMs?: number;
  /** Names of the faults that struck. */
  faults: string[];
}

/** A running recorded exchange. */
export interface RecordedExchange {
  /** `http://127.0.0.1:PORT`, without a slash. */
  readonly url: string;
  readonly clock: VenueClock;
  /** ccxt's `urls` for a venue, in the shape of `exchanges.{id}.urls` of the configuration. */
  urls(venue: VenueId): CcxtUrls;
  /** ccxt's `options` for a venue, in the shape of `exchanges.{id}.options`. */
  options(venue: VenueId): Record<string, unknown>;
  /** The calls so far, oldest first. */
  readonly calls: readonly RecordedCall[];
  /** Forgets the calls so far; the meters keep what they counted. */
  clearCalls(): void;
  meter(venue: VenueId): Meter;
  /** Puts a fault in force; the function returned lifts it. */
  inject(fault: Fault): () => void;
  clearFaults(): void;
  /** Stops: stalled replies are broken off, then the server ends. */
  close(): Promise<void>;
}

/** The state of one venue. */
interface Venue {
  dialect: Dialect;
  markets: readonly Market[];
  meter: Meter;
  series: Map<string, Series>;
}

/** Starts a recorded exchange on 127.0.0.1 and returns once it listens. */
export function startRecordedExchange(options: RecordedExchangeOptions = {}): RecordedExchange {
  const clock = options.clock ?? systemClock;
  const box = new FaultBox(options.seed ?? 1);
  for (const fault of options.faults ?? []) box.inject(fault);
  const venues = new Map(venueIds(options).map((id) => [id, venueOf(id, options)]));
  const record = options.record ?? true;
  const calls: RecordedCall[] = [];
  const stalls = new Stalls();
  const source = options.series ?? generatedSource();
  let seq = 0;

  const handle = (request: Request): Response | Promise<Response> => {
    const found = findVenue(request.url, venues);
    if (found === undefined) return new Response("no such venue", { status: 404 });
    const { venue, path, params } = found;
    const nowMs = clock.nowMs();
    const { endpoint, bucket, cost } = venue.dialect.costOf(path, params);
    const charge = venue.meter.charge({ bucket, cost, nowMs });
    const struck = box.draw({ venue: venue.dialect.venue, endpoint, path, params, atMs: nowMs });
    const served = serve({ venue, path, params, nowMs, charge, struck, source });
    if (venue.meter.isLimited(bucket)) {
      Object.assign(served.headers, venue.dialect.usageHeaders?.(charge, venue.meter));
    }
    if (record) {
      if (calls.length >= MAX_CALLS) calls.splice(0, MAX_CALLS / 2);
      calls.push({
        seq: ++seq,
        venue: venue.dialect.venue,
        endpoint,
        atMs: nowMs,
        path,
        params: Object.fromEntries(params),
        status: served.status,
        cost,
        ...rowsNote(served.rows),
        faults: struck.names,
      });
    }
    return spoiledResponse(served, { wire: struck.wire, stalls });
  };

  const server = Deno.serve({ hostname: "127.0.0.1", port: options.port ?? 0, onListen: () => {} }, handle);
  const url = `http://127.0.0.1:${server.addr.port}`;
  const venueNamed = (id: VenueId) => {
    const venue = venues.get(id);
    if (venue === undefined) throw new RangeError(`recorded exchange: ${id} is not among its venues`);
    return venue;
  };
  return {
    url,
    clock,
    calls,
    urls: (id) => venueNamed(id).dialect.urls(`${url}/${id}`),
    options: (id) => structuredClone(venueNamed(id).dialect.options),
    clearCalls: () => calls.splice(0),
    meter: (id) => venueNamed(id).meter,
    inject: (fault) => box.inject(fault),
    clearFaults: () => box.clear(),
    close: async () => {
      stalls.release();
      await server.shutdown();
    },
  };
}

function venueIds({ venues }: RecordedExchangeOptions): VenueId[] {
  return [...(venues ?? VENUES)];
}

function venueOf(id: VenueId, { markets, budget }: RecordedExchangeOptions): Venue {
  const dialect = DIALECTS[id];
  const listed = Array.isArray(markets) ? markets : (markets as Partial<Record<VenueId, Market[]>>)?.[id];
  return {
    dialect,
    markets: listed ?? DEFAULT_MARKETS,
    meter: new Meter(budgetOf(dialect, budget)),
    series: new Map(),
  };
}

function budgetOf(dialect: Dialect, budget: RecordedExchangeOptions["budget"]): Budget {
  if (budget === "venue") return dialect.budget;
  if (budget === undefined || budget === "unlimited") return UNLIMITED;
  return budget[dialect.venue] ?? UNLIMITED;
}

/** Finds whom a URL is meant for: `/binance/api/v3/…`, or the dialect's own root without the name. */
function findVenue(
  url: string,
  venues: ReadonlyMap<VenueId, Venue>,
): { venue: Venue; path: string; params: URLSearchParams } | undefined {
  const { pathname, searchParams } = new URL(url);
  const path = decodeURIComponent(pathname);
  for (const [id, venue] of venues) {
    const below = path.startsWith(`/${id}/`) ? path.slice(id.length + 1) : path;
    if (below.startsWith(venue.dialect.root)) return { venue, path: below, params: searchParams };
  }
  return undefined;
}

/** What goes out, before the wire's faults. */
export interface Served extends Answer {
  headers: Record<string, string>;
  rows?: Row[];
}

interface Serving {
  venue: Venue;
  path: string;
  params: URLSearchParams;
  nowMs: number;
  charge: Charge;
  struck: Struck;
  source: SeriesSource;
}

function serve(serving: Serving): Served {
  const { venue, path, params, nowMs, charge, struck, source } = serving;
  const dated = { date: new Date(nowMs).toUTCString() };
  for (const fault of struck.wire) {
    if (fault.kind === "ban") venue.meter.ban(nowMs + fault.forMs);
  }
  const bannedUntilMs = venue.meter.bannedUntil(nowMs);
  if (charge.isRefused || bannedUntilMs !== undefined) {
    const why: Charge = bannedUntilMs === undefined
      ? charge
      : { isRefused: true, usedNow: charge.usedNow, reason: "banned", untilMs: bannedUntilMs };
    const refusal = venue.dialect.refusal(why, nowMs);
    return { ...refusal, headers: { ...dated, ...refusal.headers } };
  }
  const failure = struck.wire.find((fault) => fault.kind === "status");
  if (failure !== undefined) {
    const body = failure.body ?? venue.dialect.failureBody({ status: failure.status, nowMs });
    const retry: Record<string, string> = failure.retryAfterSec === undefined
      ? {}
      : { "retry-after": String(failure.retryAfterSec) };
    return { status: failure.status, body, headers: { ...dated, ...retry, ...failure.headers } };
  }
  let sent: Row[] | undefined;
  const rows = (page: DialectPage) => {
    const key = `${page.market.symbol} ${page.grid.timeframe} ${page.anchorMs ?? 0}`;
    sent = pageRows({ ...page, series: seriesOf({ venue, key, page, source }) }, { nowMs, faults: struck });
    return sent;
  };
  const answer = venue.dialect.answer({ path, params, nowMs, markets: venue.markets, rows });
  return { ...answer, headers: dated, rows: sent };
}

/** A series is looked up once; generated ones keep nothing but their seed. */
function seriesOf({ venue, key, page, source }: {
  venue: Venue;
  key: string;
  page: DialectPage;
  source: SeriesSource;
}): Series {
  let series = venue.series.get(key);
  if (series === undefined) {
    const { market, grid, anchorMs } = page;
    series =
      source({ venue: venue.dialect.venue, symbol: market.symbol, timeframe: grid.timeframe, anchorMs }) ??
        noBars;
    venue.series.set(key, series);
  }
  return series;
}

function rowsNote(rows: Row[] | undefined): Partial<RecordedCall> {
  if (rows === undefined) return {};
  return { rows: rows.length, firstOpenMs: rows[0]?.openMs, lastOpenMs: rows.at(-1)?.openMs };
}
