/**
 * Builds `dist/npm`: the packages `./compute` and `./client` for Node, browsers, workers and bundlers.
 *
 *   deno run … scripts/build_npm.ts [FOLDER]        FOLDER defaults to dist/npm
 *
 *   compute.js  client.js      one ES module each, with source maps; the client imports the core of the other
 *   compute_wasm.js            the WebAssembly as text, for `load()` that is given nothing
 *   compute.wasm               the same bytes, for `load(fetch(…))`
 *   types/                     the declarations, module by module, of what the two export
 *   package.json  README.md  LICENSE
 *
 * Whatever `src/compute/mod.ts` and `src/client/mod.ts` export is in it. Bundles come from `deno bundle`, declarations
 * from `deno pack`, which derives them from the written types of exports.
 */
import { typesOf } from "./npm/types.ts";

const ROOT = new URL("../", import.meta.url);
const ENTRIES = ["compute", "client"];
/** What the build writes anew; nothing else of the folder is touched. */
const WRITTEN = [
  ...ENTRIES.flatMap((name) => [`${name}.js`, `${name}.js.map`]),
  "compute_wasm.js",
  "compute.wasm",
  "types",
  "package.json",
  "README.md",
  "LICENSE",
];
/** Modules that are another thing in the package than in the checkout, by entry. */
const REPLACED: Record<string, Record<string, string>> = {
  compute: { "src/compute/own_bytes.ts": "scripts/npm/own_bytes.ts" },
  client: { "src/compute/mod.ts": "scripts/npm/compute_beside.ts" },
};
/** Modules of the package that bundles import instead of containing them. */
const BESIDE = ["./compute.js", "./compute_wasm.js"];

/** Bundles one entry into `<name>.js` and its source map. */
async function bundle(name: string, out: URL): Promise<void> {
  const map = new URL(`${name}.import_map.json`, out);
  const imports = Object.entries(REPLACED[name]).map(([from, to]) => [
    new URL(from, ROOT).href,
    new URL(to, ROOT).href,
  ]);
  await Deno.writeTextFile(map, JSON.stringify({ imports: Object.fromEntries(imports) }));
  const flags = ["--quiet", "--no-lock", "--no-config", "--sourcemap=linked", `--import-map=${map.pathname}`];
  const external = BESIDE.map((one) => `--external=${one}`);
  const entry = new URL(`src/${name}/mod.ts`, ROOT).pathname;
  const file = new URL(`${name}.js`, out);
  const args = ["bundle", ...flags, ...external, "--output", file.pathname, entry];
  const options = { args, cwd: ROOT, env: { NO_COLOR: "1" } };
  const { success, stderr } = await new Deno.Command(Deno.execPath(), options).output();
  await Deno.remove(map);
  if (!success) throw new Error(`Cannot bundle ./${name}:\n${new TextDecoder().decode(stderr)}`);
  await nameSources(new URL(`${name}.js.map`, out), file);
}

/** Sources are named from the checkout's root, wherever it and the package lie; their text is in the map. */
async function nameSources(mapFile: URL, file: URL): Promise<void> {
  const map = JSON.parse(await Deno.readTextFile(mapFile)) as { sources: string[] };
  const inRoot = (source: string) => new URL(source, file).href.replace(ROOT.href, "");
  const sources = map.sources.map(inRoot);
  await Deno.writeTextFile(mapFile, JSON.stringify({ ...map, sources }));
  const text = await Deno.readTextFile(file);
  // The bundle tells each module's path in a comment, as it lies from the folder that it was written to.
  const told = new Map(map.sources.map((source, index) => [source, sources[index]]));
  const comments = /^\/\/ (\S+\.ts)$/gm;
  const named = (whole: string, path: string) => told.has(path) ? `// ${told.get(path)}` : whole;
  await Deno.writeTextFile(file, text.replace(comments, named));
}

async function writeTypes(out: URL): Promise<void> {
  for (const [path, text] of await typesOf({ root: ROOT, entries: ENTRIES, temporaryParent: out.pathname })) {
    const file = new URL(`types/${path}`, out);
    await Deno.mkdir(new URL(".", file), { recursive: true });
    await Deno.writeTextFile(file, text);
  }
}

/** The core's bytes as a module: base64, which every host decodes. */
async function writeEmbeddedWasm(out: URL): Promise<void> {
  const bytes = await Deno.readFile(new URL("src/compute/compute.wasm", ROOT));
  await Deno.writeFile(new URL("compute.wasm", out), bytes);
  const text = `// compute.wasm\nexport default "${bytes.toBase64()}";\n`;
  await Deno.writeTextFile(new URL("compute_wasm.js", out), text);
}

async function writePackage(out: URL): Promise<void> {
  const { name, version, license } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const door = (entry: string) => ({ types: `./types/${entry}/mod.d.ts`, default: `./${entry}.js` });
  const manifest = {
    name,
    version,
    description:
      "Verify market data by its fingerprint, in any host: the compute core of Seamless, and its client",
    license,
    type: "module",
    engines: { node: ">=20" },
    sideEffects: false,
    exports: Object.fromEntries(ENTRIES.map((entry) => [`./${entry}`, door(entry)])),
    files: WRITTEN.filter((path) => !["package.json", "README.md", "LICENSE"].includes(path)),
  };
  await Deno.writeTextFile(new URL("package.json", out), JSON.stringify(manifest, null, 2) + "\n");
  await Deno.copyFile(new URL("scripts/npm/README.md", ROOT), new URL("README.md", out));
  await Deno.copyFile(new URL("LICENSE", ROOT), new URL("LICENSE", out));
}

/** A file of an earlier build that this one does not write would stay in the package. */
async function removeEarlier(out: URL): Promise<void> {
  for (const path of WRITTEN) {
    await Deno.remove(new URL(path, out), { recursive: true }).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
}

async function main(folder: string): Promise<void> {
  const out = new URL(`file://${folder.startsWith("/") ? "" : ROOT.pathname}${folder}/`);
  await Deno.mkdir(out, { recursive: true });
  await removeEarlier(out);
  await Promise.all(ENTRIES.map((name) => bundle(name, out)));
  await writeTypes(out);
  await writeEmbeddedWasm(out);
  await writePackage(out);
  console.log(`${out.pathname}: ${ENTRIES.map((name) => `./${name}`).join(", ")}, compute.wasm`);
}

if (import.meta.main) await main(Deno.args[0] ?? "dist/npm");
