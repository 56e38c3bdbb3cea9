/** Keys of older configurations of this field that are still understood, each with a warning. */

/** One older key. Paths may hold `*` for one level of the user's naming. */
export interface Alias {
  readonly from: string;
  readonly to: string;
  /** The older key counted in another unit: its value is multiplied by this and rounded. */
  readonly factor?: number;
  readonly doc: string;
}

function rateLimitAliases(parent: string): Alias[] {
  return [
    { from: `${parent}.max_concurrency`, to: `${parent}.local_semaphore`, doc: "The same number." },
    {
      from: `${parent}.min_interval_s`,
      to: `${parent}.min_interval_ms`,
      factor: 1_000,
      doc: "Seconds become ms.",
    },
    { from: `${parent}.burst`, to: `${parent}.burst_tokens`, doc: "The same number." },
  ];
}

/** Every alias for a key. QuestDB's parts, which make one address together, are in `QUESTDB_PARTS`. */
export const ALIASES: readonly Alias[] = [
  { from: "seamless.coordinator_url", to: "environment.coordinator_url", doc: "The same address." },
  {
    from: "connectors.ccxt_rate_limiter_redis",
    to: "environment.rate_limiter_redis",
    doc: "The same address.",
  },
  { from: "seamless.artifacts_enabled", to: "seamless.artifact.enabled", doc: "The same switch." },
  ...rateLimitAliases("seamless.rate_limit"),
  ...rateLimitAliases("exchanges.*.rate_limit"),
  {
    from: "seamless.backfill.max_retries",
    to: "seamless.backfill.max_attempts",
    doc: "The same number: it counts calls, the first one included.",
  },
  {
    from: "seamless.backfill.retry_backoff_s",
    to: "seamless.backfill.retry_backoff_ms",
    factor: 1_000,
    doc: "Seconds become ms.",
  },
];

/** Older keys that make up `storage.bars` together: `questdb://host:port/database`. */
export const QUESTDB_PARTS = ["host", "port", "database"] as const;

/** Environment variables of older deployments; a `SEAMLESS_` name for the same key wins over them. */
export const ENV_ALIASES: Readonly<Record<string, string>> = {
  QMTL_SEAMLESS_COORDINATOR_URL: "environment.coordinator_url",
  QMTL_CCXT_RATE_LIMITER_REDIS: "environment.rate_limiter_redis",
  QMTL_SEAMLESS_ARTIFACT_DIR: "seamless.artifact.object_store_uri",
  QMTL_SEAMLESS_ARTIFACTS: "seamless.artifact.enabled",
};

/** The alias that a path is, with its target's `*` filled in; null when it is none. */
export function aliasAt(path: readonly string[]): { alias: Alias; to: string[] } | null {
  for (const alias of ALIASES) {
    const pattern = alias.from.split(".");
    if (pattern.length !== path.length || !matches(pattern, path)) continue;
    const wild = pattern.flatMap((part, i) => part === "*" ? [path[i]] : []);
    return { alias, to: alias.to.split(".").map((part) => part === "*" ? wild.shift()! : part) };
  }
  return null;
}

/** Whether some alias lies below a path that is no section of the table. */
export function leadsToAlias(path: readonly string[]): boolean {
  return ALIASES.some(({ from }) => {
    const pattern = from.split(".");
    return pattern.length > path.length && matches(pattern.slice(0, path.length), path);
  });
}

function matches(pattern: readonly string[], path: readonly string[]): boolean {
  return pattern.every((part, i) => part === "*" || part === path[i]);
}
