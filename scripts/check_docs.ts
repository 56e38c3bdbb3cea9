/**
 * Fails when something that an entry point exports has no docstring.
 *
 * Usage: deno run --allow-read --allow-run=deno scripts/check_docs.ts [root of the checkout]
 */

import { fileURLToPath, pathToFileURL } from "node:url";
import { type Breach, report, ROOT, runDeno } from "./gate/tree.ts";

/** The entry points that deno.json exports. */
const ENTRIES = ["src/mod.ts", "src/compute/mod.ts", "src/client/mod.ts"];

interface Declaration {
  location: { filename: string; line: number };
  declarationKind: "export" | "declare" | "private";
  kind: string;
  jsDoc?: { doc?: string };
}

interface DocReport {
  nodes: Record<
    string,
    { module_doc?: { doc?: string }; moduleDoc?: { doc?: string }; symbols: DocSymbol[] }
  >;
}

interface DocSymbol {
  name: string;
  declarations: Declaration[];
}

/** A symbol is documented when any of its declarations (overloads, a type beside a value) is. */
function undocumented(symbol: DocSymbol, root: string): Breach[] {
  const exported = symbol.declarations.filter((one) => one.declarationKind !== "private");
  if (exported.length === 0 || exported.some((one) => (one.jsDoc?.doc ?? "").trim() !== "")) return [];
  const { filename, line } = exported[0].location;
  const path = filename.startsWith("file:") ? fileURLToPath(filename) : filename;
  return [{
    path: path.startsWith(root) ? path.slice(root.length) : path,
    line: line + 1,
    message: `${symbol.name} is exported and has no docstring`,
  }];
}

/** Everything undocumented that the entry points export, and how many symbols there are. */
export async function docBreaches(root: string): Promise<{ breaches: Breach[]; symbols: number }> {
  const breaches: Breach[] = [];
  let symbols = 0;
  for (const entry of ENTRIES) {
    const { code, stdout, stderr } = await runDeno(["doc", "--json", entry], root);
    if (code !== 0) {
      breaches.push({ path: entry, message: `deno doc failed: ${stderr.trim().split("\n")[0]}` });
      continue;
    }
    const module = (JSON.parse(stdout) as DocReport).nodes[new URL(entry, pathToFileURL(root)).href];
    for (const symbol of module.symbols) {
      symbols++;
      breaches.push(...undocumented(symbol, root));
    }
  }
  return { breaches, symbols };
}

if (import.meta.main) {
  const { breaches, symbols } = await docBreaches(Deno.args[0] ?? ROOT);
  Deno.exit(report("docs of exports", breaches, `${symbols} exported symbols`));
}
