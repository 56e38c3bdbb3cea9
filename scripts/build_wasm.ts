/**
 * Builds `src/compute/compute.wasm` from `wasm/` with the options of `asconfig.json`.
 *
 *   deno run … scripts/build_wasm.ts            builds and writes the file
 *   deno run … scripts/build_wasm.ts --check    builds in memory and compares byte for byte with the committed file
 *
 * The compiler is pinned and deterministic, so a difference means that the committed file is stale. The module may have
 * no imports and at most MAX_BYTES bytes.
 */
import asc from "assemblyscript/asc";

const ROOT = new URL("../", import.meta.url);
const TARGET = "src/compute/compute.wasm";
const MAX_BYTES = 60 * 1024;

/** Compiles `wasm/` and returns the module's bytes. Throws with the compiler's own messages. */
async function compile(): Promise<Uint8Array<ArrayBuffer>> {
  let built: Uint8Array | undefined;
  const { error, stderr } = await asc.main(["--config", "asconfig.json"], {
    readFile: (name: string, folder: string) => readText(new URL(`${folder}/${name}`, ROOT)),
    writeFile: (_name: string, contents: Uint8Array | string) => {
      if (typeof contents !== "string") built = contents;
    },
    listFiles: () => [],
  });
  if (error || !built) throw new Error(`The WASM core does not compile:\n${stderr.toString()}`);
  return new Uint8Array(built);
}

/** The compiler probes many places for a file: what is not there is null, not an error. */
function readText(url: URL): string | null {
  try {
    return Deno.readTextFileSync(url);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Throws unless the module has no imports, is small enough, and compiles here. */
async function inspect(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const imports = WebAssembly.Module.imports(await WebAssembly.compile(bytes));
  if (imports.length > 0) throw new Error(`The WASM core has imports: ${JSON.stringify(imports)}`);
  if (bytes.length > MAX_BYTES) {
    throw new Error(`The WASM core has ${bytes.length} bytes; the limit is ${MAX_BYTES}`);
  }
}

async function main(check: boolean): Promise<number> {
  const bytes = await compile();
  await inspect(bytes);
  const target = new URL(TARGET, ROOT);
  if (!check) {
    Deno.writeFileSync(target, bytes);
    console.log(`${TARGET}: ${bytes.length} bytes`);
    return 0;
  }
  const committed = Deno.readFileSync(target);
  const equal = committed.length === bytes.length && bytes.every((byte, i) => byte === committed[i]);
  console.log(
    equal ? `${TARGET} is fresh` : `${TARGET} is stale: run \`deno task build:wasm\` and commit it`,
  );
  return equal ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args.includes("--check")));
