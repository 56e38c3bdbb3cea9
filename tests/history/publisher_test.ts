import assert from "node:assert/strict";
import { barsOf, fingerprintOf, holding, START } from "./holdings.ts";
import { publishing, rowsOf } from "./publishing.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };
const CHUNK = 4096 * 60;

Deno.test({ ...strict, name: "publish() makes a snapshot of the rows that are held" }, async () => {
  const { publisher, snapshots } = publishing();
  const end = START + 3 * CHUNK + 600;
  const bars = barsOf([START, end]);
  const { entry: { manifest }, unchanged } = await publisher.publish(holding(bars));
  assert.equal(unchanged, false);
  assert.equal(manifest.dataset_fingerprint, fingerprintOf(bars, [START, end]));
  assert.deepEqual(manifest.range, [START, end]);
  assert.deepEqual(await rowsOf(snapshots, manifest), bars);
});
