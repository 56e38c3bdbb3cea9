/**
 * Fails when a lock does not hold what is pinned: deno.lock against deno.json, `.ci/deno` and the README's
 * `npx` commands against one Deno version, `.ci/tools` against its own lock, and any import that is not pinned to one version.
 *
 * Usage: deno run --allow-read --allow-run=deno scripts/check_locks.ts
 */

import { type Breach, report, ROOT, runDeno } from "./gate/tree.ts";

interface Config {
  imports: Record<string, string>;
}

interface Lock {
  specifiers: Record<string, string>;
}

function readJson<T>(path: string): T {
  return JSON.parse(Deno.readTextFileSync(ROOT + path)) as T;
}

/** Imports of deno.json that are not exact, or that deno.lock lacks. */
function importBreaches(): Breach[] {
  const lock = readJson<Lock>("deno.lock");
  const breaches: Breach[] = [];
  for (const [name, target] of Object.entries(readJson<Config>("deno.json").imports)) {
    if (!target.startsWith("npm:")) continue;
    const [, pinned] = /^(npm:(?:@[^/]+\/)?[^@/]+@\d+\.\d+\.\d+[^/]*)/.exec(target) ?? [];
    if (pinned === undefined) {
      breaches.push({ path: "deno.json", message: `${name} is not pinned to one version: ${target}` });
    } else if (!(pinned in lock.specifiers)) {
      breaches.push({ path: "deno.lock", message: `lacks ${pinned}: run deno install` });
    }
  }
  return breaches;
}

/** A file's text; null when there is none. */
function textOf(path: string): string | null {
  try {
    return Deno.readTextFileSync(ROOT + path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** The one Deno version, wherever it is written. */
function versionBreaches(): Breach[] {
  const dependency = "@deno/linux-x64-glibc";
  const manifest = readJson<{ dependencies: Record<string, string> }>(".ci/deno/package.json");
  const lock = readJson<{ packages: Record<string, { version?: string }> }>(".ci/deno/package-lock.json");
  const version = manifest.dependencies[dependency];
  const breaches: Breach[] = [];
  const locked = lock.packages[`node_modules/${dependency}`]?.version;
  if (locked !== version) {
    breaches.push({
      path: ".ci/deno/package-lock.json",
      message: `has Deno ${locked}, its package.json ${version}`,
    });
  }
  for (const path of ["README.md", ".ci/run"]) {
    const text = textOf(path);
    if (text === null) breaches.push({ path, message: "is missing: it holds the commands for newcomers" });
    for (const [, named] of (text ?? "").matchAll(/\bdeno@(\d+\.\d+\.\d+)/g)) {
      if (named !== version) breaches.push({ path, message: `names Deno ${named}; pinned is ${version}` });
    }
  }
  return breaches;
}

/** Tools of tests: each pinned to one version, and locked as it is pinned. */
function toolBreaches(): Breach[] {
  const path = ".ci/tools/package.json";
  const { dependencies } = readJson<{ dependencies: Record<string, string> }>(path);
  const lock = readJson<{ packages: Record<string, { version?: string }> }>(".ci/tools/package-lock.json");
  return Object.entries(dependencies).flatMap(([name, pinned]): Breach[] => {
    const version = /^(?:npm:.+@)?(\d+\.\d+\.\d+)$/.exec(pinned)?.[1];
    if (version === undefined) return [{ path, message: `${name} is not pinned to one version: ${pinned}` }];
    const locked = lock.packages[`node_modules/${name}`]?.version;
    if (locked === version) return [];
    return [{
      path: ".ci/tools/package-lock.json",
      message: `has ${name} ${locked}, its package.json ${version}`,
    }];
  });
}

const frozen = await runDeno(["install", "--frozen", "--quiet"]);
const breaches = [...importBreaches(), ...versionBreaches(), ...toolBreaches()];
if (frozen.code !== 0) breaches.push({ path: "deno.lock", message: frozen.stderr.trim() });
Deno.exit(report("locks", breaches, "deno.lock, .ci/deno, .ci/tools, README.md"));
