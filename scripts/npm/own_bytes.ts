/**
 * Takes the place of `src/compute/own_bytes.ts` in the npm package: the core's bytes come along as a module, so that
 * `load()` finds them in every host: no path, no `fetch`, no file of a kind that servers and bundlers may not know.
 */

/** The bytes of the core, imported when they are asked for: whoever passes `load` a source never gets them. */
export async function ownBytes(): Promise<BufferSource> {
  // @ts-ignore: the build writes this module beside the bundle (`writeEmbeddedWasm` in build_npm.ts).
  const { default: base64 } = await import("./compute_wasm.js");
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  // A loop: `Uint8Array.from` goes through the string's iterator, which takes ten times as long.
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}
