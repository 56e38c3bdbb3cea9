/**
 * The HTTP application: one function from a request to its response. Every failure, whatever its kind, leaves as a
 * problem document; every request has an id; what is under way is bounded.
 */

import { setImmediate } from "node:timers";
import { cancelled } from "../core/errors.ts";
import { checkHost, type Guard, makeGuard } from "./auth.ts";
import { AnswersByHeart } from "./answers_by_heart.ts";
import { Cursors } from "./cursors.ts";
import { errorResponse, HttpRefusal } from "./errors.ts";
import { EventHub } from "./event_hub.ts";
import { openApiDocument } from "./openapi.ts";
import { readQuery } from "./query.ts";
import { Rehearsals } from "./rehearsals.ts";
import type { Call, Route, Standing } from "./route.ts";
import { type Match, Router } from "./router.ts";
import { ROUTES } from "./routes.ts";
import type { AppParts } from "./settings.ts";

/** Answers requests. */
export interface App {
  (request: Request, info?: unknown): Promise<Response>;
  /** Ends the streams that would never end by themselves. */
  close(): void;
  /** Gives up everything that is still under way: it ends as `CANCELLED`. */
  cut(): void;
  readonly parts: AppParts;
}

/** Query names of each route, looked up for every request. */
const KNOWN_NAMES = new Map<Route, ReadonlySet<string>>(
  ROUTES.map((route) => [route, new Set(namesOf(route))]),
);

/** Builds the application. It begins to listen for the service's events at once. */
export function createApp(parts: AppParts): App {
  const standing: Standing = {
    ...parts,
    cursors: new Cursors(parts),
    events: new EventHub(parts.service, parts.dice.id().slice(0, 12)),
    byHeart: new AnswersByHeart(),
    rehearsals: new Rehearsals(parts.clock),
    openApi: `${JSON.stringify(openApiDocument(ROUTES, parts.version))}\n`,
  };
  const dispatcher = new Dispatcher(standing);
  const app = (request: Request) => dispatcher.answer(request);
  return Object.assign(app, { close: () => standing.events.close(), cut: () => dispatcher.cut(), parts });
}

/** A request that was let in. */
interface Arrival {
  request: Request;
  path: string;
  search: string;
  /** Null: it asks what it could ask (OPTIONS). */
  match: Match | null;
}

class Dispatcher {
  readonly #standing: Standing;
  readonly #router = new Router(ROUTES);
  readonly #guard: Guard;
  readonly #underWay = new Set<AbortController>();
  readonly #unwatched: { request: Request; stay: AbortController }[] = [];
  #counted = 0;

  constructor(standing: Standing) {
    this.#standing = standing;
    this.#guard = makeGuard(standing.config.apiKeys);
  }

  async answer(request: Request): Promise<Response> {
    const requestId = this.#standing.dice.id();
    const { log, clock } = this.#standing;
    const begunMs = clock.monotonicMs();
    let response: Response;
    try {
      response = this.#byHeart(request) ?? await this.#handle(this.#arrive(request), requestId);
      response.headers.set("seamless-request-id", requestId);
    } catch (error) {
      response = errorResponse(error, { id: requestId, log });
      if (request.method === "HEAD") response = await withoutBody(response);
    }
    log.emit("debug", "seamless.http.request", {
      request_id: requestId,
      method: request.method,
      status: response.status,
      ms: clock.monotonicMs() - begunMs,
    });
    return response;
  }

  /**
   * The answer that is known by heart: of a question that was let in before under the same address, so that only its
   * key is looked at again. All that is kept is for whoever may read.
   */
  #byHeart(request: Request): Response | null {
    if (request.method !== "GET") return null;
    const known = this.#standing.byHeart.find(request);
    if (known === null) return null;
    this.#guard(request, "read");
    return known.isStill() ? known.response.clone() : null;
  }

  /** Lets a request in, or throws: host, route, key. */
  #arrive(request: Request): Arrival {
    const { host, path, search } = addressOf(request.url);
    checkHost(host, this.#standing.config);
    const arrival = { request, path, search };
    if (request.method === "OPTIONS") {
      this.#guard(request, "read");
      return { ...arrival, match: null };
    }
    let match: Match;
    try {
      match = this.#router.match(request.method, path);
    } catch (error) {
      // Who has no key is not told which paths there are.
      this.#guard(request, "read");
      throw error;
    }
    this.#guard(request, match.route.role);
    return { ...arrival, match };
  }

  async #handle({ request, path, search, match }: Arrival, requestId: string): Promise<Response> {
    if (match === null) return this.#options(path);
    const query = match.route.unlisted ? {} : readQuery(search, KNOWN_NAMES.get(match.route)!);
    const stay = this.#enter(match.route, request);
    let held = false;
    const call: Call = {
      standing: this.#standing,
      request,
      path,
      search,
      requestId,
      params: match.params,
      query,
      signal: stay.signal,
      hold() {
        held = true;
        return stay.leave;
      },
    };
    try {
      const response = await match.route.handle(call);
      return request.method === "HEAD" ? await withoutBody(response) : response;
    } finally {
      if (!held) stay.leave();
    }
  }

  /** Counts a request in, unless too many are under way; `leave` counts it out again, once. */
  #enter(route: Route, request: Request): { signal: AbortSignal; leave: () => void } {
    const most = this.#standing.config.maxConcurrentRequests;
    const counts = route.uncounted ? 0 : 1;
    if (this.#counted + counts > most) {
      throw new HttpRefusal("OVERLOADED", `Cannot take another request: ${most} are under way`, {
        hint: "Try again in a moment, or raise server.max_concurrent_requests",
        retryAfter: 1,
      });
    }
    const stay = new AbortController();
    this.#underWay.add(stay);
    this.#counted += counts;
    this.#watch(request, stay);
    const leave = () => {
      if (this.#underWay.delete(stay)) this.#counted -= counts;
    };
    return { signal: stay.signal, leave };
  }

  /**
   * Ends a stay when its client goes away. Whoever is answered in this turn of the event loop is not watched: a
   * request's signal costs more than a short answer.
   */
  #watch(request: Request, stay: AbortController): void {
    this.#unwatched.push({ request, stay });
    if (this.#unwatched.length > 1) return;
    setImmediate(() => {
      for (const { request, stay } of this.#unwatched.splice(0)) {
        if (!this.#underWay.has(stay)) continue;
        const goes = () => stay.abort(cancelled("The request"));
        if (request.signal.aborted) goes();
        else request.signal.addEventListener("abort", goes, { once: true });
      }
    });
  }

  cut(): void {
    for (const stay of [...this.#underWay]) {
      stay.abort(cancelled("The request, which the stop of the service overtook,"));
    }
  }

  #options(path: string): Response {
    const allow = this.#router.allowed(path);
    if (allow === null) this.#router.match("GET", path);
    return new Response(null, { status: 204, headers: { allow: allow ?? "OPTIONS" } });
  }
}

function namesOf(route: Route): string[] {
  const names = route.query.map(({ name }) => name);
  return route.path === "/v1/bars" ? [...names, "session"] : names;
}

/**
 * Host, path and query of a request's address, as they were sent: parsed by hand, because this happens for every
 * request and a `URL` (or a look at its headers) costs as much as the rest of the way to the handler. Dots in paths are
 * not resolved: nothing stands there.
 */
function addressOf(url: string): { host: string; path: string; search: string } {
  const from = url.indexOf("//") + 2;
  const start = url.indexOf("/", from);
  const hash = url.indexOf("#", from);
  const end = hash < 0 ? url.length : hash;
  const mark = url.indexOf("?", from);
  const pathEnd = mark < 0 || mark > end ? end : mark;
  const path = start < 0 || start > pathEnd ? "/" : url.slice(start, pathEnd);
  const host = url.slice(from, start < 0 ? pathEnd : Math.min(start, pathEnd));
  return { host, path, search: pathEnd < end ? url.slice(pathEnd + 1, end) : "" };
}

/**
 * The headers of an answer alone. A length that is stated must be that of the body which GET would send (RFC 9110 §8.6):
 * known for short JSON, told by the route for files, else not stated, which takes a stream that ends at once.
 */
async function withoutBody(response: Response): Promise<Response> {
  const { headers, status } = response;
  const isShort = JSON_TYPES.has(headers.get("content-type") ?? "") && response.body !== null;
  if (isShort) headers.set("content-length", String((await response.bytes()).length));
  else await response.body?.cancel();
  const isKnown = headers.has("content-length") || BODILESS.has(status);
  return new Response(isKnown ? null : new Blob([]).stream(), { status, headers });
}

/** Types of bodies that are made as one text. */
const JSON_TYPES: ReadonlySet<string> = new Set(["application/json", "application/problem+json"]);
/** Statuses whose responses have no body, whatever the method. */
const BODILESS: ReadonlySet<number> = new Set([204, 304]);
