/**
 * Where the core is when nobody says: in `compute.wasm` beside this module. The npm package has another module in the
 * place of this one (`scripts/npm/own_bytes.ts`), which carries the bytes along, so that browsers have them too.
 */

/** The bytes of the core. The name is put together at run time, so that bundlers for browsers leave the import alone. */
export async function ownBytes(): Promise<BufferSource> {
  const name = ["node", "fs/promises"].join(":");
  const { readFile } = await import(name);
  return await readFile(new URL("./compute.wasm", import.meta.url));
}
