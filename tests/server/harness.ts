/** What the tests of the HTTP door share: an app over the fake service, and short ways to ask it. */

import { ok, strictEqual } from "node:assert/strict";
import type { Problem } from "../../src/core/errors.ts";
import type { Dice, Log, LogLevel } from "../../src/core/ports.ts";
import { type App, createApp } from "../../src/server/app.ts";
import type { ServerConfig } from "../../src/server/settings.ts";
import { FakeClock, SeededDice } from "../fake_clock.ts";
import { FakeService } from "./fake_service.ts";

export const ORIGIN = "http://127.0.0.1:8420";

export interface Logged {
  level: LogLevel;
  event: string;
  fields: Record<string, unknown>;
}

export interface Bench {
  app: App;
  service: FakeService;
  clock: FakeClock;
  logged: Logged[];
  get(path: string, init?: RequestInit): Promise<Response>;
  /** A POST with a JSON body. */
  post(path: string, body: unknown, init?: RequestInit): Promise<Response>;
}

export const DEFAULTS: ServerConfig = {
  hostname: "127.0.0.1",
  port: 0,
  apiKeys: [],
  maxRangeBars: 5_000_000,
  maxConcurrentRequests: 64,
  requireContext: false,
  writeTimeoutMs: 30_000,
};

/** An app over a fresh fake service; the clock stands at 2026-03-01. */
export function makeBench(o: { config?: Partial<ServerConfig>; rows?: number; seed?: number } = {}): Bench {
  const clock = new FakeClock(Date.UTC(2026, 2, 1));
  const service = new FakeService(clock, { rows: o.rows });
  const logged: Logged[] = [];
  const log: Log = { emit: (level, event, fields = {}) => void logged.push({ level, event, fields }) };
  const config = { ...DEFAULTS, ...o.config };
  const app = createApp({ service, config, clock, dice: seededDice(o.seed ?? 1), log, version: "0.1.0" });
  const get = (path: string, init: RequestInit = {}) => {
    // As a server does: the host that was asked stands in the address.
    const host = new Headers(init.headers).get("host");
    return app(new Request((host === null ? ORIGIN : `http://${host}`) + path, init));
  };
  const post = (path: string, body: unknown, init: RequestInit = {}) =>
    get(path, {
      method: "POST",
      body: typeof body === "string" ? body : JSON.stringify(body),
      ...init,
      headers: { "content-type": "application/json", ...init.headers },
    });
  return { app, service, clock, logged, get, post };
}

/** Ids that differ from seed to seed: cursors of two processes must not be signed alike. */
function seededDice(seed: number): Dice {
  const dice = new SeededDice(seed);
  return {
    random: () => dice.random(),
    id: () => `${seed.toString(16).padStart(4, "0")}${dice.id().slice(4)}`,
  };
}

/** Reads a problem document and checks that it is one, of the given code. */
export async function problemOf(response: Response, code: string): Promise<Problem> {
  const text = await response.text();
  strictEqual(response.headers.get("content-type"), "application/problem+json", text);
  const problem = JSON.parse(text) as Problem;
  strictEqual(problem.code, code, text);
  strictEqual(problem.status, response.status);
  strictEqual(problem.type, `urn:seamless:error:${code}`);
  ok(problem.detail.length > 10 && problem.hint.length > 5, text);
  return problem;
}
