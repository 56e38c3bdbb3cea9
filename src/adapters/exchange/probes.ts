/** Single questions to a venue that find out how its history behaves, apart from the bars that are wanted. */

import { ExchangeFault } from "../../core/exchange_fault.ts";
import type { BarsAsk } from "../../core/ports.ts";
import { type Grid, gridOf, isMonthGrid, slotOf } from "../../core/timeframe.ts";
import type { CallContext } from "./call_context.ts";
import { checkRows } from "./rows_check.ts";
import type { Venue } from "./venue.ts";

/** Who asks: a question for bars without its range. */
export type BarsAsker = Omit<BarsAsk, "range">;

/** What a probe saw, in slots of the timeframe that it asked. */
export interface Probe {
  first: number;
  last: number;
  /** Distinct rows, the forming one included. */
  rows: number;
}

/** A timeframe of the venue with its grid. */
export interface Scale {
  timeframe: string;
  grid: Grid;
}

/** The calls of one search are counted; no more than `left` are made. */
export class Prober {
  readonly #venue: Venue;
  readonly #asker: BarsAsker;
  readonly #note: (call: CallContext) => void;
  left: number;

  constructor(venue: Venue, { asker, left, note }: {
    asker: BarsAsker;
    left: number;
    note: (call: CallContext) => void;
  }) {
    this.#venue = venue;
    this.#asker = asker;
    this.#note = note;
    this.left = left;
  }

  /** The scale of the bars that are wanted. */
  get own(): Scale {
    return { timeframe: this.#asker.timeframe, grid: this.#asker.grid };
  }

  /** Seconds of our own step; months count as longer than all. */
  get ownStep(): number {
    const { grid } = this.#asker;
    return isMonthGrid(grid) ? Infinity : grid.step;
  }

  /** Slot of the venue's now. */
  forming(grid: Grid): number {
    return slotOf(this.#venue.skew.venueNowMs() / 1000, grid);
  }

  /**
   * Asks for `limit` bars from `sinceSec` on (undefined: the newest). Null: none came, the venue does not go back so
   * far, or no call is left. Rows after the forming bar count for nothing.
   */
  async probe(
    { timeframe, grid }: Scale,
    { sinceSec, limit }: { sinceSec?: number; limit: number },
  ): Promise<Probe | null> {
    if (this.left <= 0) return null;
    this.left--;
    const { symbol, priority } = this.#asker;
    const what = `bars of ${symbol} ${timeframe}`;
    const sinceMs = sinceSec === undefined ? undefined : sinceSec * 1000;
    try {
      const call = await this.#asker.attempt(async (signal) => {
        const asked = await this.#venue.call(
          { what, isBars: true, priority, signal },
          (client) => client.fetchOHLCV(symbol, timeframe, sinceMs, limit),
        );
        checkRows(this.#venue.id, asked.call);
        return asked.call;
      });
      this.#note(call);
      return probeOf(call, grid, this.forming(grid));
    } catch (error) {
      if (isNoAnswer(error)) return null;
      throw error;
    }
  }

  /** The finest timeframe, our own or coarser, of which a span fits into one page; null when none below `below` does. */
  finestWithin({ span, pageRows, below }: { span: number; pageRows: number; below: number }) {
    return this.scalesAbove(this.ownStep - 1).find(({ step }) => step < below && span / step <= pageRows) ??
      null;
  }

  /** Every timeframe of the venue with a fixed step above `minStep` seconds, ascending. */
  scalesAbove(minStep: number): (Scale & { step: number })[] {
    return Object.keys(this.#venue.client.timeframes ?? {}).flatMap((timeframe) => {
      const scale = fixedScale(timeframe);
      return scale !== null && scale.step > minStep ? [scale] : [];
    }).sort((a, b) => a.step - b.step);
  }
}

function fixedScale(timeframe: string): (Scale & { step: number }) | null {
  try {
    const grid = gridOf(timeframe);
    return isMonthGrid(grid) ? null : { timeframe, grid, step: grid.step };
  } catch (error) {
    if (error instanceof RangeError) return null; // ccxt lists names that are no timeframes of ours, such as 3M
    throw error;
  }
}

/**
 * A venue that refuses a question about the far past has answered it in its way. A refusal of the caller (a key, a
 * location) is none of that.
 */
export function isNoAnswer(error: unknown): boolean {
  return error instanceof ExchangeFault && error.kind === "refused" &&
    ![401, 403, 451].includes(error.status ?? 0);
}

function probeOf(call: CallContext, grid: Grid, forming: number): Probe | null {
  const slots = new Set<number>();
  for (const [ms] of call.rows) {
    if (typeof ms !== "number" || !Number.isFinite(ms)) continue;
    const slot = slotOf(ms / 1000, grid);
    if (slot <= forming) slots.add(slot);
  }
  if (slots.size === 0) return null;
  return { first: Math.min(...slots), last: Math.max(...slots), rows: slots.size };
}
