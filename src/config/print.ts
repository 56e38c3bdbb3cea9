/** `config print`: the configuration as YAML or as an object, secrets masked. */

import { stringify } from "yaml";
import { nodeAt } from "./collect.ts";
import type { KeyNode, Leaf } from "./key_types.ts";
import { KEYS } from "./keys.ts";
import type { LoadedConfig } from "./load.ts";
import { hasReference, isSecretName, MASK, maskText, referenceNames } from "./references.ts";

/** How to print. */
export interface PrintOptions {
  /**
   * True: what the service runs on, references expanded and paths absolute. False: every key, with references and
   * paths as they were written.
   */
  resolved: boolean;
  /** Default true. False shows secrets: never where it could be logged. */
  mask?: boolean;
}

/** The configuration as YAML. */
export function printConfig(loaded: LoadedConfig, options: PrintOptions): string {
  return stringify(printableConfig(loaded, options), { lineWidth: 0 });
}

/** The configuration as a plain object in the shape of a file, for `--json`. */
export function printableConfig(loaded: LoadedConfig, { resolved, mask = true }: PrintOptions): unknown {
  const printed = (leaf: Leaf<unknown>, value: unknown, path: string): unknown => {
    const setting = loaded.settings.get(path);
    const written = setting ? setting.written : leaf.defaultText ?? leaf.default;
    // What stands in a variable is meant as it is.
    const references = setting?.layer === "environment" ? null : written;
    if (!resolved && typeof references === "string" && hasReference(references)) return references;
    const shown = resolved || setting === undefined ? value : asWritten(setting.value, references);
    const plain = !resolved && path in RELATIVE && setting === undefined ? leaf.default : shown;
    return mask ? masked(leaf, plain, written) : plain;
  };
  return walk(KEYS, loaded.config, [], printed);
}

/** The value with the references that were written inside of it. */
function asWritten(value: unknown, written: unknown): unknown {
  if (typeof written === "string") return hasReference(written) ? written : value;
  if (typeof written !== "object" || written === null || typeof value !== "object" || value === null) {
    return value;
  }
  const beside = written as Record<string, unknown>;
  if (Array.isArray(value)) return value.map((item, i) => asWritten(item, beside[i]));
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => [key, asWritten(child, beside[key])]),
  );
}

/** Keys whose values become absolute places: unresolved they are shown as they were written. */
const RELATIVE: Readonly<Record<string, true>> = {
  "storage.bars": true,
  "seamless.artifact.object_store_uri": true,
};

function walk(
  node: KeyNode,
  value: unknown,
  path: string[],
  leafValue: (leaf: Leaf<unknown>, value: unknown, path: string) => unknown,
): unknown {
  if (node.node === "leaf") return leafValue(node, value, path.join("."));
  const children = Object.entries(value as Record<string, unknown>).map(([name, child]) => {
    const childPath = [...path, name];
    return [name, walk(nodeAt(childPath)!, child, childPath, leafValue)] as const;
  });
  return Object.fromEntries(children);
}

function masked(leaf: Leaf<unknown>, value: unknown, written: unknown): unknown {
  if (value === null) return null;
  if (leaf.secrecy !== null) return MASK;
  return maskInside(value, written);
}

/** Masks inside lists and objects: by key, by what an address holds, and by the variable a text came from. */
function maskInside(value: unknown, written: unknown): unknown {
  if (typeof value === "string") return cameFromSecret(written) ? MASK : maskText(value);
  if (Array.isArray(value)) {
    return value.map((item, i) => maskInside(item, (written as unknown[] | null)?.[i]));
  }
  if (typeof value !== "object" || value === null) return value;
  const beside = (typeof written === "object" ? written : null) as Record<string, unknown> | null;
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => [
      key,
      isSecretName(key) && child !== null ? MASK : maskInside(child, beside?.[key]),
    ]),
  );
}

function cameFromSecret(written: unknown): boolean {
  return typeof written === "string" &&
    referenceNames(written).some((name) => /KEY|SECRET|PASS|TOKEN|AUTH|CREDENTIAL/i.test(name));
}
