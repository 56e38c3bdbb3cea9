/**
 * Asks page after page until every slot of a question is answered, and learns on the way how the venue behaves: that
 * it counts back from its newest bar, that it begins pages early, that it fills them from their end.
 */

import { throwIfCancelled } from "../../core/errors.ts";
import { WINDOW_MAX_PAGES } from "../../core/limits.ts";
import type { BarsAsk } from "../../core/ports.ts";
import { slotAtOrAfter, slotOf, slotStart } from "../../core/timeframe.ts";
import type { CallContext } from "./call_context.ts";
import type { CcxtMarket } from "./ccxt_client.ts";
import { fault } from "./fault.ts";
import type { ServedFrom } from "./first_bar.ts";
import type { Gathering } from "./gathering.ts";
import type { HistoryBook, Search } from "./history_book.ts";
import { type Page, pageAt, type PageReading, type Question, rangeOf, readPage } from "./paging.ts";
import { isNoAnswer } from "./probes.ts";
import { checkRows } from "./rows_check.ts";
import type { Venue } from "./venue.ts";

/** What it takes to page through one question. */
export interface Paging {
  venue: Venue;
  book: HistoryBook;
  ask: BarsAsk;
  market: CcxtMarket;
  question: Question;
  gathering: Gathering;
}

/** A search on behalf of a question: its calls count as the question's. */
export function searchOf({ venue, ask, question, gathering }: Paging): Search {
  return {
    asker: ask,
    pageRows: question.pageRows,
    note: (call) => gathering.note(call, venue.sentAt(call)),
  };
}

/** One page, asked and read. */
interface AskedPage {
  /** Null where the venue refused to look so far back. */
  call: CallContext | null;
  reading: PageReading;
  /** Venue time of sending, epoch seconds. */
  sentAt: number;
}

/** The loop, with what it learns on the way. */
export class Pager {
  readonly #paging: Paging;
  #question: Question;
  /** Ask for full pages whatever is left: the venue answers from its newest bar backwards. */
  #isWide = false;
  /** The last page had fewer rows than were asked: look further, so that its last bar gets a follower. */
  #isThin = false;
  /** The venue begins its pages so many bars early. */
  #lead = 0;

  constructor(paging: Paging) {
    this.#paging = paging;
    const { question, book } = paging;
    this.#question = { ...question, pageRows: Math.min(question.pageRows, book.pageCap) };
  }

  async run(): Promise<void> {
    const { venue, ask, book } = this.#paging;
    const { end } = this.#question;
    let at = this.#skipTo(this.#skipPrehistory(this.#question.start), book.knownStart(ask));
    for (let pages = 0; at < end; pages++) {
      throwIfCancelled(ask.signal, `Fetching bars of ${ask.symbol}`);
      if (pages >= WINDOW_MAX_PAGES) throw endless(venue, ask);
      const page = this.#pageAt(at);
      const asked = await this.#ask(page);
      if (this.#beginsEarly(page, asked.reading)) continue;
      const from = await this.#explainHead(page, asked.reading);
      if (await this.#isOtherwise({ ...page, from }, asked.reading)) {
        at = from;
        continue;
      }
      this.#take(asked);
      this.#isThin = asked.reading.distinct < page.limit;
      const next = Math.max(asked.reading.next, from);
      if (next <= at) throw beside(venue, ask);
      at = next;
    }
  }

  /** A page that was spent on bars before its start has not answered at all: it is asked with more rows. */
  #beginsEarly(page: Page, { first, before, early, distinct }: PageReading): boolean {
    const lead = Math.min(early, this.#question.pageRows >> 1);
    if (lead <= this.#lead) return false;
    this.#lead = lead;
    return first === null && before !== null && distinct >= page.limit;
  }

  /**
   * Whether bars that a page skipped at its head may be had by asking in another way, before they count as absent:
   * each way is tried where the page gives cause, and remembered where it helps.
   */
  async #isOtherwise(page: Page, reading: PageReading): Promise<boolean> {
    const { book, ask } = this.#paging;
    const { first, last, distinct } = reading;
    if (first === null || last === null) return false;
    const isSkipped = first > page.from && page.from < this.#question.end;
    const isOther = isSkipped &&
      (this.#countsFromNow(page, reading) || await this.#fillsFromEnd(page, reading));
    book.sawRows(distinct);
    book.sawBar(ask, slotStart(first, this.#question.grid));
    if (!this.#isNow(last)) book.sawSinceHonoured(ask);
    return isOther;
  }

  /** A full page up to now may be counted back from now: a larger one shows more. */
  #countsFromNow(page: Page, { last, distinct }: PageReading): boolean {
    if (this.#isWide || page.limit >= this.#question.pageRows || distinct < page.limit) return false;
    const { book, ask } = this.#paging;
    return this.#isWide = last !== null && this.#isNow(last) && !book.honoursSince(ask);
  }

  /**
   * A venue that answers about a span, and holds fewer rows a page than we asked, may send the newest ones: the
   * head of the span is missing, not absent. Asked for the head alone, it shows it; then pages become so small.
   */
  async #fillsFromEnd(page: Page, { first, last, distinct: rows }: PageReading): Promise<boolean> {
    const { book } = this.#paging;
    if (first === null || last === null) return false;
    if (rows >= page.limit || rows < book.mostRows || last >= page.from + page.limit) return false;
    const head = await this.#ask({ from: page.from, limit: Math.min(first - page.from, rows) });
    if (head.reading.first === null || head.reading.first >= first) return false;
    book.capPages(rows);
    this.#question = { ...this.#question, pageRows: rows };
    return true;
  }

  #pageAt(from: number): Page {
    const page = pageAt(from, this.#question, this.#lead);
    const { pageRows, forming } = this.#question;
    if (this.#isWide) return { ...page, limit: pageRows };
    return this.#isThin ? { ...page, limit: Math.max(page.limit, Math.min(pageRows, forming - from)) } : page;
  }

  /** One page under the caller's retry policy. */
  async #ask(page: Page): Promise<AskedPage> {
    const { venue, ask, gathering } = this.#paging;
    const { symbol, timeframe, priority } = ask;
    const sinceMs = slotStart(page.from, this.#question.grid) * 1000;
    try {
      const asked = await ask.attempt(async (signal) => {
        const what = `bars of ${symbol} ${timeframe}`;
        const { call } = await venue.call(
          { what, isBars: true, priority, signal },
          (client) => client.fetchOHLCV(symbol, timeframe, sinceMs, page.limit),
        );
        checkRows(venue.id, call);
        return { call, sentAt: venue.sentAt(call), reading: readPage(call.rows, page, this.#question) };
      });
      gathering.note(asked.call, asked.sentAt);
      return asked;
    } catch (error) {
      if (!isNoAnswer(error) || !/too (long|far|old|early)|points ago/i.test((error as Error).message)) {
        throw error;
      }
      return { call: null, sentAt: 0, reading: readPage([], page, this.#question) };
    }
  }

  /** Takes in what a page brought. */
  #take({ reading, call, sentAt }: AskedPage): void {
    const { gathering } = this.#paging;
    if (call !== null) gathering.deliver(call, { kept: reading.kept, sentAt });
    gathering.dropFuture(reading.future);
    gathering.answered(rangeOf(reading.answered, this.#question.grid));
  }

  #isNow(slot: number): boolean {
    return slot >= this.#question.forming - 1;
  }

  /**
   * Why the first slots of a page have no bar: a hole, or the time before the first bar served. Answers the latter
   * and gives the slot at which bars begin; else the page's start.
   */
  async #explainHead(page: Page, { first, last, before }: PageReading): Promise<number> {
    const { book, ask } = this.#paging;
    const { grid, forming } = this.#question;
    if (first === page.from || before !== null) return page.from;
    const known = book.knownStart(ask);
    if (known?.kept && first !== null && last !== null && this.#isNow(last)) {
      // The venue keeps its last so many bars: the oldest has moved on since that was found out.
      const oldest = Math.max(slotOf(known.start, grid), Math.min(first, forming - known.kept + 1));
      return this.#skipTo(page.from, { ...known, start: slotStart(oldest, grid) });
    }
    if (book.isKnownBefore(ask, slotStart(page.from, grid))) return page.from;
    return this.#skipTo(page.from, await book.start(searchOf(this.#paging)));
  }

  /** Answers the slots that open before 1970: no venue had a bar then, and many refuse a negative `since`. */
  #skipPrehistory(from: number): number {
    const { grid, end } = this.#question;
    const first = Math.max(from, Math.min(slotAtOrAfter(0, grid), end));
    this.#paging.gathering.absent(rangeOf({ start: from, end: first }, grid), "not_listed");
    return first;
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
