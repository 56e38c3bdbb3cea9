import assert from "node:assert/strict";
import { SqliteBarStore } from "../../../src/adapters/bar_store/sqlite.ts";
import { openSqliteFile } from "../../../src/adapters/bar_store/sqlite_file.ts";
import { READ_SLICE_CHUNKS } from "../../../src/core/limits.ts";
import type { StoredChunk } from "../../../src/core/ports.ts";
import { CHUNK, EVER, GRID, minutes, NODE, writeOf } from "../../contract/bar_store_samples.ts";
import { SeededDice } from "../../fake_clock.ts";
import { roundTripsDuring } from "../../round_trips.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };

/** A store that holds one bar in each of so many chunks. */
async function storeOf(chunks: number): Promise<{ store: SqliteBarStore; dispose: () => Promise<void> }> {
  const folder = Deno.makeTempDirSync({ prefix: "seamless-bars-" });
  const store = new SqliteBarStore({ file: openSqliteFile(`${folder}/bars.db`), dice: new SeededDice(1) });
  await store.ensureNode({ nodeId: NODE, grid: GRID, volumeUnit: "base" });
  await Promise.all(Array.from({ length: chunks }, (_, k) => store.commit(writeOf(minutes(k * CHUNK, 1)))));
  return {
    store,
    dispose: async () => {
      await store.close();
      Deno.removeSync(folder, { recursive: true });
    },
  };
}

Deno.test(
  { ...strict, name: "a chunk that is read once gives its memory back when the next is asked for" },
  async () => {
    const { store, dispose } = await storeOf(3);
    const seen: StoredChunk[] = [];
    for await (const chunk of store.read(NODE, EVER, { once: true })) {
      assert.deepEqual(seen.map(({ bytes }) => bytes.length), seen.map(() => 0));
      assert.equal(chunk.bytes.length, 48);
      seen.push(chunk);
    }
    assert.equal(seen.length, 3);
    await dispose();
  },
);

Deno.test({ ...strict, name: "a chunk that is read once and left alone then stays whole" }, async () => {
  const { store, dispose } = await storeOf(2);
  const first = async () => {
    for await (const chunk of store.read(NODE, EVER, { once: true })) return chunk;
  };
  assert.equal((await first())!.bytes.length, 48);
  await dispose();
});

Deno.test({ ...strict, name: "what others have at hand stays whole when it is read once" }, async () => {
  const { store, dispose } = await storeOf(3);
  const kept = await Array.fromAsync(store.read(NODE, EVER));
  const wanted = structuredClone(kept);
  for await (const _ of store.read(NODE, EVER, { once: true }));
  assert.deepEqual(kept, wanted);
  assert.deepEqual(await Array.fromAsync(store.read(NODE, EVER)), wanted);
  await dispose();
});

Deno.test({ ...strict, name: "what is read once is not kept at hand" }, async () => {
  const { store, dispose } = await storeOf(1);
  for await (const _ of store.read(NODE, EVER, { once: true }));
  const [later] = await Array.fromAsync(store.read(NODE, EVER));
  const [again] = await Array.fromAsync(store.read(NODE, EVER));
  assert.equal(later.bytes.length, 48);
  assert.equal(later, again);
  await dispose();
});

Deno.test({ ...strict, name: "a long read lets sockets have their turn" }, async () => {
  const slices = 6;
  const { store, dispose } = await storeOf(slices * READ_SLICE_CHUNKS);
  const trips = await roundTripsDuring(() => Array.fromAsync(store.read(NODE, EVER)));
  assert.ok(trips >= 3, `${trips} round trips during ${slices} slices`);
  await dispose();
});
