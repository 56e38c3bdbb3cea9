/** Settings from environment variables and from `--set`: the same keys, written as text. */

import { ENV_ALIASES } from "./aliases.ts";
import { Collector, leavesOf, nodeAt } from "./collect.ts";
import type { KeyNode } from "./key_types.ts";
import { KEYS } from "./keys.ts";
import { nearestName } from "../core/nearest_name.ts";
import { type SourceTree, treeOfValue } from "./source_tree.ts";

const PREFIX = "SEAMLESS_";

/** Variables of the project that are no keys: the file to read, and the client's API key. */
export const ENV_NOT_KEYS: readonly string[] = ["SEAMLESS_CONFIG", "SEAMLESS_API_KEY"];

/** The variable that switches signing on by itself. */
const SIGNING_KEY = { name: "SEAMLESS_SIGNING_KEY", path: "seamless.artifact.signing_key" };

/** The variable of a key: `SEAMLESS_SLA__TOTAL_DEADLINE_MS` for `seamless.sla.total_deadline_ms`. */
export function envNameOf(path: readonly string[]): string {
  const own = path[0] === "seamless" ? path.slice(1) : path;
  return PREFIX + own.join("__").toUpperCase();
}

/** Settings of all `SEAMLESS_*` variables and of the older `QMTL_*` ones. An empty variable is none. */
export function collectEnvironment(env: Readonly<Record<string, string>>): Collector {
  const collector = new Collector({
    layer: "environment",
    env,
    expands: false,
    untyped: true,
    refusesSecrets: false,
  });
  for (const name of Object.keys(env).sort()) {
    if (name.startsWith(PREFIX) && !ENV_NOT_KEYS.includes(name)) collectVariable(collector, name, env[name]);
  }
  for (const [name, path] of Object.entries(ENV_ALIASES)) {
    if (env[name] && !collector.settings.has(path)) collectAt(collector, path.split("."), env[name], name);
  }
  return collector.finish();
}

function collectVariable(collector: Collector, name: string, text: string): void {
  const words = name.slice(PREFIX.length).toLowerCase().split("__");
  const path = name === SIGNING_KEY.name ? SIGNING_KEY.path.split(".") : fullPath(words);
  if (path === null || nodeAt(path) === null || name !== name.toUpperCase()) {
    const known = leavesOf().map((each) => envNameOf(each.path));
    collector.problems.push({
      path: name,
      line: null,
      column: null,
      message: "is no known variable: it names no key",
      nearest: nearestName(name.slice(PREFIX.length), known.map((each) => each.slice(PREFIX.length))),
    });
    const last = collector.problems[collector.problems.length - 1];
    if (last.nearest !== null) last.nearest = PREFIX + last.nearest;
    return;
  }
  if (text !== "") collectAt(collector, path, text, name);
}

/** The whole path of a key written without a leading `seamless`; null when it is none. */
function fullPath(words: readonly string[]): string[] | null {
  if (words[0] === "seamless" || words.includes("")) return null;
  return Object.hasOwn(KEYS.keys, words[0]) ? [...words] : ["seamless", ...words];
}

/** Settings of `--set key=value`; a leading `seamless.` may be written. */
export function collectFlags(
  flags: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>>,
): Collector {
  const collector = new Collector({ layer: "flag", env, expands: true, untyped: true, refusesSecrets: true });
  for (const [key, text] of Object.entries(flags)) {
    const words = key.split(".");
    const path = words[0] === "seamless" ? words : fullPath(words);
    const name = `--set ${key}`;
    if (path !== null && nodeAt(path) !== null) collectAt(collector, path, text, name);
    else if (path === null || !collectInside(collector, path, text, name)) {
      complainOfFlag(collector, key, name);
    }
  }
  return collector.finish();
}

function complainOfFlag(collector: Collector, key: string, name: string): void {
  const known = leavesOf().map(({ path }) => (path[0] === "seamless" ? path.slice(1) : path).join("."));
  collector.problems.push({
    path: key,
    line: null,
    column: null,
    message: `is no known key (${name})`,
    nearest: nearestName(key, known),
  });
}

/** A flag may reach into a value that is itself an object: `exchanges.kraken.urls.api.public=http://…`. */
function collectInside(collector: Collector, path: string[], text: string, name: string): boolean {
  const depth = path.findIndex((_, i) => nodeAt(path.slice(0, i + 1))?.node === "leaf") + 1;
  const node = depth > 0 ? nodeAt(path.slice(0, depth)) : null;
  if (node?.node !== "leaf" || (node.type.is !== "object" && node.type.is !== "table")) return false;
  const at = path.slice(0, depth).join(".");
  const inner = path.slice(depth).reduceRight<unknown>((value, key) => ({ [key]: value }), scalarOf(text));
  const before = collector.settings.get(at);
  collectAt(collector, path.slice(0, depth), JSON.stringify(mergeDeep(before?.value, inner)), name);
  const setting = collector.settings.get(at);
  if (setting && setting !== before) setting.merges = before?.merges ?? true;
  return true;
}

/** Text inside an object has no type to go by: what reads as JSON is that, the rest is text. */
function scalarOf(text: string): unknown {
  return /^(true|false|null|-?\d+(\.\d+)?)$/.test(text) ? JSON.parse(text) : text;
}

/** Merges objects key by key; anything else is replaced. */
export function mergeDeep(below: unknown, above: unknown): unknown {
  if (!isPlainObject(below) || !isPlainObject(above)) return above;
  const merged = new Map(Object.entries(below));
  for (const [key, value] of Object.entries(above)) merged.set(key, mergeDeep(merged.get(key), value));
  return Object.fromEntries(merged);
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function collectAt(collector: Collector, path: string[], text: string, name: string): void {
  const node = nodeAt(path);
  if (node === null) throw new Error(`no key at ${path.join(".")}`);
  if (!namesAreValid(collector, path, name)) return;
  const tree = node.node === "leaf" ? treeOfValue(text) : treeOfJson(collector, node, path, text, name);
  if (tree !== null) collector.collect(node, tree, path, name);
}

/** A section or an entry as a whole is written as JSON. */
function treeOfJson(
  collector: Collector,
  node: KeyNode,
  path: string[],
  text: string,
  name: string,
): SourceTree | null {
  try {
    return treeOfValue(JSON.parse(text));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const inside = node.node === "section" ? Object.keys(node.keys)[0] : "…";
    collector.problems.push({
      path: path.join("."),
      line: null,
      column: null,
      message: `holds keys: set one of them (${
        path.join(".")
      }.${inside}) or write the whole as a JSON object (${name})`,
      nearest: null,
    });
    return null;
  }
}

/** Names of entries inside the path must be names that a file may use. */
function namesAreValid(collector: Collector, path: string[], name: string): boolean {
  for (let i = 1; i < path.length; i++) {
    const parent = nodeAt(path.slice(0, i));
    if (parent?.node !== "entries") continue;
    if (!parent.namePattern.test(path[i])) {
      collector.problems.push({
        path: path.join("."),
        line: null,
        column: null,
        message: `"${path[i]}" is not ${parent.nameIs} (${name})`,
        nearest: null,
      });
      return false;
    }
    collector.entries.add(path.slice(0, i + 1).join("."));
  }
  return true;
}
