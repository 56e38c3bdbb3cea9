/** Recorded replies through a venue's client: whatever is asked, a loopback server answers with one body. */

import { type CcxtMarket, loadCcxt } from "../../../src/adapters/exchange/ccxt_client.ts";
import type { ExchangeSettings } from "../../../src/adapters/exchange/settings.ts";
import { Venue } from "../../../src/adapters/exchange/venue.ts";
import { checkRows } from "../../../src/adapters/exchange/rows_check.ts";
import { FakeClock, SeededDice } from "../../fake_clock.ts";
import { KeptLog, OpenLimiter } from "./stand.ts";

/** What is replayed: a venue, its markets, and the arguments of `fetchOHLCV`. */
export interface Replay {
  id: string;
  markets: CcxtMarket[];
  options?: Record<string, unknown>;
  input: [symbol: string, timeframe?: string, since?: number | null, limit?: number | null, params?: unknown];
  /** JSON value, or text as it went over the wire. */
  body: unknown;
}

/** Answers any request with `body` as long as `test` runs. */
async function answering<T>(body: string, test: (url: string) => Promise<T>): Promise<T> {
  const headers = { "content-type": "application/json" };
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response(body, { headers }),
  );
  try {
    return await test(`http://127.0.0.1:${server.addr.port}`);
  } finally {
    await server.shutdown();
  }
}

/** What ccxt makes of the reply, and the rows as they were sent. */
export async function replay(
  { id, markets, options, input, body }: Replay,
): Promise<{ parsed: unknown; rows: unknown[][] }> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return await answering(text, async (url) => {
    const venue = await venueAt(url, { id, options });
    try {
      venue.client.setMarkets(markets);
      const [symbol, timeframe = "1m", since, limit, params] = input;
      const ask = {
        what: "a recording",
        isBars: true,
        priority: "live" as const,
        signal: new AbortController().signal,
      };
      const { value, call } = await venue.call(ask, (client) =>
        client.fetchOHLCV(
          symbol,
          timeframe,
          since ?? undefined,
          limit ?? undefined,
          (params ?? {}) as Record<string, unknown>,
        ));
      checkRows(id, call);
      return { parsed: value, rows: call.rows };
    } finally {
      venue.close();
    }
  });
}

async function venueAt(
  url: string,
  { id, options }: { id: string; options?: Record<string, unknown> },
): Promise<Venue> {
  const settings: ExchangeSettings = {
    sandbox: false,
    urls: null,
    options: options ?? null,
    timeoutMs: 10_000,
    batchLimit: null,
    budgetKey: id,
    msPerUnit: null,
    localSemaphore: 10,
    penaltyBackoffMs: 1,
    // A secret that is base58 of 32 bytes, and base64 too: some venues sign even public requests.
    credentials: { apiKey: "key", secret: "1".repeat(32), password: "password" },
  };
  const venue = new Venue(id, {
    ccxt: await loadCcxt(),
    settings,
    input: {
      settings: () => settings,
      limiter: new OpenLimiter(),
      clock: new FakeClock(),
      dice: new SeededDice(1),
      log: new KeptLog(),
      marketsDir: null,
    },
  });
  // Some venues want an account's number before they build even a public request.
  Object.assign(venue.client, { accountId: "account" });
  venue.client.urls.api = redirected(venue.client.urls.api, url);
  return venue;
}

/** Every URL replaced by one on loopback. */
function redirected(urls: unknown, url: string): unknown {
  if (typeof urls === "string") return urls.endsWith("/") ? `${url}/` : url;
  if (urls === null || typeof urls !== "object") return urls;
  return Object.fromEntries(Object.entries(urls).map(([name, inner]) => [name, redirected(inner, url)]));
}
