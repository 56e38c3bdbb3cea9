/** Keys as PEM texts (RFC 7468): the bytes between the lines that say what they are. */

const BLOCK = /-----BEGIN ([A-Z ]+)-----([\sA-Za-z0-9+/=]+)-----END \1-----/;

/** The bytes of the first block of a text; null where there is none. */
export function derOfPem(text: string): Uint8Array<ArrayBuffer> | null {
  const block = BLOCK.exec(text);
  return block === null ? null : fromBase64(block[2].replaceAll(/\s/g, ""));
}

/** The bytes of a Base64 text; null for what is none. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  } catch (error) {
    if (error instanceof DOMException) return null;
    throw error;
  }
}
