import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { SqliteBarStore } from "../../../src/adapters/bar_store/sqlite.ts";
import { openSqliteFile } from "../../../src/adapters/bar_store/sqlite_file.ts";
import { SqliteJobStore } from "../../../src/adapters/bar_store/sqlite_jobs.ts";
import { SqliteAsOfRegister, SqliteSnapshotIndex } from "../../../src/adapters/bar_store/sqlite_registers.ts";
import { migrate, SCHEMA_VERSION, schemaOf } from "../../../src/adapters/bar_store/sqlite_schema.ts";
import { SqliteLeases } from "../../../src/adapters/leases/sqlite.ts";
import {
  barsAt,
  CHUNK,
  chunksOf,
  logOf,
  minutes,
  NODE,
  storedBars,
  valuesOf,
  writeOf,
} from "../../contract/bar_store_samples.ts";
import { FakeClock, SeededDice } from "../../fake_clock.ts";

const FIXTURE = new URL("../../../fixtures/bar_store/schema_1.sql", import.meta.url);
const OPTIONS = { sanitizeOps: true, sanitizeResources: true };

/** A file of the first schema, in a new folder. */
function firstSchema(): { path: string; remove(): void } {
  const folder = Deno.makeTempDirSync({ prefix: "seamless-schema-" });
  const path = `${folder}/bars.db`;
  const db = new DatabaseSync(path);
  db.exec("PRAGMA journal_mode = WAL");
  db.exec(Deno.readTextFileSync(FIXTURE));
  db.close();
  return { path, remove: () => Deno.removeSync(folder, { recursive: true }) };
}

function pragma(path: string, name: string): number {
  const db = new DatabaseSync(path, { readOnly: true });
  const row = db.prepare(`PRAGMA ${name}`).get() as Record<string, number>;
  db.close();
  return row[name];
}

Deno.test("a file of the first schema becomes one of this, with all that is in it", OPTIONS, async () => {
  const { path, remove } = firstSchema();
  assert.equal(pragma(path, "user_version"), 1);
  const file = openSqliteFile(path);
  const store = new SqliteBarStore({ file, dice: new SeededDice(1) });
  assert.equal(pragma(path, "user_version"), SCHEMA_VERSION);

  const state = (await store.state(NODE))!;
  assert.deepEqual([...state.final], [CHUNK - 180, CHUNK + 180]);
  assert.deepEqual([...state.provisional.ts], [CHUNK + 300]);
  assert.deepEqual(state.ledger.map(({ reason, error }) => reason ?? error), [
    null,
    "absent_at_source",
    "EXCHANGE_UNAVAILABLE: reset",
  ]);
  assert.deepEqual(state.findings.map(({ ts, flag }) => [ts, flag]), [[CHUNK, "ohlc_invariant"]]);
  const rows = barsAt(minutes(CHUNK - 180, 6), (ts) => valuesOf(ts, ts === CHUNK ? 1 : 0));
  assert.deepEqual(await storedBars(store), rows);
  assert.deepEqual((await logOf(store)).map(([ts, , cause, kept]) => [ts, cause, kept]), [
    [CHUNK - 120, "withdrawn", false],
    [CHUNK, "refetch", false],
    [CHUNK, "refetch", true],
  ]);
  assert.deepEqual(await store.quarantined("bb".repeat(32)), [new TextEncoder().encode("{broken")]);
  assert.equal((await new SqliteJobStore(file).unfinished())[0].id, "job");
  assert.equal(await new SqliteAsOfRegister(file).last("default", NODE), 1_700_000_000_123);
  assert.equal((await new SqliteSnapshotIndex(file).newest(NODE))?.seq, 1);
  const leases = new SqliteLeases({ file, clock: new FakeClock(), dice: new SeededDice(1) });
  const claim = await leases.claim("k", 1000);
  assert.equal("lease" in claim && claim.lease.generation, 4);
  await file.close();
  remove();
});

Deno.test("a migrated file takes writes, and its old chunks keep their digests", OPTIONS, async () => {
  const { path, remove } = firstSchema();
  const store = new SqliteBarStore({ file: openSqliteFile(path), dice: new SeededDice(1) });
  const before = (await chunksOf(store)).map(({ digest }) => digest);
  await store.commit(writeOf(minutes(CHUNK + 180, 3)));
  const after = (await chunksOf(store)).map(({ digest }) => digest);
  assert.equal(after[0], before[0]);
  assert.notEqual(after[1], before[1]);
  assert.deepEqual([...(await store.state(NODE))!.final], [CHUNK - 180, CHUNK + 360]);
  await store.close();
  remove();
});

Deno.test("two that open a file of the first schema at once both find it migrated", OPTIONS, async () => {
  const { path, remove } = firstSchema();
  const doors = [openSqliteFile(path), openSqliteFile(path)];
  const stores = doors.map((file) => new SqliteBarStore({ file, dice: new SeededDice(1) }));
  for (const store of stores) assert.equal((await storedBars(store)).ts.length, 6);
  for (const store of stores) await store.close();
  remove();
});

Deno.test("a new file is of this schema, and says whose it is", OPTIONS, async () => {
  const folder = Deno.makeTempDirSync({ prefix: "seamless-schema-" });
  const file = openSqliteFile(`${folder}/bars.db`);
  await file.close();
  assert.equal(pragma(`${folder}/bars.db`, "user_version"), SCHEMA_VERSION);
  assert.equal(pragma(`${folder}/bars.db`, "application_id"), 0x5345414d);
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("a file whose tables another process makes at that moment is nobody else's", OPTIONS, () => {
  for (const journal of ["DELETE", "WAL"]) {
    const path = Deno.makeTempFileSync({ prefix: "seamless-made-", suffix: ".db" });
    const db = new DatabaseSync(path, { timeout: 0 });
    const other = new DatabaseSync(path, { timeout: 0 });
    db.exec(`PRAGMA journal_mode = ${journal}`);
    let made = "not tried";
    // The other process gets its turn between two looks.
    const looking = new Proxy(db, {
      get(target, name) {
        if (name !== "prepare") {
          const value = Reflect.get(target, name);
          return typeof value === "function" ? value.bind(target) : value;
        }
        return (sql: string) => {
          if (sql.includes("application_id") && made === "not tried") {
            made = attempt(() => migrate(other, path));
          }
          return target.prepare(sql);
        };
      },
    });
    assert.equal(schemaOf(looking, path), 0);
    assert.match(made, journal === "WAL" ? /^done$/ : /locked/);
    migrate(db, path);
    assert.equal(schemaOf(db, path), SCHEMA_VERSION);
    for (const open of [db, other]) open.close();
    for (const name of [path, `${path}-wal`, `${path}-shm`]) attempt(() => Deno.removeSync(name));
  }
});

function attempt(work: () => void): string {
  try {
    work();
    return "done";
  } catch (error) {
    return String(error);
  }
}
