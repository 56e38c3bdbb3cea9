/**
 * The rate budget of one key (spec §15), without clock or queue: when may so many tokens be spent?
 *
 * Two bounds hold together. A bucket of `burstTokens`, filled at the steady pace `tokensPerInterval / intervalMs`, bounds
 * what goes at once. A log of what was spent bounds any window of `intervalMs` to `tokensPerInterval`: a bucket alone would
 * let a window have the burst on top of the pace, and so pass the venue's limit.
 */

/** How a budget is counted. */
export interface BudgetRules {
  /** Most tokens in any window of `intervalMs`. A token is one unit of CCXT cost. */
  tokensPerInterval: number;
  intervalMs: number;
  /** Tokens at once beyond the steady pace. */
  burstTokens: number;
  /** Shortest time between two grants. */
  minIntervalMs: number;
  /** After a 429 or 418 the budget is closed at least so long. */
  penaltyBackoffMs: number;
}

/**
 * Windows are counted a fiftieth longer than the venue's: calls take a different time to arrive each, so those of a
 * window that is full to the brim could arrive in a shorter one. 98 % of the budget stays usable.
 */
const WINDOW_MARGIN = 1.02;

/** Stretches that the log of a window is kept in: bounds its memory, and costs at most a thousandth of the budget. */
const LOG_STRETCHES = 1_024;

/** Sums of fractions of tokens are exact to far better than this share of the budget. */
const ROUNDING = 1e-9;

/** A shorter wait is rounding: a sleep of it might not move the clock at all, and would be repeated for ever. */
const SHORTEST_WAIT_MS = 1e-6;

/** What was spent in one stretch of time. It is over when its newest part is. */
interface Stretch {
  firstMs: number;
  lastMs: number;
  tokens: number;
}

/** One budget. Times are of one monotonic clock, in ms. */
export class RateBudget {
  #rules: BudgetRules;
  #level: number;
  #levelAtMs: number;
  #lastGrantMs = -Infinity;
  #closedUntilMs = -Infinity;
  /** Oldest first. */
  readonly #log: Stretch[] = [];
  #logStart = 0;
  #spent = 0;

  constructor(rules: BudgetRules, nowMs: number) {
    this.#rules = checkedRules(rules);
    this.#level = rules.burstTokens;
    this.#levelAtMs = nowMs;
  }

  get rules(): BudgetRules {
    return this.#rules;
  }

  /** Takes new rules; what was spent stays spent. */
  follow(rules: BudgetRules, nowMs: number): void {
    this.#fill(nowMs);
    this.#rules = checkedRules(rules);
    this.#level = Math.min(this.#level, rules.burstTokens);
  }

  /** Milliseconds until `cost` tokens may be spent; 0: now. `cost` is at most `tokensPerInterval`. */
  waitMs(cost: number, nowMs: number): number {
    this.#fill(nowMs);
    this.#forget(nowMs);
    const spacedMs = this.#lastGrantMs + this.#rules.minIntervalMs - nowMs;
    const waitMs = Math.max(
      this.#closedUntilMs - nowMs,
      spacedMs,
      this.#bucketWaitMs(cost),
      this.#windowWaitMs(cost, nowMs),
    );
    return waitMs < SHORTEST_WAIT_MS ? 0 : waitMs;
  }

  /** Spends tokens; to be called when `waitMs` says 0. */
  spend(cost: number, nowMs: number): void {
    this.#fill(nowMs);
    this.#level -= cost;
    this.#lastGrantMs = nowMs;
    this.#note(cost, nowMs);
  }

  /**
   * The venue says how many tokens of the running window are used. More than we know of were spent by somebody else:
   * they count as spent now. Fewer give nothing back, because the venue's window may have begun later than ours.
   */
  correct(usedTokens: number, nowMs: number): void {
    this.#forget(nowMs);
    const foreign = usedTokens - this.#spent;
    if (foreign > this.#rules.tokensPerInterval * ROUNDING) this.#note(foreign, nowMs);
  }

  /** Closes the budget until a time; a later end that was set before stays. */
  closeUntil(untilMs: number): void {
    this.#closedUntilMs = Math.max(this.#closedUntilMs, untilMs);
  }

  /** Milliseconds until the budget opens, or null when it is open. */
  closedForMs(nowMs: number): number | null {
    return this.#closedUntilMs > nowMs ? this.#closedUntilMs - nowMs : null;
  }

  /** Tokens of the running window that are not spent. */
  tokensLeft(nowMs: number): number {
    this.#forget(nowMs);
    return Math.max(0, this.#rules.tokensPerInterval - this.#spent);
  }

  #pace(): number {
    return this.#rules.tokensPerInterval / this.#rules.intervalMs;
  }

  #fill(nowMs: number): void {
    const filled = this.#level + Math.max(0, nowMs - this.#levelAtMs) * this.#pace();
    this.#level = Math.min(this.#rules.burstTokens, filled);
    this.#levelAtMs = Math.max(this.#levelAtMs, nowMs);
  }

  /** A call that costs more than the bucket holds goes when the bucket is full, and leaves it in debt. */
  #bucketWaitMs(cost: number): number {
    const lacking = Math.min(cost, this.#rules.burstTokens) - this.#level;
    return lacking <= this.#rules.tokensPerInterval * ROUNDING ? 0 : lacking / this.#pace();
  }

  #windowWaitMs(cost: number, nowMs: number): number {
    const allowed = this.#rules.tokensPerInterval * (1 + ROUNDING) - cost;
    let spent = this.#spent;
    for (let i = this.#logStart; i < this.#log.length && spent > allowed; i++) {
      spent -= this.#log[i].tokens;
      if (spent <= allowed) return this.#log[i].lastMs + this.#countedMs() - nowMs;
    }
    return spent <= allowed ? 0 : this.#countedMs();
  }

  #countedMs(): number {
    return this.#rules.intervalMs * WINDOW_MARGIN;
  }

  #note(tokens: number, nowMs: number): void {
    this.#spent += tokens;
    const last = this.#log.at(-1);
    const isSameStretch = this.#log.length > this.#logStart && last !== undefined &&
      nowMs - last.firstMs < this.#rules.intervalMs / LOG_STRETCHES;
    if (isSameStretch) {
      last.tokens += tokens;
      last.lastMs = nowMs;
    } else {
      this.#log.push({ firstMs: nowMs, lastMs: nowMs, tokens });
    }
  }

  /** Drops what is older than a window. */
  #forget(nowMs: number): void {
    const oldestMs = nowMs - this.#countedMs();
    while (this.#logStart < this.#log.length && this.#log[this.#logStart].lastMs <= oldestMs) {
      this.#spent -= this.#log[this.#logStart].tokens;
      this.#logStart++;
    }
    if (this.#logStart < LOG_STRETCHES && this.#logStart < this.#log.length) return;
    this.#log.splice(0, this.#logStart);
    this.#logStart = 0;
    // Adding and taking away fractions drifts; the sum is made anew from time to time.
    this.#spent = this.#log.reduce((sum, { tokens }) => sum + tokens, 0);
  }
}

function checkedRules(rules: BudgetRules): BudgetRules {
  const { tokensPerInterval, intervalMs, burstTokens, minIntervalMs, penaltyBackoffMs } = rules;
  const positive = [tokensPerInterval, intervalMs, burstTokens].every((value) =>
    value > 0 && Number.isFinite(value)
  );
  const notNegative = [minIntervalMs, penaltyBackoffMs].every((value) =>
    value >= 0 && Number.isFinite(value)
  );
  if (!positive || !notNegative) throw new RangeError(`Cannot keep a budget of ${JSON.stringify(rules)}`);
  return rules;
}

/** What configuration says of a budget; null: what the venue allows. */
export interface BudgetSettings {
  tokens_per_interval: number | null;
  interval_ms: number;
  burst_tokens: number | null;
  min_interval_ms: number;
  penalty_backoff_ms: number;
}

/** The burst where none is configured: a tenth of the budget (spec §15). */
const DEFAULT_BURST_SHARE = 0.1;

/**
 * Venues that count over less than a minute, by their own documents: there a tenth of a minute's budget at once would
 * be refused. CCXT's `rateLimit` says the pace and not the window.
 */
const VENUE_WINDOW_MS: Readonly<Record<string, number>> = {
  bitget: 1_000,
  bybit: 5_000,
  coinbase: 1_000,
  coinbaseexchange: 1_000,
  cryptocom: 1_000,
  gate: 10_000,
  kucoin: 30_000,
  mexc: 10_000,
  okx: 2_000,
};

/**
 * The rules of a budget. `rateLimitMs` is the milliseconds of one token that the venue allows (CCXT's `rateLimit`):
 * without configured tokens it makes `interval_ms / rateLimit` of them, counted over the venue's own window where that
 * is shorter, at the same pace.
 */
export function budgetRules(
  settings: BudgetSettings,
  { exchange, rateLimitMs }: { exchange: string; rateLimitMs: number },
): BudgetRules {
  const windowMs = settings.tokens_per_interval === null ? VENUE_WINDOW_MS[exchange] ?? Infinity : Infinity;
  const intervalMs = Math.min(settings.interval_ms, windowMs);
  const tokensPerInterval = settings.tokens_per_interval ?? intervalMs / rateLimitMs;
  return {
    tokensPerInterval,
    intervalMs,
    burstTokens: Math.min(
      settings.burst_tokens ?? tokensPerInterval * DEFAULT_BURST_SHARE,
      tokensPerInterval,
    ),
    minIntervalMs: settings.min_interval_ms,
    penaltyBackoffMs: settings.penalty_backoff_ms,
  };
}

/** What the placeholders of a budget's key stand for; null: absent. */
export interface BudgetKeyParts {
  exchange: string;
  account: string | null;
  suffix: string | null;
}

/**
 * The name of a budget. `{exchange}` and `{exchange_id}`, `{account}`, `{suffix}` and `{key_suffix}` are replaced;
 * `{name?}` drops itself and the delimiter before it when it has no value, so that `ccxt:{exchange}:{account?}` is
 * `ccxt:kraken` without an account.
 */
export function budgetKey(template: string, { exchange, account, suffix }: BudgetKeyParts): string {
  const values: Record<string, string | null> = {
    exchange,
    exchange_id: exchange,
    account,
    suffix,
    key_suffix: suffix,
  };
  return template.replaceAll(/([^A-Za-z0-9{}]?)\{([a-z_]+)(\??)\}/g, (_, delimiter, name, optional) => {
    const value = values[name] ?? "";
    return value === "" && optional === "?" ? "" : delimiter + value;
  });
}
