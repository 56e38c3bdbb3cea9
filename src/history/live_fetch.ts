/**
 * The fetch of one live request: its windows started as the strategy says, waited for as its SLA allows (spec §9, §10),
 * and a last look at what came of them.
 */

import { finalBorder } from "../backfill/absorb.ts";
import type { AskOptions, Backfiller } from "../backfill/backfiller.ts";
import type { Window } from "../backfill/plan.ts";
import { HistoryError } from "../core/errors.ts";
import { LAST_LOOK_MS } from "../core/limits.ts";
import type { Dice } from "../core/ports.ts";
import type { RequestContext } from "../core/request.ts";
import { type OpenBecause, STRATEGIES } from "../core/strategy.ts";
import { slotCount } from "../core/timeframe.ts";
import { type TimeRange, toPairs } from "../core/time_range.ts";
import { Filling } from "./filling.ts";
import { liveAnswer, type LiveMoment, type LiveParts } from "./live_answer.ts";
import { type LiveContent, liveContent } from "./live_content.ts";
import type { Look } from "./look.ts";
import type { Question } from "./question.ts";
import { barsIn, firstOpen, openInside, type Standing } from "./standing.ts";
import type { Waits } from "./waits.ts";

export interface FetchParts extends LiveParts {
  backfiller: Backfiller;
  dice: Dice;
  /** Publishes a range of a node; shared while under way. Resolves when its manifest is visible. */
  publish: (nodeId: string, range: TimeRange) => Promise<void>;
  /** Work that goes on when its request has ended; waited for at close. */
  background: (work: Promise<unknown>) => void;
}

/** What a fetch begins with. */
export interface FetchStart {
  /** Where the node stood when the request came. */
  before: Standing;
  /** When it came, by our own clock. */
  askedAtMs: number;
  waits: Waits;
  /** Ends what this request fetches; windows that somebody shares go on. */
  fetching: AbortSignal;
}

/** An answer made ready before it was due: for as long as the node stands as it did. */
export interface Draft {
  standing: Standing;
  moment: LiveMoment;
  content: LiveContent;
}

/** What came of a fetch. */
export interface Fetched {
  because: OpenBecause;
  failure: HistoryError | null;
  after: Standing;
  draft: Draft | null;
}

export class LiveFetch {
  readonly #parts: FetchParts;
  readonly #look: Look;

  constructor(parts: FetchParts, look: Look) {
    this.#parts = parts;
    this.#look = look;
  }

  /** Fetches as the strategy says, and looks again. */
  async run(
    question: Question,
    o: FetchStart,
    context: RequestContext,
  ): Promise<Fetched> {
    const { askedAtMs, waits, fetching } = o;
    const waiting = STRATEGIES[question.strategy].backfill === "wait";
    const before = waiting ? await this.onVenueTime(question, o, context) : o.before;
    const filling = this.#startFilling(question, before, fetching);
    const ready: { draft: Draft | null } = { draft: null };
    const nearEnd = () =>
      this.#parts.background(
        this.#rehearse(question, { ...o, filling, keep: (draft) => ready.draft = draft }, context),
      );
    const because = waiting
      ? await this.#wait(question, { filling, waits, before, nearEnd }, context)
      : "not_waited" as const;
    // The last look is short and done even when nothing is left of the total: the store has what came just in time.
    const last = this.#look.stand(question, askedAtMs, ready.draft?.standing);
    const again = await waits.atLeast(LAST_LOOK_MS, last, { signal: context.signal });
    const isLate = again.late || because === "budget_ended";
    if (isLate && question.patient !== null) throw waits.exceeded(question.nodeId);
    return {
      because: isLate ? "budget_ended" : because,
      failure: waiting ? filling.failure : null,
      after: again.late ? before : again.value,
      draft: ready.draft,
    };
  }

  /**
   * Makes the answer ready shortly before its deadline, as it is then: many questions may have the same one, and what
   * has not changed when it strikes is not worked out again, so that all leave in time.
   */
  async #rehearse(
    question: Question,
    o: FetchStart & { filling: Filling; keep: (draft: Draft) => void },
    context: RequestContext,
  ): Promise<void> {
    const { before, waits, filling: { failure } } = o;
    try {
      const standing = await this.#look.stand(question, o.askedAtMs);
      const moment = momentOf({ question, standing, failure, waits, before });
      const content = await liveContent(moment, this.#parts);
      o.keep({ standing, moment, content });
      await context.rehearse?.(await liveAnswer(moment, content, this.#parts));
    } catch (error) {
      // What fails here fails when the answer is due as well, and is told then.
      if (!(error instanceof HistoryError)) throw error;
    }
  }

  /** Before a venue is first asked, its clock is: it may have other bars closed than ours says. */
  async onVenueTime(
    question: Question,
    o: FetchStart,
    context: RequestContext,
  ): Promise<Standing> {
    const { backfiller } = this.#parts;
    const { exchange } = question.parsed;
    const synced = backfiller.syncClock(exchange, o.fetching);
    this.#parts.background(synced);
    const waited = await o.waits.within("backfill_wait", synced, { signal: context.signal });
    if (waited.late || backfiller.venueTime(exchange, o.askedAtMs) === o.before.now) return o.before;
    return await this.#look.stand(question, o.askedAtMs);
  }

  /** Starts every window that the strategy fetches, the newest first; what may be waited for is marked. */
  #startFilling(question: Question, before: Standing, signal: AbortSignal): Filling {
    const { backfiller, dice, clock } = this.#parts;
    const options: Omit<AskOptions, "signal"> = {
      batchId: dice.id(),
      priority: "live",
      scope: "open",
      grid: before.site.grid,
      policy: { align: question.features.align, invariant: question.features.invariant },
    };
    const windows = backfiller.plan(before.site, before.effective, { scope: "open", order: "newest" });
    const filling = new Filling({
      backfiller,
      clock,
      nodeId: question.nodeId,
      windows,
      options,
      retryBackoffMs: question.sla.retry_backoff_ms,
      maySettle: question.patient === null,
      publish: this.#parts.settings.publish && question.features.publish_fingerprint !== false
        ? () => this.#publish(question.nodeId, before.effective)
        : null,
      signal,
    });
    this.#parts.background(filling.done);
    return filling;
  }

  /** Waits as the strategy and the SLA allow, and says why slots may still be open. */
  async #wait(
    question: Question,
    o: { filling: Filling; waits: Waits; before: Standing; nearEnd: () => void },
    context: RequestContext,
  ): Promise<OpenBecause> {
    const { filling, waits, before } = o;
    const waited = this.#waitedWindows(question, filling.windows, before, waits);
    if (waits.violation !== null && question.sla.on_violation === "FAIL_FAST") return "budget_ended";
    // The newest bars: those that were provisional when they were last asked, and what closed since.
    const newest = 2 * this.#parts.settings.stabilizationBars + 1;
    const border = finalBorder(before.now, before.site.grid, newest);
    const isLive = (window: Window) =>
      STRATEGIES[question.strategy].live && firstOpen(before.open, window) >= border;
    const live = waited.filter(isLive);
    const past = waited.filter((window) => !isLive(window));
    // Who is patient gets an error when the time is over, and no answer.
    const nearEnd = question.patient === null ? o.nearEnd : undefined;
    const heeded = { signal: context.signal, nearEnd };
    const [liveWait, pastWait] = await Promise.all([
      live.length === 0 ? null : waits.within("live_wait", filling.settled(live), heeded),
      past.length === 0 ? null : waits.within("backfill_wait", filling.settled(past), heeded),
    ]);
    if (liveWait?.late || pastWait?.late || waits.violation !== null) return "budget_ended";
    // The fill's publication belongs to this answer if the budget allows; its lateness breaks no promise.
    const violation = waits.violation;
    await waits.within("total", filling.done, { signal: context.signal });
    waits.violation = violation;
    return filling.failure === null ? "still_pending" : "fetch_failed";
  }

  /** Bars that were fetched are answered whatever becomes of their publication. */
  async #publish(nodeId: string, range: TimeRange): Promise<void> {
    try {
      await this.#parts.publish(nodeId, range);
    } catch (error) {
      if (!(error instanceof HistoryError)) throw error;
      const { code, message } = error;
      this.#parts.log.emit("error", "seamless.artifact.not_published", {
        node_id: nodeId,
        code,
        error: message,
      });
    }
  }

  /** All windows, or for a bounded strategy those that hold the newest `max_sync_gap_bars` open slots. */
  #waitedWindows(question: Question, windows: Window[], before: Standing, waits: Waits): Window[] {
    const most = question.sla.max_sync_gap_bars;
    if (!STRATEGIES[question.strategy].bounded || most === null || question.patient !== null) return windows;
    const open = toPairs(before.open).reduce((slots, range) => slots + slotCount(range, before.site.grid), 0);
    if (open <= most) return windows;
    waits.noteSyncGap(most, open);
    // The newest slots are what is waited for: their windows, the one that the bound falls into included.
    let slots = 0;
    return windows.filter((window) => {
      const isWaited = slots < most;
      slots += openInside(before, window);
      return isWaited;
    });
  }
}

/** An answer's circumstances when its node stands like this. `before`: where it stood when the request came. */
export function momentOf(
  o: { question: Question; standing: Standing; failure: HistoryError | null; waits: Waits; before: Standing },
): LiveMoment {
  const { site, requested, effective, now } = o.standing;
  return {
    question: o.question,
    site,
    requested,
    effective,
    now,
    waits: o.waits,
    barsBefore: barsIn(o.before),
    failure: o.failure === null ? null : o.failure.message,
  };
}
