/**
 * The recorded exchange: a loopback HTTP server that speaks real venues' REST dialects over series, a clock,
 * a budget and faults that the caller sets. The real ccxt clients work against it.
 *
 * It promises: nothing leaves loopback; what it serves follows from its options, its clock and the order of
 * calls alone; after `close()` nothing of it is left running.
 */

import { answer, type Answered, DIALECTS, findVenue, type Venue } from "./answering.ts";
import { systemClock, type VenueClock } from "./clock.ts";
import type { CcxtUrls, Dialect } from "./dialects/dialect.ts";
import { type Fault, FaultBox } from "./faults.ts";
import { generatedSource } from "./generator.ts";
import type { Market } from "./market.ts";
import { type Budget, Meter, UNLIMITED } from "./meter.ts";
import type { Row } from "./row.ts";
import type { SeriesSource } from "./series.ts";
import type { Endpoint, VenueId } from "./venue_id.ts";
import { sentStatus, spoiledResponse, Stalls } from "./wire.ts";

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
  /** The venues it speaks. */
  readonly venues: readonly VenueId[];
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

/** Starts a recorded exchange on 127.0.0.1 and returns once it listens. */
export function startRecordedExchange(options: RecordedExchangeOptions = {}): RecordedExchange {
  const clock = options.clock ?? systemClock;
  const faults = new FaultBox(options.seed ?? 1);
  for (const fault of options.faults ?? []) faults.inject(fault);
  const venues = new Map((options.venues ?? VENUES).map((id) => [id, venueOf(id, options)]));
  const source = options.series ?? generatedSource();
  const book = new CallBook(options.record ?? true);
  const stalls = new Stalls();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: options.port ?? 0, onListen: () => {} },
    (request) => {
      const found = findVenue(request.url, venues);
      if (found === undefined) {
        return new Response("Not found: no venue here has this path\n", {
          status: 404,
        });
      }
      const answered = answer({ ...found, nowMs: clock.nowMs() }, { faults, source });
      book.note(answered);
      return spoiledResponse(answered.served, { wire: answered.struck.wire, stalls });
    },
  );
  const url = `http://127.0.0.1:${server.addr.port}`;
  const venueNamed = (id: VenueId) => {
    const venue = venues.get(id);
    if (venue === undefined) throw new RangeError(`recorded exchange: ${id} is not among its venues`);
    return venue;
  };
  return {
    url,
    clock,
    venues: [...venues.keys()],
    calls: book.calls,
    urls: (id) => venueNamed(id).dialect.urls(`${url}/${id}`),
    options: (id) => structuredClone(venueNamed(id).dialect.options),
    clearCalls: () => book.clear(),
    meter: (id) => venueNamed(id).meter,
    inject: (fault) => faults.inject(fault),
    clearFaults: () => faults.clear(),
    close: async () => {
      stalls.release();
      await server.shutdown();
    },
  };
}

/** The record of calls. */
class CallBook {
  readonly calls: RecordedCall[] = [];
  #seq = 0;
  readonly #isKept: boolean;

  constructor(isKept: boolean) {
    this.#isKept = isKept;
  }

  note({ call, cost, struck, served }: Answered): void {
    this.#seq++;
    if (!this.#isKept) return;
    if (this.calls.length >= MAX_CALLS) this.calls.splice(0, MAX_CALLS / 2);
    this.calls.push({
      seq: this.#seq,
      venue: call.venue,
      endpoint: call.endpoint,
      atMs: call.atMs,
      path: call.path,
      params: Object.fromEntries(call.params),
      status: sentStatus(served, struck.wire),
      cost,
      ...rowsNote(served.rows),
      faults: struck.names,
    });
  }

  clear(): void {
    this.calls.length = 0;
  }
}

function rowsNote(rows: Row[] | undefined): Partial<RecordedCall> {
  if (rows === undefined) return {};
  return { rows: rows.length, firstOpenMs: rows[0]?.openMs, lastOpenMs: rows.at(-1)?.openMs };
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
