/** A small JSON Schema validator for the words that `config schema` uses; unknown words are an error. */

type Schema = { readonly [word: string]: unknown };

/** What about `value` breaks the schema: paths with the word that refuses them; empty when nothing does. */
export function breaches(value: unknown, schema: Schema, root: Schema = schema, at = "$"): string[] {
  return Object.entries(schema).flatMap(([word, wanted]) => {
    const check = WORDS[word];
    if (check === undefined) throw new Error(`the validator does not know the word ${word}`);
    return check({ value, wanted, schema, root, at }) ?? [];
  });
}

interface Situation {
  value: unknown;
  wanted: unknown;
  schema: Schema;
  root: Schema;
  at: string;
}

type Check = (situation: Situation) => string[] | undefined;

function refuse(isFine: boolean, { at }: Situation, word: string): string[] {
  return isFine ? [] : [`${at} ${word}`];
}

const ABOUT = ["$schema", "$id", "$defs", "title", "description", "default", "examples", "deprecated"];

const WORDS: Record<string, Check> = {
  ...Object.fromEntries(ABOUT.map((word) => [word, () => undefined])),
  $ref: ({ value, wanted, root, at }) => {
    const name = String(wanted).replace("#/$defs/", "");
    return breaches(value, (root.$defs as Record<string, Schema>)[name], root, at);
  },
  type: (s) => refuse([s.wanted].flat().includes(typeName(s.value)) || isWholeFor(s), s, "type"),
  enum: (s) => refuse((s.wanted as unknown[]).includes(s.value), s, "enum"),
  const: (s) => refuse(s.value === s.wanted, s, "const"),
  minimum: (s) => refuse(typeof s.value !== "number" || s.value >= (s.wanted as number), s, "minimum"),
  maximum: (s) => refuse(typeof s.value !== "number" || s.value <= (s.wanted as number), s, "maximum"),
  exclusiveMinimum: (s) =>
    refuse(typeof s.value !== "number" || s.value > (s.wanted as number), s, "exclusiveMinimum"),
  pattern: (s) =>
    refuse(typeof s.value !== "string" || new RegExp(String(s.wanted)).test(s.value), s, "pattern"),
  minItems: (s) => refuse(!Array.isArray(s.value) || s.value.length >= (s.wanted as number), s, "minItems"),
  uniqueItems: (s) =>
    refuse(!Array.isArray(s.value) || new Set(s.value).size === s.value.length, s, "uniqueItems"),
  required: (s) =>
    refuse(
      !isObject(s.value) || (s.wanted as string[]).every((name) => Object.hasOwn(s.value as object, name)),
      s,
      "required",
    ),
  anyOf: (s) =>
    refuse((s.wanted as Schema[]).some((one) => breaches(s.value, one, s.root).length === 0), s, "anyOf"),
  items: ({ value, wanted, root, at }) =>
    Array.isArray(value)
      ? value.flatMap((item, i) => breaches(item, wanted as Schema, root, `${at}[${i}]`))
      : [],
  propertyNames: ({ value, wanted, root, at }) =>
    isObject(value)
      ? Object.keys(value).flatMap((name) => breaches(name, wanted as Schema, root, `${at}.${name}`))
      : [],
  properties: ({ value, wanted, root, at }) =>
    isObject(value)
      ? Object.entries(wanted as Record<string, Schema>).flatMap(([name, schema]) =>
        Object.hasOwn(value, name) ? breaches(value[name], schema, root, `${at}.${name}`) : []
      )
      : [],
  additionalProperties: ({ value, wanted, schema, root, at }) => {
    if (!isObject(value)) return [];
    const known = Object.keys((schema.properties ?? {}) as object);
    return Object.entries(value).filter(([name]) => !known.includes(name)).flatMap(([name, each]) =>
      wanted === false
        ? [`${at}.${name} additionalProperties`]
        : breaches(each, wanted as Schema, root, `${at}.${name}`)
    );
  },
};

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

function isWholeFor({ value, wanted }: Situation): boolean {
  return [wanted].flat().includes("integer") && Number.isInteger(value);
}
