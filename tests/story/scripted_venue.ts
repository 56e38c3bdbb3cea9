/**
 * A venue that does what a test says: which bars it has, how long it takes, how it fails. It stands behind the
 * `Exchange` port, so that stories about waiting run on a clock that the test holds, without any I/O.
 */

import { HistoryError } from "../../src/core/errors.ts";
import { ExchangeFault } from "../../src/core/exchange_fault.ts";
import type {
  AbsentSpan,
  BarsAsk,
  BarsReply,
  BarsTariff,
  Clock,
  Exchange,
  Exchanges,
  Market,
  VenueClock,
} from "../../src/core/ports.ts";
import { slotAtOrAfter, slotStart } from "../../src/core/timeframe.ts";
import type { TimeRange } from "../../src/core/time_range.ts";

/** What a call does before it answers; it may wait on the venue's clock, or throw. */
export type Deed = (call: VenueCall, signal: AbortSignal) => Promise<void> | void;

/** One question that reached the venue. */
export interface VenueCall {
  /** 1 for the first. */
  seq: number;
  symbol: string;
  timeframe: string;
  range: TimeRange;
  /** Venue time, epoch ms. */
  atMs: number;
}

/** What a venue is like at first; tests may set its fields while it runs. */
export interface VenueScript {
  clock: Clock;
  id?: string;
  /** Local clock − venue clock, ms, once it was measured. */
  skewMs?: number;
}

/** A row: open, high, low, close, volume. */
export type Values = [number, number, number, number, number];

/** Nothing more comes until the caller gives up. */
export const stall: Deed = (_call, signal) =>
  new Promise((_, reject) => {
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });

/** A network failure: it can pass. */
export const unreachable: Deed = () => {
  throw new ExchangeFault("passing", "EXCHANGE_UNAVAILABLE", "the venue cannot be reached", {
    hint: "Check the network",
  });
};

/** The venue says no: another try gives the same. */
export function refuses(code: "EXCHANGE_REFUSED" | "SYMBOL_UNKNOWN" | "BAD_TIMEFRAME"): Deed {
  return () => {
    throw new ExchangeFault("refused", code, `the venue said ${code}`, { hint: "Ask for something else" });
  };
}

/** The values of a made-up bar: they follow from its time. */
export function valuesOf(ts: number, salt = 0): Values {
  const open = 20_000 + salt + ((ts / 60) % 977) / 4;
  return [open, open + 1.5, open - 1.25, open + 0.5, ((ts / 60) % 89) / 8];
}

export class ScriptedVenue implements Exchange {
  readonly id: string;
  readonly calls: VenueCall[] = [];
  /** What each call does before it answers. */
  deed: Deed = () => {};
  /** Bars of these opens are not there. */
  isAbsent: (ts: number, symbol: string) => boolean = () => false;
  /** The values of a bar. */
  values: (ts: number, symbol: string) => Values = (ts) => valuesOf(ts);
  /** Throws for what the venue does not list; null: it lists everything. */
  listing: ((symbol: string) => void) | null = null;
  /** Where the venue says that there can be no bars. */
  absentSpans: AbsentSpan[] = [];
  /** The last word over a reply, before it leaves. */
  amend: (reply: BarsReply, ask: BarsAsk) => BarsReply = (reply) => reply;
  readonly #clock: Clock;
  readonly #skewMs: number;
  #measured = false;

  constructor(script: VenueScript) {
    this.id = script.id ?? "binance";
    this.#clock = script.clock;
    this.#skewMs = script.skewMs ?? 0;
  }

  get budgetKey(): string {
    return `ccxt:${this.id}`;
  }

  /** Windows asked so far, `start-end`, in the order in which they were asked. */
  get asked(): string[] {
    return this.calls.map(({ symbol, timeframe, range }) => `${symbol} ${timeframe} ${range.join("-")}`);
  }

  market(symbol: string): Promise<Market> {
    return Promise.try(() => {
      if (this.listing !== null) this.listing(symbol);
      return { symbol, active: true, volumeUnit: "base", timeframes: ["1m", "1h", "1d"] };
    });
  }

  tariff(): BarsTariff {
    return { cost: 1, pageRows: 1_000, msPerUnit: 50 };
  }

  skewMs(): number {
    return this.#measured ? this.#skewMs : 0;
  }

  clock(): VenueClock | null {
    return this.#measured ? { skewMs: this.#skewMs, measuredAtMs: -Infinity, isOwn: true } : null;
  }

  syncClock(): Promise<void> {
    this.#measured = true;
    return Promise.resolve();
  }

  fetchBars(ask: BarsAsk): Promise<BarsReply> {
    return ask.attempt(async (signal) => {
      const call = {
        seq: this.calls.length + 1,
        symbol: ask.symbol,
        timeframe: ask.timeframe,
        range: ask.range,
        atMs: this.#clock.nowMs() - this.#skewMs,
      };
      this.calls.push(call);
      await this.deed(call, signal);
      return this.amend(this.#reply(ask, call.atMs / 1000), ask);
    });
  }

  firstBar(): Promise<number | null> {
    return Promise.resolve(null);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #reply(ask: BarsAsk, askedAt: number): BarsReply {
    const columns: BarsReply["columns"] = { ts: [], open: [], high: [], low: [], close: [], volume: [] };
    for (let slot = slotAtOrAfter(ask.range[0], ask.grid);; slot++) {
      const ts = slotStart(slot, ask.grid);
      if (ts >= ask.range[1]) break;
      if (
        this.isAbsent(ts, ask.symbol) || this.absentSpans.some((span) => ts >= span.start && ts < span.end)
      ) {
        continue;
      }
      const [open, high, low, close, volume] = this.values(ts, ask.symbol);
      columns.ts.push(ts);
      columns.open.push(open);
      columns.high.push(high);
      columns.low.push(low);
      columns.close.push(close);
      columns.volume.push(volume);
    }
    return {
      columns,
      observedAt: columns.ts.map(() => askedAt),
      answered: [ask.range],
      absent: this.absentSpans,
      askedAt,
      calls: 1,
      bytes: 100 * columns.ts.length,
      replySha256: "0".repeat(64),
      rawBodies: [new TextEncoder().encode(JSON.stringify(columns))],
      warnings: [],
    };
  }
}

/** The venues of a story; any other id is unknown, as in CCXT. */
export class ScriptedVenues implements Exchanges {
  readonly #venues: Map<string, ScriptedVenue>;
  readonly #open = new Set<string>();

  constructor(venues: ScriptedVenue[]) {
    this.#venues = new Map(venues.map((venue) => [venue.id, venue]));
  }

  get(id: string): Promise<Exchange> {
    return Promise.try(() => {
      const venue = this.#venues.get(id);
      if (venue === undefined) {
        throw new HistoryError("EXCHANGE_UNKNOWN", `Cannot open exchange ${id}: CCXT does not know it`, {
          hint: "Did you mean binance?",
        });
      }
      this.#open.add(id);
      return venue;
    });
  }

  peek(id: string): Exchange | null {
    return this.#open.has(id) ? this.#venues.get(id)! : null;
  }

  clock(id: string): VenueClock | null {
    return this.#open.has(id) ? this.#venues.get(id)!.clock() : null;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
