/** `config schema`: the table of keys as JSON Schema (draft 2020-12), for editors and other tools. */

import { ALIASES, QUESTDB_PARTS } from "./aliases.ts";
import type { KeyNode, Leaf, ValueType } from "./key_types.ts";
import { KEYS } from "./keys.ts";

type Schema = { [key: string]: unknown };

/** A text that is, or holds, a reference: allowed wherever a number or a word is. */
const REFERENCE: Schema = { $ref: "#/$defs/reference" };

/** The schema of a configuration file. */
export function configJsonSchema(): Schema {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: "urn:seamless:config",
    title: "Seamless configuration",
    ...schemaOf(KEYS, []),
    $defs: {
      reference: {
        type: "string",
        pattern: "\\$\\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\\}",
        description: "${NAME} or ${NAME:-default}, from the environment.",
      },
    },
  };
}

function schemaOf(node: KeyNode, path: string[]): Schema {
  if (node.node === "leaf") return leafSchema(node);
  if (node.node === "entries") {
    return {
      type: ["object", "null"],
      description: node.doc,
      propertyNames: { pattern: node.namePattern.source },
      additionalProperties: schemaOf(node.of, [...path, "*"]),
    };
  }
  const properties = Object.entries(node.keys).map(([name, child]) =>
    [name, schemaOf(child, [...path, name])] as const
  );
  return {
    type: ["object", "null"],
    description: node.doc,
    properties: { ...Object.fromEntries(properties), ...olderNames(path) },
    additionalProperties: false,
  };
}

function leafSchema(leaf: Leaf<unknown>): Schema {
  const about = {
    description: leaf.doc,
    default: leaf.defaultText ?? leaf.default,
    ...(leaf.example === undefined ? {} : { examples: [leaf.example] }),
  };
  const own = typeSchema(leaf.type);
  const choices = [
    own,
    ...(own.type === "string" ? [] : [REFERENCE]),
    ...(leaf.nullable ? [{ type: "null" }] : []),
  ];
  return choices.length === 1 ? { ...about, ...own } : { ...about, anyOf: choices };
}

function typeSchema(type: ValueType): Schema {
  switch (type.is) {
    case "boolean":
      return type.only === undefined ? { type: "boolean" } : { const: type.only };
    case "integer":
      return { type: "integer", minimum: type.min, maximum: type.max };
    case "number":
      return type.above === undefined
        ? { type: "number", minimum: type.min, maximum: type.max }
        : { type: "number", exclusiveMinimum: type.above, maximum: type.max };
    case "text":
      return { type: "string" };
    case "choice":
      return { enum: type.values };
    case "list":
      return {
        type: "array",
        items: typeSchema(type.of),
        ...(type.min > 0 ? { minItems: type.min } : {}),
        ...(type.unique ? { uniqueItems: true } : {}),
      };
    case "record":
      return {
        type: "object",
        properties: Object.fromEntries(Object.entries(type.keys).map(([name, of]) => [name, typeSchema(of)])),
        required: Object.keys(type.keys),
        additionalProperties: false,
      };
    case "table":
      return { type: "object", additionalProperties: typeSchema(type.of) };
    case "object":
      return { type: "object" };
  }
}

/** Older keys that may stand in the section at `path`. */
function olderNames(path: string[]): Schema {
  const at = path.join(".");
  const names: Schema = {};
  for (const { from, to } of ALIASES) {
    const [parent, name] = split(from);
    if (parent === at) names[name] = deprecated(to);
    else if (at === "" && !Object.hasOwn(KEYS.keys, parent.split(".")[0])) {
      names[parent] = { type: ["object", "null"], deprecated: true, properties: { [name]: deprecated(to) } };
    }
  }
  if (at === "storage.questdb") {
    for (const part of QUESTDB_PARTS) names[part] = deprecated("storage.bars");
  }
  return names;
}

function split(path: string): [parent: string, name: string] {
  const dot = path.lastIndexOf(".");
  return [path.slice(0, dot), path.slice(dot + 1)];
}

function deprecated(to: string): Schema {
  return { deprecated: true, description: `An older name; write ${to}.` };
}
