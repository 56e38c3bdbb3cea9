/**
 * An answer made ready shortly before its deadline, as it is then (spec §10). Many questions may have the same one: what
 * has not changed when it strikes is not worked out again, so that all leave in time. Nobody is told anything here, so
 * nothing is recorded as told.
 */

import { HistoryError } from "../core/errors.ts";
import type { RequestContext } from "../core/request.ts";
import { rowsOfAnswer } from "./answer_rows.ts";
import { PublishedUnreadable } from "./fall_through.ts";
import type { LiveMoment } from "./live_answer.ts";
import { type ContentParts, type LiveContent, liveContent, makeTheSame } from "./live_content.ts";
import type { Standing } from "./standing.ts";

export interface RehearsalParts extends ContentParts {
  /** Work that goes on when its request has ended; waited for at close. */
  background: (work: Promise<unknown>) => void;
}

/** What there is to make an answer of, now. */
export interface Scene {
  standing: Standing;
  moment: LiveMoment;
}

export class Rehearsal {
  readonly #parts: RehearsalParts;
  readonly #context: RequestContext;
  readonly #look: () => Promise<Scene>;
  #draft: (Scene & { content: LiveContent }) | null = null;
  #unreadable: PublishedUnreadable | null = null;

  constructor(parts: RehearsalParts, context: RequestContext, look: () => Promise<Scene>) {
    this.#parts = parts;
    this.#context = context;
    this.#look = look;
  }

  /** Begins in the background; what it finds is there when it is done. */
  begin(): void {
    this.#parts.background(this.#run());
  }

  /** Where the node stood then. */
  get standing(): Standing | null {
    return this.#draft?.standing ?? null;
  }

  /** What was made ready, where the answer would be made of the same. */
  contentFor(moment: LiveMoment): LiveContent | null {
    return this.#draft !== null && makeTheSame(this.#draft.moment, moment) ? this.#draft.content : null;
  }

  /** Throws what was found unreadable: its slots count as open from now on, and are to be asked for elsewhere. */
  check(): void {
    if (this.#unreadable !== null) throw this.#unreadable;
  }

  async #run(): Promise<void> {
    try {
      const scene = await this.#look();
      const content = await liveContent(scene.moment, this.#parts);
      this.#draft = { ...scene, content };
      const { question, requested, effective, site } = scene.moment;
      await this.#context.rehearse?.(rowsOfAnswer({
        metadata: {
          node_id: question.nodeId,
          requested_range: requested,
          effective_range: effective,
          rows: content.pieces.reduce((rows, piece) => rows + piece.rows, 0),
        },
        pieces: content.pieces,
        pinned: false,
        compute: this.#parts.compute,
        grid: site.grid,
      }));
    } catch (error) {
      if (error instanceof PublishedUnreadable) this.#unreadable = error;
      // Anything else fails again when the answer is due, and is told then.
      else if (!(error instanceof HistoryError)) throw error;
    }
  }
}
