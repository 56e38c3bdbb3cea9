/** The keys under `seamless:`, with their defaults and what they mean. The order is that of the documents. */

import { choice, choiceOrNull, decimal, flag, leaf, ms, section, text, whole } from "./key_types.ts";
import {
  checkBudgetKey,
  checkHttpUrl,
  checkNotEmpty,
  checkObjectStore,
  checkPartition,
  checkRedisDsn,
  checkSigningKey,
  checkUrl,
} from "./text_checks.ts";

/** Flags of conformance that `blocking` may name (spec §5). */
const BLOCKING_FLAGS = [
  "missing_column",
  "dtype_cast",
  "dtype_mismatch",
  "ts_cast",
  "ts_timezone_normalized",
  "invalid_timestamp",
  "non_finite",
  "misaligned_ts",
  "duplicate_ts",
  "conflict",
  "ohlc_invariant",
  "gap",
] as const;

const CONFORMANCE = section("How rows are checked before anything is stored or served.", {
  version: choice(["v2"], { default: "v2", doc: "The rule set. It is part of every fingerprint's claims." }),
  dtype_policy: choice(["strict", "lenient"], {
    default: "strict",
    doc: "`strict`: a column is cast only if each of its cells is a number. `lenient`: bad cells become NaN.",
  }),
  gap_flagging: flag({
    default: true,
    doc: "Whether `gap` is counted among the flags. Gaps are listed either way.",
  }),
  align: choice(["reject", "floor"], {
    default: "reject",
    doc: "Rows off the grid are set aside (`reject`) or moved to the start of their slot (`floor`).",
  }),
  invariant: choice(["flag", "quarantine"], {
    default: "flag",
    doc: "Rows that break high ≥ open, close ≥ low > 0 are served with a flag, or set aside.",
  }),
  blocking: leaf<readonly typeof BLOCKING_FLAGS[number][]>(
    { is: "list", of: { is: "choice", values: BLOCKING_FLAGS }, min: 0, unique: true },
    {
      default: ["missing_column", "dtype_mismatch"],
      doc: "Flags that stop a reply. `missing_column` and `dtype_mismatch` always do, listed or not.",
    },
  ),
});

const SLA = section("How long a request waits, for what, and what happens when a budget breaks.", {
  preset: choiceOrNull(["baseline", "tolerant-partial"], {
    default: null,
    doc: "A named set of the keys below. Keys that you write yourself win over it.",
  }),
  max_wait_storage_ms: ms({ default: 300, doc: "Longest wait for the first batch from storage." }),
  max_wait_backfill_ms: ms({ default: 5_000, doc: "Longest wait for a fetch from the exchange." }),
  max_wait_live_ms: ms({ default: 800, doc: "Longest wait for the newest bars." }),
  total_deadline_ms: ms({
    default: 1_500,
    doc: "Longest wait of all, up to the headers of the answer. It may be smaller than a phase's budget.",
  }),
  retry_backoff_ms: ms({
    default: 500,
    doc: "Pause before a failed window is tried again inside the budget.",
  }),
  max_sync_gap_bars: whole({
    default: null,
    min: 0,
    max: 1e9,
    doc: "Under `SEAMLESS`, most open slots that a request waits for, newest first; null: all.",
  }),
  min_coverage: decimal({
    default: null,
    min: 0,
    max: 1,
    doc: "Least `explained_ratio`; below it the verdict is `coverage_breach`.",
  }),
  max_lag_seconds: decimal({
    default: null,
    min: 0,
    max: 1e9,
    doc: "Most seconds that the newest bar may be overdue; beyond it the verdict is HOLD.",
  }),
  on_violation: choice(["FAIL_FAST", "PARTIAL_FILL", "HOLD"], {
    default: "PARTIAL_FILL",
    doc:
      "What becomes of a request whose budget broke: an error, what there is, or what there is marked HOLD.",
  }),
});

const BACKFILL = section("How missing bars are fetched.", {
  mode: choice(["background", "sync"], {
    default: "background",
    doc:
      "When its request ends, unfinished work goes on (`background`) or is cancelled unless shared (`sync`).",
  }),
  window_bars: whole({
    default: 900,
    min: 1,
    max: 100_000,
    doc: "Slots of one window, the unit of fetching, of single flight and of resuming.",
  }),
  max_concurrent_requests: whole({
    default: 8,
    min: 1,
    max: 1_000,
    doc: "Windows in flight at once, beneath the rate budget.",
  }),
  single_flight_ttl_ms: ms({
    default: 60_000,
    min: 1_000,
    doc: "A fetch without progress for so long is given up and may be claimed again.",
  }),
  distributed_lease_ttl_ms: ms({
    default: 120_000,
    min: 1_000,
    doc: "Length of the lease on a window across processes; renewed while its holder works.",
  }),
  max_attempts: whole({
    default: 5,
    min: 1,
    max: 100,
    doc: "Calls for one page before its window is `fetch_failed`, the first one included.",
  }),
  retry_backoff_ms: ms({ default: 500, doc: "Pause before the second attempt; doubles up to a cap." }),
  jitter_ratio: decimal({
    default: 0.25,
    min: 0,
    max: 1,
    doc: "Part of a pause that is left to chance, so that retries do not come in step.",
  }),
});

/** The rate budget's keys: global, and again under each exchange. */
export const RATE_LIMIT_KEYS = {
  scope: choice(["auto", "local", "process", "cluster"], {
    default: "auto",
    doc:
      "Who shares a budget: each client its own (`local`), the process (`process`), all processes on one Redis (`cluster`). `auto`: `cluster` when a Redis is configured, else `process`.",
  }),
  redis_dsn: text({
    default: null,
    what: "a Redis DSN",
    check: checkRedisDsn,
    doc: "Redis of the budget; else `environment.rate_limiter_redis`.",
    example: "redis://redis.service.local:6379/0",
  }),
  key_template: text({
    default: "ccxt:{exchange}:{account?}",
    what: "a template",
    check: checkBudgetKey,
    doc:
      "Name of a budget. Known: `{exchange} {exchange_id} {account} {suffix} {key_suffix}`; `{name?}` drops itself and the delimiter before it when it has no value.",
  }),
  key_suffix: text({
    default: null,
    what: "a text",
    check: checkNotEmpty,
    doc: "What `{suffix}` and `{key_suffix}` stand for.",
  }),
  tokens_per_interval: decimal({
    default: null,
    min: 0,
    above: 0,
    max: 1e9,
    doc:
      "Most tokens granted in any window of `interval_ms`. A token is one unit of CCXT cost. Null: what the venue allows, `interval_ms / rateLimit`.",
  }),
  interval_ms: ms({ default: 60_000, min: 1, doc: "Length of the window that the budget is counted over." }),
  burst_tokens: decimal({
    default: null,
    min: 0,
    above: 0,
    max: 1e9,
    doc: "Tokens that may be granted at once beyond the steady pace; null: a tenth of the budget.",
  }),
  local_semaphore: whole({
    default: 10,
    min: 1,
    max: 10_000,
    doc: "Calls that one client has in flight at once.",
  }),
  min_interval_ms: ms({ default: 0, doc: "Shortest time between two calls of one budget." }),
  penalty_backoff_ms: ms({
    default: 30_000,
    doc: "After a 429 or 418 the budget is closed for everybody at least so long.",
  }),
  fallback_divisor: whole({
    default: 4,
    min: 1,
    max: 10_000,
    doc: "With Redis gone, a process goes on with the budget divided by this, or by the processes last seen.",
  }),
} as const;

const LIVE = section("How new bars arrive.", {
  mode: choice(["off", "poll", "websocket"], { default: "poll", doc: "Where live bars come from." }),
  close_delay_ms: ms({ default: 2_000, doc: "Pause after a bar's close before it is asked for." }),
  reconnect_backoff_ms: leaf<readonly number[]>(
    { is: "list", of: { is: "integer", min: 0, max: 2 ** 31 - 1 }, min: 1, unique: false },
    {
      default: [500, 1_000, 2_000, 5_000, 30_000],
      doc: "Pauses before each reconnect; the last one repeats.",
    },
  ),
});

const S3 = section("How an S3 store is reached.", {
  endpoint: text({
    default: null,
    what: "a URL",
    check: checkHttpUrl,
    doc: "Address of an S3-compatible store.",
  }),
  region: text({
    default: "us-east-1",
    what: "a region",
    check: checkNotEmpty,
    doc: "Region of the bucket.",
  }),
  force_path_style: flag({ default: false, doc: "Name the bucket in the path, not in the host." }),
});

const ARTIFACT = section("Immutable snapshots: what is published, where and when.", {
  enabled: flag({
    default: true,
    doc: "Whether anything is published. Without it a backtest or dryrun request is `DOMAIN_DISABLED`.",
  }),
  object_store_uri: text({
    default: "./data/artifacts",
    what: "a folder, file:///… or s3://bucket/prefix",
    check: checkObjectStore,
    doc: "Where snapshots are kept. A relative folder counts from the configuration file's.",
  }),
  s3: S3,
  format: choice(["parquet"], { default: "parquet", doc: "Format of segments." }),
  compression: choice(["zstd"], { default: "zstd", doc: "Codec inside segments." }),
  stabilization_bars: whole({
    default: 2,
    min: 0,
    max: 10_000,
    doc: "Bars that must have opened after a bar's own before it is final.",
  }),
  partition_template: text({
    default: "exchange={exchange}/symbol={symbol}/timeframe={timeframe}",
    what: "a template",
    check: checkPartition,
    doc: "Folders of a node below `ohlcv/`. It must hold all three parts.",
  }),
  publish_fingerprint: flag({
    default: true,
    doc: "Whether snapshots are published and `dataset_fingerprint` is given.",
  }),
  early_fingerprint: flag({
    default: false,
    doc: "Whether answers also carry `preview_fingerprint`, over rows that may still change.",
  }),
  publish_every_sec: whole({
    default: 3_600,
    min: 1,
    max: 31_536_000,
    doc: "Longest time between publications of a live node.",
  }),
  compact_after_segments: whole({
    default: 32,
    min: 2,
    max: 100_000,
    doc: "Small segments of a node that cause them to be joined.",
  }),
  retention_days: whole({
    default: null,
    min: 1,
    max: 36_500,
    doc: "Age after which unpinned snapshots may be collected; null: never.",
  }),
  as_of_settle_sec: whole({
    default: 30,
    min: 0,
    max: 86_400,
    doc: "An `as_of` younger than this is refused unless a snapshot at or after it exists.",
  }),
  signing_key: text({
    default: null,
    what: "a PKCS#8 PEM of an Ed25519 key",
    check: checkSigningKey,
    secrecy: "value",
    doc: "Signs each manifest. `SEAMLESS_SIGNING_KEY` alone switches it on.",
    example: "${SEAMLESS_SIGNING_KEY}",
  }),
});

const OBSERVABILITY = section("Logs, and the thresholds of alerts.", {
  coverage_ratio_threshold: decimal({ default: 0.98, min: 0, max: 1, doc: "Alert below this coverage." }),
  backfill_completion_ratio_min: decimal({
    default: 0.95,
    min: 0,
    max: 1,
    doc: "Alert below this completion.",
  }),
  storage_wait_warn_ms: ms({ default: 300, doc: "Alert when waits for storage are longer (p95)." }),
  backfill_wait_warn_ms: ms({ default: 5_000, doc: "Alert when waits for a fetch are longer (p95)." }),
  live_wait_warn_ms: ms({ default: 800, doc: "Alert when waits for live bars are longer (p95)." }),
  publish_warn_sec: whole({ default: 120, min: 0, max: 86_400, doc: "Alert when publication takes longer." }),
  legacy_names: flag({ default: true, doc: "Whether metrics are exported under their older names too." }),
  log_level: choice(["debug", "info", "warn", "error"], {
    default: "info",
    doc: "Least level that is logged.",
  }),
  webhook_url: text({
    default: null,
    what: "a URL",
    check: checkHttpUrl,
    secrecy: "address",
    doc: "Alerts are posted here.",
  }),
  slack_webhook_url: text({
    default: null,
    what: "a URL",
    check: checkUrl,
    secrecy: "address",
    doc: "Alerts are posted here in Slack's form.",
  }),
});

/** `seamless:` */
export const SEAMLESS = section("What a request means and how it is served.", {
  node_id_format: choice(["ohlcv:{exchange}:{symbol}:{timeframe}"], {
    default: "ohlcv:{exchange}:{symbol}:{timeframe}",
    doc: "How a series is named. Fixed; the key is there so that files of this field load.",
  }),
  strategy: choice(["FAIL_FAST", "AUTO_BACKFILL", "PARTIAL_FILL", "SEAMLESS"], {
    default: "SEAMLESS",
    doc: "Whether a request waits for what is missing.",
  }),
  partial_ok: flag({
    default: true,
    doc:
      "Whether `AUTO_BACKFILL` may answer with gaps, and whether flags other than the two hard ones let an answer through.",
  }),
  conformance: CONFORMANCE,
  sla: SLA,
  backfill: BACKFILL,
  rate_limit: section("The rate budget of each exchange (CCXT cost units).", RATE_LIMIT_KEYS),
  live: LIVE,
  artifact: ARTIFACT,
  observability: OBSERVABILITY,
});
