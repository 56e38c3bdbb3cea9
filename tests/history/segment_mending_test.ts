import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { createMemoryArtifacts } from "../../src/adapters/artifact_store/memory.ts";
import type { ArtifactStore } from "../../src/core/ports.ts";
import { rejection } from "../refusal.ts";
import { barsOf, holding, START } from "./holdings.ts";
import { objectsOf, publishing } from "./publisher_fixture.ts";

const CHUNK = 4096 * 60;
const END = START + 3 * CHUNK + 600;

/** An artifact store from which files can be taken away. */
function losing(): { artifacts: ArtifactStore; lose: (key: string) => void } {
  const kept = createMemoryArtifacts();
  const gone = new Set<string>();
  const artifacts: ArtifactStore = {
    get: (key, range) => gone.has(key) ? Promise.resolve(null) : kept.get(key, range),
    size: (key) => gone.has(key) ? Promise.resolve(null) : kept.size(key),
    async putIfAbsent(key, bytes) {
      if (!gone.delete(key)) return await kept.putIfAbsent(key, bytes);
      // The same name stands for the same bytes: what the fixture still holds is what is put back.
      deepStrictEqual(await kept.get(key), bytes);
      return true;
    },
    list: (prefix) => kept.list(prefix),
    skewMs: () => kept.skewMs(),
    probe: () => kept.probe(),
    close: () => kept.close(),
  };
  return { artifacts, lose: (key) => void gone.add(key) };
}

Deno.test("publishing puts back a file that is gone, byte by byte, and makes no snapshot of it", async () => {
  const { artifacts, lose } = losing();
  const { publisher, snapshots, events } = publishing({ artifacts });
  const bars = barsOf([START, END]);
  const { entry: { manifest, nodeId } } = await publisher.publish(holding(bars));
  const before = await objectsOf(artifacts);
  const [first, second] = manifest.segments;
  lose(first.uri);
  deepStrictEqual((await snapshots.lostSegments(manifest, manifest.range)).map(({ uri }) => uri), [
    first.uri,
  ]);
  deepStrictEqual(await snapshots.lostSegments(manifest, second.range), []);

  const plain = await publisher.publish(holding(bars));
  deepStrictEqual([plain.unchanged, plain.bytesWritten], [true, 0]);

  const mended = await publisher.publish({ ...holding(bars), mends: true });
  deepStrictEqual([mended.unchanged, mended.entry.seq, mended.bytesWritten], [true, 1, first.bytes]);
  deepStrictEqual(await snapshots.lostSegments(manifest, manifest.range), []);
  deepStrictEqual(await objectsOf(artifacts), before);
  deepStrictEqual(
    events.filter(({ event }) => event.endsWith(".mended")).map(({ fields }) => fields),
    [{ node_id: nodeId, uri: first.uri, bytes: first.bytes }],
  );
});

Deno.test("a file whose rows the publisher has no more is told and left", async () => {
  const { artifacts, lose } = losing();
  const { publisher, snapshots, events } = publishing({ artifacts });
  const { entry: { manifest } } = await publisher.publish(holding(barsOf([START, END])));
  for (const { uri } of manifest.segments) lose(uri);
  const last = manifest.segments[manifest.segments.length - 1];
  const part = barsOf([last.range[0], END]);
  const { unchanged, bytesWritten } = await publisher.publish({ ...holding(part), mends: true });
  deepStrictEqual([unchanged, bytesWritten], [true, last.bytes]);
  const lost = await snapshots.lostSegments(manifest, manifest.range);
  deepStrictEqual(lost.map(({ uri }) => uri), manifest.segments.slice(0, -1).map(({ uri }) => uri));
  strictEqual(events.filter(({ event }) => event === "seamless.artifact.unreadable").length, lost.length);
});

Deno.test("who has more rows than were published cuts them to those that were", async () => {
  const { artifacts, lose } = losing();
  const { publisher, snapshots } = publishing({ artifacts });
  const { entry: { manifest } } = await publisher.publish(holding(barsOf([START, END])));
  lose(manifest.segments[manifest.segments.length - 1].uri);
  const more = await publisher.publish({ ...holding(barsOf([START - 600, END + 6_000])), mends: true });
  deepStrictEqual([more.unchanged, more.entry.seq], [false, 2]);
  deepStrictEqual(await snapshots.lostSegments(manifest, manifest.range), []);
});

Deno.test("other rows than were published restore nothing", async () => {
  const { artifacts, lose } = losing();
  const { publisher, snapshots } = publishing({ artifacts });
  const { entry: { manifest } } = await publisher.publish(holding(barsOf([START, END])));
  const { uri } = manifest.segments[manifest.segments.length - 1];
  lose(uri);
  const other = holding(barsOf([START, END], { salt: 1 }));
  strictEqual((await rejection(publisher.publish({ ...other, mends: true }))).code, "ARTIFACT_MISSING");
  deepStrictEqual((await snapshots.lostSegments(manifest, manifest.range)).map((one) => one.uri), [uri]);
});

Deno.test("a file that only an older snapshot names is put back too", async () => {
  const { artifacts, lose } = losing();
  const { publisher, snapshots } = publishing({ artifacts });
  const { entry: { manifest: old } } = await publisher.publish(holding(barsOf([START, END])));
  const more = holding(barsOf([START, END + 6_000]));
  const { entry: { manifest: young } } = await publisher.publish(more);
  const { uri } = old.segments[old.segments.length - 1];
  strictEqual(young.segments.some((segment) => segment.uri === uri), false);
  lose(uri);
  const { unchanged, bytesWritten } = await publisher.publish({ ...more, mends: true });
  deepStrictEqual([unchanged, bytesWritten > 0], [true, true]);
  deepStrictEqual(await snapshots.lostSegments(old, old.range), []);
});
