/**
 * The markets of one venue: in memory, below that on disk for 24 h. A symbol that is missing causes one reload; one
 * that is missing then is remembered as missing for a minute, so that a typing error does not become a load test.
 *
 * A file is keyed by everything that decides which markets a venue shows (URLs, sandbox, options) and is written
 * whole or not at all; one that cannot be read is ignored and replaced.
 */

import { createHash } from "node:crypto";
import { HistoryError } from "../../core/errors.ts";
import { nearestName } from "../../core/nearest_name.ts";
import type { CcxtMarket } from "./ccxt_client.ts";
import type { Venue } from "./venue.ts";

const KEPT_MS = 24 * 3_600_000;
const MISSING_FOR_MS = 60_000;
const MISSING_MAX = 1_000;
const FORMAT = 1;
/** Venues whose `fetchOHLCV` reads the venue's own description of a market, which is else dropped: it is most of the bytes. */
const NEEDS_INFO: ReadonlySet<string> = new Set(["delta", "okx", "okxus", "myokx"]);

interface CacheFile {
  format: number;
  exchange: string;
  fetchedAtMs: number;
  markets: CcxtMarket[];
}

/** Markets by symbol, loaded when they are first asked for. */
export class MarketCache {
  readonly #venue: Venue;
  #fetchedAtMs = -Infinity;
  #loading: Loading | null = null;
  /** Symbol → monotonic time until which it is known to be missing. */
  readonly #missing = new Map<string, number>();

  constructor(venue: Venue) {
    this.#venue = venue;
  }

  /** The market, or `SYMBOL_UNKNOWN` after one reload. */
  async market(symbol: string, signal: AbortSignal): Promise<CcxtMarket> {
    if (!this.#isFresh()) await this.#load(signal, { fromDisk: true });
    const known = this.#find(symbol);
    if (known !== undefined) return known;
    if (!this.#isKnownMissing(symbol)) await this.#load(signal, { fromDisk: false });
    const found = this.#find(symbol);
    if (found !== undefined) return found;
    this.#noteMissing(symbol);
    throw this.#unknown(symbol);
  }

  #find(symbol: string): CcxtMarket | undefined {
    const { markets } = this.#venue.client;
    return markets !== undefined && Object.hasOwn(markets, symbol) ? markets[symbol] : undefined;
  }

  #isFresh(): boolean {
    const ageMs = this.#venue.input.clock.nowMs() - this.#fetchedAtMs;
    return ageMs >= 0 && ageMs < KEPT_MS;
  }

  #isKnownMissing(symbol: string): boolean {
    return this.#venue.input.clock.monotonicMs() < (this.#missing.get(symbol) ?? -Infinity);
  }

  #noteMissing(symbol: string): void {
    if (this.#missing.size >= MISSING_MAX) this.#missing.clear();
    this.#missing.set(symbol, this.#venue.input.clock.monotonicMs() + MISSING_FOR_MS);
  }

  #unknown(symbol: string): HistoryError {
    const symbols = Object.keys(this.#venue.client.markets ?? {});
    const near = nearSymbols(symbol, symbols);
    return new HistoryError(
      "SYMBOL_UNKNOWN",
      `Cannot find ${symbol} at ${this.#venue.id}: it lists no such symbol`,
      {
        hint: near.length > 0
          ? `Did you mean ${
            near.join(", ")
          }? Symbols are CCXT's: BASE/QUOTE, or BASE/QUOTE:SETTLE for contracts`
          : `It lists ${symbols.length} symbols, such as ${symbols.slice(0, 3).join(", ")}`,
      },
    );
  }

  /** Loads once for all who ask at the same time; each waits no longer than its own signal, and the last one to leave stops it. */
  async #load(signal: AbortSignal, { fromDisk }: { fromDisk: boolean }): Promise<void> {
    this.#loading ??= startLoading((own) => this.#read(own, { fromDisk }), () => {
      this.#loading = null;
    });
    await waitFor(this.#loading, signal);
  }

  async #read(signal: AbortSignal, { fromDisk }: { fromDisk: boolean }): Promise<void> {
    const { client, input, id } = this.#venue;
    const path = this.#path();
    const stored = fromDisk && path !== null
      ? await readCache(path, { id, nowMs: input.clock.nowMs() })
      : null;
    if (stored !== null) {
      client.setMarkets(stored.markets);
      this.#fetchedAtMs = stored.fetchedAtMs;
      return;
    }
    const ask = { what: "the list of markets", priority: "live" as const, signal };
    const { value } = await this.#venue.call(ask, (ccxt) => ccxt.loadMarkets(true));
    const markets = Object.values(value).map((market) => slim(id, market));
    client.setMarkets(markets);
    this.#fetchedAtMs = input.clock.nowMs();
    if (path !== null) {
      await writeCache(
        path,
        { format: FORMAT, exchange: id, fetchedAtMs: this.#fetchedAtMs, markets },
        input.dice.id(),
      );
    }
  }

  #path(): string | null {
    const { id, input, settings } = this.#venue;
    if (input.marketsDir === null) return null;
    const { urls, sandbox, options } = settings;
    const key = JSON.stringify([FORMAT, id, urls ?? {}, sandbox, options ?? {}]);
    return `${input.marketsDir}/${id}-${createHash("sha256").update(key).digest("hex").slice(0, 16)}.json`;
  }
}

/** Symbols that differ in the quote or the settlement alone, else the nearest by spelling; at most three. */
function nearSymbols(symbol: string, known: string[]): string[] {
  const upper = symbol.toUpperCase();
  const sameBase = known.filter((name) => name.split("/")[0] === upper.split("/")[0]);
  const nearest = nearestName(symbol, known);
  return [...new Set([...(nearest === null ? [] : [nearest]), ...sameBase])].slice(0, 3);
}

function slim(exchange: string, market: CcxtMarket): CcxtMarket {
  return NEEDS_INFO.has(exchange) ? market : { ...market, info: {} };
}

/** A load under way, shared by all who wait for it. */
interface Loading {
  done: Promise<void>;
  waiting: number;
  stop: AbortController;
}

function startLoading(read: (signal: AbortSignal) => Promise<void>, ended: () => void): Loading {
  const stop = new AbortController();
  const done = read(stop.signal).finally(ended);
  done.catch(() => {}); // Whoever waits gets the failure; nobody may be left when it comes.
  return { done, waiting: 0, stop };
}

async function waitFor(loading: Loading, signal: AbortSignal): Promise<void> {
  loading.waiting++;
  let leave = () => {};
  const left = new Promise<never>((_, reject) => {
    leave = () => reject(signal.reason);
    if (signal.aborted) leave();
    signal.addEventListener("abort", leave, { once: true });
  });
  try {
    await Promise.race([loading.done, left]);
  } finally {
    signal.removeEventListener("abort", leave);
    if (--loading.waiting === 0) loading.stop.abort();
  }
}

/** The file's content if it is whole, of this venue and young enough; else null. */
async function readCache(
  path: string,
  { id, nowMs }: { id: string; nowMs: number },
): Promise<CacheFile | null> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
  try {
    const file = JSON.parse(text) as CacheFile;
    const ageMs = nowMs - file.fetchedAtMs;
    const isGood = file.format === FORMAT && file.exchange === id && Array.isArray(file.markets);
    return isGood && ageMs >= 0 && ageMs < KEPT_MS ? file : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null; // Somebody else's bytes: asked anew and replaced.
    throw error;
  }
}

async function writeCache(path: string, file: CacheFile, unique: string): Promise<void> {
  const folder = path.slice(0, path.lastIndexOf("/"));
  const temporary = `${path}.${unique}.tmp`;
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(temporary, JSON.stringify(file));
  await Deno.rename(temporary, path);
}
