/**
 * Fails on any breach of the import table (`gate/layer_table.ts`): a layer that imports what it may not, a file
 * besides wire.ts that names an adapter, a cycle, a package inside a pure ring, the WASM loaded outside compute/,
 * and a pure ring that reaches for a clock, chance, timers, the network, `Deno` or the console.
 *
 * Usage: deno run --allow-read --allow-run=deno scripts/check_layers.ts [root of the checkout]
 */

import { fileURLToPath, pathToFileURL } from "node:url";
import { lintBreaches } from "./gate/lint.ts";
import { layerOf, NO_PACKAGES, PURE_LAYERS, whyNot } from "./gate/layer_table.ts";
import { type Breach, filesBelow, report, ROOT, runDeno } from "./gate/tree.ts";

interface Dependency {
  specifier: string;
  code?: { specifier?: string; error?: string };
  type?: { specifier?: string; error?: string };
}

interface Module {
  specifier: string;
  dependencies?: Dependency[];
}

/** One import as it stands in a file of `src/`; `to` is a path from the root, or a specifier from outside. */
interface Edge {
  from: string;
  to: string;
  inside: boolean;
}

/** Reads the module graph of every file below `src/`: from the entries first, then of what they do not reach. */
async function edgesOf(root: string): Promise<{ edges: Edge[]; files: string[]; breaches: Breach[] }> {
  const rootUrl = pathToFileURL(root.endsWith("/") ? root : `${root}/`).href;
  const files = filesBelow("src", [".ts"], root);
  const seen = new Map<string, Edge[]>();
  const breaches: Breach[] = [];
  const entries = ["src/main.ts", "src/mod.ts", "src/client/mod.ts"];
  for (const file of files.toSorted((a, b) => entries.indexOf(b.path) - entries.indexOf(a.path))) {
    if (seen.has(file.url)) continue;
    const { code, stdout, stderr } = await runDeno(["info", "--json", file.url], root);
    if (code !== 0) throw new Error(`deno info ${file.path} failed: ${stderr}`);
    for (const module of (JSON.parse(stdout) as { modules: Module[] }).modules) {
      if (!module.specifier.startsWith(`${rootUrl}src/`) || seen.has(module.specifier)) continue;
      seen.set(module.specifier, edgesFrom(module, rootUrl, breaches));
    }
  }
  return { edges: [...seen.values()].flat(), files: files.map((file) => file.path), breaches };
}

function edgesFrom(module: Module, rootUrl: string, breaches: Breach[]): Edge[] {
  const from = decodeURIComponent(module.specifier.slice(rootUrl.length));
  return (module.dependencies ?? []).flatMap((dependency): Edge[] => {
    const target = dependency.code?.specifier ?? dependency.type?.specifier;
    const error = dependency.code?.error ?? dependency.type?.error;
    if (target === undefined) {
      breaches.push({
        path: from,
        message: `cannot resolve ${dependency.specifier}${error ? `: ${error}` : ""}`,
      });
      return [];
    }
    const inside = target.startsWith(rootUrl);
    return [{ from, to: inside ? decodeURIComponent(target.slice(rootUrl.length)) : target, inside }];
  });
}

/** What is wrong with one import, or null. */
function wrongWith({ from, to, inside }: Edge): string | null {
  const layer = layerOf(from);
  if (!inside) {
    return NO_PACKAGES.includes(layer) ? `imports ${to}: nothing from outside enters ${layer}` : null;
  }
  if (!to.startsWith("src/")) return `imports ${to}: src/ stands on nothing beside it`;
  if (to.endsWith(".wasm") && layer !== "compute") return `imports ${to}: only compute/ loads the WASM`;
  return whyNot(from, to);
}

/** Every import cycle once, as the files along it. Depth-first with three colours. */
export function cyclesOf(edges: { from: string; to: string }[]): string[][] {
  const next = Map.groupBy(edges, (edge) => edge.from);
  const done = new Set<string>();
  const path: string[] = [];
  const cycles: string[][] = [];
  const visit = (file: string) => {
    if (done.has(file)) return;
    const at = path.indexOf(file);
    if (at >= 0) {
      cycles.push([...path.slice(at), file]);
      return;
    }
    path.push(file);
    for (const edge of next.get(file) ?? []) visit(edge.to);
    path.pop();
    done.add(file);
  };
  for (const file of next.keys()) visit(file);
  return cycles;
}

/** All breaches of the table in the checkout at `root`. */
export async function layerBreaches(root: string): Promise<{ breaches: Breach[]; files: string[] }> {
  const { edges, files, breaches } = await edgesOf(root);
  for (const edge of edges) {
    const message = wrongWith(edge);
    if (message !== null) breaches.push({ path: edge.from, message });
  }
  for (const cycle of cyclesOf(edges.filter((edge) => edge.inside))) {
    breaches.push({ path: cycle[0], message: `import cycle: ${cycle.join(" → ")}` });
  }
  const pure = files.filter((path) => PURE_LAYERS.includes(layerOf(path)));
  breaches.push(...await lintBreaches("gate/nothing-from-outside", pure, root));
  return { breaches, files };
}

if (import.meta.main) {
  const root = Deno.args[0] ?? ROOT;
  const { breaches, files } = await layerBreaches(root.startsWith("file:") ? fileURLToPath(root) : root);
  Deno.exit(report("layers", breaches, `${files.length} files of src/`));
}
