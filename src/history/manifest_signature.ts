/**
 * Ed25519 over manifests (spec §8): the canonical bytes of a manifest without its `signature` are what is signed.
 * `key_id` is the first 16 hex digits of the SHA-256 of the public key's SPKI.
 */

import { canonicalBytes } from "../core/canonical_json.ts";
import { HistoryError } from "../core/errors.ts";
import type { Manifest, ManifestSignature } from "../core/manifest.ts";
import { derOfPem, fromBase64 } from "../core/pem.ts";

const ALGORITHM = "Ed25519";
const KEY_ID_DIGITS = 16;

/** Signs manifests with one key. */
export interface ManifestSigner {
  sign(manifest: Omit<Manifest, "signature">): Promise<ManifestSignature>;
}

/** Checks signatures against one public key. */
export interface SignatureChecker {
  /** Of the key that it was made with. */
  keyId: string;
  /** Whether the manifest's signature is this key's and fits its bytes. */
  check(manifest: Manifest): Promise<boolean>;
}

/** A signer from a private key as PKCS#8 PEM. `CONFIG_INVALID` for what is no Ed25519 key. */
export async function manifestSigner(pkcs8Pem: string): Promise<ManifestSigner> {
  const secret = await importKey(pkcs8Pem, "pkcs8", "sign", { code: "CONFIG_INVALID", hint: SIGNING_HINT });
  // The private key as JWK carries the public one, whose SPKI names the key.
  const { x } = await crypto.subtle.exportKey("jwk", secret);
  const publicJwk = { kty: "OKP", crv: ALGORITHM, x };
  const publicKey = await crypto.subtle.importKey("jwk", publicJwk, ALGORITHM, true, ["verify"]);
  const keyId = await keyIdOf(publicKey);
  return {
    async sign(manifest) {
      const value = await crypto.subtle.sign(ALGORITHM, secret, signedBytes(manifest));
      return { algorithm: "ed25519", key_id: keyId, value: toBase64(new Uint8Array(value)) };
    },
  };
}

/** A checker from a public key as SPKI PEM. `BAD_REQUEST` for what is no Ed25519 key. */
export async function signatureChecker(spkiPem: string): Promise<SignatureChecker> {
  const key = await importKey(spkiPem, "spki", "verify", { code: "BAD_REQUEST", hint: CHECKING_HINT });
  const keyId = await keyIdOf(key);
  return {
    keyId,
    async check(manifest) {
      const { signature } = manifest;
      if (signature?.algorithm !== "ed25519" || signature.key_id !== keyId) return false;
      const value = fromBase64(signature.value);
      return value !== null && await crypto.subtle.verify(ALGORITHM, key, value, signedBytes(manifest));
    },
  };
}

/** The bytes that a signature stands for. */
function signedBytes(manifest: Manifest | Omit<Manifest, "signature">): Uint8Array<ArrayBuffer> {
  const { signature: _, ...signed } = manifest as Manifest;
  return canonicalBytes(signed) as Uint8Array<ArrayBuffer>;
}

async function keyIdOf(publicKey: CryptoKey): Promise<string> {
  const spki = await crypto.subtle.exportKey("spki", publicKey);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array(spki)));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("").slice(0, KEY_ID_DIGITS);
}

async function importKey(
  pem: string,
  format: "pkcs8" | "spki",
  use: "sign" | "verify",
  refusal: { code: "CONFIG_INVALID" | "BAD_REQUEST"; hint: string },
): Promise<CryptoKey> {
  const der = derOfPem(pem);
  try {
    if (der === null) throw new TypeError("it is no PEM text");
    return await crypto.subtle.importKey(format, der, ALGORITHM, true, [use]);
  } catch (error) {
    // The key itself must not come into a message: it may be the private one.
    if (!(error instanceof TypeError || error instanceof DOMException)) throw error;
    throw new HistoryError(refusal.code, `Cannot read the key to ${use} manifests: no Ed25519 key in it`, {
      hint: refusal.hint,
    });
  }
}

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

const SIGNING_HINT = "Give a PKCS#8 PEM, as `openssl genpkey -algorithm ed25519` writes it";
const CHECKING_HINT = "Give the public key as SPKI PEM, as `openssl pkey -pubout` writes it";
