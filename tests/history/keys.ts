/** Key pairs as PEM texts, made anew for each run. */

/** An Ed25519 pair: PKCS#8 to sign with, SPKI to check with. */
export async function keyPair(): Promise<{ signing: string; verifying: string }> {
  const pair = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]) as CryptoKeyPair;
  return {
    signing: pem("PRIVATE KEY", await crypto.subtle.exportKey("pkcs8", pair.privateKey)),
    verifying: pem("PUBLIC KEY", await crypto.subtle.exportKey("spki", pair.publicKey)),
  };
}

function pem(label: string, der: ArrayBuffer): string {
  const base64 = btoa(String.fromCharCode(...new Uint8Array(der)));
  return `-----BEGIN ${label}-----\n${base64.replaceAll(/.{64}/g, "$&\n")}\n-----END ${label}-----\n`;
}
