/** What starting a service promises: its parts are probed first, and a start that fails leaves nothing open. */

import { match, strictEqual } from "node:assert/strict";
import { createMemoryArtifacts } from "../src/adapters/artifact_store/memory.ts";
import { MemoryBarStore } from "../src/adapters/bar_store/memory.ts";
import { MemoryJobStore } from "../src/adapters/bar_store/memory_jobs.ts";
import { MemoryAsOfRegister, MemorySnapshotIndex } from "../src/adapters/bar_store/memory_registers.ts";
import { InProcessLeases } from "../src/adapters/leases/in_process.ts";
import { systemClock, systemDice } from "../src/adapters/system.ts";
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

Deno.test("a start that fails closes the stores that it opened, whatever failed", async () => {
  const loaded = loadConfig({ env: {}, cwd: Deno.cwd(), input: { storage: { bars: "memory:" } } });
  const away = new HistoryError("STORE_UNAVAILABLE", "Cannot read jobs", { hint: "wait" });
  const broken = { artifacts: unfitArtifacts(), jobs: new MemoryJobStore() };
  const unread = Object.assign(new MemoryJobStore(), { unfinished: () => Promise.reject(away) });
  for (const part of [broken, { artifacts: createMemoryArtifacts(), jobs: unread }]) {
    let closed = 0;
    const leases = new InProcessLeases({ clock: systemClock, dice: systemDice });
    const stores = {
      bars: new MemoryBarStore({ generationOf: (key) => leases.generationOf(key) }),
      leases,
      jobs: part.jobs,
      asOf: new MemoryAsOfRegister(),
      index: new MemorySnapshotIndex(),
      close: () => Promise.resolve(void closed++),
    };
    const starting = wire(loaded, { atStart: true, outside: { stores, artifacts: part.artifacts } });
    match((await rejection(starting)).code, /_UNAVAILABLE$/);
    strictEqual(closed, 1);
  }
});

Deno.test("a command that only reads starts without a probe", () =>
  inFolder(async (loaded) => {
    const service = await wire(loaded, { outside: { artifacts: unfitArtifacts() } });
    await service.close();
  }));
