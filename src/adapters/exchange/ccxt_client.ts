/** The part of a ccxt client that the adapter uses; ccxt's own types promise more and say less. */

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

/** Loads ccxt when the first venue is asked for: it takes 0.2 s and 80 MB. */
export async function loadCcxt(): Promise<CcxtModule> {
  return (await import("ccxt")).default as unknown as CcxtModule;
}

/** The class of a venue. The caller has checked that the id is known. */
export function makeClient(ccxt: CcxtModule, id: string, config: Record<string, unknown>): CcxtClient {
  const Venue = ccxt[id] as new (config: Record<string, unknown>) => CcxtClient;
  return new Venue(config);
}
