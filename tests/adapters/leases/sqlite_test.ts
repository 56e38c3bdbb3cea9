import { openSqliteFile } from "../../../src/adapters/bar_store/sqlite_file.ts";
import { SqliteLeases } from "../../../src/adapters/leases/sqlite.ts";
import { leasesContract } from "../../contract/leases.ts";
import { FakeClock, SeededDice } from "../../fake_clock.ts";

leasesContract("leases in SQLite", () => {
  const folder = Deno.makeTempDirSync({ prefix: "seamless-leases-" });
  const clock = new FakeClock();
  const open: SqliteLeases[] = [];
  const door = (seed: number) => {
    const leases = new SqliteLeases({
      file: openSqliteFile(`${folder}/bars.db`),
      clock,
      dice: new SeededDice(seed),
    });
    open.push(leases);
    return leases;
  };
  return Promise.resolve({
    leases: door(1),
    second: door(2),
    clock,
    async restart() {
      for (const leases of open.splice(0)) await leases.close();
      return door(3);
    },
    async dispose() {
      for (const leases of open) await leases.close();
      Deno.removeSync(folder, { recursive: true });
    },
  });
});
