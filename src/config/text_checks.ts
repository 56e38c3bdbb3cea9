/** What texts in configuration must look like. Each check gives the complaint, or null when the text is fine. */

import { Buffer } from "node:buffer";
import { createPrivateKey } from "node:crypto";
import { isArtifactKey } from "../core/artifact_key.ts";
import { derOfPem } from "../core/pem.ts";
import { isTimeframe } from "../core/timeframe.ts";

/** Fields that a cache key must hold, so that no two different answers share one (spec §13). */
export const CACHE_KEY_FIELDS = [
  "node_id",
  "start",
  "end",
  "interval",
  "conf_ver",
  "world_id",
  "execution_domain",
  "as_of",
] as const;

/** Fields that the key of a rate budget may hold (spec §15). */
export const BUDGET_KEY_FIELDS = ["exchange", "exchange_id", "account", "suffix", "key_suffix"] as const;

/** Parts that a partition template must hold (spec §21). */
export const PARTITION_FIELDS = ["exchange", "symbol", "timeframe"] as const;

/** The placeholders of a template: `{name}` and `{name?}`. */
export function placeholdersOf(template: string): { name: string; optional: boolean }[] {
  return [...template.matchAll(/\{([^{}?]*)(\??)\}/g)].map((m) => ({ name: m[1], optional: m[2] === "?" }));
}

function listed(words: readonly string[]): string {
  return words.map((word) => `{${word}}`).join(" ");
}

function unknownPlaceholder(template: string, known: readonly string[]): string | null {
  if (/[{}]/.test(template.replaceAll(/\{[^{}?]*\??\}/g, ""))) return "has a brace without its partner";
  const unknown = placeholdersOf(template).find(({ name }) => !known.includes(name));
  return unknown ? `holds the unknown placeholder {${unknown.name}}; known are ${listed(known)}` : null;
}

function lacking(template: string, needed: readonly string[]): string[] {
  const present = placeholdersOf(template).filter(({ optional }) => !optional).map(({ name }) => name);
  return needed.filter((name) => !present.includes(name));
}

/** A cache key must hold every field. */
export function checkCacheKey(template: string): string | null {
  const lack = lacking(template, CACHE_KEY_FIELDS);
  return unknownPlaceholder(template, CACHE_KEY_FIELDS) ??
    (lack.length > 0 ? `lacks ${listed(lack)}: different answers would share one entry` : null);
}

/** A budget key must tell exchanges apart. */
export function checkBudgetKey(template: string): string | null {
  const hasExchange = lacking(template, ["exchange"]).length === 0 ||
    lacking(template, ["exchange_id"]).length === 0;
  return unknownPlaceholder(template, BUDGET_KEY_FIELDS) ??
    (hasExchange ? null : "lacks {exchange}: all exchanges would share one budget");
}

/** A partition template must hold all three parts, apart from each other, and make a folder of artifacts. */
export function checkPartition(template: string): string | null {
  const lack = lacking(template, PARTITION_FIELDS);
  const complaint = unknownPlaceholder(template, PARTITION_FIELDS) ??
    (lack.length > 0 ? `lacks ${listed(lack)}` : null);
  if (complaint !== null) return complaint;
  if (template.includes("}{")) {
    return "has placeholders without anything between them: two nodes could share a folder";
  }
  const folder = template.replaceAll(/[{}]/g, "");
  return isArtifactKey(folder)
    ? null
    : "makes no folder below the artifacts: no part between slashes may be empty or begin with a dot";
}

/** Where bars are stored: `sqlite:PATH`, `memory:`, `questdb://…`, or the alias `postgresql://…`. */
export function checkBarStore(uri: string): string | null {
  if (uri === "memory:") return null;
  if (/^sqlite:./.test(uri)) {
    return /^sqlite::?memory/.test(uri) ? 'keeps nothing; write "memory:" for that' : null;
  }
  if (/^(questdb|postgresql):\/\//.test(uri)) return checkUrl(uri);
  return 'must be "sqlite:PATH", "memory:" or "questdb://user@host:8812/qdb"';
}

/** Where artifacts are published: a folder, `file:///…` or `s3://bucket/prefix`. */
export function checkObjectStore(uri: string): string | null {
  if (uri === "") return "must name a folder";
  if (/^s3:\/\//.test(uri)) {
    return /^s3:\/\/[^/]+/.test(uri) ? null : "must name a bucket: s3://bucket/prefix";
  }
  if (/^file:/.test(uri)) return /^file:\/\/\//.test(uri) ? null : "must be written file:///absolute/path";
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(uri)) return 'must be a folder, "file:///…" or "s3://bucket/prefix"';
  return null;
}

/** Any URL with a host. */
export function checkUrl(uri: string): string | null {
  const url = URL.parse(uri);
  return url && url.host !== "" ? null : "is no URL with a host";
}

/** An address for HTTP. */
export function checkHttpUrl(uri: string): string | null {
  return /^https?:\/\//.test(uri) ? checkUrl(uri) : "must be an http:// or https:// URL";
}

/** A Redis DSN. */
export function checkRedisDsn(uri: string): string | null {
  return /^rediss?:\/\//.test(uri) ? checkUrl(uri) : "must be written redis://host:port/db";
}

/** A timeframe in CCXT's spelling. */
export function checkTimeframe(timeframe: string): string | null {
  return isTimeframe(timeframe) ? null : "is no timeframe: write 1m, 4h, 1d, 1w or 1M (case matters)";
}

/** A day or an instant: a date, or RFC 3339. */
export function checkInstant(instant: string): string | null {
  const shape = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?$/;
  return shape.test(instant) && !Number.isNaN(Date.parse(instant.replace(" ", "T")))
    ? null
    : "must be a date (2020-01-01) or RFC 3339";
}

/** A text with something in it. */
export function checkNotEmpty(value: string): string | null {
  return value.trim() === "" ? "must not be empty" : null;
}

/** A symbol in CCXT's spelling, as it stands in node ids. */
export function checkSymbol(symbol: string): string | null {
  return /^[^\s~]+$/.test(symbol) ? null : "is no CCXT symbol (BTC/USDT, BTC/USDT:USDT)";
}

/** A key that signs manifests. What a parser says of it might quote the key: it is not repeated. */
export function checkSigningKey(pem: string): string | null {
  const der = derOfPem(pem);
  return der !== null && isEd25519(der) ? null : "must be a PKCS#8 PEM of an Ed25519 private key";
}

function isEd25519(der: Uint8Array): boolean {
  try {
    const key = createPrivateKey({ key: Buffer.from(der), format: "der", type: "pkcs8" });
    return key.asymmetricKeyType === "ed25519";
  } catch {
    return false;
  }
}

/** The digest of an API key. */
export function checkSha256(digest: string): string | null {
  return /^[0-9a-f]{64}$/.test(digest) ? null : "must be the 64 lower-case hex digits of the key's SHA-256";
}
