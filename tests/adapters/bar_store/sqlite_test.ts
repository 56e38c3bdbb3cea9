import { SqliteLeases } from "../../../src/adapters/leases/sqlite.ts";
import { SqliteBarStore } from "../../../src/adapters/bar_store/sqlite.ts";
import { openSqliteFile } from "../../../src/adapters/bar_store/sqlite_file.ts";
import { SqliteJobStore } from "../../../src/adapters/bar_store/sqlite_jobs.ts";
import { SqliteAsOfRegister, SqliteSnapshotIndex } from "../../../src/adapters/bar_store/sqlite_registers.ts";
import { asOfRegisterContract } from "../../contract/as_of_register.ts";
import { barStoreContract } from "../../contract/bar_store.ts";
import { GRID, NODE } from "../../contract/bar_store_samples.ts";
import { jobStoreContract } from "../../contract/job_store.ts";
import { snapshotIndexContract } from "../../contract/snapshot_index.ts";
import { FakeClock, SeededDice } from "../../fake_clock.ts";

/** Two doors to one file, each with a connection and a writing thread of its own, as two processes would have. */
function twoDoors() {
  const folder = Deno.makeTempDirSync({ prefix: "seamless-bars-" });
  const [first, second] = [openSqliteFile(`${folder}/bars.db`), openSqliteFile(`${folder}/bars.db`)];
  const dispose = async () => {
    await first.close();
    await second.close();
    Deno.removeSync(folder, { recursive: true });
  };
  return { first, second, dispose };
}

barStoreContract("SQLite bars", async () => {
  const { first, second, dispose } = twoDoors();
  const clock = new FakeClock();
  const store = new SqliteBarStore({ file: first, dice: new SeededDice(1) });
  await store.ensureNode({ nodeId: NODE, grid: GRID, volumeUnit: "base" });
  return {
    store,
    second: new SqliteBarStore({ file: second, dice: new SeededDice(2) }),
    leases: new SqliteLeases({ file: second, clock, dice: new SeededDice(3) }),
    clock,
    dispose,
  };
});

jobStoreContract("SQLite jobs", () => {
  const { first, second, dispose } = twoDoors();
  return Promise.resolve({ store: new SqliteJobStore(first), second: new SqliteJobStore(second), dispose });
});

asOfRegisterContract("SQLite as_of", () => {
  const { first, second, dispose } = twoDoors();
  return Promise.resolve({
    register: new SqliteAsOfRegister(first),
    second: new SqliteAsOfRegister(second),
    dispose,
  });
});

snapshotIndexContract("SQLite snapshots", () => {
  const { first, second, dispose } = twoDoors();
  return Promise.resolve({
    index: new SqliteSnapshotIndex(first),
    second: new SqliteSnapshotIndex(second),
    dispose,
  });
});
