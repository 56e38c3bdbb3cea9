/**
 * Keys whose feature is not built yet. One that is set away from its default is refused by name: a service must not
 * run as if it did what it does not. Whoever builds a feature removes its line.
 */

interface NotYet {
  /** A key, or a section whose keys are all meant; `*` stands for a name of the user's. */
  key: string;
  /** The feature that is lacking. */
  feature: string;
  /** Which values are refused; without it, any that differs from the default. */
  refuses?: (value: unknown) => boolean;
}

const NOT_YET: readonly NotYet[] = [
  {
    key: "storage.bars",
    feature: "the QuestDB store",
    refuses: (value) => String(value).startsWith("questdb:"),
  },
  { key: "storage.questdb", feature: "the QuestDB store" },
  {
    key: "seamless.rate_limit.scope",
    feature: "a budget shared over Redis",
    refuses: (value) => value === "cluster",
  },
  { key: "seamless.rate_limit.redis_dsn", feature: "a budget shared over Redis" },
  { key: "seamless.rate_limit.fallback_divisor", feature: "a budget shared over Redis" },
  {
    key: "exchanges.*.rate_limit.scope",
    feature: "a budget shared over Redis",
    refuses: (value) => value === "cluster",
  },
  { key: "exchanges.*.rate_limit.redis_dsn", feature: "a budget shared over Redis" },
  { key: "exchanges.*.rate_limit.fallback_divisor", feature: "a budget shared over Redis" },
  { key: "environment.rate_limiter_redis", feature: "a budget shared over Redis" },
  { key: "environment.coordinator_url", feature: "the lease coordinator over HTTP" },
  { key: "seamless.live.mode", feature: "the live feed" },
  { key: "seamless.live.reconnect_backoff_ms", feature: "the live feed" },
  {
    key: "seamless.artifact.object_store_uri",
    feature: "the S3 store",
    refuses: (value) => String(value).startsWith("s3:"),
  },
  { key: "seamless.artifact.s3", feature: "the S3 store" },
  { key: "seamless.artifact.publish_every_sec", feature: "publication by the clock" },
  { key: "seamless.artifact.compact_after_segments", feature: "compaction" },
  { key: "seamless.artifact.retention_days", feature: "collection" },
  { key: "seamless.observability.coverage_ratio_threshold", feature: "alerts" },
  { key: "seamless.observability.backfill_completion_ratio_min", feature: "alerts" },
  { key: "seamless.observability.storage_wait_warn_ms", feature: "alerts" },
  { key: "seamless.observability.backfill_wait_warn_ms", feature: "alerts" },
  { key: "seamless.observability.live_wait_warn_ms", feature: "alerts" },
  { key: "seamless.observability.publish_warn_sec", feature: "alerts" },
  { key: "seamless.observability.webhook_url", feature: "alerts" },
  { key: "seamless.observability.slack_webhook_url", feature: "alerts" },
  { key: "seamless.observability.legacy_names", feature: "metrics" },
  { key: "cache", feature: "the answer cache" },
  { key: "exchanges.*.modes", feature: "trades", refuses: (value) => (value as string[]).includes("trades") },
  { key: "exchanges.*.earliest", feature: "the worker" },
  { key: "world_service", feature: "the world service" },
  { key: "synthetic", feature: "synthetic series", refuses: isEntry },
];

/** Stands for an entry as a whole: it has a name of the user's and no value of its own. */
export const ENTRY = Symbol("entry");

function isEntry(value: unknown): boolean {
  return value === ENTRY;
}

/** The line that refuses a key with this value, in words; null when it may be set so. */
export function notYet(path: string, value: unknown, isDefault: boolean): string | null {
  const line = NOT_YET.find(({ key }) => covers(key, path));
  if (line === undefined || !(line.refuses?.(value) ?? (value !== ENTRY && !isDefault))) return null;
  return `is not available yet: ${line.feature} is not built`;
}

/** For documents: the feature that a key waits for, and whether only some of its values do. */
export function notYetFeature(path: string): { feature: string; isPartly: boolean } | null {
  const line = NOT_YET.find(({ key }) => covers(key, path));
  return line === undefined
    ? null
    : { feature: line.feature, isPartly: (line.refuses ?? isEntry) !== isEntry };
}

function covers(key: string, path: string): boolean {
  const pattern = key.split(".");
  const names = path.split(".");
  return pattern.length <= names.length && pattern.every((part, i) => part === "*" || part === names[i]);
}
