import assert from "node:assert/strict";
import { createMemoryArtifacts } from "../../src/adapters/artifact_store/memory.ts";
import { HistoryError } from "../../src/core/errors.ts";
import type { ErrorCode } from "../../src/core/errors.ts";
import type { ArtifactStore } from "../../src/core/ports.ts";
import { manifestSigner, signatureChecker } from "../../src/history/manifest_signature.ts";
import { barsOf, holding, NODE, START } from "./holdings.ts";
import { keyPair } from "./keys.ts";
import { objectsOf, publishing, rowsOf } from "./publisher_fixture.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };
const CHUNK = 4096 * 60;

function codeIs(code: ErrorCode) {
  return (error: unknown) => error instanceof HistoryError && error.code === code && error.hint !== "";
}

Deno.test(
  { ...strict, name: "a clock more than ten seconds off the store's publishes nothing" },
  async () => {
    for (
      const [skewMs, allowed] of [[10_001, false], [-10_001, false], [10_000, true], [-9_000, true]] as const
    ) {
      const { publisher, artifacts } = publishing({ artifacts: createMemoryArtifacts({ skewMs }) });
      const work = publisher.publish(holding(barsOf([START, START + 600])));
      if (allowed) await work;
      else await assert.rejects(work, codeIs("CLOCK_SKEW"));
      assert.equal((await objectsOf(artifacts)).length > 0, allowed);
    }
  },
);

Deno.test({ ...strict, name: "another grid than the snapshots have is refused" }, async () => {
  const { publisher } = publishing();
  await publisher.publish(holding(barsOf([START, START + 600])));
  const shifted = holding(barsOf([START + 30, START + 630]), { grid: { step: 60, anchor: 30 } });
  await assert.rejects(publisher.publish(shifted), codeIs("PUBLISH_CONFLICT"));
});

Deno.test({ ...strict, name: "a fired signal ends a publication before it becomes visible" }, async () => {
  const stop = new AbortController();
  const artifacts = createMemoryArtifacts();
  const stopping: ArtifactStore = {
    ...delegating(artifacts),
    putIfAbsent(key, bytes) {
      stop.abort();
      return artifacts.putIfAbsent(key, bytes);
    },
  };
  const { publisher, snapshots } = publishing({ artifacts: stopping });
  const bars = barsOf([START, START + 6 * CHUNK]);
  await assert.rejects(publisher.publish(holding(bars, { signal: stop.signal })), codeIs("CANCELLED"));
  assert.equal(await snapshots.head(NODE), null);
});

Deno.test({ ...strict, name: "the data is there before the manifest that names it" }, async () => {
  const artifacts = createMemoryArtifacts();
  const order: string[] = [];
  const watched: ArtifactStore = {
    ...delegating(artifacts),
    putIfAbsent(key, bytes) {
      order.push(key.split("/").at(-2)!);
      return artifacts.putIfAbsent(key, bytes);
    },
  };
  const { publisher } = publishing({ artifacts: watched });
  const skip = (ts: number) => ts % 120 === 0;
  await publisher.publish(holding(barsOf([START, START + CHUNK], { skip })));
  assert.deepEqual(order, ["segments", "pages", "log"]);
});

Deno.test({ ...strict, name: "the loser of a race plans again on what the winner wrote" }, async () => {
  const artifacts = createMemoryArtifacts();
  const winner = publishing({ artifacts });
  let raced = false;
  const racing: ArtifactStore = {
    ...delegating(artifacts),
    async putIfAbsent(key, bytes) {
      if (key.includes("/log/") && !raced) {
        raced = true;
        await winner.publisher.publish(holding(barsOf([START, START + 6000])));
      }
      return await artifacts.putIfAbsent(key, bytes);
    },
  };
  const loser = publishing({ artifacts: racing });
  const work = loser.publisher.publish(holding(barsOf([START + 3000, START + 9000])));
  const { entry } = await loser.clock.runUntilSettled(work);
  assert.equal(entry.seq, 2);
  assert.equal(entry.manifest.previous, (await winner.snapshots.at(NODE, 1))!.manifestSha256);
  assert.deepEqual(await rowsOf(loser.snapshots, entry.manifest), barsOf([START, START + 9000]));
});

Deno.test({ ...strict, name: "who loses ten races after the first gives up" }, async () => {
  const artifacts = createMemoryArtifacts();
  const winner = publishing({ artifacts });
  let races = 0;
  const racing: ArtifactStore = {
    ...delegating(artifacts),
    async putIfAbsent(key, bytes) {
      if (key.includes("/log/")) {
        races++;
        await winner.publisher.publish(holding(barsOf([START, START + races * 60])));
      }
      return await artifacts.putIfAbsent(key, bytes);
    },
  };
  const loser = publishing({ artifacts: racing });
  const work = loser.publisher.publish(holding(barsOf([START + CHUNK, START + CHUNK + 600])));
  await assert.rejects(loser.clock.runUntilSettled(work), codeIs("PUBLISH_CONFLICT"));
  assert.equal(races, 11);
});

Deno.test({ ...strict, name: "a catalog that is down does not undo a publication" }, async () => {
  const down = () => Promise.reject(new HistoryError("STORE_UNAVAILABLE", "down", { hint: "wait" }));
  const { publisher, snapshots, events } = publishing({
    parts: { index: { record: down, newest: down, count: down } },
  });
  const { entry } = await publisher.publish(holding(barsOf([START, START + 600])));
  assert.equal((await snapshots.head(NODE))!.manifestSha256, entry.manifestSha256);
  assert.equal(events.at(-1)!.level, "error");
});

Deno.test({ ...strict, name: "a signer signs each manifest" }, async () => {
  const keys = await keyPair();
  const { publisher } = publishing({ parts: { signer: await manifestSigner(keys.signing) } });
  const { entry: { manifest } } = await publisher.publish(holding(barsOf([START, START + 600])));
  const checker = await signatureChecker(keys.verifying);
  assert.equal(manifest.signature!.key_id, checker.keyId);
  assert.equal(await checker.check(manifest), true);
  assert.equal(await checker.check({ ...manifest, row_count: 11 }), false);
});

/** The methods of a store, so that one of them can be replaced. */
function delegating(store: ArtifactStore): ArtifactStore {
  return {
    get: (key, range) => store.get(key, range),
    size: (key) => store.size(key),
    putIfAbsent: (key, bytes) => store.putIfAbsent(key, bytes),
    list: (prefix) => store.list(prefix),
    skewMs: () => store.skewMs(),
    probe: () => store.probe(),
    close: () => store.close(),
  };
}
