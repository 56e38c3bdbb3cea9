/** What must fit together across keys (spec §21). Each finding names the keys it rests on. */

import { nodeAt } from "./collect.ts";
import type { Config, RateLimitConfig } from "./keys.ts";
import { ENTRY, notYet } from "./not_yet.ts";
import { type DataPaths, whyNotWritable } from "./paths.ts";
import type { Merged } from "./resolve.ts";
import { NODE_ID_MAX_BYTES } from "../core/limits.ts";
import { placeholdersOf } from "./text_checks.ts";

/** One finding. It is dropped when a key that it rests on could not be read. */
export interface Finding {
  level: "problem" | "warning";
  /** The key to point at, then other keys that the finding rests on. */
  keys: [string, ...string[]];
  message: string;
}

/** What the checks look at. */
export interface CheckedConfig {
  config: Config;
  merged: Merged;
  paths: DataPaths;
  /** Milliseconds of one token that a venue allows; null when it is not known. */
  venueRateLimitMs: (exchange: string) => number | null;
}

/** Every check, in the order of the documents. */
export function crossChecks(checked: CheckedConfig): Finding[] {
  return [
    ...notYetFindings(checked),
    ...slaFindings(checked),
    ...artifactFindings(checked),
    ...storageFindings(checked),
    ...budgets(checked.config).flatMap((budget) => budgetFindings(budget, checked)),
    ...exchangeFindings(checked),
    ...recipeFindings(checked),
    ...serverFindings(checked),
  ];
}

function problem(key: string, message: string, ...others: string[]): Finding {
  return { level: "problem", keys: [key, ...others], message };
}

function warning(key: string, message: string, ...others: string[]): Finding {
  return { level: "warning", keys: [key, ...others], message };
}

function notYetFindings({ merged }: CheckedConfig): Finding[] {
  const findings: Finding[] = [];
  for (const { path, value } of merged.settings.values()) {
    const node = nodeAt(path.split("."));
    if (node?.node !== "leaf") continue;
    const message = notYet(path, value, JSON.stringify(value) === JSON.stringify(node.default));
    if (message !== null) findings.push(problem(path, message));
  }
  for (const path of merged.entries) {
    const message = notYet(path, ENTRY, false);
    if (message !== null) findings.push(problem(path, message));
  }
  return findings;
}

function slaFindings({ config, merged }: CheckedConfig): Finding[] {
  const { sla } = config.seamless;
  const total = "seamless.sla.total_deadline_ms";
  return (["max_wait_storage_ms", "max_wait_backfill_ms", "max_wait_live_ms"] as const).flatMap((phase) => {
    const key = `seamless.sla.${phase}`;
    const written = merged.settings.has(total) || merged.settings.has(key);
    if (!written || sla.total_deadline_ms >= sla[phase]) return [];
    const message = `is ${sla.total_deadline_ms}, less than ${phase} (${
      sla[phase]
    }): the phase never gets its whole budget`;
    return [warning(merged.settings.has(total) ? total : key, message, total, key)];
  });
}

function artifactFindings({ config, paths }: CheckedConfig): Finding[] {
  const { artifact } = config.seamless;
  const off = (["enabled", "publish_fingerprint"] as const).find((key) => !artifact[key]);
  const findings: Finding[] = [];
  if (off !== undefined) {
    const message = "is false: nothing is published, and backtest and dryrun requests are DOMAIN_DISABLED";
    findings.push(warning(`seamless.artifact.${off}`, message));
  }
  const refusal = artifact.enabled && paths.artifactFolder !== null &&
    whyNotWritable(paths.artifactFolder, "folder");
  if (refusal) {
    findings.push(
      problem("seamless.artifact.object_store_uri", `${paths.artifactFolder} cannot be used: ${refusal}`),
    );
  }
  return findings;
}

function storageFindings({ paths }: CheckedConfig): Finding[] {
  const refusal = paths.barsFile !== null && whyNotWritable(paths.barsFile, "file");
  return refusal ? [problem("storage.bars", `${paths.barsFile} cannot be used: ${refusal}`)] : [];
}

/** One rate budget of the configuration: the global one, or that of an exchange. */
interface Budget {
  at: string;
  exchange: string | null;
  limit: RateLimitConfig;
}

function budgets(config: Config): Budget[] {
  const own = Object.entries(config.exchanges).map(([exchange, { rate_limit }]) => ({
    at: `exchanges.${exchange}.rate_limit`,
    exchange,
    limit: rate_limit,
  }));
  return [{ at: "seamless.rate_limit", exchange: null, limit: config.seamless.rate_limit }, ...own];
}

function budgetFindings({ at, exchange, limit }: Budget, checked: CheckedConfig): Finding[] {
  const isWritten = (key: string) => checked.merged.settings.has(`${at}.${key}`);
  const findings: Finding[] = [];
  const redis = limit.redis_dsn ?? checked.config.environment.rate_limiter_redis;
  if (limit.scope === "cluster" && redis === null && (exchange === null || isWritten("scope"))) {
    const message = "is cluster, and no Redis is configured: set redis_dsn or environment.rate_limiter_redis";
    findings.push(problem(`${at}.scope`, message, `${at}.redis_dsn`, "environment.rate_limiter_redis"));
  }
  const { tokens_per_interval: tokens, burst_tokens: burst } = limit;
  const ownNumbers = exchange === null || isWritten("burst_tokens") ||
    tokensKeyOf(exchange, checked) !== null;
  if (tokens !== null && burst !== null && burst > tokens && ownNumbers) {
    const message = `is ${burst}, more than tokens_per_interval (${tokens})`;
    findings.push(problem(`${at}.burst_tokens`, message, `${at}.tokens_per_interval`));
  }
  return [
    ...findings,
    ...keyFindings(at, limit, isWritten),
    ...ceilingFindings({ at, exchange, limit }, checked),
  ];
}

function keyFindings(at: string, limit: RateLimitConfig, isWritten: (key: string) => boolean): Finding[] {
  if (!isWritten("key_template") && !isWritten("key_suffix")) return [];
  const suffixes = placeholdersOf(limit.key_template).filter(({ name }) =>
    name === "suffix" || name === "key_suffix"
  );
  if (limit.key_suffix !== null && suffixes.length === 0) {
    return [
      warning(`${at}.key_suffix`, "has no effect: key_template holds no {suffix}", `${at}.key_template`),
    ];
  }
  if (limit.key_suffix === null && suffixes.some(({ optional }) => !optional)) {
    const message = "holds {suffix}, and key_suffix is null: write {suffix?}, or set key_suffix";
    return [warning(`${at}.key_template`, message, `${at}.key_suffix`)];
  }
  return [];
}

/** The key that sets an exchange's own tokens, if any does. */
function tokensKeyOf(exchange: string, { merged }: CheckedConfig): string | null {
  const keys = [
    `exchanges.${exchange}.rate_limit.tokens_per_interval`,
    `exchanges.${exchange}.rate_limit_rps`,
  ];
  return keys.find((key) => (merged.settings.get(key)?.value ?? null) !== null) ?? null;
}

/** Above the venue's own pace the service refuses to start: the venue would ban it. */
function ceilingFindings({ at, exchange, limit }: Budget, checked: CheckedConfig): Finding[] {
  const { tokens_per_interval: tokens, interval_ms } = limit;
  const venueMs = exchange === null ? null : checked.venueRateLimitMs(exchange);
  if (exchange === null || tokens === null || venueMs === null || venueMs <= 0) return [];
  const ceiling = interval_ms / venueMs;
  // CCXT rounds its rateLimit; a hundredth of a percent is not what a venue bans for.
  if (tokens <= ceiling * 1.0001) return [];
  const key = tokensKeyOf(exchange, checked) ?? "seamless.rate_limit.tokens_per_interval";
  const message = `gives ${exchange} ${tokens} tokens in ${interval_ms} ms, above its own ceiling of ${
    round(ceiling)
  }`;
  // Behind `urls` stands a mirror, a proxy or a recorded exchange: what that can take only its operator knows.
  const isElsewhere = checked.config.exchanges[exchange].urls !== null;
  return [(isElsewhere ? warning : problem)(key, message, `${at}.interval_ms`)];
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function exchangeFindings({ config, merged }: CheckedConfig): Finding[] {
  return Object.entries(config.exchanges).flatMap(([id, exchange]) => {
    const at = `exchanges.${id}`;
    const findings: Finding[] = [];
    const isSet = (key: string) => (merged.settings.get(`${at}.${key}`)?.value ?? null) !== null;
    if (isSet("rate_limit_rps") && isSet("rate_limit.tokens_per_interval")) {
      findings.push(
        warning(`${at}.rate_limit_rps`, "is not used: rate_limit.tokens_per_interval is written too"),
      );
    }
    const months = Object.keys(exchange.anchor ?? {}).includes("1M");
    if (months) findings.push(problem(`${at}.anchor`, "names 1M: calendar months have no anchor"));
    for (const symbol of exchange.symbols) {
      const longest = exchange.timeframes.reduce((a, b) => b.length > a.length ? b : a, "");
      const id200 = new TextEncoder().encode(`ohlcv:${id}:${symbol}:${longest}`).length;
      if (id200 > NODE_ID_MAX_BYTES) {
        findings.push(
          problem(
            `${at}.symbols`,
            `makes a node id of ${id200} bytes; at most ${NODE_ID_MAX_BYTES} are allowed`,
          ),
        );
      }
    }
    return findings;
  });
}

function recipeFindings({ config }: CheckedConfig): Finding[] {
  return Object.entries(config.synthetic).flatMap(([name, { inputs, weights }]) => {
    const at = `synthetic.${name}`;
    const findings: Finding[] = [];
    if (inputs.length < 2) findings.push(problem(`${at}.inputs`, "must name at least two series"));
    if (weights.length !== inputs.length) {
      const message = `holds ${weights.length} numbers for ${inputs.length} inputs`;
      findings.push(problem(`${at}.weights`, message, `${at}.inputs`));
    }
    return findings;
  });
}

function serverFindings({ config }: CheckedConfig): Finding[] {
  const { hostname, api_keys } = config.server;
  const findings: Finding[] = [];
  if (!isLoopback(hostname) && api_keys.length === 0) {
    const message = `is ${hostname}, which others can reach: that needs server.api_keys`;
    findings.push(problem("server.hostname", message, "server.api_keys"));
  }
  for (const field of ["name", "sha256"] as const) {
    const values = api_keys.map((key) => key[field]);
    const twice = values.find((value, i) => values.indexOf(value) !== i);
    if (twice !== undefined) findings.push(problem("server.api_keys", `holds the ${field} "${twice}" twice`));
  }
  return findings;
}

/** Whether an address can be reached from this machine alone. */
export function isLoopback(hostname: string): boolean {
  const plain = hostname.replace(/^\[|\]$/g, "").toLowerCase();
  return plain === "localhost" || plain === "::1" || /^127(\.\d{1,3}){3}$/.test(plain);
}
