import { InProcessLeases } from "../../../src/adapters/leases/in_process.ts";
import { MemoryBarStore } from "../../../src/adapters/bar_store/memory.ts";
import { MemoryJobStore } from "../../../src/adapters/bar_store/memory_jobs.ts";
import { MemoryAsOfRegister, MemorySnapshotIndex } from "../../../src/adapters/bar_store/memory_registers.ts";
import { asOfRegisterContract } from "../../contract/as_of_register.ts";
import { barStoreContract } from "../../contract/bar_store.ts";
import { GRID, NODE } from "../../contract/bar_store_samples.ts";
import { jobStoreContract } from "../../contract/job_store.ts";
import { snapshotIndexContract } from "../../contract/snapshot_index.ts";
import { FakeClock, SeededDice } from "../../fake_clock.ts";

const nothing = () => Promise.resolve();

barStoreContract("memory bars", async () => {
  const clock = new FakeClock();
  const leases = new InProcessLeases({ clock, dice: new SeededDice(1) });
  const store = new MemoryBarStore({ generationOf: (key) => leases.generationOf(key) });
  await store.ensureNode({ nodeId: NODE, grid: GRID, volumeUnit: "base" });
  return { store, second: store, leases, clock, dispose: () => store.close() };
});

jobStoreContract("memory jobs", () => {
  const store = new MemoryJobStore();
  return Promise.resolve({ store, second: store, dispose: nothing });
});

asOfRegisterContract("memory as_of", () => {
  const register = new MemoryAsOfRegister();
  return Promise.resolve({ register, second: register, dispose: nothing });
});

snapshotIndexContract("memory snapshots", () => {
  const index = new MemorySnapshotIndex();
  return Promise.resolve({ index, second: index, dispose: nothing });
});
