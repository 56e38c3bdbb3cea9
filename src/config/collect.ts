/**
 * Walks what was written along the table of keys and collects one setting for each key, with where it stands.
 * Unknown keys, wrong values and literal secrets become problems; nothing stops at the first one.
 */

import { aliasAt, leadsToAlias, QUESTDB_PARTS } from "./aliases.ts";
import type { KeyNode, Leaf } from "./key_types.ts";
import { KEYS } from "./keys.ts";
import { nearestName } from "../core/nearest_name.ts";
import type { ConfigProblem, Place } from "./problem.ts";
import { type Reading, readValue, UNREADABLE } from "./read_value.ts";
import { holdsLiteralSecret, isReferenceOnly, isSecretName } from "./references.ts";
import { type SourceTree, treeOfValue, valueOfTree } from "./source_tree.ts";

/** Where settings come from; a later one wins. */
export const LAYERS = ["file", "environment", "flag"] as const;
/** One of `LAYERS`; a program's object stands where a file would. */
export type Layer = typeof LAYERS[number];

/** One key that somebody wrote. */
export interface Setting {
  path: string;
  value: unknown;
  /** As it was written, references not expanded. */
  written: unknown;
  layer: Layer;
  /** The variable or flag that it came from; null for a file. */
  name: string | null;
  at: Place | null;
  /** The older key that was written instead. */
  alias: string | null;
  /** An object that is merged into what lower layers say, instead of replacing it. */
  merges: boolean;
}

/** What one layer says. */
export interface Collected {
  settings: Map<string, Setting>;
  /** Paths of entries (`exchanges.binance`), also of those without a key. */
  entries: Set<string>;
  problems: ConfigProblem[];
  warnings: ConfigProblem[];
  /** Keys that were written and could not be read. */
  unreadable: Set<string>;
}

/** How the texts of a source are to be taken. */
export interface SourceRules {
  layer: Layer;
  env: Readonly<Record<string, string>>;
  expands: boolean;
  untyped: boolean;
  /** Literal secrets are refused: in files, and in flags, which every user of the machine can see. */
  refusesSecrets: boolean;
}

/** Collects the settings of one layer. */
export class Collector implements Collected {
  readonly settings: Map<string, Setting> = new Map();
  readonly entries: Set<string> = new Set();
  readonly problems: ConfigProblem[] = [];
  readonly warnings: ConfigProblem[] = [];
  readonly unreadable: Set<string> = new Set();
  readonly #questdb: Map<string, { value: unknown; at: Place | null }> = new Map();
  #name: string | null = null;

  constructor(readonly rules: SourceRules) {}

  /** Collects everything below `node`, which stands at `path`. `name`: the variable or flag that says it. */
  collect(node: KeyNode, tree: SourceTree, path: string[], name: string | null = null): void {
    this.#name = name;
    this.#walk(node, tree, path, null);
  }

  /** To be called once, after everything was collected. */
  finish(): this {
    this.#joinQuestdb();
    return this;
  }

  complain(path: string, at: Place | null, message: string, nearest: string | null = null): void {
    const said = this.#name === null ? message : `${message} (${this.#name})`;
    this.problems.push({ path, line: at?.line ?? null, column: at?.column ?? null, message: said, nearest });
  }

  #warn(path: string, at: Place | null, message: string): void {
    const said = this.#name === null ? message : `${message} (${this.#name})`;
    this.warnings.push({
      path,
      line: at?.line ?? null,
      column: at?.column ?? null,
      message: said,
      nearest: null,
    });
  }

  #walk(node: KeyNode, tree: SourceTree, path: string[], alias: string | null): void {
    if (node.node === "leaf") return this.#keep(node, tree, path.join("."), alias);
    if (tree.is === "scalar" && tree.value === null) return;
    if (tree.is !== "map") {
      return this.complain(
        path.join("."),
        tree.at,
        "must hold keys, each on a line of its own, or be left out",
      );
    }
    for (const { key, at, value } of tree.entries) {
      const childPath = [...path, key];
      if (node.node === "section") {
        if (Object.hasOwn(node.keys, key)) this.#walk(node.keys[key], value, childPath, alias);
        else this.#walkUnknown(Object.keys(node.keys), value, childPath, at);
      } else if (node.namePattern.test(key)) {
        this.entries.add(childPath.join("."));
        this.#walk(node.of, value, childPath, alias);
      } else {
        this.complain(
          childPath.join("."),
          at,
          `"${key}" is not ${node.nameIs}`,
          nearestEntryName(key, node.namePattern),
        );
      }
    }
  }

  /** A key that the table lacks: an alias, the way to one, or a mistake. */
  #walkUnknown(siblings: string[], tree: SourceTree, path: string[], at: Place | null): void {
    const key = path[path.length - 1];
    if (path.length === 3 && path[0] === "storage" && path[1] === "questdb" && isQuestdbPart(key)) {
      this.#questdb.set(key, { value: valueOfTree(tree), at });
      return;
    }
    const found = aliasAt(path);
    if (found) return this.#walkAlias(found.alias.factor, tree, path.join("."), found.to, at);
    if (tree.is === "map" && leadsToAlias(path)) {
      for (const entry of tree.entries) this.#walkUnknown([], entry.value, [...path, entry.key], entry.at);
      return;
    }
    this.complain(path.join("."), at, "is no known key", nearestName(key, siblings) ?? elsewhere(key));
  }

  #walkAlias(
    factor: number | undefined,
    tree: SourceTree,
    from: string,
    to: string[],
    at: Place | null,
  ): void {
    this.#warn(from, at, `is an older name; write ${to.join(".")}`);
    const node = nodeAt(to);
    if (node === null) throw new Error(`alias ${from} leads to no key`);
    if (factor === undefined) return this.#walk(node, tree, to, from);
    const seconds = readValue(tree, { is: "number", min: 0, max: 1e9 }, false, this.#reading(from, false));
    if (seconds === UNREADABLE) return void this.unreadable.add(to.join("."));
    this.#walk(node, treeOfValue(Math.round((seconds as number) * factor), tree.at), to, from);
  }

  #keep(leaf: Leaf<unknown>, tree: SourceTree, path: string, alias: string | null): void {
    if (this.rules.refusesSecrets && this.#refusesAsSecret(leaf, tree, path)) {
      return void this.unreadable.add(path);
    }
    const value = readValue(tree, leaf.type, leaf.nullable, this.#reading(path, leaf.secrecy !== null));
    if (value === UNREADABLE) return void this.unreadable.add(path);
    const earlier = this.settings.get(path);
    // Of a key and its older name the key is meant, whichever stands first.
    if (earlier && alias !== null) {
      return this.#warn(alias, tree.at, `is not used: ${earlier.alias ?? path} is written too`);
    }
    if (earlier?.alias) this.#warn(earlier.alias, earlier.at, `is not used: ${path} is written too`);
    const setting = {
      path,
      value,
      written: valueOfTree(tree),
      layer: this.rules.layer,
      name: this.#name,
      at: tree.at,
      alias,
      merges: false,
    };
    this.settings.set(path, this.#withoutPostgres(setting));
  }

  #withoutPostgres(setting: Setting): Setting {
    const { path, value, at } = setting;
    if (path !== "storage.bars" || typeof value !== "string" || !value.startsWith("postgresql://")) {
      return setting;
    }
    this.#warn(path, at, "postgresql:// is an older way to write it; write questdb://");
    return { ...setting, value: value.replace(/^postgresql:/, "questdb:") };
  }

  #reading(path: string, secret: boolean): Reading {
    const { env, expands, untyped } = this.rules;
    const complain: Reading["complain"] = (at, message, nearest) => this.complain(path, at, message, nearest);
    return { env, expands, untyped, secret, complain };
  }

  #refusesAsSecret(leaf: Leaf<unknown>, tree: SourceTree, path: string): boolean {
    const whole = leaf.secrecy === "value";
    const literals = literalSecrets(tree, "", whole);
    for (const at of literals) {
      const reference = whole ? leaf.example ?? "${NAME}" : "${NAME}";
      this.complain(
        path,
        at,
        `holds a secret as a literal; set it in the environment and write ${reference}`,
      );
    }
    return literals.length > 0;
  }

  #joinQuestdb(): void {
    if (this.#questdb.size === 0) return;
    const part = (name: string, fallback: string) => String(this.#questdb.get(name)?.value ?? fallback);
    const [[first, { at }]] = this.#questdb;
    const uri = `questdb://${part("host", "127.0.0.1")}:${part("port", "8812")}/${part("database", "qdb")}`;
    this.#walkAlias(undefined, treeOfValue(uri, at), `storage.questdb.${first}`, ["storage", "bars"], at);
  }
}

function isQuestdbPart(key: string): boolean {
  return (QUESTDB_PARTS as readonly string[]).includes(key);
}

/** Places of literal secrets in a value. `whole`: any literal text is one. */
function literalSecrets(tree: SourceTree, name: string, whole: boolean): (Place | null)[] {
  if (tree.is === "list") return tree.items.flatMap((item) => literalSecrets(item, name, whole));
  if (tree.is === "map") {
    return tree.entries.flatMap(({ key, value }) => literalSecrets(value, key, whole || isSecretName(key)));
  }
  if (tree.value === null || tree.value === "" || typeof tree.value === "boolean") return [];
  const literal = whole ? !isReferenceOnly(String(tree.value)) : holdsLiteralSecret(String(tree.value));
  return literal ? [tree.at] : [];
}

/** An entry's name that was written in capitals or with a dash. */
function nearestEntryName(key: string, pattern: RegExp): string | null {
  const plain = key.toLowerCase().replaceAll(/[^a-z0-9_]/g, "");
  return pattern.test(plain) ? plain : null;
}

/** The node of the table at a path, or null when there is none. */
export function nodeAt(path: readonly string[]): KeyNode | null {
  let node: KeyNode = KEYS;
  for (const name of path) {
    if (node.node === "leaf") return null;
    if (node.node === "entries") node = node.of;
    else if (Object.hasOwn(node.keys, name)) node = node.keys[name];
    else return null;
  }
  return node;
}

/** Every leaf of the table with its path; `*` stands for a name of the user's. */
export function leavesOf(
  node: KeyNode = KEYS,
  path: string[] = [],
): { path: string[]; leaf: Leaf<unknown> }[] {
  if (node.node === "leaf") return [{ path, leaf: node }];
  if (node.node === "entries") return leavesOf(node.of, [...path, "*"]);
  return Object.entries(node.keys).flatMap(([name, child]) => leavesOf(child, [...path, name]));
}

/** Where in the table a key of exactly this name stands, when it stands in one place. */
function elsewhere(key: string): string | null {
  const places = new Set(
    leavesOf().flatMap(({ path }) =>
      path.flatMap((name, i) => name === key ? [path.slice(0, i + 1).join(".")] : [])
    ),
  );
  const found = [...places].filter((path) => !path.includes("*"));
  return found.length === 1 ? found[0] : null;
}
