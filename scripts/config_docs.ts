/**
 * Writes `docs/configuration.md` and `docs/configuration.schema.json` from the table of keys. A test compares them,
 * so that a key cannot be added without its documentation.
 *
 * Run: deno run --allow-read --allow-write=docs scripts/config_docs.ts
 */

import { ALIASES, ENV_ALIASES } from "../src/config/aliases.ts";
import { envNameOf } from "../src/config/environment.ts";
import { configJsonSchema } from "../src/config/json_schema.ts";
import type { KeyNode, Leaf } from "../src/config/key_types.ts";
import { KEYS } from "../src/config/keys.ts";
import { notYetFeature } from "../src/config/not_yet.ts";
import { describeType } from "../src/config/read_value.ts";

const INTRODUCTION = `<!-- deno-fmt-ignore-file -->
<!-- Written by scripts/config_docs.ts from src/config/keys.ts. Do not edit. -->

# Configuration

One YAML file, of which every key is optional: without a file the defaults below hold. Seamless reads the file named by
\`--config\` (\`-\` is standard input), else by \`SEAMLESS_CONFIG\`, else \`./seamless.yaml\` if it is there. Relative paths
count from the file's folder, else from the working directory.

Flags win over the environment, the environment over the file, the file over the defaults:

\`\`\`sh
seamless get ohlcv:binance:BTC/USDT:1m --last 100 --set sla.total_deadline_ms=5000
SEAMLESS_SLA__TOTAL_DEADLINE_MS=5000 SEAMLESS_SERVER__API_KEYS='[]' seamless serve
\`\`\`

A variable's name is \`SEAMLESS_\` and the key's path without a leading \`seamless\`, upper case, levels joined by \`__\`.
Lists and objects are written as JSON. An empty variable counts as not set. A \`SEAMLESS_*\` name that is no key is an
error, as is an unknown key in the file; \`seamless config check\` lists everything that is wrong, with line, column and the
nearest known name, and \`seamless config print --resolved\` shows what a service would run on, secrets masked.

\`\${NAME}\` and \`\${NAME:-default}\` in the file stand for variables of the environment. A secret in the file (a signing key,
the password inside an address) must be written so; a literal is refused. Keys marked *not available yet* are understood,
and refused when they are set away from their default.

\`docs/configuration.schema.json\` is the same as JSON Schema. An editor with YAML support checks a file that begins with
\`# yaml-language-server: $schema=…/docs/configuration.schema.json\`.
`;

/** The text of `docs/configuration.md`. */
export function configDocs(): string {
  const sections = Object.entries(KEYS.keys).map(([name, node]) => sectionText(node, [name]));
  return [INTRODUCTION, ...sections, olderNames()].join("\n");
}

/** The text of `docs/configuration.schema.json`. */
export function configSchemaText(): string {
  return JSON.stringify(configJsonSchema(), null, 2) + "\n";
}

function sectionText(node: KeyNode, path: string[]): string {
  if (node.node === "leaf") return "";
  const heading = `## \`${shown(path)}\`\n\n${node.doc}\n`;
  const inner = node.node === "entries" ? [...path, "*"] : path;
  const keys = node.node === "entries" ? keysOf(node.of) : node.keys;
  const leaves = Object.entries(keys).flatMap(([name, child]) =>
    child.node === "leaf" ? [leafText(name, child, [...inner, name])] : []
  );
  const below = Object.entries(keys).map(([name, child]) => sectionText(child, [...inner, name])).filter(
    Boolean,
  );
  return [heading, ...(leaves.length > 0 ? [leaves.join("\n") + "\n"] : []), ...below].join("\n");
}

function keysOf(node: KeyNode): Readonly<Record<string, KeyNode>> {
  return node.node === "section" ? node.keys : {};
}

/** `*` reads as a name of the reader's. */
function shown(path: string[]): string {
  return path.map((part, i) => part !== "*" ? part : path[i - 1] === "exchanges" ? "<exchange>" : "<recipe>")
    .join(".");
}

function leafText(name: string, leaf: Leaf<unknown>, path: string[]): string {
  const type = describeType(leaf.type) + (leaf.nullable ? ", or null" : "");
  const lines = [
    `- **\`${name}\`**: ${type}. Default \`${
      leaf.defaultText ?? JSON.stringify(leaf.default)
    }\`. ${leaf.doc}`,
    `  \`${envNameOf(path).replace("*", path[0] === "exchanges" ? "<EXCHANGE>" : "<RECIPE>")}\``,
  ];
  if (leaf.example !== undefined) lines[1] += ` · for example \`${JSON.stringify(leaf.example)}\``;
  const lack = notYetFeature(path.join("."));
  if (lack !== null) {
    lines[1] += ` · ${lack.isPartly ? "some values " : ""}*not available yet* (${lack.feature})`;
  }
  return lines.join("\n");
}

function olderNames(): string {
  const keys = ALIASES.map(({ from, to, doc }) =>
    `- \`${from.replace("*", "<exchange>")}\` → \`${to.replace("*", "<exchange>")}\`. ${doc}`
  );
  const variables = Object.entries(ENV_ALIASES).map(([name, path]) => `- \`${name}\` → \`${path}\``);
  return `## Older names

Still understood, with a warning:

${keys.join("\n")}
- \`storage.questdb.host\`, \`port\`, \`database\` → \`storage.bars\`: they make \`questdb://host:port/database\`.
- \`storage.bars: postgresql://…\` → \`questdb://…\`

Variables of older deployments:

${variables.join("\n")}
`;
}

if (import.meta.main) {
  const docs = new URL("../docs/", import.meta.url);
  Deno.mkdirSync(docs, { recursive: true });
  Deno.writeTextFileSync(new URL("configuration.md", docs), configDocs());
  Deno.writeTextFileSync(new URL("configuration.schema.json", docs), configSchemaText());
}
