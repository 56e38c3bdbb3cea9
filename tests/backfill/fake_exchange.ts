/**
 * A venue that a test scripts: which bars it has, how long it takes, what it does to the next calls. It answers through
 * the caller's retry policy as a real adapter does, and remembers what it was asked.
 */

import { HistoryError } from "../../src/core/errors.ts";
import { ExchangeFault } from "../../src/core/exchange_fault.ts";
import type {
  BarsAsk,
  BarsReply,
  BarsTariff,
  Clock,
  Exchange,
  Exchanges,
  Market,
  VenueClock,
} from "../../src/core/ports.ts";
import { slotOf, slotStart } from "../../src/core/timeframe.ts";
import type { TimeRange } from "../../src/core/time_range.ts";
import { replyOf, rowAt } from "./made.ts";

export const awayFault = () =>
  new ExchangeFault("passing", "EXCHANGE_UNAVAILABLE", "the venue is away", { hint: "wait" });
export const refusedFault = () =>
  new ExchangeFault("refused", "EXCHANGE_REFUSED", "not from here", {
    hint: "use another venue",
    status: 451,
  });
export const unknownSymbol = () =>
  new HistoryError("SYMBOL_UNKNOWN", "no such market", { hint: "list the markets" });

/** What a call does before it answers; returning makes it answer. */
type Act = (ask: BarsAsk) => void | Promise<void>;

export class FakeExchange implements Exchange {
  readonly id: string;
  readonly budgetKey: string;
  /** Ranges asked, in order, one entry a question. */
  readonly asked: TimeRange[] = [];
  /** Calls made, retries included. */
  calls = 0;
  /** Questions under way, and the most there were at once. */
  busy = 0;
  busiest = 0;
  /** Local clock − venue clock; known from the first `syncClock` on. */
  skew = 0;
  /** Calls that one question takes. */
  pages = 1;
  /** What the skew turns out to be when the clock is first asked for; null: what it was. */
  skewOnSync: number | null = null;
  latencyMs = 0;
  /** Which slots have a bar. */
  has: (ts: number) => boolean = () => true;
  /** Seconds after midnight at which slots really open. */
  opensAt = 0;
  /** What the next calls do, in order; none left: they answer. */
  script: Act[] = [];
  /** Changes a reply before it is given. */
  edit: (reply: BarsReply, ask: BarsAsk) => BarsReply = (reply) => reply;
  marketFault: (() => Error) | null = null;
  readonly #clock: Clock;
  #isSynced = false;

  constructor(clock: Clock, id = "fake") {
    this.#clock = clock;
    this.id = id;
    this.budgetKey = `ccxt:${id}`;
  }

  market(symbol: string): Promise<Market> {
    return Promise.resolve({ symbol, active: true, volumeUnit: "base", timeframes: ["1m", "1d"] });
  }

  tariff(): BarsTariff {
    return { cost: 1, pageRows: 1_000, msPerUnit: 50 };
  }

  skewMs(): number {
    return this.skew;
  }

  syncClock(): Promise<void> {
    this.skew = this.skewOnSync ?? this.skew;
    return Promise.resolve();
  }

  async fetchBars(ask: BarsAsk): Promise<BarsReply> {
    if (this.marketFault !== null) throw this.marketFault();
    this.asked.push(ask.range);
    this.busiest = Math.max(this.busiest, ++this.busy);
    try {
      const askedAt = await this.#call(ask);
      for (let page = 1; page < this.pages; page++) await this.#call(ask);
      const rows = this.#barsIn(ask).map((ts) => rowAt(ts));
      return this.edit(replyOf(rows, { answered: [ask.range], askedAt }), ask);
    } finally {
      this.busy--;
    }
  }

  firstBar(): Promise<number | null> {
    return Promise.resolve(null);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** One call; venue time at which it was sent. */
  #call(ask: BarsAsk): Promise<number> {
    return ask.attempt(async (signal) => {
      this.calls++;
      const sentAt = (this.#clock.nowMs() - this.skew) / 1000;
      await this.#clock.sleep(this.latencyMs, signal);
      await this.script.shift()?.(ask);
      return sentAt;
    });
  }

  #barsIn({ range: [start, end], grid }: BarsAsk): number[] {
    const step = "step" in grid ? { step: grid.step, anchor: this.opensAt } : grid;
    const times: number[] = [];
    for (let slot = slotOf(start, step); slotStart(slot, step) < end; slot++) {
      const ts = slotStart(slot, step);
      if (ts >= start && this.has(ts)) times.push(ts);
    }
    return times;
  }
}

/** The fake venues by id; any other id is unknown. */
export class FakeExchanges implements Exchanges {
  readonly #all: Map<string, FakeExchange>;

  constructor(venues: readonly FakeExchange[]) {
    this.#all = new Map(venues.map((venue) => [venue.id, venue]));
  }

  get(id: string): Promise<Exchange> {
    const venue = this.#all.get(id);
    if (venue !== undefined) return Promise.resolve(venue);
    return Promise.reject(
      new HistoryError("EXCHANGE_UNKNOWN", `no exchange ${id}`, { hint: "check the name" }),
    );
  }

  peek(id: string): Exchange | null {
    return this.#all.get(id) ?? null;
  }

  clock(id: string): VenueClock | null {
    const venue = this.#all.get(id);
    return venue === undefined ? null : { skewMs: venue.skew, measuredAtMs: -Infinity, isOwn: true };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
