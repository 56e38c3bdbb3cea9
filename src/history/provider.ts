/**
 * What a request does, from top to bottom (architecture.md): resolve, look at storage, decide by strategy, fill under
 * the SLA, answer or refuse. Results are returned; nothing of a request stays here.
 */

import type { AskOptions, Backfiller, NodeSite } from "../backfill/backfiller.ts";
import { openSlots, viewOf } from "../backfill/node_view.ts";
import type { Window } from "../backfill/plan.ts";
import { effectiveRange, formingStart, requestedRange } from "../core/effective_range.ts";
import { cancelled, HistoryError } from "../core/errors.ts";
import { LAST_LOOK_MS } from "../core/limits.ts";
import type { Clock, Dice } from "../core/ports.ts";
import type { FetchRequest, RequestContext } from "../core/request.ts";
import type { Answer } from "../core/service.ts";
import { outcomeOf, STRATEGIES } from "../core/strategy.ts";
import type { OpenBecause } from "../core/strategy.ts";
import { slotCount } from "../core/timeframe.ts";
import { type TimeRange, toPairs } from "../core/time_range.ts";
import { finalBorder } from "../backfill/absorb.ts";
import { coverageIncomplete, domainDisabled, refuseTooLarge } from "./refusals.ts";
import { logRefusal, logVerdict, logViolation } from "./answer_log.ts";
import { refuseBreaches } from "./breaches.ts";
import { rereading } from "./fall_through.ts";
import { Filling } from "./filling.ts";
import { liveAnswer, type LiveParts } from "./live_answer.ts";
import { pinnedAnswer, type PinnedParts } from "./pinned_answer.ts";
import { isPinned, type Question, resolveQuestion } from "./question.ts";
import { barsIn, firstOpen, holdsNothing, openInside, type Standing } from "./standing.ts";
import { marksOf, stillnessOf } from "./stillness.ts";
import { Waits } from "./waits.ts";

export interface ProviderParts extends LiveParts {
  backfiller: Backfiller;
  clock: Clock;
  dice: Dice;
  pinned: PinnedParts | null;
  /** Publishes a range of a node; shared while under way. Resolves when its manifest is visible. */
  publish: (nodeId: string, range: TimeRange) => Promise<void>;
  /** Work that goes on when its request has ended; waited for at close. */
  background: (work: Promise<unknown>) => void;
  /** Fires when the service closes. */
  lifetime: AbortSignal;
}

export class Provider {
  readonly #parts: ProviderParts;

  constructor(parts: ProviderParts) {
    this.#parts = parts;
  }

  /** Throws what `bars` would throw before it looks at anything but the configuration and the clock. */
  check(request: FetchRequest, context: RequestContext = {}): void {
    const { settings, backfiller, pinned } = this.#parts;
    const question = resolveQuestion(request, settings, context);
    if (isPinned(question)) {
      if (pinned === null) throw domainDisabled(question);
      return;
    }
    const site = backfiller.unknownSite(question.nodeId);
    const forming = formingStart(backfiller.lastKnownVenueNow(question.parsed.exchange), site.grid);
    const requested = requestedRange(question.bounds, forming, site.grid);
    const effective = effectiveRange(requested, site.grid, forming);
    refuseTooLarge(question, { site, effective }, context, settings.maxRangeBars);
  }

  /** Answers one request of domain live or backtest. */
  async bars(request: FetchRequest, context: RequestContext = {}): Promise<Answer> {
    const { log } = this.#parts;
    try {
      const answer = await this.#answer(request, context);
      logVerdict(log, answer.metadata);
      return answer;
    } catch (error) {
      logRefusal(log, request, error);
      throw error;
    }
  }

  async #answer(request: FetchRequest, context: RequestContext): Promise<Answer> {
    const { settings } = this.#parts;
    const question = resolveQuestion(request, settings, context);
    if (isPinned(question)) {
      if (this.#parts.pinned === null) throw domainDisabled(question);
      return await pinnedAnswer(question, this.#parts.pinned, context);
    }
    if (settings.backfillMode === "background") {
      return await this.#live(question, context, this.#parts.lifetime);
    }
    const ended = new AbortController();
    try {
      return await this.#live(question, context, AbortSignal.any([ended.signal, this.#parts.lifetime]));
    } finally {
      ended.abort(cancelled("The request's fetch"));
    }
  }

  /** `fetching` ends what this request fetches; windows that somebody shares go on. */
  async #live(question: Question, context: RequestContext, fetching: AbortSignal): Promise<Answer> {
    const { clock, log } = this.#parts;
    const waits = new Waits({ clock, sla: question.sla, patient: question.patient });
    try {
      // What the snapshot cannot give after all is open the next time, and asked for as the strategy says.
      return await rereading(() => this.#liveWithin(waits, question, context, fetching));
    } finally {
      logViolation(log, question, waits.violation);
    }
  }

  async #liveWithin(
    waits: Waits,
    question: Question,
    context: RequestContext,
    fetching: AbortSignal,
  ): Promise<Answer> {
    const { clock, settings } = this.#parts;
    const askedAtMs = clock.nowMs();
    const marks = marksOf(this.#parts);
    const looked = await waits.within("storage_wait", this.#stand(question, askedAtMs), context.signal);
    if (looked.late) return await this.#storageLate(question, waits);
    if (this.#asksTheTimeFirst(question)) {
      looked.value = await this.#onVenueTime(
        question,
        { before: looked.value, askedAtMs, waits, fetching },
        context,
      );
    }
    refuseTooLarge(question, looked.value, context, settings.maxRangeBars);
    const fetched = looked.value.open.length > 0 && STRATEGIES[question.strategy].backfill !== "never"
      ? await this.#fetch(question, { before: looked.value, askedAtMs, waits, fetching }, context)
      : { because: "not_waited" as const, failure: null, after: looked.value };
    const { because, failure, after } = fetched;
    if (after.open.length > 0) this.#settle(question, { because, failure, waits, after });
    const answer = await liveAnswer({
      question,
      site: after.site,
      requested: after.requested,
      effective: after.effective,
      now: after.now,
      waits,
      barsBefore: barsIn(looked.value),
      failure: failure === null ? null : failure.message,
    }, this.#parts);
    refuseBreaches(question, answer.metadata, settings.partialOk);
    const venueNow = () => this.#venueTime(question, clock.nowMs());
    answer.isStill = stillnessOf(
      { question, grid: after.site.grid, metadata: answer.metadata, before: marks, venueNow },
      this.#parts,
    );
    return answer;
  }

  /**
   * A run of the command line up to now begins with what time it is at the venue: all it knows of it else is by our
   * own clock. A service has the time from its last fetch, and gets it with its first.
   */
  #asksTheTimeFirst({ patient, bounds, strategy, parsed }: Question): boolean {
    const isUpToNow = bounds.end === null && STRATEGIES[strategy].backfill === "wait";
    return patient !== null && isUpToNow && !this.#parts.backfiller.knowsClock(parsed.exchange);
  }

  /**
   * Where the node stands: its state, the range that can be answered, what of it is open. What is closed is judged by
   * the venue's time at which the request came, so that a bar that closes during the wait changes nothing. What the hot
   * store lacks is looked for in the newest snapshot (spec §9); where it lacks nothing, nobody looks.
   */
  async #stand(question: Question, askedAtMs: number): Promise<Standing> {
    const { backfiller } = this.#parts;
    const standing = this.#standingOn(await backfiller.site(question.nodeId), question, askedAtMs);
    if (standing.open.length === 0) return standing;
    const site = await backfiller.underlaid(standing.site);
    return site === standing.site ? standing : this.#standingOn(site, question, askedAtMs);
  }

  #standingOn(site: NodeSite, question: Question, askedAtMs: number): Standing {
    const { compute } = this.#parts;
    const now = this.#venueTime(question, askedAtMs);
    const forming = formingStart(now, site.grid);
    const requested = requestedRange(question.bounds, forming, site.grid);
    const effective = effectiveRange(requested, site.grid, forming);
    const open = site.state === null
      ? compute.missingRanges(effective, new Float64Array(0), site.grid)
      : openSlots(viewOf(site.state, compute), effective, now, compute);
    return { site, now, requested, effective, open };
  }

  /** Venue time at an instant of our own clock, epoch seconds: who never asks the venue goes by what is known of it. */
  #venueTime({ strategy, parsed }: Question, localMs: number): number {
    const { backfiller } = this.#parts;
    return STRATEGIES[strategy].backfill === "never"
      ? backfiller.lastKnownVenueNow(parsed.exchange)
      : backfiller.venueTime(parsed.exchange, localMs);
  }

  /** Fetches as the strategy says, and looks again. */
  async #fetch(
    question: Question,
    o: { before: Standing; askedAtMs: number; waits: Waits; fetching: AbortSignal },
    context: RequestContext,
  ): Promise<{ because: OpenBecause; failure: HistoryError | null; after: Standing }> {
    const { askedAtMs, waits, fetching } = o;
    const waiting = STRATEGIES[question.strategy].backfill === "wait";
    const before = waiting ? await this.#onVenueTime(question, o, context) : o.before;
    const filling = this.#startFilling(question, before, fetching);
    const because = waiting
      ? await this.#wait(question, { filling, waits, before }, context)
      : "not_waited" as const;
    // The last look is short and done even when nothing is left of the total: the store has what came just in time.
    const again = await waits.atLeast(LAST_LOOK_MS, this.#stand(question, askedAtMs), context.signal);
    const isLate = again.late || because === "budget_ended";
    if (isLate && question.patient !== null) throw waits.exceeded(question.nodeId);
    return {
      because: isLate ? "budget_ended" : because,
      failure: waiting ? filling.failure : null,
      after: again.late ? before : again.value,
    };
  }

  /** Before a venue is first asked, its clock is: it may have other bars closed than ours says. */
  async #onVenueTime(
    question: Question,
    o: { before: Standing; askedAtMs: number; waits: Waits; fetching: AbortSignal },
    context: RequestContext,
  ): Promise<Standing> {
    const { backfiller } = this.#parts;
    const { exchange } = question.parsed;
    const synced = backfiller.syncClock(exchange, o.fetching);
    this.#parts.background(synced);
    const waited = await o.waits.within("backfill_wait", synced, context.signal);
    if (waited.late || backfiller.venueTime(exchange, o.askedAtMs) === o.before.now) return o.before;
    return await this.#stand(question, o.askedAtMs);
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
    o: { filling: Filling; waits: Waits; before: Standing },
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
    const [liveWait, pastWait] = await Promise.all([
      live.length === 0 ? null : waits.within("live_wait", filling.settled(live), context.signal),
      past.length === 0 ? null : waits.within("backfill_wait", filling.settled(past), context.signal),
    ]);
    if (liveWait?.late || pastWait?.late || waits.violation !== null) return "budget_ended";
    // The fill's publication belongs to this answer if the budget allows; its lateness breaks no promise.
    const violation = waits.violation;
    await waits.within("total", filling.done, context.signal);
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

  /** The outcome table of spec §9 where slots are open after all; errors leave here. */
  #settle(
    question: Question,
    o: { because: OpenBecause; failure: HistoryError | null; waits: Waits; after: Standing },
  ): void {
    const { failure, after, waits } = o;
    if (failure !== null && after.site.state === null && ALWAYS_ERRORS.has(failure.code)) throw failure;
    if (failure !== null && ALWAYS_ERRORS.has(failure.code) && holdsNothing(after.site)) throw failure;
    const outcome = outcomeOf({
      strategy: question.strategy,
      because: o.because,
      onViolation: question.sla.on_violation,
      partialOk: this.#parts.settings.partialOk,
    });
    if (outcome === "SLA_EXCEEDED") throw waits.exceeded(question.nodeId);
    if (outcome === "last_error" && failure !== null) throw failure;
    if (outcome !== "deliver") throw coverageIncomplete(question, toPairs(after.open));
  }

  /** Storage did not answer in its budget: an error where the strategy or the policy wants one, else what is known. */
  async #storageLate(question: Question, waits: Waits): Promise<Answer> {
    const outcome = outcomeOf({
      strategy: question.strategy,
      because: "storage_late",
      onViolation: question.sla.on_violation,
      partialOk: this.#parts.settings.partialOk,
    });
    if (outcome === "SLA_EXCEEDED" || question.patient !== null) throw waits.exceeded(question.nodeId);
    const { backfiller } = this.#parts;
    const site = backfiller.unknownSite(question.nodeId);
    const now = backfiller.venueNow(question.parsed.exchange);
    const forming = formingStart(now, site.grid);
    const requested = requestedRange(question.bounds, forming, site.grid);
    const effective = effectiveRange(requested, site.grid, forming);
    if (outcome === "COVERAGE_INCOMPLETE") throw coverageIncomplete(question, [effective]);
    return await liveAnswer(
      { question, site, requested, effective, now, waits, barsBefore: 0, failure: null },
      { ...this.#parts, snapshots: null, heads: null },
    );
  }
}

/** Refusals that are errors while nothing of the node is stored (spec §9). */
const ALWAYS_ERRORS: ReadonlySet<string> = new Set([
  "EXCHANGE_UNKNOWN",
  "SYMBOL_UNKNOWN",
  "EXCHANGE_REFUSED",
  "BAD_TIMEFRAME",
]);
