/**
 * Fetches the bars of one question, page by page, and says what the venue answered: which slots, and why some of
 * them can have no bar.
 */

import { throwIfCancelled } from "../../core/errors.ts";
import { WINDOW_MAX_PAGES } from "../../core/limits.ts";
import type { BarsAsk } from "../../core/ports.ts";
import { slotOf, slotStart } from "../../core/timeframe.ts";
import type { CallContext } from "./call_context.ts";
import type { CcxtMarket } from "./ccxt_client.ts";
import { fault } from "./fault.ts";
import type { ServedFrom } from "./first_bar.ts";
import type { Gathering } from "./gathering.ts";
import type { HistoryBook, Search } from "./history_book.ts";
import { type Page, pageAt, type PageReading, type Question, rangeOf, readPage } from "./paging.ts";
import { isNoAnswer, type Probe } from "./probes.ts";
import { checkRows } from "./rows_check.ts";
import type { Venue } from "./venue.ts";

/** One page, asked and read. */
interface AskedPage {
  /** Null where the venue refused to look so far back. */
  call: CallContext | null;
  reading: PageReading;
  /** Venue time of sending, epoch seconds. */
  sentAt: number;
}

/** What it takes to page through one question. */
export interface Paging {
  venue: Venue;
  book: HistoryBook;
  ask: BarsAsk;
  market: CcxtMarket;
  question: Question;
  gathering: Gathering;
}

/** Pages through a question until every slot of it is answered, or throws. */
export async function fetchPages(paging: Paging): Promise<void> {
  const end = await withoutDelisted(paging);
  const question = { ...paging.question, end };
  await new Pager({ ...paging, question }).run();
}

/** Answers the slots after the last bar of an inactive market; what is left to ask ends there. */
async function withoutDelisted(paging: Paging): Promise<number> {
  const { market, question, book, gathering } = paging;
  if (market.active !== false || question.start >= question.end) return question.end;
  const endedAt = await book.ended(searchOf(paging));
  if (endedAt === null) return question.end;
  const end = Math.max(question.start, Math.min(question.end, slotOf(endedAt, question.grid)));
  gathering.absent(rangeOf({ start: end, end: question.end }, question.grid), "delisted");
  return end;
}

function searchOf({ venue, ask, question, gathering }: Paging): Search {
  return {
    asker: ask,
    pageRows: question.pageRows,
    note: (call) => gathering.note(call, sentAtOf(venue, call)),
  };
}

function sentAtOf(venue: Venue, call: CallContext): number {
  return (call.sentAtMs - venue.skew.ms()) / 1000;
}

/** The loop, with what it learns on the way. */
class Pager {
  readonly #paging: Paging;
  readonly #question: Question;
  /** Ask for full pages whatever is left: the venue answers from its newest bar backwards. */
  #isWide = false;

  constructor(paging: Paging) {
    this.#paging = paging;
    this.#question = paging.question;
  }

  async run(): Promise<void> {
    const { venue, ask, book, gathering } = this.#paging;
    const { end } = this.#question;
    let at = this.#skipTo(this.#question.start, book.knownStart(ask));
    for (let pages = 0; at < end; pages++) {
      throwIfCancelled(ask.signal, `Fetching bars of ${ask.symbol}`);
      if (pages >= WINDOW_MAX_PAGES) throw endless(venue, ask);
      const page = this.#pageAt(at);
      const asked = await this.#ask(page);
      this.#learn(asked.reading);
      if (asked.call !== null) gathering.note(asked.call, asked.sentAt);
      if (this.#skipsHead(page, asked.reading)) {
        this.#isWide = true;
        continue;
      }
      const next = await this.#accept(page, asked);
      if (next <= at) throw beside(venue, ask);
      at = next;
    }
  }

  /** What any page tells of the venue, whatever becomes of it. */
  #learn({ first, last }: PageReading): void {
    if (first === null || last === null) return;
    const { ask, book } = this.#paging;
    book.sawBar(ask, slotStart(first, this.#question.grid));
    if (!this.#isNow(last)) book.sawSinceHonoured();
  }

  #pageAt(from: number): Page {
    const page = pageAt(from, this.#question);
    return this.#isWide ? { ...page, limit: this.#question.pageRows } : page;
  }

  /** One page under the caller's retry policy. */
  async #ask(page: Page): Promise<AskedPage> {
    const { venue, ask } = this.#paging;
    const { symbol, timeframe, priority } = ask;
    const sinceMs = slotStart(page.from, this.#question.grid) * 1000;
    try {
      return await ask.attempt(async (signal) => {
        const what = `bars of ${symbol} ${timeframe}`;
        const { call } = await venue.call(
          { what, isBars: true, priority, signal },
          (client) => client.fetchOHLCV(symbol, timeframe, sinceMs, page.limit),
        );
        checkRows(venue.id, call);
        return { call, sentAt: sentAtOf(venue, call), reading: readPage(call.rows, page, this.#question) };
      });
    } catch (error) {
      if (!isNoAnswer(error) || !/too (long|far|old|early)|points ago/i.test((error as Error).message)) {
        throw error;
      }
      return { call: null, sentAt: 0, reading: readPage([], page, this.#question) };
    }
  }

  /** Takes a page in and says where to go on. */
  async #accept(page: Page, asked: AskedPage): Promise<number> {
    const { reading, call, sentAt } = asked;
    const { gathering } = this.#paging;
    const from = await this.#explainHead(page, asked);
    if (call !== null) gathering.deliver(call, { kept: reading.kept, sentAt });
    gathering.dropFuture(reading.future);
    gathering.answered(rangeOf(reading.answered, this.#question.grid));
    return Math.max(reading.next, from);
  }

  /**
   * A short page that skips its head and reaches up to now may be a venue that counts back from now: a full
   * page shows more.
   */
  #skipsHead(page: Page, { first, last }: PageReading): boolean {
    if (this.#isWide || first === null || last === null || page.limit >= this.#question.pageRows) {
      return false;
    }
    return first > page.from && this.#isNow(last) && !this.#paging.book.honoursSince;
  }

  #isNow(slot: number): boolean {
    return slot >= this.#question.forming - 1;
  }

  /**
   * Why the first slots of a page have no bar: a hole, or the time before the first bar served. Answers the latter
   * and gives the slot at which bars begin; else the page's start.
   */
  async #explainHead(page: Page, { reading, call }: AskedPage): Promise<number> {
    const { book, ask } = this.#paging;
    const { grid } = this.#question;
    if (reading.first === page.from || reading.before !== null) return page.from;
    const newest = newestOf(call, { reading, isNow: (slot) => this.#isNow(slot) });
    const known = book.knownStart(ask);
    if (known?.reason === "beyond_source_history" && newest !== null) {
      return this.#skipTo(page.from, { ...known, start: slotStart(newest.first, grid) });
    }
    if (book.isKnownBefore(ask, slotStart(page.from, grid))) return page.from;
    return this.#skipTo(page.from, await book.start(searchOf(this.#paging), { newest }));
  }

  /** Answers the slots from `from` up to where bars begin. */
  #skipTo(from: number, served: ServedFrom | null): number {
    if (served === null) return from;
    const { grid, end } = this.#question;
    const first = Math.max(from, Math.min(slotOf(served.start, grid), end));
    this.#paging.gathering.absent(rangeOf({ start: from, end: first }, grid), served.reason);
    return first;
  }
}

/** A page that reaches up to now, as evidence of what a venue keeps. */
function newestOf(
  call: CallContext | null,
  { reading: { first, last }, isNow }: { reading: PageReading; isNow: (slot: number) => boolean },
): Probe | null {
  if (call === null || first === null || last === null || !isNow(last)) return null;
  return { first, last, rows: call.rows.length };
}

function endless(venue: Venue, { symbol, timeframe }: BarsAsk) {
  const message =
    `${venue.id} needs more than ${WINDOW_MAX_PAGES} pages for one window of ${symbol} ${timeframe}`;
  return fault("passing", message, {
    hint: "Raise `exchanges.{id}.batch_limit`, or lower `backfill.window_bars`",
  });
}

function beside(venue: Venue, { symbol, timeframe }: BarsAsk) {
  const message = `${venue.id} answered ${symbol} ${timeframe} only with bars from before the question`;
  return fault("passing", message, {
    hint: "Rows outside the question are no answer to it; it is tried again",
  });
}
