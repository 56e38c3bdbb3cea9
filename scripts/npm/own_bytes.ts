/**
 * Takes the place of `src/compute/own_bytes.ts` in the npm package: the core's bytes come along as a module, so that
 * `load()` finds them in every host: no path, no `fetch`, no file of a kind that servers and bundlers may not know.
 *
 * The import is static: what bundlers make for workers is often a single file, and a service worker imports nothing
 * later on.
 */

// @ts-ignore: the build writes this module beside the bundle (`writeEmbeddedWasm` in build_npm.ts).
import base64 from "./compute_wasm.js";

/** The bytes of the core. */
export function ownBytes(): Promise<BufferSource> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  // A loop: `Uint8Array.from` goes through the string's iterator, which takes ten times as long.
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return Promise.resolve(bytes);
}
