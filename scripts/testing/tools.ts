/**
 * What tests may need of the machine, and where it is: looked for once, by the runner and by the tests alike.
 * Nothing here installs anything.
 */

import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout's root, and the folder of recorded data that may stand beside it. */
const ROOT = new URL("../../", import.meta.url);

/** Names under which a browser that speaks DevTools is installed. */
const BROWSERS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** Where `npm ci --prefix .ci/tools --ignore-scripts` puts the hosts and builders that the npm package is tried in. */
const PINNED = new URL(".ci/tools/node_modules/", ROOT);

/** Pinned tools, by what is run of each: programs, and scripts of Node's. */
const PINNED_FILES = {
  node20: "node20/bin/node",
  node24: "node24/bin/node",
  vite: "vite/bin/vite.js",
  typescript: "typescript/lib/tsc.js",
} as const;

/** Something that a test can need. `../shared` alone may be missing under CI. */
export type Need =
  | "../shared"
  | "node"
  | "npm"
  | "chromium"
  | "python"
  | "git"
  | keyof typeof PINNED_FILES;

/** The first executable of one of these names on PATH, or null. */
export function onPath(names: string[], path: string = Deno.env.get("PATH") ?? ""): string | null {
  for (const folder of path.split(delimiter).filter((one) => one !== "")) {
    for (const name of names) {
      const file = join(folder, name);
      if (isFile(file)) return file;
    }
  }
  return null;
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied) return false;
    if (error instanceof Deno.errors.NotADirectory || error instanceof Deno.errors.NotCapable) return false;
    throw error;
  }
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Folder of the recorded data beside the checkout, whether it is there or not. */
export function sharedFolder(): string {
  return fileURLToPath(new URL("../shared/", ROOT));
}

/** The Python of the tests: `TEST_PYTHON`, else the one that `deno task python` has made. */
function pythonPath(): string | null {
  const named = Deno.env.get("TEST_PYTHON") || fileURLToPath(new URL(".cache/python/bin/python", ROOT));
  return isFile(named) ? named : null;
}

/** A pinned package's folder, for tests that put it among the packages of a user; there when any pinned tool is. */
export function pinnedPackage(name: string): string {
  return fileURLToPath(new URL(name, PINNED));
}

function pinned(need: keyof typeof PINNED_FILES): string | null {
  const path = pinnedPackage(PINNED_FILES[need]);
  return isFile(path) ? path : null;
}

/** Where a tool is: an absolute path, or null when the machine lacks it. */
export function find(need: Need): string | null {
  switch (need) {
    case "../shared":
      return isFolder(sharedFolder()) ? sharedFolder() : null;
    case "node":
    case "npm":
      return onPath([need]);
    case "node20":
    case "node24":
    case "vite":
    case "typescript":
      return pinned(need);
    case "chromium":
      return Deno.env.get("TEST_CHROMIUM") ?? onPath(BROWSERS);
    case "python":
      return pythonPath();
    case "git":
      return onPath(["git"]);
  }
}
