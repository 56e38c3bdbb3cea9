/** What starting a service promises: its parts are probed first, and a start that fails leaves nothing open. */

import { strictEqual } from "node:assert/strict";
import { createMemoryArtifacts } from "../src/adapters/artifact_store/memory.ts";
import { loadConfig } from "../src/config/mod.ts";
import { HistoryError } from "../src/core/errors.ts";
import { wire } from "../src/wire.ts";
import { rejection } from "./refusal.ts";

/** Artifacts that do not hold put-if-absent, as their probe finds. */
function unfitArtifacts() {
  const refusal = new HistoryError(
    "ARTIFACT_STORE_UNAVAILABLE",
    "Cannot use the store: put-if-absent is ignored",
    {
      hint: "Use a store with conditional writes",
    },
  );
  return Object.assign(createMemoryArtifacts(), { probe: () => Promise.reject(refusal) });
}

async function inFolder(act: (loaded: ReturnType<typeof loadConfig>) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "seamless_wire_" });
  try {
    await act(loadConfig({ env: {}, cwd: folder }));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a service does not start over artifacts that ignore put-if-absent, and leaves nothing open", () =>
  inFolder(async (loaded) => {
    const starting = wire(loaded, { atStart: true, outside: { artifacts: unfitArtifacts() } });
    strictEqual((await rejection(starting)).code, "ARTIFACT_STORE_UNAVAILABLE");
  }));

Deno.test("a command that only reads starts without a probe", () =>
  inFolder(async (loaded) => {
    const service = await wire(loaded, { outside: { artifacts: unfitArtifacts() } });
    await service.close();
  }));
