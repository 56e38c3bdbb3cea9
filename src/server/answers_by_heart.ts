/**
 * Short answers known by heart: their headers and bytes, ready to be sent again for as long as the service says that
 * the same question would be answered the same. A chart that is looked at and a bot that polls ask the same again and
 * again; nothing is looked up, encoded or hashed for them.
 */

import { BoundedMap } from "../core/bounded_map.ts";
import { BY_HEART_HEARD, BY_HEART_KEY_MAX_CHARS, BY_HEART_MAX_BYTES } from "../core/limits.ts";

/** What was asked: the query as it was sent, and the request for its `Accept`. */
interface Asked {
  search: string;
  request: Request;
}

/** A response without what is of one request alone. */
export interface KnownAnswer {
  /** As an object of its own: a response takes it over faster than names and values that must be checked. */
  headers: Headers;
  body: Uint8Array<ArrayBuffer>;
  /** Of the answer (`Answer.isStill`). */
  isStill: () => boolean;
}

/** What an answer takes besides its body and its question: headers, and the objects that hold it together. */
const ENTRY_BYTES = 4_096;

export class AnswersByHeart {
  readonly #known = new BoundedMap<string, KnownAnswer>(BY_HEART_MAX_BYTES);
  /** Questions that came lately: most come once, and are not worth a copy. */
  readonly #heard = new BoundedMap<string, true>(BY_HEART_HEARD);

  /** The answer to a question, if it is known and still right. */
  find(asked: Asked): KnownAnswer | null {
    if (this.#known.size === 0) return null;
    const key = keyOf(asked);
    const known = this.#known.get(key);
    if (known === undefined) return null;
    // Who names a tag may be told that nothing changed: that is the handler's to say.
    if (known.headers.has("etag") && asked.request.headers.has("if-none-match")) return null;
    if (known.isStill()) return known;
    this.#known.delete(key);
    return null;
  }

  /** Keeps an answer from the second time on that its question comes; `make` copies what is kept. */
  keep(asked: Asked, make: () => KnownAnswer): void {
    const key = keyOf(asked);
    if (key.length > BY_HEART_KEY_MAX_CHARS) return;
    if (this.#heard.get(key) === undefined) return this.#heard.set(key, true);
    const answer = make();
    this.#known.set(key, answer, answer.body.length + 2 * key.length + ENTRY_BYTES);
  }
}

/** The query as it was sent decides the answer, and `Accept` where the query names no format. */
function keyOf({ search, request }: Asked): string {
  const namesFormat = search.startsWith("format=") || search.includes("&format=");
  return namesFormat ? search : `${search}\n${request.headers.get("accept") ?? ""}`;
}
