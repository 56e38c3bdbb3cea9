/**
 * One ccxt client under our rules: its requests go out through the guarded fetch, its throttle is our limiter,
 * its replies are parsed once, and its failures come out as faults.
 */

import { CallSlots } from "../../core/call_slots.ts";
import { HistoryError } from "../../core/errors.ts";
import { ExchangeFault } from "../../core/exchange_fault.ts";
import { REPLY_MAX_BYTES } from "../../core/limits.ts";
import type { Priority } from "../../core/ports.ts";
import { type CallContext, currentCall, newCall, runCall } from "./call_context.ts";
import { type CcxtClient, type CcxtModule, makeClient } from "./ccxt_client.ts";
import type { ClockBook } from "./clock_book.ts";
import { faultOf, faultOfOddStatus, faultOfStatus } from "./faults.ts";
import { CANDLES_TEXT, guardedFetch } from "./guarded_fetch.ts";
import type { ExchangeSettings, ExchangesInput } from "./settings.ts";
import { Skew } from "./skew.ts";
import { usedTokens } from "./usage.ts";

/** Who asks for what. */
export interface CallAsk {
  /** For messages: `bars of BTC/USDT 1m`. */
  what: string;
  isBars?: boolean;
  priority: Priority;
  signal: AbortSignal;
}

/** A ccxt client and what it stands on. */
export class Venue {
  readonly id: string;
  readonly client: CcxtClient;
  readonly settings: ExchangeSettings;
  readonly skew: Skew;
  readonly input: ExchangesInput;
  readonly #ccxt: CcxtModule;
  readonly #httpClient: Deno.HttpClient;
  readonly #slots: CallSlots;

  constructor(id: string, { ccxt, settings, input, clocks }: {
    ccxt: CcxtModule;
    settings: ExchangeSettings;
    input: ExchangesInput;
    clocks?: ClockBook;
  }) {
    this.id = id;
    this.settings = settings;
    this.input = input;
    this.#ccxt = ccxt;
    this.skew = new Skew({
      exchange: id,
      clock: input.clock,
      log: input.log,
      keep: (measured) => clocks?.keep(id, measured),
    });
    this.client = configuredClient(ccxt, { id, settings });
    this.#httpClient = Deno.createHttpClient({ poolMaxIdlePerHost: 32 });
    this.#slots = new CallSlots(settings.localSemaphore);
    this.#takeOver();
  }

  /** Runs one call of ccxt. What comes back is whole and of good status; what fails is a `HistoryError`. */
  async call<T>(
    ask: CallAsk,
    work: (client: CcxtClient) => Promise<T>,
  ): Promise<{ value: T; call: CallContext }> {
    const call = newCall({ isBars: false, ...ask });
    const giveBack = await this.#slots.take(call);
    try {
      const value = await runCall(call, () => work(this.client));
      const odd = faultOfOddStatus(this.#ground(call));
      if (odd !== null) throw odd;
      return { value, call };
    } catch (error) {
      const fault = faultOf(error, { ...this.#ground(call), ccxt: this.#ccxt });
      this.#closeGate(fault);
      throw fault;
    } finally {
      giveBack();
    }
  }

  /** Venue time at which the first request of a call was sent, epoch seconds. */
  sentAt(call: CallContext): number {
    return (call.sentAtMs - this.skew.ms()) / 1000;
  }

  close(): void {
    this.#httpClient.close();
  }

  #ground(call: CallContext) {
    return {
      exchange: this.id,
      call,
      nowMs: this.input.clock.nowMs(),
      skewMs: this.skew.ms(),
      penaltyBackoffMs: this.settings.penaltyBackoffMs,
    };
  }

  /** Puts our own parts in the place of ccxt's. */
  #takeOver(): void {
    const { client } = this;
    const { limiter } = this.input;
    client.fetchImplementation = guardedFetch({
      exchange: this.id,
      clock: this.input.clock,
      timeoutMs: this.settings.timeoutMs,
      maxBytes: REPLY_MAX_BYTES,
      httpClient: this.#httpClient,
      onReply: (call) => this.#noteReply(call),
    });
    client.throttle = async (cost = 1) => {
      const call = currentCall();
      if (call !== undefined) call.cost += cost;
      if (cost <= 0) return;
      const { priority, signal } = call ?? { priority: "backfill" as const, signal: undefined };
      await limiter.acquire({ key: this.settings.budgetKey, cost, priority, signal });
    };
    client.milliseconds = () => this.skew.venueNowMs();
    client.parseJson = (text) => parsedOnce(client, text);
    readNumbersFast(client);
    leaveSortedRows(client);
    keepRowsAsSent(client);
  }

  #noteReply(call: CallContext): void {
    const { sentAtMs, receivedAtMs, headers } = call;
    this.skew.noteDate({ sentAtMs, receivedAtMs, date: headers?.get("date") ?? null });
    const tokens = usedTokens(headers, call.path);
    if (tokens !== null) this.input.limiter.correct(this.settings.budgetKey, { tokens });
    const fault = faultOfStatus(this.#ground(call));
    if (fault !== null) throw fault;
  }

  /** After a 429 the gate closes for everybody on the key, not for this caller alone. */
  #closeGate(fault: HistoryError): void {
    if (!(fault instanceof ExchangeFault) || fault.retryAtMs === undefined) return;
    this.input.limiter.penalize(this.settings.budgetKey, fault.retryAtMs);
    this.input.log.emit("warn", "seamless.rate_limit.penalty", {
      exchange: this.id,
      key: this.settings.budgetKey,
      until_ms: fault.retryAtMs,
      status: fault.status ?? null,
    });
  }
}

function configuredClient(
  ccxt: CcxtModule,
  { id, settings }: { id: string; settings: ExchangeSettings },
): CcxtClient {
  const client = makeClient(ccxt, id, {
    ...settings.credentials,
    options: { ...publicOnly(id), ...settings.options },
    urls: settings.urls ?? {},
    enableRateLimit: true,
    enableLastHttpResponse: false,
    enableLastResponseHeaders: false,
    enableLastJsonResponse: false,
    // Our own deadline is over the whole reply; ccxt's, which ends with the headers, must not come first.
    timeout: settings.timeoutMs * 2 + 60_000,
  });
  if (settings.sandbox) enterSandbox(client, settings.urls);
  return client;
}

/** With keys set, Binance's client would ask private endpoints for lists that bars have no use for. */
function publicOnly(id: string): Record<string, unknown> {
  return id.startsWith("binance") ? { fetchCurrencies: false, fetchMargins: false } : {};
}

/** The sandbox replaces `urls.api`, so the configured URLs are merged in once more. */
function enterSandbox(client: CcxtClient, urls: ExchangeSettings["urls"]): void {
  if (client.urls.test === undefined) {
    throw new HistoryError("CONFIG_INVALID", `Cannot use the sandbox of ${client.id}: it has none`, {
      hint: `Set exchanges.${client.id}.sandbox to false`,
    });
  }
  client.setSandboxMode(true);
  if (urls !== null) client.urls = client.deepExtend(client.urls, urls);
}

/** The guard has parsed the reply already; ccxt parses again only where digits would be lost. */
function parsedOnce(client: CcxtClient, text: string): unknown {
  const call = currentCall();
  const isOurs = call !== undefined && call.text === text;
  const parsed = isOurs ? call.json : JSON.parse(text);
  if (!client.quoteJsonNumbers || text === CANDLES_TEXT) return parsed;
  // Of bars a sample is enough: times in nanoseconds show in any row, and a number that goes through a double on its
  // way to a column of doubles has nothing to lose.
  const isLossy = client.hasUnsafeInteger(isOurs && call.isBars ? sampled(parsed) : parsed);
  return isLossy ? JSON.parse(client.onJsonResponse(text)) : parsed;
}

/** The value with its long lists cut to their first rows. */
function sampled(value: unknown, depth = 0): unknown {
  if (value === null || typeof value !== "object" || depth > 4) return value;
  if (Array.isArray(value)) {
    return value.length > 40 ? value.slice(0, 2) : value.map((one) => sampled(one, depth + 1));
  }
  return Object.values(value).map((one) => sampled(one, depth + 1));
}

/**
 * ccxt turns each number into text and back, guarded by a `try`. For a number, and for text that is one, the outcome
 * is the same without: most of the time of a page.
 */
function readNumbersFast(client: CcxtClient): void {
  const parse = client.parseNumber.bind(client);
  client.parseNumber = (value, otherwise) => {
    const number = typeof value === "string" ? Number(value) : NaN;
    return number === number ? number : parse(value, otherwise);
  };
  const safe = client.safeNumber.bind(client);
  client.safeNumber = (cells, key, otherwise) => finiteAt(cells, key) ?? safe(cells, key, otherwise);
  const safe2 = client.safeNumber2.bind(client);
  client.safeNumber2 = (cells, key, other, otherwise) =>
    finiteAt(cells, key) ?? safe2(cells, key, other, otherwise);
}

/** The cell, where it is a number that ccxt would take. */
function finiteAt(cells: unknown, key: string | number): number | undefined {
  if (cells === null || typeof cells !== "object") return undefined;
  const cell = (cells as Record<string | number, unknown>)[key];
  return typeof cell === "number" && Number.isFinite(cell) ? cell + 0 : undefined; // -0 is 0 as text
}

/** Nearly every page comes sorted: to see that costs a twentieth of sorting it once more. */
function leaveSortedRows(client: CcxtClient): void {
  const sort = client.sortBy.bind(client);
  client.sortBy = (rows, key, ...rest) =>
    key === 0 && rest.length === 0 && isAscending(rows) ? rows : sort(rows, key, ...rest);
}

function isAscending(rows: readonly unknown[]): boolean {
  for (let i = 0, last = -Infinity; i < rows.length; i++) {
    const row = rows[i];
    const time: unknown = Array.isArray(row) ? row[0] : undefined;
    if (typeof time !== "number" || !(time >= last)) return false;
    last = time;
  }
  return true;
}

/**
 * Keeps each row as ccxt reads it, in the order in which the venue sent it. ccxt sorts, filters and cuts rows
 * afterwards, and for one venue even makes bars up; every one of its readers goes through `parseOHLCV`.
 */
function keepRowsAsSent(client: CcxtClient): void {
  const parse = client.parseOHLCV.bind(client);
  client.parseOHLCV = (sent, market) => {
    const row = parse(sent, market);
    currentCall()?.rows.push(row);
    return row;
  };
}
