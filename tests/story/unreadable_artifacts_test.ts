/** Published rows that cannot be read are told, and asked of the venue as if they had never been published (spec §9). */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { HistoryError } from "../../src/core/errors.ts";
import type { ArtifactStore } from "../../src/core/ports.ts";
import { encodeRows } from "../../src/core/stored_chunk.ts";
import { rejection as refused } from "../refusal.ts";
import { END, HOLE, instead, lost, MINUTE, PAST, START, unreadable } from "./lost_bars.ts";
import { inWorld, NODE } from "./world.ts";

/** An artifact store that does what `way` says with what it holds under segments. */
function segments(way: (bytes: Uint8Array | null) => Uint8Array | null) {
  return {
    artifacts: (store: ArtifactStore) =>
      instead(store, {
        size: async (key) => {
          const size = await store.size(key);
          return key.endsWith(".parquet") && way(new Uint8Array(0)) === null ? null : size;
        },
        get: async (key, range) => {
          const bytes = await store.get(key, range);
          return key.endsWith(".parquet") ? way(bytes) : bytes;
        },
      }),
  };
}

/** One bit in the middle of whatever is read is another. */
function flipped(bytes: Uint8Array | null): Uint8Array | null {
  if (bytes === null || bytes.length === 0) return bytes;
  const copy = bytes.slice();
  copy[copy.length >> 1] ^= 1;
  return copy;
}

for (
  const [what, way] of [["damaged", flipped], ["gone", () => null]] as const
) {
  Deno.test(`a segment that is ${what} is logged, and its slots are asked of the venue`, () =>
    lost(async (then, { told }) => {
      const refusal = await refused(then.ask({ ...PAST, strategy: "FAIL_FAST" }));
      // The gap is the manifest's to tell, and that can be read.
      deepStrictEqual([refusal.code, refusal.ranges], [
        "COVERAGE_INCOMPLETE",
        [[START, HOLE.start], [HOLE.end, END]],
      ]);
      strictEqual(unreadable(then), 1);
      const again = await then.ask(PAST);
      deepStrictEqual(again.sources, { cache: 0, snapshot: 0, storage: 0, backfill: told.rows, live: 0 });
      deepStrictEqual(encodeRows(again.frame), encodeRows(told.frame));
      strictEqual(again.answer_fingerprint, told.answer_fingerprint);
      strictEqual(again.complete, true);
    }, { through: segments(way) }));
}

Deno.test("an artifact store that is away is logged, and the venue is asked as if nothing were published", () => {
  const away = () =>
    Promise.reject(new HistoryError("ARTIFACT_STORE_UNAVAILABLE", "it is away", { hint: "Wait" }));
  const artifacts = (store: ArtifactStore) => instead(store, { get: away, size: away, putIfAbsent: away });
  return lost(async (then, { told }) => {
    const again = await then.ask(PAST);
    deepStrictEqual([again.rows, again.sources!.backfill, again.snapshot], [told.rows, told.rows, null]);
    ok(unreadable(then) >= 1);
    const coverage = await then.service.coverage(NODE);
    deepStrictEqual(coverage.covered, [[START, END]]);
  }, { through: { artifacts } });
});

Deno.test("a file that is gone is there again once its slots were fetched and published", async () => {
  const gone = new Set<string>();
  const artifacts = (store: ArtifactStore) =>
    instead(store, {
      size: (key) => gone.has(key) ? Promise.resolve(null) : store.size(key),
      get: (key, range) => gone.has(key) ? Promise.resolve(null) : store.get(key, range),
      putIfAbsent: (key, bytes) => gone.delete(key) ? Promise.resolve(true) : store.putIfAbsent(key, bytes),
    });
  await lost(async (then, { told }) => {
    for await (const key of then.holdings.artifacts.list("")) if (key.endsWith(".parquet")) gone.add(key);
    strictEqual(gone.size, 1);
    // The range begins within a window: what comes with it makes the chunk another than the one that was published.
    const wide = await then.ask({ start: START - 5 * MINUTE, end: END });
    deepStrictEqual([wide.rows, wide.fingerprint_scope, gone.size], [told.rows + 5, "snapshot", 0]);
    strictEqual(then.logged.filter(({ event }) => event === "seamless.artifact.mended").length, 1);
    strictEqual((await then.service.verify({ nodeIds: [NODE] })).ok, true);
  }, { through: { artifacts } });
});

Deno.test("what could not be published is not fetched: the fill says so before it asks the venue", () => {
  const error = new HistoryError("ARTIFACT_STORE_UNAVAILABLE", "Cannot write there", { hint: "Look at it" });
  const artifacts = (store: ArtifactStore) => instead(store, { probe: () => Promise.reject(error) });
  return inWorld({ through: { artifacts } }, async (world) => {
    strictEqual(await refused(world.fill([START, END])), error);
    strictEqual(world.venue.calls.length, 0);
  });
});
