/**
 * What a request does, from top to bottom (architecture.md): resolve, look at storage, decide by strategy, fill under
 * the SLA, answer or refuse. Results are returned; nothing of a request stays here.
 */

import { effectiveRange, formingStart, requestedRange } from "../core/effective_range.ts";
import { cancelled, type HistoryError } from "../core/errors.ts";
import type { FetchRequest, RequestContext } from "../core/request.ts";
import type { Answer } from "../core/service.ts";
import { outcomeOf, STRATEGIES } from "../core/strategy.ts";
import type { OpenBecause } from "../core/strategy.ts";
import { toPairs } from "../core/time_range.ts";
import { coverageIncomplete, domainDisabled, refuseTooLarge } from "./refusals.ts";
import { logRefusal, logVerdict, logViolation } from "./answer_log.ts";
import { refuseBreaches } from "./breaches.ts";
import { rereading } from "./fall_through.ts";
import { liveAnswer } from "./live_answer.ts";
import { liveContent } from "./live_content.ts";
import { type FetchParts, LiveFetch, momentOf } from "./live_fetch.ts";
import { Look } from "./look.ts";
import { pinnedAnswer, type PinnedParts } from "./pinned_answer.ts";
import { isPinned, type Question, resolveQuestion } from "./question.ts";
import { holdsNothing, type Standing } from "./standing.ts";
import { marksOf, stillnessOf } from "./stillness.ts";
import { Waits } from "./waits.ts";

export interface ProviderParts extends FetchParts {
  pinned: PinnedParts | null;
  /** Fires when the service closes. */
  lifetime: AbortSignal;
}

export class Provider {
  readonly #parts: ProviderParts;
  readonly #look: Look;
  readonly #fetch: LiveFetch;

  constructor(parts: ProviderParts) {
    this.#parts = parts;
    this.#look = new Look(parts);
    this.#fetch = new LiveFetch(parts, this.#look);
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
    const look = this.#look.stand(question, askedAtMs);
    const looked = await waits.within("storage_wait", look, { signal: context.signal });
    if (looked.late) return await this.#storageLate(question, waits);
    if (this.#asksTheTimeFirst(question)) {
      looked.value = await this.#fetch.onVenueTime(
        question,
        { before: looked.value, askedAtMs, waits, fetching },
        { signal: context.signal },
      );
    }
    refuseTooLarge(question, looked.value, context, settings.maxRangeBars);
    const fetched = looked.value.open.length > 0 && STRATEGIES[question.strategy].backfill !== "never"
      ? await this.#fetch.run(question, { before: looked.value, askedAtMs, waits, fetching }, context)
      : { because: "not_waited" as const, failure: null, after: looked.value, rehearsal: null };
    const { because, failure, after } = fetched;
    if (after.open.length > 0) this.#settle(question, { because, failure, waits, after });
    const moment = momentOf({ question, standing: after, failure, waits, before: looked.value });
    const content = fetched.rehearsal?.contentFor(moment) ?? await liveContent(moment, this.#parts);
    const answer = await liveAnswer(moment, content, this.#parts);
    refuseBreaches(question, answer.metadata, settings.partialOk);
    const venueNow = () => this.#look.venueTime(question, clock.nowMs());
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
    const moment = { question, site, requested, effective, now, waits, barsBefore: 0, failure: null };
    const parts = { ...this.#parts, snapshots: null, heads: null };
    return await liveAnswer(moment, await liveContent(moment, parts), parts);
  }
}

/** Refusals that are errors while nothing of the node is stored (spec §9). */
const ALWAYS_ERRORS: ReadonlySet<string> = new Set([
  "EXCHANGE_UNKNOWN",
  "SYMBOL_UNKNOWN",
  "EXCHANGE_REFUSED",
  "BAD_TIMEFRAME",
]);
