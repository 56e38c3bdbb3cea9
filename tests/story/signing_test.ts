/** Signed manifests (spec §8): a key in the environment alone switches signing on, for every snapshot from then on. */

import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { signatureChecker } from "../../src/history/manifest_signature.ts";
import { keyPair } from "../history/keys.ts";
import { rejection } from "../refusal.ts";
import { FORMING, inWorld, makeWorld, NODE, type World } from "./world.ts";

const PAST = [FORMING - 7_200, FORMING - 3_600] as const;

async function newestManifest(world: World) {
  const { snapshots: [newest] } = await world.service.snapshots(NODE, { limit: 1 });
  const bytes = await world.service.artifact(newest.manifest_uri);
  return JSON.parse(new TextDecoder().decode(bytes!));
}

Deno.test("SEAMLESS_SIGNING_KEY signs each manifest, and verify with the public key finds nothing wrong", async () => {
  const { signing, verifying } = await keyPair();
  await inWorld({ env: { SEAMLESS_SIGNING_KEY: signing } }, async (world) => {
    await world.fill(PAST);
    const manifest = await newestManifest(world);
    const checker = await signatureChecker(verifying);
    strictEqual(await checker.check(manifest), true);
    strictEqual(await checker.check({ ...manifest, row_count: manifest.row_count + 1 }), false);
    const report = await world.settled(world.service.verify({ nodeIds: [NODE], keyPem: verifying }));
    deepStrictEqual([report.ok, report.checked.signatures, report.failures], [true, 1, []]);
  });
});

Deno.test("without a key no manifest is signed", () =>
  inWorld({}, async (world) => {
    await world.fill(PAST);
    strictEqual("signature" in await newestManifest(world), false);
  }));

Deno.test("a key that is none stops the service at its start, and is not repeated", async () => {
  const error = await rejection(makeWorld({ env: { SEAMLESS_SIGNING_KEY: "hunter2" } }));
  strictEqual(error.code, "CONFIG_INVALID");
  strictEqual(`${error.message} ${error.hint}`.includes("hunter2"), false);
});
