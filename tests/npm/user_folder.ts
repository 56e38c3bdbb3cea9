/** The folder of somebody who uses the npm package: built, packed, and installed by npm, without a network. */

import { ok } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { pinnedPackage } from "../../scripts/testing/tools.ts";
import { find } from "../needs.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Where the package lies, and what npm says is in it. */
export interface UserFolder {
  path: string;
  packed: { files: { path: string; size: number }[]; unpackedSize: number };
}

/** Runs a program to its end in a folder; its standard output. Throws with what it said when it fails. */
export async function run(
  program: string,
  args: string[],
  { cwd = ROOT, env }: { cwd?: string; env?: Record<string, string> } = {},
): Promise<string> {
  const options = { args, cwd, env: { NO_COLOR: "1", ...env } };
  const { success, stdout, stderr } = await new Deno.Command(program, options).output();
  const decoder = new TextDecoder();
  ok(success, `${program} ${args.join(" ")}\n${decoder.decode(stdout)}${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}

/**
 * A new folder with the package and what `docs/verify-anywhere.md` installs beside it, removed when `test` is done.
 * Needs `npm` and the pinned tools.
 */
export async function inUserFolder(test: (user: UserFolder) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempDir({ prefix: "seamless_user_" });
  try {
    await test({ path, packed: await install(path) });
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}

async function install(path: string): Promise<UserFolder["packed"]> {
  const build = `${path}/build`;
  const leave = [`--allow-write=${path}`, `--allow-run=${Deno.execPath()}`];
  await run(Deno.execPath(), ["run", "--no-prompt", "--allow-read", ...leave, "scripts/build_npm.ts", build]);
  await Deno.writeTextFile(`${path}/package.json`, `{ "private": true, "type": "module" }`);
  const quiet = ["--loglevel=error", `--cache=${path}/npm-cache`];
  const packing = ["pack", "--json", "--pack-destination", path, ...quiet, build];
  const [packed] = JSON.parse(await run(find("npm")!, packing, { cwd: path }));
  const bare = ["--offline", "--install-links", "--ignore-scripts", "--no-audit", "--no-fund", ...quiet];
  const packages = [`${path}/${packed.filename}`, pinnedPackage("hyparquet"), pinnedPackage("fzstd")];
  await run(find("npm")!, ["install", ...bare, ...packages], { cwd: path });
  await Deno.remove(build, { recursive: true });
  return packed;
}
