/** Merges the layers, applies the preset, and builds the configuration with every key present. */

import { SLA_PRESETS } from "../core/sla_presets.ts";
import { type Collected, nodeAt, type Setting } from "./collect.ts";
import { mergeDeep } from "./environment.ts";
import type { KeyNode, Leaf } from "./key_types.ts";
import { type Config, EXCHANGE, type ExchangeConfig, KEYS } from "./keys.ts";

/** What all layers say together. */
export interface Merged {
  settings: Map<string, Setting>;
  /** Paths of entries, such as `exchanges.binance`, in the order in which they were first written. */
  entries: Set<string>;
}

/** Joins the layers; what comes later wins, key by key. */
export function mergeLayers(layers: readonly Collected[]): Merged {
  const settings = new Map<string, Setting>();
  const entries = new Set<string>();
  for (const layer of layers) {
    for (const entry of layer.entries) entries.add(entry);
    for (const [path, setting] of layer.settings) {
      const below = settings.get(path);
      settings.set(
        path,
        setting.merges ? { ...setting, value: mergeDeep(below?.value, setting.value) } : setting,
      );
    }
  }
  return { settings, entries };
}

/** Gives the value of a leaf that nobody wrote. */
type Fallback = (path: string, leaf: Leaf<unknown>) => unknown;

/** The whole configuration: defaults, beneath a preset, beneath what was written. */
export function resolveConfig(merged: Merged): Config {
  const defaults: Fallback = (_, leaf) => leaf.default;
  const preset = merged.settings.get("seamless.sla.preset")?.value as
    | keyof typeof SLA_PRESETS
    | null
    | undefined;
  const base = preset ? beneathPreset(preset, defaults) : defaults;
  const shared = build(KEYS.keys.seamless.keys.rate_limit, ["seamless", "rate_limit"], merged, base);
  return build(
    KEYS,
    [],
    merged,
    inheritingRateLimit(shared as Record<string, unknown>, merged, base),
  ) as Config;
}

function beneathPreset(preset: keyof typeof SLA_PRESETS, below: Fallback): Fallback {
  const policy = new Map<string, unknown>(
    Object.entries(SLA_PRESETS[preset]).map(([key, value]) => [`seamless.sla.${key}`, value]),
  );
  return (path, leaf) => policy.has(path) ? policy.get(path) : below(path, leaf);
}

/** An exchange's rate limit takes what it lacks from the global one; its `rate_limit_rps` wins over that. */
function inheritingRateLimit(shared: Record<string, unknown>, merged: Merged, below: Fallback): Fallback {
  return (path, leaf) => {
    const [, id, key] = /^exchanges\.([^.]+)\.rate_limit\.([^.]+)$/.exec(path) ?? [];
    if (key === undefined) return below(path, leaf);
    const valueAt = (name: string) => merged.settings.get(`exchanges.${id}.${name}`)?.value;
    const rps = valueAt("rate_limit_rps") as number | null | undefined;
    if (key !== "tokens_per_interval" || rps === null || rps === undefined) return shared[key];
    return rps * ((valueAt("rate_limit.interval_ms") ?? shared.interval_ms) as number) / 1_000;
  };
}

function build(node: KeyNode, path: string[], merged: Merged, fallback: Fallback): unknown {
  const key = path.join(".");
  if (node.node === "leaf") {
    return merged.settings.has(key) ? merged.settings.get(key)!.value : fallback(key, node);
  }
  const names = node.node === "section" ? Object.keys(node.keys) : entryNames(merged.entries, key);
  const children = names.map((name) => {
    const child = node.node === "section" ? node.keys[name] : node.of;
    return [name, build(child, [...path, name], merged, fallback)] as const;
  });
  return Object.fromEntries(children);
}

function entryNames(entries: Iterable<string>, parent: string): string[] {
  const prefix = `${parent}.`;
  return [...entries].filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length));
}

/**
 * What an exchange runs on: its entry, or the defaults where it has none. `rate_limit` holds what it inherits, and
 * `tokens_per_interval` follows `rate_limit_rps` where that is set.
 */
export function exchangeConfig(config: Config, exchange: string): ExchangeConfig {
  if (Object.hasOwn(config.exchanges, exchange)) return config.exchanges[exchange];
  const nothing: Merged = { settings: new Map(), entries: new Set() };
  const bare = build(EXCHANGE, [], nothing, (_, leaf) => leaf.default) as ExchangeConfig;
  return { ...bare, rate_limit: config.seamless.rate_limit };
}

/** The configuration with values at some paths replaced. */
export function withValues(config: Config, values: ReadonlyMap<string, unknown>): Config {
  const replace = (node: KeyNode, value: unknown, path: string[]): unknown => {
    const key = path.join(".");
    if (node.node === "leaf") return values.has(key) ? values.get(key) : value;
    const children = Object.entries(value as Record<string, unknown>).map(([name, child]) => {
      const childPath = [...path, name];
      return [name, replace(nodeAt(childPath)!, child, childPath)] as const;
    });
    return Object.fromEntries(children);
  };
  return replace(KEYS, config, []) as Config;
}

/** Freezes the configuration, all the way down: it is shared by everything and changed by nothing. */
export function freezeDeep<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  for (const child of Object.values(value)) freezeDeep(child);
  return Object.freeze(value);
}
