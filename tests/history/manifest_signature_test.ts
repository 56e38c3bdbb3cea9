import assert from "node:assert/strict";
import { createHash, createPublicKey, verify } from "node:crypto";
import { canonicalBytes } from "../../src/core/canonical_json.ts";
import { HistoryError } from "../../src/core/errors.ts";
import { manifestSigner, signatureChecker } from "../../src/history/manifest_signature.ts";
import { barsOf, holding, START } from "./holdings.ts";
import { keyPair } from "./keys.ts";
import { publishing } from "./publisher_fixture.ts";

const keys = await keyPair();
const { entry: { manifest } } = await publishing().publisher.publish(holding(barsOf([START, START + 600])));

Deno.test("a signature is Ed25519 over the canonical manifest without it, as OpenSSL checks it", async () => {
  const signature = await (await manifestSigner(keys.signing)).sign(manifest);
  const key = createPublicKey(keys.verifying);
  const value = new Uint8Array(atob(signature.value).split("").map((char) => char.charCodeAt(0)));
  assert.equal(value.length, 64);
  assert.equal(verify(null, canonicalBytes(manifest), key, value), true);
  const spki = key.export({ format: "der", type: "spki" });
  const keyId = createHash("sha256").update(spki).digest("hex").slice(0, 16);
  assert.deepEqual([signature.algorithm, signature.key_id], ["ed25519", keyId]);
});

Deno.test("a signature holds for its manifest and its key alone", async () => {
  const signature = await (await manifestSigner(keys.signing)).sign(manifest);
  const checker = await signatureChecker(keys.verifying);
  assert.equal(await checker.check({ ...manifest, signature }), true);
  assert.equal(await checker.check(manifest), false);
  assert.equal(await checker.check({ ...manifest, row_count: 11, signature }), false);
  assert.equal(await checker.check({ ...manifest, signature: { ...signature, value: "AAAA" } }), false);
  assert.equal(await checker.check({ ...manifest, signature: { ...signature, value: "no base64!" } }), false);
  assert.equal(
    await checker.check({ ...manifest, signature: { ...signature, key_id: "0".repeat(16) } }),
    false,
  );
  const stranger = await signatureChecker((await keyPair()).verifying);
  assert.equal(await stranger.check({ ...manifest, signature }), false);
});

Deno.test("what is no Ed25519 key is refused, and never shown", async () => {
  const rsa = await crypto.subtle.generateKey(
    {
      name: "RSASSA-PKCS1-v1_5",
      modulusLength: 2048,
      publicExponent: new Uint8Array([1, 0, 1]),
      hash: "SHA-256",
    },
    true,
    ["sign", "verify"],
  );
  const der = new Uint8Array(await crypto.subtle.exportKey("pkcs8", rsa.privateKey));
  const body = btoa(String.fromCharCode(...der));
  const texts = [
    "",
    "nonsense",
    keys.verifying,
    `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----`,
  ];
  for (const text of texts) {
    await assert.rejects(manifestSigner(text), (error) => {
      return error instanceof HistoryError && error.code === "CONFIG_INVALID" &&
        !JSON.stringify([error.message, error.hint]).includes(body.slice(0, 20));
    });
  }
  await assert.rejects(signatureChecker(keys.signing), (error) => {
    return error instanceof HistoryError && error.code === "BAD_REQUEST";
  });
});
