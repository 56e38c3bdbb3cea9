/**
 * Builds `dist/npm`: the packages `./compute` and `./client` for Node and browsers.
 *
 *   deno run … scripts/build_npm.ts [FOLDER]        FOLDER defaults to dist/npm
 *
 *   compute.js  client.js      one bundled ES module each, so that `load()` finds the WebAssembly beside it
 *   compute.wasm
 *   types/                     the declarations, module by module, of what the two export
 *   package.json  LICENSE
 *
 * Bundles come from `deno bundle`, declarations from `deno pack`, which derives them from the written types of exports.
 */
import { typesOf } from "./npm/types.ts";

const ROOT = new URL("../", import.meta.url);
const ENTRIES = ["compute", "client"];

/** The entries whose source exists; one that does not is left out, and said so. */
async function existingEntries(): Promise<string[]> {
  const found: string[] = [];
  for (const name of ENTRIES) {
    try {
      await Deno.stat(new URL(`src/${name}/mod.ts`, ROOT));
      found.push(name);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      console.log(`./${name}: left out, src/${name}/mod.ts does not exist`);
    }
  }
  return found;
}

/** Bundles one entry into `<name>.js`. */
async function bundle(name: string, out: URL): Promise<void> {
  const entry = new URL(`src/${name}/mod.ts`, ROOT).pathname;
  const args = ["bundle", "--quiet", "--no-lock", "--output", new URL(`${name}.js`, out).pathname, entry];
  const options = { args, cwd: ROOT, env: { NO_COLOR: "1" } };
  const { success, stderr } = await new Deno.Command(Deno.execPath(), options).output();
  if (!success) throw new Error(`Cannot bundle ./${name}:\n${new TextDecoder().decode(stderr)}`);
}

async function writeTypes(out: URL, names: string[]): Promise<void> {
  for (const [path, text] of await typesOf({ root: ROOT, entries: names, temporaryParent: out.pathname })) {
    const file = new URL(`types/${path}`, out);
    await Deno.mkdir(new URL(".", file), { recursive: true });
    await Deno.writeTextFile(file, text);
  }
}

async function writePackage(out: URL, names: string[]): Promise<void> {
  const { name, version, license } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const exports = Object.fromEntries(
    names.map((entry) => [`./${entry}`, { types: `./types/${entry}/mod.d.ts`, default: `./${entry}.js` }]),
  );
  const manifest = {
    name,
    version,
    license,
    type: "module",
    engines: { node: ">=20" },
    sideEffects: false,
    exports,
  };
  await Deno.writeTextFile(new URL("package.json", out), JSON.stringify(manifest, null, 2) + "\n");
}

async function main(folder: string): Promise<void> {
  const out = new URL(`file://${folder.startsWith("/") ? "" : ROOT.pathname}${folder}/`);
  await Deno.mkdir(out, { recursive: true });
  const names = await existingEntries();
  for (const name of names) await bundle(name, out);
  await writeTypes(out, names);
  await Deno.copyFile(new URL("src/compute/compute.wasm", ROOT), new URL("compute.wasm", out));
  await Deno.copyFile(new URL("LICENSE", ROOT), new URL("LICENSE", out));
  await writePackage(out, names);
  console.log(`${out.pathname}: ${names.map((name) => `./${name}`).join(", ")}, compute.wasm`);
}

if (import.meta.main) await main(Deno.args[0] ?? "dist/npm");
