/**
 * Cursors: where the next page begins, as one opaque signed text. A cursor holds the whole question of page one, so it
 * works alone or beside the same query, and it cannot be made up or changed.
 *
 * Cursors of answers that can still change are good for 15 minutes and for this process. Those of pinned answers carry
 * no clock and no secret, because the same pinned request must give the same bytes again, `next` included; they only
 * guard against slips.
 */

import { createHmac, timingSafeEqual } from "node:crypto";
import { Buffer } from "node:buffer";
import { HistoryError } from "../core/errors.ts";
import { CURSOR_TTL_MS } from "../core/limits.ts";
import type { Clock, Dice } from "../core/ports.ts";
import type { Query } from "./query.ts";

/** Where a listing or an answer goes on. */
export interface CursorState {
  /** The route that issued it. */
  path: string;
  /** The query of page one, without cursor, limit and format. */
  query: Record<string, string>;
  /** Rows of a page, until a request says otherwise. */
  limit: number;
  /** What the route needs to go on. */
  at: unknown;
}

/** Names that may differ from page to page. */
const PER_PAGE: ReadonlySet<string> = new Set(["cursor", "limit", "format"]);
const PINNED_KEY = "seamless.cursor.pinned.v1";
const SIGNATURE_BYTES = 16;
/** A longer text is no cursor of ours. */
const TOKEN_MAX_CHARS = 8_192;

interface Sealed extends CursorState {
  /** When it expires, epoch ms; null: pinned. */
  until: number | null;
}

/** Issues and opens the cursors of one process. */
export class Cursors {
  readonly #clock: Clock;
  readonly #secret: string;

  constructor(parts: { clock: Clock; dice: Dice }) {
    this.#clock = parts.clock;
    this.#secret = parts.dice.id() + parts.dice.id();
  }

  /** Seals a state. `pinned`: the answer can never change. */
  issue(state: CursorState, o: { pinned: boolean }): string {
    const until = o.pinned ? null : this.#clock.nowMs() + CURSOR_TTL_MS;
    const body = Buffer.from(JSON.stringify({ ...state, until })).toString("base64url");
    return `${body}.${this.#sign(body, until).toString("base64url")}`;
  }

  /** Opens a cursor of `path`. `CURSOR_INVALID` for what was not issued here, `CURSOR_EXPIRED` for what is too old. */
  open(token: string, path: string): CursorState & { pinned: boolean } {
    const sealed = this.#unseal(token);
    if (sealed === null || sealed.path !== path) throw invalid("it was not issued here");
    if (sealed.until !== null && this.#clock.nowMs() >= sealed.until) {
      throw expired("it is older than 15 minutes");
    }
    return { ...sealed, pinned: sealed.until === null };
  }

  #unseal(token: string): Sealed | null {
    const [body, signature, ...more] = token.length > TOKEN_MAX_CHARS ? [] : token.split(".");
    if (body === undefined || signature === undefined || more.length > 0) return null;
    const sealed = parse(body);
    if (sealed === null) return null;
    const given = Buffer.from(signature, "base64url");
    const right = this.#sign(body, sealed.until);
    return given.length === right.length && timingSafeEqual(given, right) ? sealed : null;
  }

  #sign(body: string, until: number | null): Buffer {
    const key = until === null ? PINNED_KEY : this.#secret;
    return createHmac("sha256", key).update(body).digest().subarray(0, SIGNATURE_BYTES);
  }
}

/** The query of page one that a cursor continues, without what may differ from page to page. */
export function stableQuery(query: Query): Record<string, string> {
  const stable: Record<string, string> = {};
  for (const name of Object.keys(query)) if (!PER_PAGE.has(name)) stable[name] = String(query[name]);
  return stable;
}

/** Refuses a query that says something else than the cursor it comes with. */
export function checkSameQuery(query: Query, sealed: Record<string, string>): void {
  for (const [name, value] of Object.entries(stableQuery(query))) {
    if (sealed[name] !== value) {
      throw invalid(`it belongs to another query (${name} was ${sealed[name] ?? "not given"})`);
    }
  }
}

/** The address of the next page, as `Link` gives it: the same request with the cursor put in. */
export function nextUrl(asked: { path: string; query: Query }, next: string): string {
  const query = Object.entries(asked.query).map(([name, value]): [string, string] => [name, String(value)]);
  return `${asked.path}?${new URLSearchParams([...query.filter(([name]) => name !== "cursor"), [
    "cursor",
    next,
  ]])}`;
}

/** `CURSOR_INVALID`. */
export function invalid(why: string): HistoryError {
  return new HistoryError("CURSOR_INVALID", `Cannot use the cursor: ${why}`, {
    hint:
      "Take next from the page before as it is, with the same query or alone; or ask without cursor again",
  });
}

/** `CURSOR_EXPIRED`. */
export function expired(why: string): HistoryError {
  return new HistoryError("CURSOR_EXPIRED", `Cannot go on from the cursor: ${why}`, {
    hint: "Ask for the first page again",
  });
}

function parse(body: string): Sealed | null {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(body, "base64url").toString("utf8"));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  if (typeof value !== "object" || value === null || !("until" in value)) return null;
  return value as Sealed;
}
