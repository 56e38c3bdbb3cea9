/**
 * RFC 8785 (JSON Canonicalization Scheme): one text for one value, so that hashes and signatures of manifests mean
 * the same to everybody.
 *
 * Keys ascend by UTF-16 code units, which is how JavaScript compares texts; numbers are written the shortest way
 * that reads back, which is how `JSON.stringify` writes them.
 */

/** What JSON can hold. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

const encoder = new TextEncoder();

/**
 * The canonical text of a value. Throws `TypeError` for what has none: NaN and the infinities, lone surrogates, and
 * anything that JSON does not know (`undefined`, functions, dates, …).
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") return numberText(value);
  if (typeof value === "string") return stringText(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (isPlainObject(value)) return objectText(value);
  throw new TypeError(`Cannot write ${typeof value} as canonical JSON`);
}

/** The canonical text as UTF-8, as it is hashed, signed and stored. Errors as `canonicalJson`. */
export function canonicalBytes(value: unknown): Uint8Array {
  return encoder.encode(canonicalJson(value));
}

function objectText(value: Record<string, unknown>): string {
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${stringText(key)}:${canonicalJson(value[key])}`).join(",")}}`;
}

function numberText(value: number): string {
  if (!Number.isFinite(value)) throw new TypeError(`Cannot write ${value} as canonical JSON`);
  return JSON.stringify(value);
}

function stringText(value: string): string {
  if (!value.isWellFormed()) {
    throw new TypeError("Cannot write a text with a lone surrogate as canonical JSON");
  }
  return JSON.stringify(value);
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
