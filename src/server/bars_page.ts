/** One page of an answer to `GET /v1/bars`: its rows, the cursor of the next one, and how it is made ready in advance. */

import { REHEARSED_MAX_ROWS } from "../core/limits.ts";
import type { Answer, AnswerRows, BarSlice } from "../core/service.ts";
import { decodeRows, sliceRows } from "../core/stored_chunk.ts";
import type { FormatName } from "../formats/format.ts";
import { jsonRows } from "../formats/text.ts";
import type { Call } from "./route.ts";

/** What a cursor of bars holds besides the query: the ranges of page one, and what is still to come. */
export interface Continuation {
  requested: [number, number];
  effective: [number, number];
  from: number;
  digest: string;
}

/** One page (or the whole) of an answer, as it was asked for. */
export interface Asked {
  format: FormatName;
  /** The query of page one: what a next cursor will hold, and what decides the answer. */
  query: Record<string, string>;
  /** Null: all rows. */
  limit: number | null;
  /** Nobody named a limit: then an unpinned answer may span fewer slots. */
  unlimited: boolean;
  continuation: (Continuation & { pinned: boolean }) | null;
}

/** What of an answer is sent. */
export interface Page {
  rows: number;
  slices: () => AsyncIterable<BarSlice>;
  /** The cursor of the next page. */
  next: string | null;
}

/** The page that was asked for, or the whole answer. */
export async function pageOf(answer: AnswerRows, asked: Asked, call: Call): Promise<Page> {
  if (asked.limit !== null) return await onePage(answer, asked, call);
  return { rows: answer.metadata.rows, slices: () => answer.slices({ signal: call.signal }), next: null };
}

/** Reads one row more than the page holds: it tells whether another page follows, and where it begins. */
async function onePage(answer: AnswerRows, asked: Asked, call: Call): Promise<Page> {
  const limit = asked.limit!;
  const fromTs = asked.continuation?.from;
  const slices: BarSlice[] = [];
  let rows = 0;
  let nextTs: number | null = null;
  for await (const slice of answer.slices({ fromTs, limit: limit + 1, signal: call.signal })) {
    const fits = limit - rows;
    if (slice.rows > fits) {
      nextTs = decodeRows(slice.bytes, [fits, fits + 1]).ts[0];
      if (fits > 0) slices.push({ rows: fits, bytes: sliceRows(slice, 0, fits) });
      rows = limit;
      break;
    }
    slices.push(slice);
    rows += slice.rows;
  }
  const next = nextTs === null ? null : await nextCursor({ answer, asked, call, nextTs });
  return { rows, slices: () => fromList(slices), next };
}

async function nextCursor(
  o: { answer: AnswerRows; asked: Asked; call: Call; nextTs: number },
): Promise<string> {
  const { metadata, pinned } = o.answer;
  const at: Continuation = {
    requested: o.asked.continuation?.requested ?? [...metadata.requested_range] as [number, number],
    effective: [...metadata.effective_range] as [number, number],
    from: o.nextTs,
    digest: await o.answer.remainderDigest(o.nextTs),
  };
  return o.call.standing.cursors.issue(
    { path: o.call.path, query: o.asked.query, limit: o.asked.limit!, at },
    { pinned },
  );
}

/** A page made ready. */
export interface ReadyPage {
  page: Page;
  /** Its rows as they are sent. */
  rowsMade?: Uint8Array<ArrayBuffer>[];
}

/**
 * Makes the page ready shortly before its answer is due. Many callers may have the same deadline: what is ready by then
 * leaves in time for all of them.
 */
export class PageRehearsal {
  readonly #asked: Asked;
  readonly #call: Call;
  #made: ReadyPage & { content: object } | null = null;
  #isOver = false;

  constructor(asked: Asked, call: Call) {
    this.#asked = asked;
    this.#call = call;
  }

  /** Makes page and rows of the answer as it is now; gives up when the answer has come. */
  rehearse = async (answer: AnswerRows): Promise<void> => {
    const { limit, format } = this.#asked;
    const { content } = answer;
    if (content === undefined || content === this.#made?.content || limit === null || this.#isOver) return;
    const page = await onePage(answer, this.#asked, this.#call);
    const made = this.#made = { content, page };
    if (format !== "json" || page.rows > REHEARSED_MAX_ROWS) return;
    await this.#call.standing.rehearsals.inTurn(this.#call.signal, async () => {
      const rowsMade = await this.#rowsOf(page);
      if (rowsMade !== null && this.#made === made) this.#made = { ...made, rowsMade };
    });
  };

  async #rowsOf(page: Page): Promise<Uint8Array<ArrayBuffer>[] | null> {
    const rows: Uint8Array<ArrayBuffer>[] = [];
    if (this.#isOver) return null;
    for await (const piece of jsonRows(page.slices())) {
      rows.push(piece);
      await this.#call.standing.rehearsals.pause();
      if (this.#isOver) return null;
    }
    return rows;
  }

  /** The answer has come, or none will: what is not ready yet is given up. */
  end(): void {
    this.#isOver = true;
  }

  /** What was made ready for this answer, if anything was and is its own. */
  of(answer: Answer): ReadyPage | null {
    return this.#made !== null && this.#made.content === answer.content ? this.#made : null;
  }
}

async function* fromList(slices: BarSlice[]): AsyncIterable<BarSlice> {
  yield* slices;
}
