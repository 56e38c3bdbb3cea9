/**
 * The language in which the table of keys is written (`keys.ts`). From that one table come the parser, the types
 * `Config` and `ConfigInput`, the JSON Schema, the environment's names and `docs/configuration.md`.
 */

/** What a value may be. `what` names it in messages and documents: "a CCXT symbol such as BTC/USDT". */
export type ValueType =
  /** `only`: the value is fixed; the key is there so that files of this field load. */
  | { is: "boolean"; only?: boolean }
  | { is: "integer"; min: number; max: number }
  | { is: "number"; min: number; max: number; above?: number }
  /** `check` gives the complaint about a text, or null when it is fine. */
  | { is: "text"; what: string; check?: (text: string) => string | null }
  | { is: "choice"; values: readonly string[] }
  | { is: "list"; of: ValueType; min: number; unique: boolean }
  /** An object whose keys are all required. */
  | { is: "record"; keys: { readonly [name: string]: ValueType } }
  /** An object with keys of the user's choice and values of one type. */
  | { is: "table"; what: string; key: ValueType; of: ValueType }
  /** An object that is handed on as it is. */
  | { is: "object"; what: string };

/**
 * How a value is kept from view. `value`: the whole is a secret, and a file must write it as `${NAME}`;
 * `address`: masked whole when printed (a webhook's path is its password); `null`: only a password or token inside
 * a URL is a secret.
 */
export type Secrecy = "value" | "address" | null;

/** One key with a value. */
export interface Leaf<T> {
  readonly node: "leaf";
  readonly type: ValueType;
  readonly nullable: boolean;
  readonly default: T;
  /** What the default is written as, where it is a reference to the environment. */
  readonly defaultText?: string;
  readonly secrecy: Secrecy;
  /** Full sentences for `docs/configuration.md` and for editors. */
  readonly doc: string;
  /** A value worth showing. */
  readonly example?: unknown;
}

/** A key that holds keys. */
export interface Section<K> {
  readonly node: "section";
  readonly keys: K;
  readonly doc: string;
}

/** A key that holds entries named by the user, all of one shape. */
export interface Entries<E> {
  readonly node: "entries";
  readonly of: E;
  /** What an entry's name is: "a CCXT exchange id". */
  readonly nameIs: string;
  readonly namePattern: RegExp;
  readonly doc: string;
}

/** Any node of the table. */
export type KeyNode = Leaf<unknown> | Section<KeyTable> | Entries<KeyNode>;
/** The keys of a section. */
export interface KeyTable {
  readonly [name: string]: KeyNode;
}

/** The value that a node of the table stands for, with every key present. */
export type ValueOf<N> = N extends Leaf<infer T> ? T
  : N extends Section<infer K> ? { readonly [P in keyof K]: ValueOf<K[P]> }
  : N extends Entries<infer E> ? { readonly [name: string]: ValueOf<E> }
  : never;

/** The same with every key optional: what a user may write. */
export type InputOf<N> = N extends Leaf<infer T> ? T
  : N extends Section<infer K> ? { readonly [P in keyof K]?: InputOf<K[P]> }
  : N extends Entries<infer E> ? { readonly [name: string]: InputOf<E> }
  : never;

/** Milliseconds are bounded by what a timer holds (24 days). */
const LONGEST_MS = 2 ** 31 - 1;

interface LeafOptions<T> {
  default: T;
  doc: string;
  secrecy?: Secrecy;
  defaultText?: string;
  example?: unknown;
}

/** A key with a value of `type`; it may be null exactly when its default is, or when `nullable` says so. */
export function leaf<T>(type: ValueType, o: LeafOptions<T> & { nullable?: boolean }): Leaf<T> {
  const { doc, default: value, secrecy = null, nullable = value === null, defaultText, example } = o;
  return { node: "leaf", type, nullable, default: value, secrecy, doc, defaultText, example };
}

/** `true` or `false`. */
export function flag(o: LeafOptions<boolean>): Leaf<boolean> {
  return leaf({ is: "boolean" }, o);
}

/** A whole number within bounds. */
export function whole<T extends number | null>(
  o: LeafOptions<T> & { min: number; max: number },
): Leaf<number | (T & null)> {
  return leaf<number | (T & null)>({ is: "integer", min: o.min, max: o.max }, {
    ...o,
    default: o.default as number | (T & null),
  });
}

/** Milliseconds. */
export function ms<T extends number | null>(o: LeafOptions<T> & { min?: number }): Leaf<number | (T & null)> {
  return whole({ ...o, min: o.min ?? 0, max: LONGEST_MS });
}

/** A number within bounds; `above` is a bound that is itself excluded. */
export function decimal<T extends number | null>(
  o: LeafOptions<T> & { min: number; max: number; above?: number },
): Leaf<number | (T & null)> {
  return leaf<number | (T & null)>({ is: "number", min: o.min, max: o.max, above: o.above }, {
    ...o,
    default: o.default as number | (T & null),
  });
}

/** A text; `what` says which. */
export function text<T extends string | null>(
  o: LeafOptions<T> & { what: string; check?: (text: string) => string | null },
): Leaf<string | (T & null)> {
  return leaf<string | (T & null)>({ is: "text", what: o.what, check: o.check }, {
    ...o,
    default: o.default as string | (T & null),
  });
}

/** One of fixed words. */
export function choice<const V extends readonly string[]>(
  values: V,
  o: LeafOptions<NoInfer<V[number]>>,
): Leaf<V[number]> {
  return leaf<V[number]>({ is: "choice", values }, o);
}

/** One of fixed words, or null. */
export function choiceOrNull<const V extends readonly string[]>(
  values: V,
  o: LeafOptions<NoInfer<V[number]> | null>,
): Leaf<V[number] | null> {
  return leaf<V[number] | null>({ is: "choice", values }, { ...o, nullable: true });
}

/** A key that holds keys. */
export function section<const K extends KeyTable>(doc: string, keys: K): Section<K> {
  return { node: "section", keys, doc };
}

/** A key that holds entries named by the user. */
export function entries<const E extends KeyNode>(
  o: { of: E; nameIs: string; namePattern: RegExp; doc: string },
): Entries<E> {
  return { node: "entries", ...o };
}
