/**
 * The table of every configuration key: the one place that says which keys there are, of what type, with which
 * default and meaning. The keys of `seamless:` stand in `keys_seamless.ts`.
 */

import {
  choice,
  decimal,
  entries,
  flag,
  type InputOf,
  leaf,
  ms,
  section,
  text,
  type ValueOf,
  whole,
} from "./key_types.ts";
import { RATE_LIMIT_KEYS, SEAMLESS } from "./keys_seamless.ts";
import {
  checkBarStore,
  checkCacheKey,
  checkHttpUrl,
  checkInstant,
  checkNotEmpty,
  checkRedisDsn,
  checkSha256,
  checkSymbol,
  checkTimeframe,
} from "./text_checks.ts";

const STORAGE = section("Where bars and the ledger are kept.", {
  bars: text({
    default: "sqlite:./data/bars.db",
    what: '"sqlite:PATH", "memory:" or "questdb://user@host:8812/qdb"',
    check: checkBarStore,
    doc:
      "The hot store. A relative path counts from the configuration file's folder; `memory:` keeps nothing.",
  }),
  questdb: section("How a QuestDB store is used.", {
    http: text({
      default: null,
      what: "a URL",
      check: checkHttpUrl,
      doc: "Its HTTP address; null: port 9000.",
    }),
    table: text({
      default: null,
      what: "a table name",
      check: checkNotEmpty,
      doc: "One table for all bars.",
    }),
    table_prefix: text({
      default: "crypto",
      what: "a prefix",
      check: checkNotEmpty,
      doc: "Start of each table's name where `table` is null.",
    }),
    ttl_days: whole({
      default: null,
      min: 1,
      max: 36_500,
      doc: "Partitions older than this are dropped once all their bars are in snapshots.",
    }),
    write: choice(["ilp", "pgwire"], { default: "ilp", doc: "How rows are written." }),
    read: choice(["http", "pgwire"], { default: "http", doc: "How rows are read." }),
  }),
});

const CACHE = section("Answers kept in memory.", {
  ttl_ms: ms({ default: 60_000, doc: "Longest life of an entry." }),
  max_shards: whole({ default: 512, min: 0, max: 1_000_000, doc: "Most entries." }),
  max_bytes: whole({ default: 268_435_456, min: 0, max: 2 ** 40, doc: "Most bytes." }),
  key_template: text({
    default: "{node_id}:{start}:{end}:{interval}:{conf_ver}:{world_id}:{execution_domain}:{as_of}",
    what: "a template",
    check: checkCacheKey,
    doc: "Name of an entry. It must hold all eight fields.",
  }),
});

const DOMAINS = section("What each execution domain may do.", {
  backtest: section("Research: published snapshots only.", {
    require_as_of: leaf<boolean>({ is: "boolean", only: true }, {
      default: true,
      doc: "Fixed: a backtest names its `as_of`, or a fingerprint.",
    }),
    source: choice(["artifact_only"], {
      default: "artifact_only",
      doc: "Fixed: snapshots and nothing else.",
    }),
  }),
  dryrun: section("Paper trading: snapshots, published on demand.", {
    require_as_of: leaf<boolean>({ is: "boolean", only: true }, {
      default: true,
      doc: "Fixed: a dryrun names its `as_of`.",
    }),
    source: choice(["artifact_prefers"], {
      default: "artifact_prefers",
      doc: "Fixed: snapshots, and what is missing is published first.",
    }),
  }),
  live: section("Trading.", {
    max_lag_sec: decimal({
      default: 120,
      min: 0,
      max: 1e9,
      doc: "Most seconds that the newest bar may be overdue.",
    }),
    allow_partial: flag({ default: true, doc: "`false` turns PARTIAL_FILL into HOLD." }),
    monotonic_as_of: flag({ default: true, doc: "Whether `as_of` never goes back, over restarts too." }),
  }),
});

const MODE = { is: "choice", values: ["ohlcv", "trades"] } as const;

/** One exchange. */
export const EXCHANGE = section("One exchange; any CCXT id works without an entry.", {
  sandbox: flag({ default: false, doc: "Use the venue's test system." }),
  symbols: leaf<readonly string[]>(
    { is: "list", of: { is: "text", what: "a CCXT symbol", check: checkSymbol }, min: 0, unique: true },
    { default: [], doc: "Symbols that a worker keeps filled.", example: ["BTC/USDT", "ETH/USDT"] },
  ),
  timeframes: leaf<readonly string[]>(
    { is: "list", of: { is: "text", what: "a timeframe", check: checkTimeframe }, min: 0, unique: true },
    { default: ["1m"], doc: "Timeframes that a worker keeps filled.", example: ["1m", "1h"] },
  ),
  modes: leaf<readonly ("ohlcv" | "trades")[]>({ is: "list", of: MODE, min: 1, unique: true }, {
    default: ["ohlcv"],
    doc: "Kinds of series that a worker keeps filled.",
  }),
  rate_limit_rps: decimal({
    default: null,
    min: 0,
    above: 0,
    max: 1e6,
    doc: "Tokens a second; wins over the global `tokens_per_interval`.",
  }),
  rate_limit: section(
    "The rate budget of this exchange; what is left out comes from `seamless.rate_limit`.",
    RATE_LIMIT_KEYS,
  ),
  account: text({
    default: null,
    what: "a name",
    check: checkNotEmpty,
    doc: "What `{account}` in the budget's key stands for.",
  }),
  earliest: text({
    default: null,
    what: "a date or RFC 3339",
    check: checkInstant,
    doc: "A worker fills from here; null: from the listing.",
    example: "2020-01-01",
  }),
  batch_limit: whole({
    default: null,
    min: 1,
    max: 1_000_000,
    doc: "Rows of one call; null: the venue's own.",
  }),
  anchor: leaf<{ readonly [timeframe: string]: number } | null>(
    {
      is: "table",
      what: "an object from timeframe to seconds",
      key: { is: "text", what: "a timeframe", check: checkTimeframe },
      of: { is: "integer", min: -(2 ** 43), max: 2 ** 43 },
    },
    {
      default: null,
      doc: "Where bars open, in seconds after midnight UTC; null: as found.",
      example: { "1d": 57_600 },
    },
  ),
  urls: leaf<{ readonly [name: string]: unknown } | null>({ is: "object", what: "an object of addresses" }, {
    default: null,
    doc: "Merged deeply into CCXT's `urls`: a mirror, a proxy, a recorded exchange.",
    example: { api: { public: "http://127.0.0.1:9000/api/v3" } },
  }),
  options: leaf<{ readonly [name: string]: unknown } | null>({
    is: "object",
    what: "an object of CCXT options",
  }, {
    default: null,
    doc: "Merged deeply into CCXT's `options`.",
    example: { fetchMarkets: { types: ["spot"] }, fetchCurrencies: false, fetchMargins: false },
  }),
  timeout_ms: ms({ default: 10_000, min: 1, doc: "Longest time of one reply, its body included." }),
});

const WORLD_SERVICE = section("Whom downgrades are reported to.", {
  webhook_url: text({
    default: null,
    what: "a URL",
    check: checkHttpUrl,
    secrecy: "address",
    doc: "Reports are posted here, at least once each.",
  }),
  secret: text({
    default: null,
    what: "a secret",
    secrecy: "value",
    doc: "HMAC-SHA-256 over the body, sent as `Seamless-Signature`.",
    example: "${WORLD_SECRET}",
  }),
  report: choice(["downgrades", "all"], { default: "downgrades", doc: "Which verdicts are reported." }),
});

/** One recipe of a synthetic series. */
const RECIPE = section("One synthetic series, `ohlcv:synthetic:{symbol}:{timeframe}~{recipe}`.", {
  inputs: leaf<readonly string[]>(
    { is: "list", of: { is: "text", what: "a node id", check: checkNotEmpty }, min: 0, unique: true },
    { default: [], doc: "Node ids that go in." },
  ),
  method: choice(["weighted_mid"], { default: "weighted_mid", doc: "How they are joined." }),
  weights: leaf<readonly number[]>(
    { is: "list", of: { is: "number", min: 0, max: 1e9 }, min: 0, unique: false },
    { default: [], doc: "One weight for each input." },
  ),
});

const API_KEY = {
  is: "record",
  keys: {
    name: { is: "text", what: "a name", check: checkNotEmpty },
    sha256: { is: "text", what: "a SHA-256", check: checkSha256 },
    role: { is: "choice", values: ["read", "operate"] },
  },
} as const;

const SERVER = section("The HTTP service.", {
  hostname: text({
    default: "127.0.0.1",
    what: "an address",
    check: checkNotEmpty,
    doc: "Address to listen on. Any but loopback needs `api_keys`.",
  }),
  port: whole({ default: 8420, min: 0, max: 65_535, doc: "Port to listen on; 0: a free one." }),
  api_keys: leaf<
    readonly { readonly name: string; readonly sha256: string; readonly role: "read" | "operate" }[]
  >(
    { is: "list", of: API_KEY, min: 0, unique: false },
    {
      default: [],
      doc: "Who may call, by the SHA-256 of their key: `[{name, sha256, role: read | operate}]`.",
    },
  ),
  max_range_bars: whole({ default: 5_000_000, min: 1, max: 1e12, doc: "Most slots of one request." }),
  max_concurrent_requests: whole({ default: 64, min: 1, max: 100_000, doc: "Requests served at once." }),
  require_context: leaf<boolean | null>({ is: "boolean" }, {
    default: null,
    doc: "Whether a request must name its domain; null: off loopback, or with a world service.",
  }),
  write_timeout_ms: ms({
    default: 30_000,
    min: 1,
    doc: "A client that takes no bytes, or has not sent its body, for so long is dropped.",
  }),
});

const ENVIRONMENT = section("Addresses that usually come from the environment.", {
  coordinator_url: text({
    default: null,
    defaultText: "${QMTL_SEAMLESS_COORDINATOR_URL:-}",
    what: "a URL",
    check: checkHttpUrl,
    doc: "A lease coordinator over HTTP.",
  }),
  rate_limiter_redis: text({
    default: null,
    defaultText: "${QMTL_CCXT_RATE_LIMITER_REDIS:-}",
    what: "a Redis DSN",
    check: checkRedisDsn,
    doc: "Redis of the rate budget where `redis_dsn` is null.",
  }),
});

/** A CCXT exchange id, by syntax: whether CCXT knows it matters only when something must be fetched. */
const EXCHANGE_ID = /^[a-z0-9_]+$/;

/** Every key. */
export const KEYS = section("Seamless, one YAML file.", {
  seamless: SEAMLESS,
  storage: STORAGE,
  cache: CACHE,
  domains: DOMAINS,
  exchanges: entries({
    of: EXCHANGE,
    nameIs: "a lower-case CCXT exchange id",
    namePattern: EXCHANGE_ID,
    doc: "What differs from the defaults, by exchange.",
  }),
  world_service: WORLD_SERVICE,
  synthetic: entries({
    of: RECIPE,
    nameIs: "a recipe's name",
    namePattern: /^[A-Za-z0-9_-]+$/,
    doc: "Series that are made from others.",
  }),
  server: SERVER,
  environment: ENVIRONMENT,
});

/** The configuration that a service runs on: every key is there, references are expanded, paths are absolute. */
export type Config = ValueOf<typeof KEYS>;
/** What one exchange runs on; its `rate_limit` already holds what it inherits. */
export type ExchangeConfig = ValueOf<typeof EXCHANGE>;
/** What a rate budget runs on. */
export type RateLimitConfig = Config["seamless"]["rate_limit"];
/** What a file or a program may give: any part of the keys. */
export type ConfigInput = InputOf<typeof KEYS>;
