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
import { type OpenBecause, outcomeOf, STRATEGIES } from "../core/strategy.ts";
import { slotCount } from "../core/timeframe.ts";
import { type TimeRange, toPairs } from "../core/time_range.ts";
import { Filling } from "./filling.ts";
import type { LiveMoment, LiveParts } from "./live_answer.ts";
import type { Look } from "./look.ts";
import type { Question } from "./question.ts";
import { Rehearsal } from "./rehearsal.ts";
import { barsIn, firstOpen, openInside, type Standing } from "./standing.ts";
import type { Heeded, Waited, Waits } from "./waits.ts";

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

/** What came of a fetch. */
export interface Fetched {
  because: OpenBecause;
  failure: HistoryError | null;
  after: Standing;
  /** The answer as it was made ready; null: nobody waited. */
  rehearsal: Rehearsal | null;
}

export class LiveFetch {
  readonly #parts: FetchParts;
  readonly #look: Look;

  constructor(parts: FetchParts, look: Look) {
    this.#parts = parts;
    this.#look = look;
  }

  /** Fetches as the strategy says, and looks again. */
  async run(question: Question, o: FetchStart, context: RequestContext): Promise<Fetched> {
    if (STRATEGIES[question.strategy].backfill !== "wait") {
      this.#startFilling(question, o.before, o.fetching);
      return { ...await this.#lookAgain(question, o, context), failure: null, rehearsal: null };
    }
    let filling: Filling | null = null;
    const rehearsal = new Rehearsal(this.#parts, context, async () => {
      const standing = await this.#look.stand(question, o.askedAtMs);
      const failure = filling?.failure ?? null;
      return {
        standing,
        moment: momentOf({ question, standing, failure, waits: o.waits, before: o.before }),
      };
    });
    const isDelivered = question.patient === null && this.#isDeliveredLate(question);
    const heeded = { signal: context.signal, nearEnd: isDelivered ? () => rehearsal.begin() : undefined };
    const before = await this.onVenueTime(question, o, heeded);
    let because: OpenBecause = "budget_ended";
    if (o.waits.violation === null || o.waits.budgetMs("total") > 0) {
      filling = this.#startFilling(question, before, o.fetching);
      because = await this.#wait(question, { filling, waits: o.waits, before }, heeded);
    } else this.#parts.background(this.#fillLater(question, before, o.fetching));
    rehearsal.check();
    const known = rehearsal.standing;
    const again = await this.#lookAgain(question, { ...o, before, because, known }, context);
    return { ...again, failure: filling?.failure ?? null, rehearsal };
  }

  /** The last look is short and done even when nothing is left of the total: the store has what came just in time. */
  async #lookAgain(
    question: Question,
    o: FetchStart & { because?: OpenBecause; known?: Standing | null },
    { signal }: RequestContext,
  ): Promise<Pick<Fetched, "because" | "after">> {
    const { because = "not_waited", waits, known } = o;
    const again = await waits.atLeast(
      LAST_LOOK_MS,
      this.#look.stand(question, o.askedAtMs, known),
      { signal },
    );
    const isLate = again.late || because === "budget_ended";
    if (isLate && question.patient !== null) throw waits.exceeded(question.nodeId);
    return { because: isLate ? "budget_ended" : because, after: again.late ? o.before : again.value };
  }

  /** Whether a deadline that strikes ends in an answer, and not in an error (spec §9). */
  #isDeliveredLate({ strategy, sla }: Question): boolean {
    const { partialOk } = this.#parts.settings;
    const cell = { strategy, because: "budget_ended", onViolation: sla.on_violation, partialOk } as const;
    return outcomeOf(cell) === "deliver";
  }

  /** Nothing is left of the budget: what is to be fetched is planned when the answer has left. */
  async #fillLater(question: Question, before: Standing, fetching: AbortSignal): Promise<void> {
    await this.#parts.clock.sleep(1);
    if (!fetching.aborted) await this.#startFilling(question, before, fetching).done;
  }

  /** Before a venue is first asked, its clock is: it may have other bars closed than ours says. */
  async onVenueTime(question: Question, o: FetchStart, heeded: Heeded): Promise<Standing> {
    const { backfiller } = this.#parts;
    const { exchange } = question.parsed;
    const synced = backfiller.syncClock(exchange, o.fetching);
    this.#parts.background(synced);
    const waited = await o.waits.within("backfill_wait", synced, heeded);
    if (waited.late || backfiller.venueTime(exchange, o.askedAtMs) === o.before.now) return o.before;
    return await this.#look.stand(question, o.askedAtMs);
  }

  /** Starts what the strategy fetches, the newest windows first. */
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
    o: { filling: Filling; waits: Waits; before: Standing },
    heeded: Heeded,
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
    const [liveWait, pastWait] = await this.#waitForBoth({ live, past }, o, heeded);
    if (liveWait?.late || pastWait?.late || waits.violation !== null) return "budget_ended";
    // The fill's publication belongs to this answer if the budget allows; its lateness breaks no promise.
    const violation = waits.violation;
    await waits.within("total", filling.done, heeded);
    waits.violation = violation;
    return filling.failure === null ? "still_pending" : "fetch_failed";
  }

  /** Newest and older windows, each as long as its own phase may last; the end is near when it is near for both. */
  async #waitForBoth(
    { live, past }: { live: Window[]; past: Window[] },
    { filling, waits }: { filling: Filling; waits: Waits },
    { signal, nearEnd }: Heeded,
  ): Promise<(Waited<void> | null)[]> {
    const longer = waits.budgetMs("live_wait") > waits.budgetMs("backfill_wait")
      ? "live_wait"
      : "backfill_wait";
    const left = new Set<string>();
    const wait = async (phase: "live_wait" | "backfill_wait", windows: Window[]) => {
      if (windows.length === 0) return null;
      left.add(phase);
      const isLast = () => left.size === 1 || phase === longer;
      const near = nearEnd && (() => isLast() ? nearEnd() : undefined);
      const waited = await waits.within(phase, filling.settled(windows), { signal, nearEnd: near });
      left.delete(phase);
      return waited;
    };
    return await Promise.all([wait("live_wait", live), wait("backfill_wait", past)]);
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
