/** Host-neutral tests: a case is a name and a function that throws. Deno, Node and browsers run the same ones. */
import type { Compute } from "../../../src/compute/mod.ts";

/** One test. It may be asynchronous; it fails by throwing. */
export type Case = { name: string; run(compute: Compute): void | Promise<void> };

/** Throws unless two values are equal; NaN equals NaN, −0 is not 0, typed arrays compare by content. */
export function equal(actual: unknown, expected: unknown, what: string | (() => string)): void {
  if (same(actual, expected)) return;
  const [found, wanted] = [show(actual), show(expected)];
  throw new Error(
    `${typeof what === "string" ? what : what()}\n  found:  ${excerpt(found, wanted)}\n  wanted: ${
      excerpt(wanted, found)
    }`,
  );
}

/** Throws unless `run` throws an error of the class. */
export function throws(run: () => unknown, errors: (new (message: string) => Error)[], what: string): void {
  try {
    run();
  } catch (error) {
    if (errors.some((kind) => error instanceof kind)) return;
    throw new Error(`${what}: threw ${error} instead of ${errors.map((kind) => kind.name).join(" or ")}`);
  }
  throw new Error(`${what}: did not throw ${errors.map((kind) => kind.name).join(" or ")}`);
}

function same(a: unknown, b: unknown): boolean {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return Object.is(a, b);
  if (isList(a) || isList(b)) {
    return isList(a) && isList(b) && a.length === b.length && Array.from(a).every((x, i) => same(x, b[i]));
  }
  const [x, y] = [a, b].map((o) => Object.entries(o).filter(([, value]) => value !== undefined));
  return x.length === y.length && x.every(([key, value]) => same(value, (b as Record<string, unknown>)[key]));
}

function isList(value: object): value is ArrayLike<unknown> {
  return Array.isArray(value) || ArrayBuffer.isView(value);
}

/** A text that is the same for equal values, whatever the order of keys. */
function show(value: unknown): string {
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  if (typeof value === "string") return JSON.stringify(value);
  if (value === null || typeof value !== "object") return String(value);
  if (ArrayBuffer.isView(value) || Array.isArray(value)) {
    return `[${Array.from(value as ArrayLike<unknown>, show).join(",")}]`;
  }
  const entries = Object.entries(value).filter(([, v]) => v !== undefined).sort(([a], [b]) => a < b ? -1 : 1);
  return `{${entries.map(([key, v]) => `${key}:${show(v)}`).join(",")}}`;
}

/** The part of a long text around the first place where it differs from another. */
function excerpt(text: string, other: string): string {
  let at = 0;
  while (at < text.length && text[at] === other[at]) at++;
  const from = Math.max(0, at - 60);
  return `${from > 0 ? "…" : ""}${text.slice(from, at + 100)}${at + 100 < text.length ? "…" : ""}`;
}
