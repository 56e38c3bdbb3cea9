/** Pages of manifests that are gone: made again of what is held, where that still says the same. */

import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { createMemoryArtifacts } from "../../src/adapters/artifact_store/memory.ts";
import type { Manifest } from "../../src/core/manifest.ts";
import { LIST_NAMES } from "../../src/core/manifest.ts";
import type { ArtifactStore } from "../../src/core/ports.ts";
import type { Publication } from "../../src/history/publication.ts";
import { rejection } from "../refusal.ts";
import { barsOf, compute, holding, MINUTE, START } from "./holdings.ts";
import { objectsOf, publishing } from "./publisher_fixture.ts";

const HOUR = 3600;
const END = START + 2_000 * HOUR;

/** Bars of which every hour lacks one. */
function holey(o: { end?: number } = {}): Publication {
  const bars = barsOf([START, o.end ?? END], { skip: (ts) => ts % HOUR === 1800 });
  const runs = compute.segmentsOf(bars.ts, MINUTE);
  const gaps = Array.from({ length: runs.length / 2 - 1 }, (_, i) => ({
    start: runs[2 * i + 1],
    end: runs[2 * i + 2],
    reason: "absent_at_source" as const,
  }));
  return holding(bars, { gaps });
}

/** A store without these files, as a process that has read none of them finds it. */
async function without(artifacts: ArtifactStore, keys: readonly string[]): Promise<ArtifactStore> {
  const left = createMemoryArtifacts();
  for await (const key of artifacts.list("")) {
    if (!keys.includes(key)) await left.putIfAbsent(key, (await artifacts.get(key))!);
  }
  return left;
}

function pagesOf({ pages }: Manifest): string[] {
  return LIST_NAMES.flatMap((list) => pages[list].map(({ uri }) => uri));
}

Deno.test("publishing makes pages again that are gone, and the segments that they list", async () => {
  const first = publishing();
  const { entry: { manifest } } = await first.publisher.publish(holey());
  const pages = pagesOf(manifest);
  strictEqual(pages.length > 0, true);
  const artifacts = await without(first.artifacts, [...pages, manifest.segments[0].uri]);
  const { publisher, events } = publishing({ artifacts });
  const mended = await publisher.publish({ ...holey(), mends: true });
  deepStrictEqual([mended.unchanged, mended.entry.seq], [true, 1]);
  deepStrictEqual(await objectsOf(artifacts), await objectsOf(first.artifacts));
  const told = events.filter(({ event }) => event === "seamless.artifact.mended").map(({ fields }) =>
    fields.uri
  );
  deepStrictEqual(told, [...pages, manifest.segments[0].uri]);
});

Deno.test("a fill that finds a page gone makes it again, where its own range says all of it", async () => {
  const first = publishing();
  const { entry: { manifest } } = await first.publisher.publish(holey());
  const artifacts = await without(first.artifacts, pagesOf(manifest));
  const { publisher } = publishing({ artifacts });
  const more = await publisher.publish(holey({ end: END + 24 * HOUR }));
  deepStrictEqual([more.unchanged, more.entry.seq], [false, 2]);
});

Deno.test("a page of which something else is held now is not made up: the publication says that it is gone", async () => {
  const first = publishing();
  const { entry: { manifest } } = await first.publisher.publish(holey());
  const artifacts = await without(first.artifacts, pagesOf(manifest));
  const { publisher } = publishing({ artifacts });
  const before = await objectsOf(artifacts);
  const other = { ...holding(barsOf([START, END])), mends: true };
  const error = await rejection(publisher.publish(other));
  strictEqual(error.code, "ARTIFACT_MISSING");
  match(error.message, /pages\//);
  match(error.hint, /Else move .*timeframe=1m away and publish again/);
  deepStrictEqual(await objectsOf(artifacts), before);
});
