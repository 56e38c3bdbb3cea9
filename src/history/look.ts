/** Looks at where a node stands when it is asked for: what is held, what can be answered, what is open. */

import type { Backfiller, NodeSite } from "../backfill/backfiller.ts";
import { openSlots, viewOf } from "../backfill/node_view.ts";
import type { Compute } from "../compute/mod.ts";
import { effectiveRange, formingStart, requestedRange } from "../core/effective_range.ts";
import { STRATEGIES } from "../core/strategy.ts";
import type { Question } from "./question.ts";
import { isAsKnown, type Standing } from "./standing.ts";

export class Look {
  readonly #parts: { backfiller: Backfiller; compute: Compute };

  constructor(parts: { backfiller: Backfiller; compute: Compute }) {
    this.#parts = parts;
  }

  /**
   * Where the node stands: its state, the range that can be answered, what of it is open. What is closed is judged by
   * the venue's time at which the request came, so that a bar that closes during the wait changes nothing. What the hot
   * store lacks is looked for in the newest snapshot (spec §9); where it lacks nothing, nobody looks. `known`: where it
   * stood a moment ago, given back where nothing was written since.
   */
  async stand(question: Question, askedAtMs: number, known: Standing | null = null): Promise<Standing> {
    const { backfiller } = this.#parts;
    const hot = await backfiller.site(question.nodeId);
    if (known !== null && isAsKnown(known, hot, this.venueTime(question, askedAtMs))) return known;
    const standing = this.#standingOn(hot, question, askedAtMs);
    if (standing.open.length === 0) return standing;
    const site = await backfiller.underlaid(standing.site);
    return site === standing.site ? standing : this.#standingOn(site, question, askedAtMs);
  }

  #standingOn(site: NodeSite, question: Question, askedAtMs: number): Standing {
    const { compute } = this.#parts;
    const now = this.venueTime(question, askedAtMs);
    const forming = formingStart(now, site.grid);
    const requested = requestedRange(question.bounds, forming, site.grid);
    const effective = effectiveRange(requested, site.grid, forming);
    const open = site.state === null
      ? compute.missingRanges(effective, new Float64Array(0), site.grid)
      : openSlots(viewOf(site.state, compute), effective, now, compute);
    return { site, now, requested, effective, open };
  }

  /** Venue time at an instant of our own clock, epoch seconds: who never asks the venue goes by what is known of it. */
  venueTime({ strategy, parsed }: Question, localMs: number): number {
    const { backfiller } = this.#parts;
    return STRATEGIES[strategy].backfill === "never"
      ? backfiller.lastKnownVenueNow(parsed.exchange)
      : backfiller.venueTime(parsed.exchange, localMs);
  }
}
