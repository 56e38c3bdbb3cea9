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
import { type MarketScope, ScopedTypes } from "./market_scope.ts";
import { SharedWork } from "./shared_work.ts";
import type { Venue } from "./venue.ts";

const KEPT_MS = 24 * 3_600_000;
const MISSING_FOR_MS = 60_000;
const MISSING_MAX = 1_000;
const FORMAT = 1;
/** Venues whose `fetchOHLCV` reads the venue's own description of a market, which is else dropped: it is most of the bytes. */
const NEEDS_INFO: ReadonlySet<string> = new Set(["delta", "okx", "okxus", "myokx"]);

const { NotFound, NotADirectory, PermissionDenied, NotCapable } = Deno.errors;
const UNREADABLE = [NotFound, NotADirectory, PermissionDenied, NotCapable];

interface CacheFile {
  format: number;
  exchange: string;
  fetchedAtMs: number;
  markets: CcxtMarket[];
}

/** Markets by symbol, loaded when they are first asked for. */
export class MarketCache {
  readonly #venue: Venue;
  readonly #types: ScopedTypes;
  #fetchedAtMs = -Infinity;
  #scope: MarketScope = "spot";
  readonly #loading = { spot: new SharedWork<Origin>(), all: new SharedWork<Origin>() };
  /** Symbol → monotonic time until which it is known to be missing. */
  readonly #missing = new Map<string, number>();

  constructor(venue: Venue) {
    this.#venue = venue;
    const isChosen = venue.settings.options?.fetchMarkets !== undefined;
    this.#types = new ScopedTypes(venue.client, { isChosen });
  }

  /** The market if it is at hand; asks nobody. */
  atHand(symbol: string): CcxtMarket | undefined {
    return this.#isFresh(symbol) ? this.#find(symbol) : undefined;
  }

  /** The market, or `SYMBOL_UNKNOWN` after one reload. */
  async market(symbol: string, signal: AbortSignal): Promise<CcxtMarket> {
    const isNew = !this.#isFresh(symbol) && await this.#load(symbol, { signal, fromDisk: true }) === "venue";
    const known = this.#find(symbol);
    if (known !== undefined) return known;
    if (!isNew && !this.#isKnownMissing(symbol)) await this.#load(symbol, { signal, fromDisk: false });
    const found = this.#find(symbol);
    if (found !== undefined) return found;
    this.#noteMissing(symbol);
    throw this.#unknown(symbol);
  }

  #find(symbol: string): CcxtMarket | undefined {
    const { markets } = this.#venue.client;
    return markets !== undefined && Object.hasOwn(markets, symbol) ? markets[symbol] : undefined;
  }

  #isFresh(symbol: string): boolean {
    const ageMs = this.#venue.input.clock.nowMs() - this.#fetchedAtMs;
    const holdsKind = this.#scope === "all" || this.#types.scopeOf(symbol) === "spot";
    return ageMs >= 0 && ageMs < KEPT_MS && holdsKind;
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

  /** Loads a kind of markets once for all who ask for it at the same time. */
  #load(symbol: string, { signal, fromDisk }: { signal: AbortSignal; fromDisk: boolean }): Promise<Origin> {
    const scope = this.#types.scopeOf(symbol);
    return this.#loading[scope].join(signal, (own) => this.#read(own, { symbol, fromDisk }));
  }

  async #read(
    signal: AbortSignal,
    { symbol, fromDisk }: { symbol: string; fromDisk: boolean },
  ): Promise<Origin> {
    const { client, input, id } = this.#venue;
    const scope = this.#types.scopeOf(symbol);
    const path = this.#path(scope);
    const stored = fromDisk && path !== null
      ? await readCache(path, { id, nowMs: input.clock.nowMs() })
      : null;
    if (stored !== null) {
      this.#take(scope, stored);
      return "disk";
    }
    this.#types.choose(scope, symbol);
    const ask = { what: "the list of markets", priority: "live" as const, signal };
    const { value } = await this.#venue.call(ask, () => client.loadMarkets(true));
    const markets = Object.values(value).map((market) => slim(id, market));
    const file = { format: FORMAT, exchange: id, fetchedAtMs: input.clock.nowMs(), markets };
    this.#take(scope, file);
    if (path !== null) await this.#keep(path, file);
    return "venue";
  }

  /** A folder that cannot be written costs a load at the next start, not this answer. */
  async #keep(path: string, file: CacheFile): Promise<void> {
    const { input, id } = this.#venue;
    try {
      await writeCache(path, file, input.dice.id());
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      input.log.emit("warn", "seamless.exchange.markets_not_kept", { exchange: id, error: error.message });
    }
  }

  #take(scope: MarketScope, { fetchedAtMs, markets }: CacheFile): void {
    this.#venue.client.setMarkets(markets);
    this.#fetchedAtMs = fetchedAtMs;
    this.#scope = scope;
  }

  #path(scope: MarketScope): string | null {
    const { id, input, settings } = this.#venue;
    if (input.marketsDir === null) return null;
    const { urls, sandbox, options } = settings;
    const key = JSON.stringify([FORMAT, id, urls ?? {}, sandbox, options ?? {}, scope]);
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

/** Where markets were read. */
type Origin = "disk" | "venue";

/** The file's content if it is whole, of this venue and young enough; else null. */
async function readCache(
  path: string,
  { id, nowMs }: { id: string; nowMs: number },
): Promise<CacheFile | null> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (UNREADABLE.some((kind) => error instanceof kind)) return null; // If it is a fault, writing will tell.
    throw error;
  }
  try {
    const file: unknown = JSON.parse(text);
    return isCacheOf(file, id) && nowMs >= file.fetchedAtMs && nowMs < file.fetchedAtMs + KEPT_MS
      ? file
      : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null; // Somebody else's bytes: asked anew and replaced.
    throw error;
  }
}

function isCacheOf(file: unknown, id: string): file is CacheFile {
  if (file === null || typeof file !== "object") return false;
  const { format, exchange, markets } = file as CacheFile;
  return format === FORMAT && exchange === id && Array.isArray(markets) &&
    markets.every((market) => typeof market?.id === "string" && typeof market.symbol === "string");
}

async function writeCache(path: string, file: CacheFile, unique: string): Promise<void> {
  const folder = path.slice(0, path.lastIndexOf("/"));
  const temporary = `${path}.${unique}.tmp`;
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(temporary, JSON.stringify(file));
  await Deno.rename(temporary, path);
}
