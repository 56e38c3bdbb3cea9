/** The part of a ccxt client that the adapter uses; ccxt's own types promise more and say less. */

import { statSync } from "node:fs";
import { setTimeout } from "node:timers/promises";

/** One market as ccxt describes it; only what is read here is named. */
export interface CcxtMarket {
  id: string;
  symbol: string;
  type?: string;
  active?: boolean | null;
  contract?: boolean;
  linear?: boolean;
  inverse?: boolean;
  info?: unknown;
  [field: string]: unknown;
}

/** `[ts in ms, open, high, low, close, volume]`; ccxt leaves cells undefined that it could not read. */
export type CcxtRow = [number | undefined, ...(number | undefined)[]];

/** What ccxt asks of a reply. */
export interface CcxtReply {
  status: number;
  statusText: string;
  headers: Headers;
  text(): Promise<string>;
}

/** Settings of one request as ccxt hands them over. */
export interface CcxtRequest {
  method: string;
  headers: Record<string, string>;
  body?: string;
}

/** A ccxt exchange object. */
export interface CcxtClient {
  readonly id: string;
  name: string;
  /** Milliseconds of one cost unit. */
  rateLimit: number;
  has: Record<string, boolean | "emulated" | undefined>;
  timeframes: Record<string, unknown> | undefined;
  features: Record<string, unknown> | undefined;
  markets: Record<string, CcxtMarket> | undefined;
  urls: Record<string, unknown>;
  options: Record<string, unknown>;
  timeout: number;
  enableRateLimit: boolean;
  enableLastHttpResponse: boolean;
  enableLastResponseHeaders: boolean;
  enableLastJsonResponse: boolean;
  quoteJsonNumbers: boolean;
  fetchImplementation: (url: string, request: CcxtRequest) => Promise<CcxtReply>;
  throttle: (cost?: number) => Promise<void>;
  parseJson: (text: string) => unknown;
  parseOHLCV: (row: unknown, market?: unknown) => CcxtRow;
  parseNumber: (value: unknown, otherwise?: number) => number | undefined;
  safeNumber: (cells: unknown, key: string | number, otherwise?: number) => number | undefined;
  safeNumber2: (
    cells: unknown,
    key: string | number,
    other: string | number,
    otherwise?: number,
  ) => number | undefined;
  sortBy: (rows: unknown[], key: string | number, ...rest: unknown[]) => unknown[];
  milliseconds: () => number;
  hasUnsafeInteger(value: unknown): boolean;
  onJsonResponse(text: string): string;
  deepExtend<T>(...parts: unknown[]): T;
  safeMarketStructure(market: Record<string, unknown>): CcxtMarket;
  setMarkets(markets: CcxtMarket[]): Record<string, CcxtMarket>;
  setSandboxMode(enabled: boolean): void;
  loadMarkets(reload?: boolean): Promise<Record<string, CcxtMarket>>;
  fetchTime(): Promise<number | undefined>;
  fetchOHLCV(
    symbol: string,
    timeframe: string,
    sinceMs?: number,
    limit?: number,
    params?: Record<string, unknown>,
  ): Promise<CcxtRow[]>;
}

/** ccxt's module, as far as it is used. Error classes are looked up by name. */
export interface CcxtModule {
  exchanges: string[];
  [name: string]: unknown;
}

/** Loads all of ccxt: it takes 0.2 s and 90 MB. */
export async function loadCcxt(): Promise<CcxtModule> {
  const { default: ccxt }: { default: Pick<CcxtModule, "exchanges"> } = await import("ccxt");
  return ccxt as CcxtModule;
}

/**
 * Modules that every venue's class stands on, from the ground up. Loading one takes 10 to 40 ms in which nobody else
 * is served, all of them at once 100 to 200.
 */
export const VENUE_GROUND = [
  "base/functions/crypto.js",
  "base/functions.js",
  "base/ws/WsClient.js",
  "base/functions/starknet.js",
  "base/Exchange.js",
] as const;

/**
 * One venue's class and ccxt's errors, without the hundred other venues: half the time, and 50 MB less to keep and to
 * look through at every collection. Null where there is no such venue, or where ccxt's files do not lie apart (a
 * bundle) or may not be read: then all of ccxt is to be loaded.
 */
export async function loadVenue(id: string): Promise<CcxtModule | null> {
  const folder = ccxtFolder();
  if (folder === null || !/^\w+$/.test(id)) return null;
  const module = new URL(`src/${id}.js`, folder);
  if (!isReadable(module)) return null;
  await layGround(new URL("src/", folder));
  const [venue, errors] = await Promise.all([
    import(module.href) as Promise<{ default: unknown }>,
    import(new URL("src/base/errors.js", folder).href) as Promise<Record<string, unknown>>,
  ]);
  return { ...errors, exchanges: [id], [id]: venue.default };
}

/** Loads what venues stand on piece by piece, so that others have their turn in between. */
async function layGround(folder: URL): Promise<void> {
  // The WebSocket client of `base/ws` asks for it.
  await import("node:https");
  for (const path of VENUE_GROUND) {
    await nextTurn();
    const part = new URL(path, folder);
    // Another release may be cut otherwise: then the venue's own import brings the rest at once.
    if (isReadable(part)) await import(part.href);
  }
  await nextTurn();
}

/** Lets whatever else is ready run. By a timer: immediates come before I/O is looked at. */
export async function nextTurn(): Promise<void> {
  await setTimeout(0);
}

/** Where ccxt's modules lie; null where that cannot be told. */
function ccxtFolder(): URL | null {
  try {
    const url = new URL(".", import.meta.resolve("ccxt"));
    return url.protocol === "file:" ? url : null;
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

/** Asked beforehand: an import that is not allowed asks at the terminal. */
function isReadable(module: URL): boolean {
  const isAllowed = Deno.permissions.querySync({ name: "read", path: module }).state === "granted";
  return isAllowed && statSync(module, { throwIfNoEntry: false }) !== undefined;
}

/** The class of a venue. The caller has checked that the id is known. */
export function makeClient(ccxt: CcxtModule, id: string, config: Record<string, unknown>): CcxtClient {
  const Venue = ccxt[id] as new (config: Record<string, unknown>) => CcxtClient;
  return new Venue(config);
}
