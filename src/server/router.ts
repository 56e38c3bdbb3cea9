/** Finds the route of a request: one map for fixed paths, a short list for those with a variable part. */

import { nearestName } from "../core/nearest_name.ts";
import { HttpRefusal } from "./errors.ts";
import { decodeOnce, shown } from "./query.ts";
import type { Route } from "./route.ts";

/** What stands at one path. */
interface Place {
  /** By method; HEAD is answered by GET. */
  routes: Map<string, Route>;
  allow: string;
}

interface Pattern {
  /** The path up to the variable part. */
  prefix: string;
  /** Name of the variable segment; `*` takes all that follows. */
  name: string;
  place: Place;
}

/** A route found, with the variable part of its path. */
export interface Match {
  route: Route;
  params: Record<string, string>;
}

const NO_PARAMS: Record<string, string> = Object.freeze({});

/** Dispatches by path and method. */
export class Router {
  readonly #fixed = new Map<string, Place>();
  readonly #patterns: Pattern[] = [];

  constructor(routes: readonly Route[]) {
    for (const [path, place] of placesOf(routes)) {
      const variable = /^(.*\/)(?:\{(\w+)\}|(\*))$/.exec(path);
      if (variable === null) this.#fixed.set(path, place);
      else this.#patterns.push({ prefix: variable[1], name: variable[2] ?? "*", place });
    }
  }

  /** The methods that a path allows, as `Allow` lists them; null when nothing stands there. */
  allowed(path: string): string | null {
    return this.#find(path)?.place.allow ?? null;
  }

  /** `NOT_FOUND` for an unknown path, `METHOD_NOT_ALLOWED` for a known one that does not take the method. */
  match(method: string, path: string): Match {
    const found = this.#find(path);
    if (found === null) throw this.#notFound(path);
    const route = found.place.routes.get(method === "HEAD" ? "GET" : method);
    if (route !== undefined) return { route, params: found.params };
    throw new HttpRefusal("METHOD_NOT_ALLOWED", `Cannot ${shown(method)} ${shown(path)}`, {
      hint: `Use ${found.place.allow}`,
      headers: { allow: found.place.allow },
    });
  }

  #find(path: string): { place: Place; params: Record<string, string> } | null {
    const place = this.#fixed.get(path);
    if (place !== undefined) return { place, params: NO_PARAMS };
    for (const { prefix, name, place } of this.#patterns) {
      if (!path.startsWith(prefix)) continue;
      const rest = path.slice(prefix.length);
      if (name === "*") return { place, params: { [name]: rest } };
      if (rest !== "" && !rest.includes("/")) return { place, params: { [name]: decodeOnce(rest) } };
    }
    return null;
  }

  #notFound(path: string): HttpRefusal {
    const nearest = nearestName(path, this.#fixed.keys());
    return new HttpRefusal("NOT_FOUND", `Cannot find ${shown(path)}: nothing stands there`, {
      hint: nearest ? `Did you mean ${nearest}?` : "See /openapi.json for all paths",
    });
  }
}

function placesOf(routes: readonly Route[]): Map<string, Place> {
  const places = new Map<string, Place>();
  for (const route of routes) {
    const place = places.get(route.path) ?? { routes: new Map<string, Route>(), allow: "" };
    place.routes.set(route.method, route);
    places.set(route.path, place);
  }
  for (const place of places.values()) {
    const methods = [...place.routes.keys()];
    place.allow = [...methods, ...(methods.includes("GET") ? ["HEAD"] : []), "OPTIONS"].join(", ");
  }
  return places;
}
