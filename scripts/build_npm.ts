/**
 * Builds `dist/npm`: the packages `./compute` and `./client` for Node and browsers, as ES modules with their types and
 * `compute.wasm` beside them.
 *
 *   deno run … scripts/build_npm.ts [FOLDER]        FOLDER defaults to dist/npm
 *
 * Each entry is one bundled module, so that `load()` finds the WebAssembly next to the file that asks for it. An entry
 * whose source does not exist yet is left out, and said so.
 */

const ROOT = new URL("../", import.meta.url);
const ENTRIES = ["compute", "client"];

/** Names that a module exports, by its export statements: `export { a, type B } from …` and declarations. */
function exportedNames(source: string): Set<string> {
  const names = new Set<string>();
  for (const [, list] of source.matchAll(/export (?:type )?\{([^}]*)\}/g)) {
    for (const item of list.split(",")) {
      const name = item.trim().replace(/^type /, "").split(" as ").pop();
      if (name) names.add(name);
    }
  }
  const declared = /export (?:async )?(?:function|const|class|type|interface) (\w+)/g;
  for (const [, name] of source.matchAll(declared)) names.add(name);
  return names;
}

/**
 * The bundler declares everything that it met as exported. Here only what the entry exports stays so; `export {}` keeps
 * a declaration file from exporting the rest by itself.
 */
function narrow(declarations: string, names: Set<string>): string {
  const declared =
    /^export ((?:declare )?(?:abstract )?(?:function|const|class|type|interface|enum) (\w+))/gm;
  return declarations.replace(declared, (all, rest, name) => names.has(name) ? all : rest) + "\nexport {};\n";
}

/** Bundles one entry into `<name>.js` and `<name>.d.ts`. */
async function bundle(name: string, out: URL): Promise<void> {
  const entry = new URL(`src/${name}/mod.ts`, ROOT);
  const folder = await Deno.makeTempDir();
  try {
    // Without our configuration, whose `dom` library and Deno's own types contradict each other in declarations.
    const args = [
      "bundle",
      "--quiet",
      "--no-config",
      "--no-lock",
      "--declaration",
      "--outdir",
      folder,
      entry.pathname,
    ];
    const { success, stderr } = await new Deno.Command(Deno.execPath(), { args, env: { NO_COLOR: "1" } })
      .output();
    if (!success) throw new Error(`Cannot bundle ./${name}:\n${new TextDecoder().decode(stderr)}`);
    await Deno.copyFile(`${folder}/mod.js`, new URL(`${name}.js`, out));
    const declarations = await Deno.readTextFile(`${folder}/mod.d.ts`);
    const types = narrow(declarations, exportedNames(await Deno.readTextFile(entry)));
    await Deno.writeTextFile(new URL(`${name}.d.ts`, out), types);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function writePackage(out: URL, names: string[]): Promise<void> {
  const { name, version, license } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const exports = Object.fromEntries(
    names.map((entry) => [`./${entry}`, { types: `./${entry}.d.ts`, default: `./${entry}.js` }]),
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

async function exists(url: URL): Promise<boolean> {
  try {
    await Deno.stat(url);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function main(folder: string): Promise<void> {
  const out = new URL(`file://${folder.startsWith("/") ? "" : ROOT.pathname}${folder}/`);
  await Deno.mkdir(out, { recursive: true });
  const built: string[] = [];
  for (const name of ENTRIES) {
    if (await exists(new URL(`src/${name}/mod.ts`, ROOT))) {
      await bundle(name, out);
      built.push(name);
    } else {
      console.log(`./${name}: left out, src/${name}/mod.ts does not exist`);
    }
  }
  await Deno.copyFile(new URL("src/compute/compute.wasm", ROOT), new URL("compute.wasm", out));
  await Deno.copyFile(new URL("LICENSE", ROOT), new URL("LICENSE", out));
  await writePackage(out, built);
  console.log(`${out.pathname}: ${built.map((name) => `./${name}`).join(", ")}, compute.wasm`);
}

if (import.meta.main) await main(Deno.args[0] ?? "dist/npm");
