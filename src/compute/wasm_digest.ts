/** Which core this is: the SHA-256 of `compute.wasm`, as `seamless version` tells it. */

import { readFile } from "node:fs/promises";

/** SHA-256 of the core's bytes, 64 lower-case hex digits. Deno and Node only: it reads the file beside this module. */
export async function wasmSha256(): Promise<string> {
  const bytes = new Uint8Array(await readFile(new URL("./compute.wasm", import.meta.url)));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
