/** Turns what was written for one key into its value, or says why it cannot be one. */

import type { ValueType } from "./key_types.ts";
import { nearestName } from "../core/nearest_name.ts";
import type { Place } from "./problem.ts";
import { expand, hasBrokenReference, maskText } from "./references.ts";
import { type SourceTree, treeOfValue } from "./source_tree.ts";

/** What reading needs to know, and where it says what is wrong. */
export interface Reading {
  env: Readonly<Record<string, string>>;
  /** Expand `${NAME}`: files, programs and flags do, variables themselves do not. */
  expands: boolean;
  /** All text is to be read as the type wants it: variables and flags know no types. */
  untyped: boolean;
  /** Values may not be shown. */
  secret: boolean;
  complain(at: Place | null, message: string, nearest?: string | null): void;
}

/** What `readValue` gives for what is no value; the complaint has been made. */
export const UNREADABLE = Symbol("unreadable");

/** The longest value that a message repeats. */
const SHOWN_CHARS = 60;

/** Reads a value of `type`; null is read where `nullable`. */
export function readValue(tree: SourceTree, type: ValueType, nullable: boolean, reading: Reading): unknown {
  const scalar = tree.is === "scalar" ? expandScalar(tree, reading) : null;
  if (scalar === UNREADABLE) return UNREADABLE;
  if (scalar !== null) {
    const { value, untyped } = scalar;
    const isNull = value === null || (untyped && (value === "" || (value === "null" && nullable)));
    if (isNull && nullable) return null;
    if (isNull && type.is === "text" && value === "") return checked("", type, tree, reading);
    if (isNull) {
      return refuse(tree, `must be ${describeType(type)}, not ${value === "" ? "empty" : "null"}`, reading);
    }
    return untyped
      ? readText(String(value), tree, type, reading)
      : readTyped({ ...tree, value } as SourceTree, type, reading);
  }
  return readTyped(tree, type, reading);
}

function expandScalar(
  tree: SourceTree & { is: "scalar" },
  reading: Reading,
): { value: string | number | boolean | null; untyped: boolean } | typeof UNREADABLE {
  if (typeof tree.value !== "string" || !reading.expands) {
    return { value: tree.value, untyped: reading.untyped };
  }
  if (hasBrokenReference(tree.value)) {
    return refuse(tree, "holds a ${ that is no reference: write ${NAME} or ${NAME:-default}", reading);
  }
  const { text, hasReference, missing } = expand(tree.value, reading.env);
  if (missing.length > 0) {
    const names = [...new Set(missing)].join(", ");
    return refuse(
      tree,
      `names ${names}, which the environment does not set; write \${${missing[0]}:-default} for a default`,
      reading,
    );
  }
  return { value: text, untyped: reading.untyped || hasReference };
}

/** Text without a type (a variable, a flag, an expanded reference) is read as the key wants it. */
function readText(text: string, tree: SourceTree, type: ValueType, reading: Reading): unknown {
  const typed = (value: string | number | boolean) =>
    readTyped({ is: "scalar", value, at: tree.at }, type, reading);
  switch (type.is) {
    case "boolean":
      return typed(/^(true|1)$/i.test(text) ? true : /^(false|0)$/i.test(text) ? false : text);
    case "integer":
    case "number":
      return typed(/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text.trim()) ? Number(text) : text);
    case "text":
    case "choice":
      return typed(text);
  }
  const json = parseJson(text);
  if (json === undefined) {
    return refuse(tree, `must be ${describeType(type)} written as JSON, not ${show(text, reading)}`, reading);
  }
  // Inside JSON the types are known again, and what came out of a variable is not expanded a second time.
  return readTyped(treeOfValue(json, tree.at), type, { ...reading, untyped: false, expands: false });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function readTyped(tree: SourceTree, type: ValueType, reading: Reading): unknown {
  switch (type.is) {
    case "list":
      return readList(tree, type, reading);
    case "record":
      return readRecord(tree, type, reading);
    case "table":
      return readTable(tree, type, reading);
    case "object":
      return tree.is === "map" ? readFree(tree, reading) : mismatch(tree, type, reading);
    default:
      return tree.is === "scalar" ? checked(tree.value, type, tree, reading) : mismatch(tree, type, reading);
  }
}

type ScalarType = Extract<ValueType, { is: "boolean" | "integer" | "number" | "text" | "choice" }>;

function checked(value: unknown, type: ScalarType, tree: SourceTree, reading: Reading): unknown {
  const complaint = complaintAbout(value, type);
  if (complaint === null) return value;
  const nearest = type.is === "choice" && typeof value === "string" ? nearestName(value, type.values) : null;
  const shown = show(value, reading);
  const message = complaint.startsWith("must ") ? `${complaint}, not ${shown}` : `${shown} ${complaint}`;
  return refuse(tree, message, reading, nearest);
}

function complaintAbout(value: unknown, type: ScalarType): string | null {
  const wanted = `must be ${describeType(type)}`;
  switch (type.is) {
    case "boolean":
      return typeof value === "boolean" && (type.only === undefined || value === type.only) ? null : wanted;
    case "integer":
      return Number.isInteger(value) && inBounds(value as number, type) ? null : wanted;
    case "number":
      return Number.isFinite(value) && inBounds(value as number, type) ? null : wanted;
    case "choice":
      return typeof value === "string" && type.values.includes(value) ? null : wanted;
    case "text":
      if (typeof value !== "string") return `${wanted} (text: put it in quotes)`;
      return type.check?.(value) ?? null;
  }
}

function inBounds(
  value: number,
  { min, max, above = -Infinity }: { min: number; max: number; above?: number },
): boolean {
  return value >= min && value <= max && value > above;
}

function readList(tree: SourceTree, type: ValueType & { is: "list" }, reading: Reading): unknown {
  if (tree.is !== "list") return mismatch(tree, type, reading);
  const items = tree.items.map((item) => readValue(item, type.of, false, reading));
  if (items.includes(UNREADABLE)) return UNREADABLE;
  const twice = type.unique ? items.findIndex((item, i) => items.indexOf(item) !== i) : -1;
  if (twice >= 0) return refuse(tree.items[twice], `names ${show(items[twice], reading)} twice`, reading);
  return items.length < type.min ? refuse(tree, `must hold at least ${type.min}`, reading) : items;
}

function readRecord(tree: SourceTree, type: ValueType & { is: "record" }, reading: Reading): unknown {
  if (tree.is !== "map") return mismatch(tree, type, reading);
  const known = Object.keys(type.keys);
  const unknown = tree.entries.filter(({ key }) => !known.includes(key));
  const missing = known.filter((name) => !tree.entries.some(({ key }) => key === name));
  for (const { key, at } of unknown) {
    reading.complain(at, `"${key}" is no known key here`, nearestName(key, known));
  }
  if (missing.length > 0) reading.complain(tree.at, `lacks ${missing.join(", ")}`);
  if (unknown.length + missing.length > 0) return UNREADABLE;
  const read = tree.entries.map(({ key, value }) =>
    [key, readValue(value, type.keys[key], false, reading)] as const
  );
  return read.some(([, value]) => value === UNREADABLE) ? UNREADABLE : Object.fromEntries(read);
}

function readTable(tree: SourceTree, type: ValueType & { is: "table" }, reading: Reading): unknown {
  if (tree.is !== "map") return mismatch(tree, type, reading);
  const read = tree.entries.map(({ key, at, value }) => {
    const name = readValue({ is: "scalar", value: key, at }, type.key, false, { ...reading, expands: false });
    return [key, name === UNREADABLE ? UNREADABLE : readValue(value, type.of, false, reading)] as const;
  });
  return read.some(([, value]) => value === UNREADABLE) ? UNREADABLE : Object.fromEntries(read);
}

/** An object that is handed on as it is; only its texts are expanded. */
function readFree(tree: SourceTree, reading: Reading): unknown {
  if (tree.is === "scalar") {
    const scalar = expandScalar(tree, reading);
    return scalar === UNREADABLE ? UNREADABLE : scalar.value;
  }
  if (tree.is === "list") {
    const items = tree.items.map((item) => readFree(item, reading));
    return items.includes(UNREADABLE) ? UNREADABLE : items;
  }
  const read = tree.entries.map(({ key, value }) => [key, readFree(value, reading)] as const);
  return read.some(([, value]) => value === UNREADABLE) ? UNREADABLE : Object.fromEntries(read);
}

function mismatch(tree: SourceTree, type: ValueType, reading: Reading): typeof UNREADABLE {
  const found = tree.is === "scalar" ? show(tree.value, reading) : tree.is === "map" ? "an object" : "a list";
  return refuse(tree, `must be ${describeType(type)}, not ${found}`, reading);
}

function refuse(
  tree: SourceTree,
  message: string,
  reading: Reading,
  nearest: string | null = null,
): typeof UNREADABLE {
  reading.complain(tree.at, message, nearest);
  return UNREADABLE;
}

/** A value as messages repeat it: short, and never a secret. */
function show(value: unknown, reading: Reading): string {
  if (reading.secret) return "what is written there";
  const text = JSON.stringify(typeof value === "string" ? maskText(value) : value) ?? String(value);
  return text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text;
}

/** What a value may be, in words. */
export function describeType(type: ValueType): string {
  switch (type.is) {
    case "boolean":
      return type.only === undefined ? "true or false" : `${type.only} (fixed)`;
    case "integer":
      return `a whole number ${bounds(type)}`;
    case "number":
      return `a number ${bounds(type)}`;
    case "choice":
      return type.values.length === 1 ? `"${type.values[0]}" (fixed)` : `one of ${type.values.join(", ")}`;
    case "text":
    case "table":
    case "object":
      return type.what;
    case "list":
      return `a list of ${type.of.is === "text" ? type.of.what.replace(/^an? /, "") : describeType(type.of)}`;
    case "record":
      return `{${Object.keys(type.keys).join(", ")}}`;
  }
}

function bounds({ min, max, above }: { min: number; max: number; above?: number }): string {
  return above === undefined ? `from ${min} to ${max}` : `above ${above}, at most ${max}`;
}
