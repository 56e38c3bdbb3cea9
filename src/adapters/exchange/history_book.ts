/**
 * What one client knows of each series' ends: where a venue's bars begin, where an inactive market's bars end, and
 * how early a bar was ever seen. Found once, kept for a day, so that windows before a listing cost nothing.
 */

import { LISTING_SEARCH_MAX_CALLS } from "../../core/limits.ts";
import type { Clock } from "../../core/ports.ts";
import type { CallContext } from "./call_context.ts";
import { findFirstBar, type ServedFrom } from "./first_bar.ts";
import { lastBarEnd } from "./last_bar.ts";
import { type BarsAsker, Prober } from "./probes.ts";
import { untilSettled } from "./shared_work.ts";
import type { Venue } from "./venue.ts";

const KEPT_MS = 24 * 3_600_000;
/** A search that found nothing is not repeated for so long. */
const UNKNOWN_KEPT_MS = 10 * 60_000;
const SERIES_MAX = 10_000;
/** Searches of others that a caller waits for before it searches itself. */
const SEARCHES_WAITED_MAX = 20;
/** Calls to find the last bar of a market that is no longer traded. */
const LAST_BAR_MAX_CALLS = 8;

/** One search: who asks, how large a page is, and where its calls are counted. */
export interface Search {
  asker: BarsAsker;
  pageRows: number;
  note: (call: CallContext) => void;
}

interface Entry<T> {
  value: T | null;
  untilMs: number;
}

/** Facts of one series. */
interface Series {
  servedFrom?: Entry<ServedFrom>;
  /** End of the last bar of an inactive market, epoch seconds. */
  endedAt?: Entry<number>;
  /** Open time of the earliest bar seen, epoch seconds. */
  earliestSeen: number;
  /** A page of it began where it was asked to, and did not reach up to now. */
  honoursSince: boolean;
  /** The search under way for where bars begin. */
  searching: Promise<unknown> | null;
}

/** What a client knows of its series. */
export class HistoryBook {
  readonly #venue: Venue;
  readonly #clock: Clock;
  readonly #series = new Map<string, Series>();
  #mostRows = 0;
  #pageCap = Infinity;

  constructor(venue: Venue) {
    this.#venue = venue;
    this.#clock = venue.input.clock;
  }

  /** Remembers that a bar was seen at `sec`: what comes after it without a bar is a hole, not the time before the listing. */
  sawBar(asker: BarsAsker, sec: number): void {
    const series = this.#of(asker);
    if (sec < series.earliestSeen) series.earliestSeen = sec;
  }

  /** A page of the series began where it was asked to and did not reach up to now: the venue looks at `since`. */
  sawSinceHonoured(asker: BarsAsker): void {
    this.#of(asker).honoursSince = true;
  }

  /** Whether the venue is known to look at `since` for this series: it may for some of them and not for others. */
  honoursSince(asker: BarsAsker): boolean {
    return this.#of(asker).honoursSince;
  }

  /** Most rows that a reply ever had. */
  get mostRows(): number {
    return this.#mostRows;
  }

  sawRows(rows: number): void {
    if (rows > this.#mostRows) this.#mostRows = rows;
  }

  /** Rows of a page that the venue turned out to hold; infinite while nothing is known. */
  get pageCap(): number {
    return this.#pageCap;
  }

  capPages(rows: number): void {
    this.#pageCap = Math.min(this.#pageCap, rows);
  }

  /** Whether a bar before `sec` was seen. */
  isKnownBefore(asker: BarsAsker, sec: number): boolean {
    return this.#of(asker).earliestSeen < sec;
  }

  /** Where bars begin, if that is known; asks nobody. */
  knownStart(asker: BarsAsker): ServedFrom | null {
    return this.#fresh(this.#of(asker).servedFrom)?.value ?? null;
  }

  /** Where bars begin: searched for once a day, by one of those who ask. Null: no bar was found. */
  async start(search: Search): Promise<ServedFrom | null> {
    const series = this.#of(search.asker);
    for (let others = 0; others < SEARCHES_WAITED_MAX; others++) {
      const known = this.#fresh(series.servedFrom);
      if (known !== undefined) return known.value;
      if (series.searching === null) break;
      // Its asker may give up: then somebody else goes on.
      await untilSettled(series.searching, search.asker.signal);
    }
    const searching = this.#search(series, search);
    series.searching = searching;
    try {
      return await searching;
    } finally {
      if (series.searching === searching) series.searching = null;
    }
  }

  async #search(series: Series, { asker, pageRows, note }: Search): Promise<ServedFrom | null> {
    const prober = new Prober(this.#venue, { asker, left: LISTING_SEARCH_MAX_CALLS, note });
    const value = await findFirstBar(prober, { pageRows });
    series.servedFrom = this.#entry(value);
    if (value?.reason === "not_listed") series.honoursSince = true;
    return value;
  }

  /** The end of an inactive market's last bar, epoch seconds; null when it cannot be told. */
  async ended({ asker, pageRows, note }: Search): Promise<number | null> {
    const series = this.#of(asker);
    const known = this.#fresh(series.endedAt);
    if (known !== undefined) return known.value;
    const prober = new Prober(this.#venue, { asker, left: LAST_BAR_MAX_CALLS, note });
    const value = await lastBarEnd(prober, pageRows);
    series.endedAt = this.#entry(value);
    return value;
  }

  #of({ symbol, timeframe }: BarsAsker): Series {
    const key = `${symbol} ${timeframe}`;
    let series = this.#series.get(key);
    if (series === undefined) {
      if (this.#series.size >= SERIES_MAX) this.#series.clear();
      series = { earliestSeen: Infinity, honoursSince: false, searching: null };
      this.#series.set(key, series);
    }
    return series;
  }

  #entry<T>(value: T | null): Entry<T> {
    return { value, untilMs: this.#clock.monotonicMs() + (value === null ? UNKNOWN_KEPT_MS : KEPT_MS) };
  }

  #fresh<T>(entry: Entry<T> | undefined): Entry<T> | undefined {
    return entry !== undefined && this.#clock.monotonicMs() < entry.untilMs ? entry : undefined;
  }
}
