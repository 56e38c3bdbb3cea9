/** Finding one snapshot among very many. */

import assert from "node:assert/strict";
import { canonicalBytes } from "../../src/core/canonical_json.ts";
import { formatAsOf } from "../../src/core/instant.ts";
import type { Manifest } from "../../src/core/manifest.ts";
import type { ArtifactStore } from "../../src/core/ports.ts";
import { createSnapshots } from "../../src/history/snapshots.ts";
import { createMemoryArtifacts } from "../../src/adapters/artifact_store/memory.ts";
import { FakeClock } from "../fake_clock.ts";
import { barsOf, codec, compute, holding, NODE, START } from "./holdings.ts";
import { publishing, T0 } from "./publisher_fixture.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };
const COUNT = 100_000;
const MINUTE_MS = 60_000;

/** A store whose log has `count` entries, made when they are asked for: one a minute from T0 on. */
async function longLog(count: number): Promise<{ artifacts: ArtifactStore; looks: () => number }> {
  const { publisher } = publishing();
  const { entry: { manifest } } = await publisher.publish(holding(barsOf([START, START + 600])));
  let looked = 0;
  const entry = (key: string): Manifest | null => {
    looked++;
    const seq = Number(/\/log\/(\d{12})\.json$/.exec(key)?.[1]);
    if (!(seq >= 1 && seq <= count)) return null;
    return {
      ...manifest,
      seq,
      previous: seq === 1 ? null : "0".repeat(64),
      as_of: formatAsOf(T0 + seq * MINUTE_MS),
      dataset_fingerprint: `sfp1:${String(Math.ceil(seq / 2)).padStart(64, "0")}`,
    };
  };
  const artifacts: ArtifactStore = {
    ...createMemoryArtifacts(),
    get: (key) => Promise.resolve(entry(key)).then((found) => found && canonicalBytes(found)),
    size: (key) => Promise.resolve(entry(key)).then((found) => found && 1),
  };
  return { artifacts, looks: () => looked };
}

function readersOf(artifacts: ArtifactStore) {
  const clock = new FakeClock(T0 + (COUNT + 10) * MINUTE_MS);
  return createSnapshots({ artifacts, codec, compute, clock, settings: { asOfSettleSec: 30 } });
}

Deno.test({ ...strict, name: "the head of 100,000 snapshots is found in at most 40 looks" }, async () => {
  const { artifacts, looks } = await longLog(COUNT);
  const readers = readersOf(artifacts);
  assert.equal((await readers.head(NODE))!.seq, COUNT);
  assert.ok(looks() <= 40, `${looks()} looks`);
});

Deno.test({ ...strict, name: "any as_of among 100,000 snapshots is found in at most 40 looks" }, async () => {
  for (const seq of [1, 2, 777, 65_535, 65_536, 65_537, 99_998, COUNT]) {
    const { artifacts, looks } = await longLog(COUNT);
    const found = await readersOf(artifacts).resolveAsOf(NODE, T0 + seq * MINUTE_MS + 500);
    assert.equal(found.seq, seq);
    assert.ok(looks() <= 40, `${looks()} looks for ${seq}`);
  }
});

Deno.test(
  { ...strict, name: "an as_of that was resolved once costs no more looks than its neighbour" },
  async () => {
    const { artifacts, looks } = await longLog(COUNT);
    const readers = readersOf(artifacts);
    await readers.resolveAsOf(NODE, T0 + 50_000 * MINUTE_MS);
    const first = looks();
    await readers.resolveAsOf(NODE, T0 + 50_000 * MINUTE_MS);
    assert.equal(looks(), first);
  },
);

Deno.test({ ...strict, name: "a fingerprint is looked for from the oldest snapshot on, once" }, async () => {
  const { artifacts, looks } = await longLog(2000);
  const readers = readersOf(artifacts);
  const named = (n: number) => `sfp1:${String(n).padStart(64, "0")}`;
  assert.equal((await readers.byFingerprint(NODE, named(600))).seq, 1199);
  const first = looks();
  assert.equal((await readers.byFingerprint(NODE, named(300))).seq, 599);
  assert.ok(looks() - first <= 3, `${looks() - first} more looks`);
});
