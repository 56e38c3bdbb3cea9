/** Runs the gate's own lint rules (`lint_rules.ts`) over files, apart from `deno lint`'s. */

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Breach, runDeno } from "./tree.ts";

/** What `deno lint --json` prints. */
interface LintReport {
  diagnostics: { filename: string; range: { start: { line: number } }; message: string; code: string }[];
  errors: { file_path?: string; message: string }[];
}

/** Breaches of one rule in the files at `paths` (from `root`); a file that does not parse is a breach too. */
export async function lintBreaches(rule: string, paths: string[], root: string): Promise<Breach[]> {
  if (paths.length === 0) return [];
  const config = fileURLToPath(new URL("./lint_rules.json", import.meta.url));
  const files = paths.map((path) => join(root, path));
  const { stdout, stderr } = await runDeno(["lint", "--json", "-c", config, ...files], root);
  if (!stdout.startsWith("{")) throw new Error(`deno lint gave no report: ${stderr}`);
  const found = JSON.parse(stdout) as LintReport;
  const pathOf = (file: string) => {
    const full = file.startsWith("file:") ? fileURLToPath(file) : file;
    return full.startsWith(root) ? full.slice(root.length).replace(/^\//, "") : full;
  };
  return [
    ...found.errors.map((error) => ({ path: pathOf(error.file_path ?? ""), message: error.message })),
    ...found.diagnostics.filter((one) => one.code === rule).map((one) => ({
      path: pathOf(one.filename),
      line: one.range.start.line,
      message: one.message,
    })),
  ];
}
