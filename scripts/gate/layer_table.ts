/**
 * Who may import whom: the table of docs/architecture.md as data. A layer is a folder or a file right below
 * `src/`; what is not named here may not exist.
 */

/** Each layer and the layers it may import, itself included silently. */
export const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  compute: ["core"],
  backfill: ["core", "compute"],
  history: ["core", "compute", "backfill"],
  server: ["core", "compute", "backfill", "history", "formats"],
  formats: ["core", "compute"],
  adapters: ["core", "compute"],
  observe: ["core"],
  config: ["core"],
  client: ["core", "compute"],
  cli: ["wire", "config", "core", "compute", "client", "formats"],
  wire: [
    "wire_settings",
    "core",
    "compute",
    "backfill",
    "history",
    "server",
    "formats",
    "adapters",
    "observe",
    "config",
    "client",
  ],
  // What a configuration means to the parts, apart from wiring them: it names no adapter.
  wire_settings: ["core", "compute", "backfill", "history", "server", "observe", "config"],
  mod: ["wire", "core", "compute"],
  main: ["cli"],
};

/** Layers that are handed Clock, Dice, Log and Metrics, and reach for nothing themselves. */
export const PURE_LAYERS: readonly string[] = ["core", "compute", "backfill", "history"];

/** Layers that no package and no `node:` module enters. */
export const NO_PACKAGES: readonly string[] = ["core", "backfill", "history", "client"];

/** The layer of a path below `src/`, such as `core` for `src/core/errors.ts` and `wire` for `src/wire.ts`. */
export function layerOf(path: string): string {
  return path.split("/")[1].replace(/\.[^.]*$/, "");
}

/** The port that an adapter file belongs to: its folder, or its own name when it stands alone. */
export function portOf(path: string): string {
  return path.split("/")[2].replace(/\.[^.]*$/, "");
}

/** Why `from` may not import `to` (both paths below `src/`), or null when it may. */
export function whyNot(from: string, to: string): string | null {
  const layer = layerOf(from);
  const other = layerOf(to);
  if (!(layer in MAY_IMPORT)) return `src/${layer} is no layer of docs/architecture.md`;
  if (other === "adapters" && layer !== "adapters") {
    return layer === "wire" ? null : `imports ${to}: only src/wire.ts names adapters`;
  }
  if (layer === other) {
    if (layer !== "adapters" || portOf(from) === portOf(to)) return null;
    return `imports ${to}: an adapter never imports another port's adapter`;
  }
  if (MAY_IMPORT[layer].includes(other)) return null;
  return `imports ${to}: ${layer} may import ${MAY_IMPORT[layer].join(", ") || "nothing"}, not ${other}`;
}
