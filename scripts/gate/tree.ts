/** The files of the checkout as the gate sees them: what git would keep, read without asking git. */

import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** The folder that holds deno.json. */
export const ROOT: string = fileURLToPath(new URL("../../", import.meta.url));

/** Folders that are made, fetched or run into: never committed (see .gitignore). */
const NOT_OURS = new Set([
  ".git",
  "node_modules",
  "dist",
  "data",
  "demo-data",
  "coverage",
  ".cache",
  ".venv",
]);

/** A file of the checkout, by its path from the root with `/`. */
export interface TreeFile {
  path: string;
  url: string;
}

/** Every file below `folder` ("" is the root) whose name ends in one of `extensions` (none: all), by path. */
export function filesBelow(folder: string, extensions: string[] = [], root: string = ROOT): TreeFile[] {
  const files: TreeFile[] = [];
  collect(join(root, folder), folder === "" ? "" : `${folder}/`, extensions, files);
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function collect(directory: string, prefix: string, extensions: string[], into: TreeFile[]): void {
  for (const entry of entriesOf(directory)) {
    const full = join(directory, entry.name);
    if (entry.isDirectory) {
      if (!NOT_OURS.has(entry.name)) collect(full, `${prefix}${entry.name}/`, extensions, into);
    } else if (
      entry.isFile && (extensions.length === 0 || extensions.some((end) => entry.name.endsWith(end)))
    ) {
      into.push({ path: prefix + entry.name, url: pathToFileURL(full).href });
    }
  }
}

/** A folder that does not exist yet has no files; any other failure is one. */
function entriesOf(directory: string): Deno.DirEntry[] {
  try {
    return [...Deno.readDirSync(directory)];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** One breach of a rule: where, what, and the way out. */
export interface Breach {
  path: string;
  line?: number;
  message: string;
}

/** Prints breaches and gives the exit code: 0 when there are none. */
export function report(rule: string, breaches: Breach[], checked: string): number {
  for (const { path, line, message } of breaches) {
    console.error(`${path}${line === undefined ? "" : `:${line}`}: ${message}`);
  }
  if (breaches.length > 0) {
    console.error(`${rule}: ${breaches.length} to mend (${checked})`);
    return 1;
  }
  console.log(`${rule}: kept (${checked})`);
  return 0;
}

/** Runs this very Deno and gives what it printed; a failure to run it is a failure of the check. */
export async function runDeno(
  args: string[],
  cwd: string = ROOT,
): Promise<{ code: number; stdout: string; stderr: string }> {
  const output = await new Deno.Command(Deno.execPath(), {
    args,
    cwd,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const text = new TextDecoder();
  return { code: output.code, stdout: text.decode(output.stdout), stderr: text.decode(output.stderr) };
}
