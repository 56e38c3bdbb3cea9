/**
 * Sends a body piece by piece: short ones at once, long ones as the reader takes them, so that memory stays flat. The
 * first pieces are made before the status leaves, so that what fails at the start is still a proper error.
 */

import { HistoryError } from "../core/errors.ts";
import { ONE_BUFFER_BYTES } from "../core/limits.ts";
import type { Clock } from "../core/ports.ts";
import { concatBytes } from "../formats/encode.ts";
import { nextTurn } from "../formats/next_turn.ts";

/** What a streamed body needs besides its pieces. */
export interface StreamTerms {
  clock: Clock;
  /** A reader that takes nothing for so long loses the rest. */
  writeTimeoutMs: number;
  /** Ends the body at once when it fires. */
  signal: AbortSignal;
  /** Called once, when the last piece is taken, or the reader is gone, or making a piece failed. */
  onEnd: () => void;
  /** Called with what interrupts a body whose status has left already. */
  onFault: (error: unknown) => void;
}

type Piece = Uint8Array<ArrayBuffer>;

/**
 * Answers with pieces: as one body when they are short, else as a stream. `onEnd` of the terms is only called for
 * streams, `onShort` for the others.
 */
export async function respond(
  pieces: AsyncIterable<Piece>,
  init: ResponseInit,
  terms: () => StreamTerms,
  { onShort, isLate = false }: {
    onShort?: (response: Response, bodyBytes: number) => void;
    /** Its time is over: the status leaves with the first piece, and the rest is made while others get theirs. */
    isLate?: boolean;
  } = {},
): Promise<Response> {
  const source = pieces[Symbol.asyncIterator]();
  const first: Piece[] = [];
  let size = 0;
  const atOnce = isLate ? 1 : ONE_BUFFER_BYTES;
  while (size < atOnce) {
    const next = await source.next();
    if (next.done) {
      const response = new Response(first.length === 1 ? first[0] : joined(first, size), init);
      onShort?.(response, size);
      return response;
    }
    first.push(next.value);
    size += next.value.length;
  }
  return new Response(stream(concatBytes(first), isLate ? inTurns(source) : source, terms()), init);
}

let scratch = new Uint8Array(0);

/** The pieces in one row, good until the next call: a response takes a copy of its bytes when it is made. */
function joined(pieces: readonly Piece[], size: number): Piece {
  if (scratch.length < size) scratch = new Uint8Array(2 * size);
  let at = 0;
  for (const piece of pieces) {
    scratch.set(piece, at);
    at += piece.length;
  }
  return scratch.subarray(0, size);
}

function stream(head: Piece, source: AsyncIterator<Piece>, terms: StreamTerms): ReadableStream<Piece> {
  const patience = new Patience(terms);
  let ended = false;
  const end = () => {
    patience.stop();
    if (!ended) terms.onEnd();
    ended = true;
  };
  const giveUp = async (error: unknown, controller: ReadableStreamDefaultController<Piece>) => {
    if (ended) return;
    end();
    terms.onFault(error);
    controller.error(error);
    await source.return?.();
  };
  let pending: Piece | null = head;
  return new ReadableStream<Piece>({
    start(controller) {
      patience.start(() => giveUp(stalled(terms.writeTimeoutMs), controller));
      terms.signal.addEventListener("abort", () => giveUp(terms.signal.reason, controller), { once: true });
    },
    async pull(controller) {
      patience.taken();
      try {
        const piece = pending ?? await nextPiece(source);
        pending = null;
        if (piece === null) {
          end();
          controller.close();
        } else {
          controller.enqueue(piece);
          patience.handedOver();
        }
      } catch (error) {
        await giveUp(error, controller);
      }
    },
    async cancel() {
      end();
      await source.return?.();
    },
  }, { highWaterMark: 0 });
}

/** Each piece in a turn of the event loop of its own: others whose time is over too come in between. */
function inTurns(source: AsyncIterator<Piece>): AsyncIterator<Piece> {
  return {
    async next() {
      await nextTurn();
      return await source.next();
    },
    return: (value) => source.return?.(value) ?? Promise.resolve({ done: true, value }),
  };
}

/** Notices a reader that leaves a piece lying for too long, with one timer a stream instead of one a piece. */
class Patience {
  readonly #terms: StreamTerms;
  readonly #stopped = new AbortController();
  #handedOverMs: number;

  constructor(terms: StreamTerms) {
    this.#terms = terms;
    // Until the first piece is taken, the response itself is what lies there.
    this.#handedOverMs = terms.clock.monotonicMs();
  }

  taken(): void {
    this.#handedOverMs = Infinity;
  }

  handedOver(): void {
    this.#handedOverMs = this.#terms.clock.monotonicMs();
  }

  stop(): void {
    this.#stopped.abort();
  }

  async start(onStalled: () => Promise<void>): Promise<void> {
    const { clock, writeTimeoutMs } = this.#terms;
    let leftMs = writeTimeoutMs;
    while (leftMs > 0) {
      const woke = await clock.sleep(leftMs, this.#stopped.signal).then(() => true, () => false);
      if (!woke) return;
      const dueMs = Math.min(this.#handedOverMs, clock.monotonicMs()) + writeTimeoutMs;
      leftMs = dueMs - clock.monotonicMs();
    }
    await onStalled();
  }
}

async function nextPiece(source: AsyncIterator<Piece>): Promise<Piece | null> {
  const next = await source.next();
  return next.done ? null : next.value;
}

function stalled(writeTimeoutMs: number): HistoryError {
  return new HistoryError("CANCELLED", `The reader took nothing for ${writeTimeoutMs} ms`, {
    hint: "Read faster, or raise server.write_timeout_ms",
  });
}
