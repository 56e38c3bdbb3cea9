/**
 * Fails on a file over 400 lines, a function over 60, and on text that ties the checkout to one machine: paths
 * of somebody's disk, hosts of package registries.
 *
 * Usage: deno run --allow-read --allow-run=deno scripts/check_shape.ts [root of the checkout]
 */

import { lintBreaches } from "./gate/lint.ts";
import { type Breach, filesBelow, report, ROOT, type TreeFile } from "./gate/tree.ts";

/** Lines of the longest file allowed. */
const FILE_MAX_LINES = 400;

/** Files allowed to be longer, with the length they must not exceed. It only ever shrinks, and stays empty. */
const RATCHET: Readonly<Record<string, number>> = {};

/** Written in parts, so that this file does not name what it forbids. */
const REGISTRY_HOSTS = [
  ["registry", "npmjs", "org"],
  ["files", "pythonhosted", "org"],
  ["pypi", "org"],
  ["static", "crates", "io"],
  ["proxy", "golang", "org"],
  ["repo1", "maven", "org"],
  ["deb", "debian", "org"],
].map((labels) => labels.join("."));

/** A path that only exists on somebody's machine. */
const MACHINE_PATH = /(?:^|[\s"'`(=:,[])(\/(?:work|root|home\/\w+|Users\/\w+)\/[\w.-]+)/;

const CODE = [".ts", ".js", ".mjs", ".py", ".sh"];
const BINARY = /\.(wasm|parquet|arrow|feather|png|ico|db|zst|gz|xz|bin)$/;

/** Breaches that need no syntax tree: length, machine paths, registry hosts. */
function textBreaches(file: TreeFile): Breach[] {
  const text = Deno.readTextFileSync(new URL(file.url));
  const lines = text.split("\n");
  const breaches: Breach[] = [];
  const most = RATCHET[file.path] ?? FILE_MAX_LINES;
  const length = text.endsWith("\n") ? lines.length - 1 : lines.length;
  if (CODE.some((end) => file.path.endsWith(end)) && length > most) {
    breaches.push({ path: file.path, message: `${length} lines; ${most} at most: split it by what it does` });
  }
  for (const [index, line] of lines.entries()) {
    const path = MACHINE_PATH.exec(line);
    if (path) {
      breaches.push({ path: file.path, line: index + 1, message: `names a machine's own path ${path[1]}` });
    }
    const host = REGISTRY_HOSTS.find((name) => line.includes(name));
    if (host) breaches.push({ path: file.path, line: index + 1, message: `names the registry host ${host}` });
  }
  return breaches;
}

/** All breaches of the shape in the checkout at `root`. */
export async function shapeBreaches(root: string): Promise<{ breaches: Breach[]; files: number }> {
  const texts = filesBelow("", [], root).filter((file) => !BINARY.test(file.path));
  const breaches = texts.flatMap(textBreaches);
  const code = ["src", "scripts", "tests", "docs"].flatMap((folder) => filesBelow(folder, [".ts"], root));
  breaches.push(...await lintBreaches("gate/function-length", code.map((file) => file.path), root));
  return { breaches, files: texts.length };
}

if (import.meta.main) {
  const { breaches, files } = await shapeBreaches(Deno.args[0] ?? ROOT);
  Deno.exit(report("shape", breaches, `${files} files`));
}
