import assert from "node:assert/strict";
import { join } from "node:path";
import { createFilesystemArtifacts } from "../../../src/adapters/artifact_store/filesystem.ts";
import { systemClock, systemDice } from "../../../src/adapters/system.ts";
import { HistoryError } from "../../../src/core/errors.ts";
import { artifactStoreContract } from "../../contract/artifact_store.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };
const bytesOf = (text: string) => new TextEncoder().encode(text);

artifactStoreContract("filesystem artifacts", async () => {
  const folder = await Deno.makeTempDir();
  const root = join(folder, "deep", "artifacts");
  const store = createFilesystemArtifacts({ root, clock: systemClock, dice: systemDice });
  const second = createFilesystemArtifacts({ root, clock: systemClock, dice: systemDice });
  return { store, second, dispose: () => Deno.remove(folder, { recursive: true }) };
});

async function withRoot(body: (root: string) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    await body(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

function isUnavailable(error: unknown): boolean {
  return error instanceof HistoryError && error.code === "ARTIFACT_STORE_UNAVAILABLE" &&
    error.hint.includes("object_store_uri");
}

Deno.test(
  { ...strict, name: "an object lies under its key as a plain file" },
  () =>
    withRoot(async (root) => {
      const store = createFilesystemArtifacts({ root, clock: systemClock, dice: systemDice });
      await store.putIfAbsent("ohlcv/exchange=binance/symbol=BTC%2FUSDT/x.bin", bytesOf("here"));
      const path = join(root, "ohlcv", "exchange=binance", "symbol=BTC%2FUSDT", "x.bin");
      assert.equal(await Deno.readTextFile(path), "here");
    }),
);

Deno.test(
  { ...strict, name: "writing leaves no temporary file behind, won or lost" },
  () =>
    withRoot(async (root) => {
      const store = createFilesystemArtifacts({ root, clock: systemClock, dice: systemDice });
      await Promise.all(Array.from({ length: 20 }, (_, i) => store.putIfAbsent("same", bytesOf(`${i}`))));
      await store.skewMs();
      await store.probe();
      assert.deepEqual(await Array.fromAsync(Deno.readDir(join(root, ".tmp"))), []);
    }),
);

Deno.test(
  { ...strict, name: "probe() sweeps what killed writers left a day ago, and nothing younger" },
  () =>
    withRoot(async (root) => {
      await Deno.mkdir(join(root, ".tmp"));
      for (const [name, ageSec] of [["old", 90_000], ["young", 60]] as const) {
        const path = join(root, ".tmp", name);
        await Deno.writeTextFile(path, "left");
        const then = new Date(systemClock.nowMs() - ageSec * 1000);
        await Deno.utime(path, then, then);
      }
      await createFilesystemArtifacts({ root, clock: systemClock, dice: systemDice }).probe();
      const left = await Array.fromAsync(Deno.readDir(join(root, ".tmp")));
      assert.deepEqual(left.map((entry) => entry.name), ["young"]);
    }),
);

Deno.test(
  { ...strict, name: "skewMs() compares the local clock with the file system's" },
  () =>
    withRoot(async (root) => {
      const honest = await createFilesystemArtifacts({ root, clock: systemClock, dice: systemDice }).skewMs();
      assert.ok(Math.abs(honest) < 5_000, `${honest}`);
      const late = { ...systemClock, nowMs: () => systemClock.nowMs() - 60_000 };
      const early = await createFilesystemArtifacts({ root, clock: late, dice: systemDice }).skewMs();
      assert.ok(Math.abs(early + 60_000) < 5_000, `${early}`);
    }),
);

Deno.test(
  { ...strict, name: "a root that is a file is no place for artifacts" },
  () =>
    withRoot(async (root) => {
      const path = join(root, "file");
      await Deno.writeTextFile(path, "");
      const store = createFilesystemArtifacts({ root: path, clock: systemClock, dice: systemDice });
      await assert.rejects(store.probe(), isUnavailable);
      await assert.rejects(store.putIfAbsent("a/b", bytesOf("x")), isUnavailable);
    }),
);
