/**
 * Short answers known by heart: responses that are sent again, as clones, for as long as the service says that the same
 * question would be answered the same. A chart that is looked at and a bot that polls ask the same again and again;
 * nothing is looked up, encoded, hashed or copied for them: clones of a response share the bytes of its body.
 */

import { BoundedMap } from "../core/bounded_map.ts";
import { BY_HEART_HEARD, BY_HEART_KEY_MAX_CHARS, BY_HEART_MAX_BYTES } from "../core/limits.ts";

/** A response, and how to tell whether it is still right. */
export interface KnownAnswer {
  /** Without what is of one request alone; to be cloned, never sent itself. */
  response: Response;
  bodyBytes: number;
  /** Of the answer (`Answer.isStill`). */
  isStill: () => boolean;
}

/** What an answer takes besides its body and its question: headers, and the objects that hold it together. */
const ENTRY_BYTES = 4_096;

export class AnswersByHeart {
  readonly #known = new BoundedMap<string, KnownAnswer>(BY_HEART_MAX_BYTES);
  /** Questions that came lately: most come once, and are not worth keeping. */
  readonly #heard = new BoundedMap<string, true>(BY_HEART_HEARD);

  /** What was answered to a question; whether it is still right is for the caller to ask. */
  find(request: Request): KnownAnswer | null {
    if (this.#known.size === 0) return null;
    const known = this.#known.get(keyOf(request));
    if (known === undefined) return null;
    // Who names a tag may be told that nothing changed: that is the handler's to say.
    if (known.response.headers.has("etag") && request.headers.has("if-none-match")) return null;
    return known;
  }

  /** Keeps an answer from the second time on that its question comes: only then it is made. */
  keep(request: Request, make: () => KnownAnswer): void {
    const key = keyOf(request);
    if (key.length > BY_HEART_KEY_MAX_CHARS) return;
    if (this.#heard.get(key) === undefined) return this.#heard.set(key, true);
    const answer = make();
    this.#known.set(key, answer, answer.bodyBytes + 2 * key.length + ENTRY_BYTES);
  }
}

/** The address as it was sent decides the answer, and `Accept` where its query names no format; what follows a `#` is no query. */
function keyOf(request: Request): string {
  const { url } = request;
  const mark = url.indexOf("?");
  const namesFormat = url.startsWith("?format=", mark) || url.indexOf("&format=", mark) > 0;
  return namesFormat && !url.includes("#") ? url : `${url}\n${request.headers.get("accept") ?? ""}`;
}
