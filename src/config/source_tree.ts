/** One shape for what was written, wherever it was: YAML with places, plain objects, JSON in the environment. */

import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { CONFIG_MAX_DEPTH, CONFIG_MAX_NODES } from "../core/limits.ts";
import type { ConfigProblem, Place } from "./problem.ts";

/** A value as it was written; `at` is null where there is no file. */
export type SourceTree =
  | { is: "map"; entries: { key: string; at: Place | null; value: SourceTree }[]; at: Place | null }
  | { is: "list"; items: SourceTree[]; at: Place | null }
  | { is: "scalar"; value: string | number | boolean | null; at: Place | null };

/** Reads YAML. Problems of syntax are listed and what can be read of the rest is given all the same. */
export function treeOfYaml(text: string): { tree: SourceTree; problems: ConfigProblem[] } {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false, version: "1.2" });
  const placeOf = (offset: number): Place => {
    const { line, col } = lineCounter.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const lines = text.split("\n");
  const problems: ConfigProblem[] = [...document.errors, ...document.warnings].map((error) => {
    const at = placeOf(error.pos[0]);
    // Braces mean something in YAML, so an unquoted reference inside { } or [ ] is not what it looks like.
    const hint = lines[at.line - 1]?.includes("${") ? '; inside { } and [ ] write "${NAME}" in quotes' : "";
    const what = faultOf(error, text);
    return { path: "", ...at, message: `is not valid YAML: ${what}${hint}`, nearest: null };
  });
  const walk = new YamlWalk((node) => isAlias(node) ? node.resolve(document) : node, placeOf, problems);
  const tree = walk.tree(document.contents, null, 0);
  return { tree, problems };
}

/** What is wrong with the text, in words for whoever wrote it rather than for a program that reads it. */
function faultOf(
  { code, message, pos }: { code: string; message: string; pos: [number, number] },
  text: string,
) {
  if (code === "DUPLICATE_KEY") {
    const key = /^[^\s:]+/.exec(text.slice(pos[0]))?.[0] ?? "a key";
    return `${key} is written twice; keep one`;
  }
  if (code === "MULTIPLE_DOCS") {
    return "there is more than one document; keep one, without --- before another";
  }
  return message;
}

class YamlWalk {
  #nodes = 0;

  constructor(
    readonly resolve: (node: Node) => Node | undefined,
    readonly placeOf: (offset: number) => Place,
    readonly problems: ConfigProblem[],
  ) {}

  tree(written: unknown, parentAt: Place | null, depth: number): SourceTree {
    const own = written as Node | null;
    const at = own?.range ? this.placeOf(own.range[0]) : parentAt;
    const node = own === null ? null : this.resolve(own);
    // An anchor may contain its own alias, and ten aliases of ten aliases make a billion nodes.
    if (++this.#nodes > CONFIG_MAX_NODES || depth > CONFIG_MAX_DEPTH) return this.#tooLarge(at);
    if (isMap(node)) {
      const entries = node.items.map((pair) => {
        const keyAt = this.#placeOfKey(pair.key) ?? at;
        return {
          key: this.#keyText(pair.key, keyAt),
          at: keyAt,
          value: this.tree(pair.value, keyAt, depth + 1),
        };
      });
      return { is: "map", entries, at };
    }
    if (isSeq(node)) {
      return {
        is: "list",
        items: node.items.map((item) => this.tree(item, at, depth + 1)),
        at,
      };
    }
    return { is: "scalar", value: isScalar(node) ? scalarOf(node.value) : null, at };
  }

  #placeOfKey(key: unknown): Place | null {
    return isScalar(key) && key.range ? this.placeOf(key.range[0]) : null;
  }

  #keyText(key: unknown, at: Place | null): string {
    if (isScalar(key)) return String(key.value);
    this.#complain(at, "a key must be a plain text");
    return "";
  }

  #tooLarge(at: Place | null): SourceTree {
    const said = this.problems.some(({ message }) => message.startsWith("is nested"));
    if (!said) {
      this.#complain(
        at,
        `is nested deeper than ${CONFIG_MAX_DEPTH} or larger than ${CONFIG_MAX_NODES} values`,
      );
    }
    return { is: "scalar", value: null, at };
  }

  #complain(at: Place | null, message: string): void {
    this.problems.push({
      path: "",
      line: at?.line ?? null,
      column: at?.column ?? null,
      message,
      nearest: null,
    });
  }
}

/** Gives a plain value (a program's object, JSON) the shape of a tree; everything in it stands at `at`. */
export function treeOfValue(value: unknown, at: Place | null = null, depth = 0): SourceTree {
  if (depth > CONFIG_MAX_DEPTH) {
    throw new TypeError(`Cannot read a configuration nested deeper than ${CONFIG_MAX_DEPTH}`);
  }
  if (Array.isArray(value)) {
    return {
      is: "list",
      items: value.map((item) => treeOfValue(item, at, depth + 1)),
      at,
    };
  }
  if (typeof value === "object" && value !== null) {
    const written = Object.entries(value).filter(([, each]) => each !== undefined);
    return {
      is: "map",
      entries: written.map(([key, each]) => ({ key, at, value: treeOfValue(each, at, depth + 1) })),
      at,
    };
  }
  return { is: "scalar", value: scalarOf(value), at };
}

/** The plain value of a tree. */
export function valueOfTree(tree: SourceTree): unknown {
  if (tree.is === "scalar") return tree.value;
  if (tree.is === "list") return tree.items.map(valueOfTree);
  return Object.fromEntries(tree.entries.map(({ key, value }) => [key, valueOfTree(value)]));
}

function scalarOf(value: unknown): string | number | boolean | null {
  if (value === null || value === undefined) return null;
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  return String(value);
}
