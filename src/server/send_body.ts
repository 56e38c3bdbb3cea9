/**
 * Sends a body piece by piece: short ones at once, long ones as the reader takes them, so that memory stays flat. The
 * first pieces are made before the status leaves, so that what fails at the start is still a proper error.
 */

import { HistoryError } from "../core/errors.ts";
import { ONE_BUFFER_BYTES } from "../core/limits.ts";
import type { Clock } from "../core/ports.ts";
import { concatBytes } from "../formats/encode.ts";

/** What a streamed body needs besides its pieces. */
export interface StreamTerms {
  clock: Clock;
  /** A reader that takes nothing for so long loses the rest. */
  writeTimeoutMs: number;
  /** Called once, when the last piece is taken, or the reader is gone, or making a piece failed. */
  onEnd: () => void;
  /** Called with what interrupts a body whose status has left already. */
  onFault: (error: unknown) => void;
}

type Piece = Uint8Array<ArrayBuffer>;

/** A whole body when it is short, else a stream of it. `onEnd` of the terms is only called for streams. */
export async function bodyOf(
  pieces: AsyncIterable<Piece>,
  terms: () => StreamTerms,
): Promise<Piece | ReadableStream<Piece>> {
  const source = pieces[Symbol.asyncIterator]();
  const first: Piece[] = [];
  let size = 0;
  while (size < ONE_BUFFER_BYTES) {
    const next = await source.next();
    if (next.done) return first.length === 1 ? first[0] : concatBytes(first);
    first.push(next.value);
    size += next.value.length;
  }
  return stream(concatBytes(first), source, terms());
}

function stream(head: Piece, source: AsyncIterator<Piece>, terms: StreamTerms): ReadableStream<Piece> {
  let waiting: AbortController | null = null;
  let ended = false;
  const end = () => {
    waiting?.abort();
    if (!ended) terms.onEnd();
    ended = true;
  };
  const giveUp = async (error: unknown, controller: ReadableStreamDefaultController<Piece>) => {
    end();
    terms.onFault(error);
    controller.error(error);
    await source.return?.();
  };
  /** Runs while the reader has yet to take what was handed over. */
  const watch = (controller: ReadableStreamDefaultController<Piece>) => {
    const watching = waiting = new AbortController();
    terms.clock.sleep(terms.writeTimeoutMs, watching.signal).then(
      () => giveUp(stalled(terms.writeTimeoutMs), controller),
      () => {/* The reader took it in time. */},
    );
  };
  let pending: Piece | null = head;
  return new ReadableStream<Piece>({
    async pull(controller) {
      waiting?.abort();
      try {
        const piece = pending ?? await nextPiece(source);
        pending = null;
        if (piece === null) {
          end();
          controller.close();
        } else {
          controller.enqueue(piece);
          watch(controller);
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

async function nextPiece(source: AsyncIterator<Piece>): Promise<Piece | null> {
  const next = await source.next();
  return next.done ? null : next.value;
}

function stalled(writeTimeoutMs: number): HistoryError {
  return new HistoryError("CANCELLED", `The reader took nothing for ${writeTimeoutMs} ms`, {
    hint: "Read faster, or raise server.write_timeout_ms",
  });
}
