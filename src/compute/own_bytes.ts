/**
 * Where the core is when nobody says: in `compute.wasm` beside this module. The npm package has another module in the
 * place of this one (`scripts/npm/own_bytes.ts`), which carries the bytes along, so that browsers have them too.
 */

/**
 * The bytes of the core, or in Deno its module. Names and addresses are put together at run time, so that bundlers for
 * browsers leave the imports alone.
 */
export async function ownBytes(): Promise<BufferSource | WebAssembly.Module> {
  const imported = "Deno" in globalThis ? await importedModule() : null;
  if (imported !== null) return imported;
  const name = ["node", "fs/promises"].join(":");
  const { readFile } = await import(name);
  return await readFile(new URL("./compute.wasm", import.meta.url));
}

/** Deno imports the module itself, ten times faster than it loads Node's file layer; `null` where a bundle is without the file. */
async function importedModule(): Promise<WebAssembly.Module | null> {
  try {
    return (await import(new URL("./own_module.mjs", import.meta.url).href)).default;
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}
