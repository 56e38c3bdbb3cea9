/**
 * The venues, through ccxt: one client per exchange and process, loaded when it is first asked for.
 *
 * Everything that a venue says comes through the guarded fetch and our own paging; ccxt gives the signing, the
 * parsing and the names.
 */

import { HistoryError } from "../../core/errors.ts";
import { nearestName } from "../../core/nearest_name.ts";
import type {
  BarsAsk,
  BarsReply,
  BarsTariff,
  Exchange,
  Exchanges,
  Market,
  VenueClock,
} from "../../core/ports.ts";
import { fetchPages } from "./bars.ts";
import {
  type CcxtClient,
  type CcxtMarket,
  type CcxtModule,
  loadCcxt,
  loadVenue,
  nextTurn,
} from "./ccxt_client.ts";
import { ClockBook } from "./clock_book.ts";
import { intervalOf } from "../../core/timeframe.ts";
import { Gathering } from "./gathering.ts";
import { HistoryBook } from "./history_book.ts";
import { MarketCache } from "./market_cache.ts";
import { questionOf } from "./paging.ts";
import type { BarsAsker } from "./probes.ts";
import type { ExchangesInput } from "./settings.ts";
import { SharedWork } from "./shared_work.ts";
import { type Knock, syncSkew } from "./skew_sync.ts";
import { costOfBars, pageRowsOf } from "./tariff.ts";
import { Venue } from "./venue.ts";
import { volumeUnitOf } from "./volume_unit.ts";

export type { ExchangeSettings, ExchangesInput } from "./settings.ts";

/** The port over ccxt. Nothing is loaded before the first `get`. */
export function createExchanges(input: ExchangesInput): Exchanges {
  const opening = new Map<string, Promise<CcxtExchange>>();
  const open = new Map<string, CcxtExchange>();
  const clocks = new ClockBook(input);
  return {
    get(id) {
      const known = opening.get(id);
      if (known !== undefined) return known;
      const made = openExchange(id, input, clocks);
      opening.set(id, made);
      made.then((exchange) => open.set(id, exchange), () => opening.delete(id));
      return made;
    },
    peek: (id) => open.get(id) ?? null,
    clock: (id) => open.get(id)?.clock() ?? clocks.earlier(id),
    async close() {
      await Promise.allSettled(opening.values());
      for (const exchange of open.values()) await exchange.close();
      open.clear();
      opening.clear();
    },
  };
}

/** Milliseconds of one cost unit that a venue allows (CCXT's `rateLimit`); null for an id that CCXT lacks. Loads ccxt. */
export async function venueRateLimitMs(id: string): Promise<number | null> {
  const ccxt = await loadCcxt();
  if (!ccxt.exchanges.includes(id)) return null;
  const Venue = ccxt[id] as new () => { rateLimit: number };
  return new Venue().rateLimit;
}

async function openExchange(id: string, input: ExchangesInput, clocks: ClockBook): Promise<CcxtExchange> {
  const ccxt = await loadVenue(id) ?? await loadCcxt();
  if (!ccxt.exchanges.includes(id)) throw unknownExchange(id, ccxt);
  const settings = input.settings(id);
  await nextTurn();
  const venue = new Venue(id, { ccxt, settings, input, clocks });
  const { rateLimit } = venue.client;
  input.declareBudget?.(id, { budgetKey: settings.budgetKey, rateLimitMs: rateLimit });
  const pageRows = pageRowsOf(venue.client, { batchLimit: settings.batchLimit });
  await nextTurn();
  const cost = await costOfBars(ccxt, id, pageRows);
  return new CcxtExchange(venue, { cost, pageRows, msPerUnit: settings.msPerUnit ?? rateLimit });
}

function unknownExchange(id: string, ccxt: CcxtModule): HistoryError {
  const near = nearestName(id, ccxt.exchanges);
  return new HistoryError("EXCHANGE_UNKNOWN", `Cannot open exchange ${id}: CCXT does not know it`, {
    hint: near === null
      ? `CCXT knows ${ccxt.exchanges.length} exchanges, such as binance, coinbase, kraken, okx`
      : `Did you mean ${near}?`,
  });
}

/** One venue. */
class CcxtExchange implements Exchange {
  readonly #venue: Venue;
  readonly #markets: MarketCache;
  readonly #book: HistoryBook;
  readonly #tariff: BarsTariff;
  readonly #syncing = new SharedWork<void>();

  constructor(venue: Venue, tariff: BarsTariff) {
    this.#venue = venue;
    this.#markets = new MarketCache(venue);
    this.#book = new HistoryBook(venue);
    this.#tariff = tariff;
  }

  get id(): string {
    return this.#venue.id;
  }

  get budgetKey(): string {
    return this.#venue.settings.budgetKey;
  }

  async market(symbol: string, signal: AbortSignal = new AbortController().signal): Promise<Market> {
    const market = await this.#markets.market(symbol, signal);
    return {
      symbol,
      active: market.active !== false,
      volumeUnit: volumeUnitOf(this.id, market),
      timeframes: this.#timeframes(),
    };
  }

  tariff(timeframe: string): BarsTariff {
    this.#checkTimeframe(timeframe);
    return { ...this.#tariff };
  }

  skewMs(): number {
    return this.#venue.skew.ms();
  }

  /** The clock as this process measured it. */
  clock(): VenueClock | null {
    const { measuredAtMs } = this.#venue.skew;
    return measuredAtMs === null ? null : { skewMs: this.skewMs(), measuredAtMs, isOwn: true };
  }

  syncClock(
    signal: AbortSignal = new AbortController().signal,
    { strict = false }: { strict?: boolean } = {},
  ): Promise<void> {
    if (!strict) return this.#sync(signal, null);
    const knock = (ccxt: CcxtClient) => ccxt.loadMarkets(true);
    return this.#syncing.join(signal, (own) => syncSkew(this.#venue, own, knock, { strict }));
  }

  async fetchBars(ask: BarsAsk): Promise<BarsReply> {
    const { market, pageRows } = await this.#prepare(ask);
    const venueNowSec = this.#venue.skew.venueNowMs() / 1000;
    const question = questionOf({ range: ask.range, grid: ask.grid, venueNowSec, pageRows });
    const gathering = new Gathering(venueNowSec);
    await fetchPages({ venue: this.#venue, book: this.#book, ask, market, question, gathering });
    return gathering.reply();
  }

  async firstBar(asker: BarsAsker): Promise<number | null> {
    const { pageRows } = await this.#prepare(asker);
    const served = await this.#book.start({ asker, pageRows, note: () => {} });
    return served?.start ?? null;
  }

  close(): Promise<void> {
    this.#venue.close();
    return Promise.resolve();
  }

  /** What must be known before bars are asked; a refusal of any of it is the answer. */
  async #prepare(asker: BarsAsker): Promise<{ market: CcxtMarket; pageRows: number }> {
    this.#checkTimeframe(asker.timeframe);
    const { symbol, timeframe } = asker;
    const market = this.#markets.atHand(symbol) ??
      await asker.attempt((signal) => this.#markets.market(symbol, signal));
    const { client, settings, skew } = this.#venue;
    if (skew.isDue()) {
      const knock = (ccxt: CcxtClient) => ccxt.fetchOHLCV(symbol, timeframe, undefined, 1);
      await asker.attempt((signal) => this.#sync(signal, knock));
    }
    const stepSec = intervalOf(asker.grid);
    return { market, pageRows: pageRowsOf(client, { batchLimit: settings.batchLimit, market, stepSec }) };
  }

  /** Measures the clock once for all who find that it is due. */
  async #sync(signal: AbortSignal, knock: Knock | null): Promise<void> {
    if (!this.#venue.skew.isDue()) return;
    await this.#syncing.join(signal, (own) => syncSkew(this.#venue, own, knock));
  }

  /** Timeframes that the venue itself serves; what ccxt would build from trades is none of its bars. */
  #timeframes(): string[] {
    const { client } = this.#venue;
    return client.has.fetchOHLCV === true ? Object.keys(client.timeframes ?? {}) : [];
  }

  #checkTimeframe(timeframe: string): void {
    const served = this.#timeframes();
    if (served.includes(timeframe)) return;
    throw new HistoryError(
      "BAD_TIMEFRAME",
      `Cannot fetch ${timeframe} bars from ${this.id}: it does not serve them`,
      {
        hint: served.length === 0
          ? "It serves no bars at all; use another venue"
          : `It has ${served.join(", ")}`,
      },
    );
  }
}
