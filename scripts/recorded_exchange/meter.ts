/**
 * Counts what clients use of a venue's request budget, and refuses as the venue would. It looks at the
 * venue's clock only. Refused calls count too, as they do on every venue here.
 */

/** How one bucket of a venue's budget works. */
export type BucketRule =
  /** So much cost in each window; windows begin at whole multiples of `windowMs`. Going on is punished. */
  | { kind: "fixed_window"; limit: number; windowMs: number; refusalsBeforeBan?: number; banMs?: number }
  /** So much cost in any stretch of `windowMs`; after that refused for `blockMs`. */
  | { kind: "sliding_window"; limit: number; windowMs: number; blockMs?: number }
  /** A counter that each call raises and time lowers; refused above `limit`. */
  | { kind: "leaky_counter"; limit: number; decayPerSec: number }
  /** Counted, never refused. */
  | { kind: "unlimited" };

/** The rules of a venue by bucket name; `*` is for buckets without a rule of their own. */
export type Budget = Record<string, BucketRule>;

/** No limit at all. */
export const UNLIMITED: Budget = { "*": { kind: "unlimited" } };

/** What a call got. `usedNow` includes the call itself. */
export interface Charge {
  isRefused: boolean;
  usedNow: number;
  /** Why it was refused. */
  reason?: "over_limit" | "blocked" | "banned";
  /** When calls may be accepted again, epoch ms; given on refusal. */
  untilMs?: number;
}

/** The tally of one window of the meter: a minute, or the bucket's own fixed window. */
export interface WindowTally {
  bucket: string;
  startMs: number;
  /** Cost of all calls, refused ones included. */
  used: number;
  calls: number;
  refused: number;
}

const MINUTE_MS = 60_000;
/** The oldest tallies are dropped beyond this: a week of minutes. */
const MAX_TALLIES = 10_080;

interface Gauge {
  rule: BucketRule;
  level: number;
  levelAtMs: number;
  refusals: number;
  blockedUntilMs: number;
  recent: { atMs: number; cost: number }[];
}

/** The meter of one venue. */
export class Meter {
  readonly #budget: Budget;
  readonly #gauges = new Map<string, Gauge>();
  #bannedUntilMs = -Infinity;
  /** Tallies in order of time. */
  readonly windows: WindowTally[] = [];
  /** Highest level any bucket reached. */
  peak = 0;
  /** Cost of all calls. */
  used = 0;
  /** Calls refused. */
  refused = 0;
  /** Bans given. */
  bans = 0;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  /** Whether the bucket has a limit that clients should be told about. */
  isLimited(bucket: string): boolean {
    return this.#rule(bucket).kind !== "unlimited";
  }

  /** Bans every call until a time. */
  ban(untilMs: number): void {
    this.#bannedUntilMs = untilMs;
    this.bans++;
  }

  /** The end of the ban in force, or undefined. */
  bannedUntil(nowMs: number): number | undefined {
    return nowMs < this.#bannedUntilMs ? this.#bannedUntilMs : undefined;
  }

  /** Charges one call. */
  charge({ bucket, cost, nowMs }: { bucket: string; cost: number; nowMs: number }): Charge {
    const gauge = this.#gauge(bucket, nowMs);
    const charge = this.#judge({ gauge, cost, nowMs });
    this.used += cost;
    this.peak = Math.max(this.peak, charge.usedNow);
    if (charge.isRefused) this.refused++;
    this.#tally({ bucket, rule: gauge.rule, cost, nowMs, isRefused: charge.isRefused });
    return charge;
  }

  #judge({ gauge, cost, nowMs }: { gauge: Gauge; cost: number; nowMs: number }): Charge {
    const usedNow = raise(gauge, { cost, nowMs });
    if (nowMs < this.#bannedUntilMs) {
      return { isRefused: true, usedNow, reason: "banned", untilMs: this.#bannedUntilMs };
    }
    const { rule } = gauge;
    if (rule.kind === "unlimited") return { isRefused: false, usedNow };
    if (nowMs < gauge.blockedUntilMs) {
      return { isRefused: true, usedNow, reason: "blocked", untilMs: gauge.blockedUntilMs };
    }
    if (usedNow <= rule.limit) return { isRefused: false, usedNow };
    return this.#refuse({ gauge, rule, usedNow, nowMs });
  }

  #refuse({ gauge, rule, usedNow, nowMs }: {
    gauge: Gauge;
    rule: Exclude<BucketRule, { kind: "unlimited" }>;
    usedNow: number;
    nowMs: number;
  }): Charge {
    gauge.refusals++;
    if (rule.kind === "leaky_counter") {
      const untilMs = nowMs + Math.ceil((usedNow - rule.limit) / rule.decayPerSec) * 1000;
      return { isRefused: true, usedNow, reason: "over_limit", untilMs };
    }
    if (rule.kind === "sliding_window") {
      const untilMs = nowMs + (rule.blockMs ?? rule.windowMs);
      if (rule.blockMs !== undefined) gauge.blockedUntilMs = untilMs;
      return { isRefused: true, usedNow, reason: "over_limit", untilMs };
    }
    if (gauge.refusals > (rule.refusalsBeforeBan ?? Infinity)) {
      this.ban(nowMs + (rule.banMs ?? 120_000));
      return { isRefused: true, usedNow, reason: "banned", untilMs: this.#bannedUntilMs };
    }
    const untilMs = (Math.floor(nowMs / rule.windowMs) + 1) * rule.windowMs;
    return { isRefused: true, usedNow, reason: "over_limit", untilMs };
  }

  #rule(bucket: string): BucketRule {
    return this.#budget[bucket] ?? this.#budget["*"] ?? { kind: "unlimited" };
  }

  #gauge(bucket: string, nowMs: number): Gauge {
    let gauge = this.#gauges.get(bucket);
    if (gauge === undefined) {
      const rule = this.#rule(bucket);
      gauge = { rule, level: 0, levelAtMs: nowMs, refusals: 0, blockedUntilMs: -Infinity, recent: [] };
      this.#gauges.set(bucket, gauge);
    }
    return gauge;
  }

  #tally({ bucket, rule, cost, nowMs, isRefused }: {
    bucket: string;
    rule: BucketRule;
    cost: number;
    nowMs: number;
    isRefused: boolean;
  }): void {
    const windowMs = rule.kind === "fixed_window" ? rule.windowMs : MINUTE_MS;
    const startMs = Math.floor(nowMs / windowMs) * windowMs;
    let tally = this.windows.findLast((window) => window.bucket === bucket && window.startMs >= startMs);
    if (tally === undefined || tally.startMs !== startMs) {
      tally = { bucket, startMs, used: 0, calls: 0, refused: 0 };
      this.windows.push(tally);
      if (this.windows.length > MAX_TALLIES) this.windows.shift();
    }
    tally.used += cost;
    tally.calls++;
    if (isRefused) tally.refused++;
  }
}

/** Adds a call's cost to the gauge, lets time lower it first, and returns the level. */
function raise(gauge: Gauge, { cost, nowMs }: { cost: number; nowMs: number }): number {
  const { rule } = gauge;
  if (rule.kind === "sliding_window") {
    const sinceMs = nowMs - rule.windowMs;
    while (gauge.recent.length > 0 && gauge.recent[0].atMs <= sinceMs) {
      gauge.level -= gauge.recent[0].cost;
      gauge.recent.shift();
    }
    gauge.recent.push({ atMs: nowMs, cost });
  } else if (rule.kind === "leaky_counter") {
    gauge.level = Math.max(0, gauge.level - (nowMs - gauge.levelAtMs) / 1000 * rule.decayPerSec);
  } else {
    const windowMs = rule.kind === "fixed_window" ? rule.windowMs : MINUTE_MS;
    if (Math.floor(nowMs / windowMs) !== Math.floor(gauge.levelAtMs / windowMs)) {
      gauge.level = 0;
      gauge.refusals = 0;
    }
  }
  gauge.levelAtMs = nowMs;
  gauge.level += cost;
  return gauge.level;
}
