/** Who may do what: API keys with roles, compared in constant time (spec §23). */

import { createHash, timingSafeEqual } from "node:crypto";
import { Buffer } from "node:buffer";
import { HttpRefusal } from "./errors.ts";
import { type ApiKey, isLoopback, type Role } from "./settings.ts";

const CHALLENGE = 'Bearer realm="seamless"';

/** Lets a request pass, or throws `UNAUTHENTICATED` or `FORBIDDEN`. */
export type Guard = (request: Request, need: Role | "open") => void;

/** The guard for a set of keys; without keys everybody may do everything. */
export function makeGuard(keys: readonly ApiKey[]): Guard {
  const known = keys.map(({ sha256, role }) => ({ digest: Buffer.from(sha256, "hex"), role }));
  return (request, need) => {
    if (known.length === 0 || need === "open") return;
    const role = roleOf(request.headers.get("authorization"), known);
    if (role === "read" && need === "operate") {
      throw new HttpRefusal("FORBIDDEN", "Cannot do this with a key of role read", {
        hint: "Use a key of role operate (server.api_keys)",
      });
    }
  };
}

function roleOf(header: string | null, known: { digest: Buffer; role: Role }[]): Role {
  if (header === null) throw unauthenticated("no API key was given", CHALLENGE);
  const token = /^Bearer +([\x21-\x7e]+) *$/i.exec(header)?.[1];
  if (token === undefined) throw unauthenticated("Authorization is not of the form Bearer KEY", CHALLENGE);
  const digest = createHash("sha256").update(token).digest();
  let role: Role | null = null;
  // All keys are compared, found or not, so that the time tells nothing.
  for (const key of known) {
    if (timingSafeEqual(digest, key.digest)) role = key.role;
  }
  if (role === null) throw unauthenticated("the API key is unknown", `${CHALLENGE}, error="invalid_token"`);
  return role;
}

function unauthenticated(why: string, challenge: string): HttpRefusal {
  return new HttpRefusal("UNAUTHENTICATED", `Cannot let this request in: ${why}`, {
    hint: "Send Authorization: Bearer KEY with a key of server.api_keys",
    headers: { "www-authenticate": challenge },
  });
}

/**
 * Refuses requests that name a host which is not this machine, where no keys protect the service: a web page whose
 * name was rebound to 127.0.0.1 reaches a loopback service from the user's own browser, and is told by its `Host`.
 * `host`: as the request's address gives it, into which the host's server writes the `Host` that came; a probe that
 * sends none (browsers always do) is asked under `localhost`.
 */
export function checkHost(host: string, config: { hostname: string; apiKeys: readonly ApiKey[] }): void {
  if (config.apiKeys.length > 0) return;
  const name = host.replace(/:\d*$/, "");
  if (isLoopback(name) || name.toLowerCase() === config.hostname.toLowerCase()) return;
  throw new HttpRefusal("FORBIDDEN", `Cannot answer for host "${name.slice(0, 80)}" without API keys`, {
    hint: "Ask for 127.0.0.1 or localhost; to serve under another name (a proxy), set server.api_keys",
  });
}
