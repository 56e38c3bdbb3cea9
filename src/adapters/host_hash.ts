/** SHA-256 by the host: it has the machine's own instructions for it, which the compute core has not. */

import { createHash } from "node:crypto";

/** The digest of parts that follow one another. */
export function hostHash(parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  // Hex digits come out of Deno faster than bytes do.
  return Uint8Array.fromHex(hash.digest("hex"));
}
