/** Host-neutral tests: a case is a name and a function that throws. Deno, Node and browsers run the same ones. */
import type { Compute } from "../../../src/compute/mod.ts";

/** One test. It may be asynchronous; it fails by throwing. */
export type Case = { name: string; run(compute: Compute): void | Promise<void> };

/** Throws unless two values are equal; NaN equals NaN, −0 is not 0, typed arrays compare by content. */
export function equal(actual: unknown, expected: unknown, what: string): void {
  const [found, wanted] = [show(actual), show(expected)];
  if (found === wanted) return;
  throw new Error(`${what}\n  found:  ${excerpt(found, wanted)}\n  wanted: ${excerpt(wanted, found)}`);
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
