/** What each part needs of the configuration, picked out of it: the only place that knows both shapes. */

import type { BackfillSettings } from "./backfill/backfiller.ts";
import type { RetryPolicy } from "./backfill/retry.ts";
import { type Config, exchangeConfig, isLoopback } from "./config/mod.ts";
import type { JsonValue } from "./core/canonical_json.ts";
import { RETRY_BACKOFF_CAP_MS } from "./core/limits.ts";
import { CONFORMANCE_VERSION } from "./core/metadata.ts";
import type { LogLevel } from "./core/ports.ts";
import { budgetKey } from "./core/rate_budget.ts";
import { PRODUCT_VERSION } from "./core/version.ts";
import type { PublisherSettings } from "./history/publisher.ts";
import type { HistorySettings } from "./history/settings.ts";
import type { ServerConfig } from "./server/settings.ts";

/** `seamless.backfill` and `seamless.conformance`, for fills. */
export function backfillSettings(config: Config): BackfillSettings {
  const { backfill, conformance, artifact } = config.seamless;
  return {
    windowBars: backfill.window_bars,
    maxConcurrentRequests: backfill.max_concurrent_requests,
    singleFlightTtlMs: backfill.single_flight_ttl_ms,
    leaseTtlMs: backfill.distributed_lease_ttl_ms,
    maxAttempts: backfill.max_attempts,
    retryBackoffMs: backfill.retry_backoff_ms,
    jitterRatio: backfill.jitter_ratio,
    policy: {
      align: conformance.align,
      invariant: conformance.invariant,
      dtypePolicy: conformance.dtype_policy,
      blocking: [...conformance.blocking],
      stabilizationBars: artifact.stabilization_bars,
    },
    anchorOf: ({ exchange, timeframe }) =>
      timeframe === undefined ? null : exchangeConfig(config, exchange).anchor?.[timeframe] ?? null,
  };
}

/** How single calls of a venue are tried again. */
export function retryPolicy(config: Config): RetryPolicy {
  const { max_attempts, retry_backoff_ms, jitter_ratio } = config.seamless.backfill;
  return {
    maxAttempts: max_attempts,
    backoffMs: retry_backoff_ms,
    backoffCapMs: RETRY_BACKOFF_CAP_MS,
    jitterRatio: jitter_ratio,
  };
}

/** `seamless.artifact`, for what is published and read back; `worker` is this machine's name in provenance. */
export function publisherSettings({ seamless }: Config, worker: string): PublisherSettings {
  const { artifact, conformance } = seamless;
  return {
    enabled: artifact.enabled,
    publishFingerprint: artifact.publish_fingerprint,
    asOfSettleSec: artifact.as_of_settle_sec,
    partition: artifact.partition_template,
    stabilizationBars: artifact.stabilization_bars,
    gapFlagging: conformance.gap_flagging,
    producer: { identity: "seamless", version: PRODUCT_VERSION, worker },
  };
}

/** `seamless.conformance` as manifests tell it, with the version that there is. */
export function publishedPolicy({ seamless }: Config): { readonly [key: string]: JsonValue } {
  const { conformance } = seamless;
  return { ...conformance, blocking: [...conformance.blocking], version: CONFORMANCE_VERSION };
}

/** What requests need to know. */
export function historySettings({ seamless, domains, server }: Config): HistorySettings {
  const { preset: _preset, ...sla } = seamless.sla;
  return {
    strategy: seamless.strategy,
    partialOk: seamless.partial_ok,
    sla,
    gapFlagging: seamless.conformance.gap_flagging,
    blocking: [...seamless.conformance.blocking],
    stabilizationBars: seamless.artifact.stabilization_bars,
    publish: seamless.artifact.enabled && seamless.artifact.publish_fingerprint,
    earlyFingerprint: seamless.artifact.early_fingerprint,
    live: {
      maxLagSec: domains.live.max_lag_sec,
      allowPartial: domains.live.allow_partial,
      closeDelayMs: seamless.live.close_delay_ms,
      monotonicAsOf: domains.live.monotonic_as_of,
    },
    backfillMode: seamless.backfill.mode,
    workers: seamless.backfill.max_concurrent_requests,
    windowBars: seamless.backfill.window_bars,
    maxRangeBars: server.max_range_bars,
  };
}

/** `server`, with the default of `require_context`: who is not alone on this machine must say for whom he asks. */
export function serverConfig({ server }: Config): ServerConfig {
  return {
    hostname: server.hostname,
    port: server.port,
    apiKeys: server.api_keys,
    maxRangeBars: server.max_range_bars,
    maxConcurrentRequests: server.max_concurrent_requests,
    requireContext: server.require_context ?? !isLoopback(server.hostname),
    writeTimeoutMs: server.write_timeout_ms,
  };
}

/** What one venue's client is told; its budget's key is rendered from the template. */
export function venueSettings(config: Config, id: string) {
  const { rate_limit, account, sandbox, urls, options, timeout_ms, batch_limit } = exchangeConfig(config, id);
  const { tokens_per_interval: tokens, interval_ms, penalty_backoff_ms, key_template, key_suffix } =
    rate_limit;
  return {
    sandbox,
    urls,
    options,
    timeoutMs: timeout_ms,
    batchLimit: batch_limit,
    localSemaphore: rate_limit.local_semaphore,
    budgetKey: budgetKey(key_template, { exchange: id, account, suffix: key_suffix }),
    msPerUnit: tokens === null ? null : interval_ms / tokens,
    penaltyBackoffMs: penalty_backoff_ms,
  };
}

/** The lowest level that is logged: the configured one, unless the command line asked for more or less. */
export function logLevel(config: Config, verbosity: "quiet" | "normal" | "verbose" = "normal"): LogLevel {
  if (verbosity === "normal") return config.seamless.observability.log_level;
  return verbosity === "quiet" ? "error" : "debug";
}
