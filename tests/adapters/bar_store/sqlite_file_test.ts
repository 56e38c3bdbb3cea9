import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { DatabaseSync } from "node:sqlite";
import { SqliteBarStore } from "../../../src/adapters/bar_store/sqlite.ts";
import { openSqliteFile } from "../../../src/adapters/bar_store/sqlite_file.ts";
import { SqliteLeases } from "../../../src/adapters/leases/sqlite.ts";
import { HistoryError } from "../../../src/core/errors.ts";
import {
  barsAt,
  CHUNK,
  chunksOf,
  EVER,
  GRID,
  minutes,
  NODE,
  rowOf,
  storedBars,
  writeOf,
} from "../../contract/bar_store_samples.ts";
import { FakeClock, SeededDice } from "../../fake_clock.ts";

/** The one place that a run of tests may write to. */
const TEMP = Deno.env.get("TMPDIR") ?? "/tmp";
const OPTIONS = { sanitizeOps: true, sanitizeResources: true };

/** Runs with a new folder, and removes it. */
async function inFolder(work: (folder: string) => Promise<void> | void): Promise<void> {
  const folder = Deno.makeTempDirSync({ prefix: "seamless-file-" });
  try {
    await work(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

async function withStore(path: string, work: (store: SqliteBarStore) => Promise<void>): Promise<void> {
  const store = new SqliteBarStore({ file: openSqliteFile(path), dice: new SeededDice(1) });
  try {
    await store.ensureNode({ nodeId: NODE, grid: GRID, volumeUnit: "base" });
    await work(store);
  } finally {
    await store.close();
  }
}

/** Passes for `STORE_UNAVAILABLE` that names the path, says what is wrong, and how to go on. */
function unavailable(path: string, what: RegExp, hint: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof HistoryError, String(error));
    assert.equal(error.code, "STORE_UNAVAILABLE");
    assert.ok(error.message.includes(path), error.message);
    assert.match(error.message, what);
    assert.match(error.hint, hint);
    return true;
  };
}

function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

Deno.test(
  "openSqliteFile() makes the folder and the file, and a closed store leaves the one file",
  OPTIONS,
  () =>
    inFolder(async (folder) => {
      const path = `${folder}/deep/er/bars.db`;
      await withStore(path, async (store) => {
        await store.commit(writeOf(minutes(0, 10)));
      });
      assert.deepEqual(namesIn(`${folder}/deep/er`), ["bars.db"]);
      await withStore(path, async (store) => {
        assert.deepEqual(await storedBars(store), barsAt(minutes(0, 10)));
      });
    }),
);

Deno.test(
  "a command that only reads starts no writer and changes no byte",
  OPTIONS,
  () =>
    inFolder(async (folder) => {
      const path = `${folder}/bars.db`;
      await withStore(path, async (store) => {
        await store.commit(writeOf(minutes(0, 10)));
      });
      const before = Deno.readFileSync(path);
      const store = new SqliteBarStore({ file: openSqliteFile(path), dice: new SeededDice(1) });
      assert.equal((await storedBars(store)).ts.length, 10);
      assert.equal((await store.state(NODE))!.chunks.length, 1);
      await store.close();
      assert.deepEqual(Deno.readFileSync(path), before);
    }),
);

Deno.test("a file of no bytes becomes a store", OPTIONS, () =>
  inFolder(async (folder) => {
    Deno.writeFileSync(`${folder}/bars.db`, new Uint8Array(0));
    await withStore(`${folder}/bars.db`, (store) => store.probe());
  }));

Deno.test("a file of a newer schema is refused, and not touched", OPTIONS, () =>
  inFolder(async (folder) => {
    const path = `${folder}/bars.db`;
    await withStore(path, async () => {});
    const db = new DatabaseSync(path);
    db.exec("PRAGMA user_version = 99");
    db.close();
    const before = Deno.readFileSync(path);
    assert.throws(
      () => openSqliteFile(path),
      unavailable(path, /schema is 99, .* up to \d/, /update this one/),
    );
    assert.deepEqual(Deno.readFileSync(path), before);
    assert.deepEqual(namesIn(folder), ["bars.db"]);
  }));

Deno.test("another program's database is refused, and not touched", OPTIONS, () =>
  inFolder((folder) => {
    for (const setUp of ["CREATE TABLE theirs (x)", "CREATE TABLE chunks (x); PRAGMA user_version = 2"]) {
      const path = `${folder}/${setUp.length}.db`;
      const db = new DatabaseSync(path);
      db.exec(setUp);
      db.close();
      const before = Deno.readFileSync(path);
      assert.throws(() => openSqliteFile(path), unavailable(path, /another program's/, /was not touched/));
      assert.deepEqual(Deno.readFileSync(path), before);
    }
  }));

Deno.test(
  "what is no database, or no file, is refused with the way out",
  OPTIONS,
  () =>
    inFolder((folder) => {
      Deno.writeTextFileSync(
        `${folder}/notes.txt`,
        "Not a database, but a long enough text to be taken for one. ".repeat(20),
      );
      const text = `${folder}/notes.txt`;
      assert.throws(() => openSqliteFile(text), unavailable(text, /no SQLite file/, /Move it away/));
      assert.throws(() => openSqliteFile(folder), unavailable(folder, /it is a folder/, /Name a file/));
      const below = `${folder}/notes.txt/bars.db`;
      assert.throws(
        () => openSqliteFile(below),
        unavailable(below, /cannot be opened or made/, /is a folder/),
      );
    }),
);

Deno.test({
  name: "a folder that may not be written to is refused with the way out",
  permissions: { read: true, write: [`${TEMP}/seamless-allowed`] },
  fn() {
    const path = `${TEMP}/seamless-forbidden/bars.db`;
    assert.throws(() => openSqliteFile(path), unavailable(path, /may not read or write/, /--allow-write/));
  },
});

Deno.test(
  "a damaged file fails with STORE_UNAVAILABLE, in reads and in writes",
  OPTIONS,
  () =>
    inFolder(async (folder) => {
      const path = `${folder}/bars.db`;
      await withStore(path, async (store) => {
        for (const k of [0, 1, 2, 3]) await store.commit(writeOf(minutes(k * CHUNK, 4096)));
      });
      const bytes = Deno.readFileSync(path);
      bytes.fill(0xff, 4096, 16 * 4096);
      Deno.writeFileSync(path, bytes);
      const store = new SqliteBarStore({ file: openSqliteFile(path), dice: new SeededDice(1) });
      const damaged = unavailable(path, /damaged/, /Move it away/);
      await assert.rejects(store.state(NODE), damaged);
      await assert.rejects(store.commit(writeOf([0])), damaged);
      await store.close();
    }),
);

Deno.test(
  "a file that is deleted under a store takes no more writes",
  OPTIONS,
  () =>
    inFolder(async (folder) => {
      const path = `${folder}/bars.db`;
      await withStore(path, async (store) => {
        await store.commit(writeOf([0]));
        Deno.renameSync(path, `${folder}/elsewhere.db`);
        const gone = unavailable(path, /moved or deleted/, /start again/);
        await assert.rejects(store.commit(writeOf([60])), gone);
        await assert.rejects(store.probe(), gone);
        Deno.renameSync(`${folder}/elsewhere.db`, path);
        await store.commit(writeOf([120]));
        assert.deepEqual([...(await storedBars(store)).ts], [0, 120]);
      });
    }),
);

Deno.test("probe() fails where its row cannot be written", OPTIONS, () =>
  inFolder(async (folder) => {
    const path = `${folder}/bars.db`;
    const store = new SqliteBarStore({ file: openSqliteFile(path), dice: new SeededDice(1) });
    await store.probe();
    const db = new DatabaseSync(path);
    db.exec("DROP TABLE probe");
    db.close();
    await assert.rejects(store.probe(), unavailable(path, /no such table/, /doctor/));
    await store.close();
  }));

Deno.test(
  "writes of one turn go in one transaction, and each chunk is written once",
  OPTIONS,
  () =>
    inFolder((folder) =>
      withStore(`${folder}/bars.db`, async (store) => {
        const before = Number(await store.version());
        const writes = Array.from({ length: 40 }, (_, i) => store.commit(writeOf(minutes(i * 600, 10))));
        await Promise.all(writes);
        assert.equal(Number(await store.version()) - before, 1);
        assert.deepEqual(await storedBars(store), barsAt(minutes(0, 400)));
      })
    ),
);

Deno.test(
  "a store at rest holds no old version: the log is folded into the file as it grows",
  OPTIONS,
  () =>
    inFolder((folder) =>
      withStore(`${folder}/bars.db`, async (store) => {
        for (let k = 0; k < 240; k++) {
          await store.commit(writeOf(minutes(k * CHUNK, 4096)));
          await store.state(NODE);
          for await (const chunk of store.read(NODE, [k * CHUNK, (k + 1) * CHUNK])) {
            assert.equal(chunk.rows, 4096);
          }
        }
        const written = 240 * 4096 * 48;
        assert.ok(
          Deno.statSync(`${folder}/bars.db-wal`).size < written * 0.6,
          "the log grows with all that was written",
        );
      })
    ),
);

Deno.test(
  "a long read lets others run",
  OPTIONS,
  () =>
    inFolder((folder) =>
      withStore(`${folder}/bars.db`, async (store) => {
        const writes = Array.from({ length: 64 }, (_, k) => store.commit(writeOf([k * CHUNK])));
        await Promise.all(writes);
        let turns = 0;
        let isReading = true;
        const count = () => {
          turns++;
          if (isReading) setImmediate(count);
        };
        setImmediate(count);
        assert.equal((await chunksOf(store)).length, 64);
        isReading = false;
        assert.ok(turns >= 3, `others ran ${turns} times`);
        await new Promise((resolve) => setImmediate(resolve));
      })
    ),
);

Deno.test(
  "a chunk that was read before is handed out again as the same object",
  OPTIONS,
  () =>
    inFolder((folder) =>
      withStore(`${folder}/bars.db`, async (store) => {
        await Promise.all([0, 1].map((k) => store.commit(writeOf([k * CHUNK]))));
        const first = await chunksOf(store);
        await store.commit(writeOf([CHUNK + 60]));
        const second = await chunksOf(store);
        assert.equal(second[0], first[0]);
        assert.notEqual(second[1], first[1]);
        assert.deepEqual([first[1].rows, second[1].rows], [1, 2]);
      })
    ),
);

Deno.test({
  name: "where the writing thread's module cannot be read, the same writer works in place",
  permissions: { read: [TEMP], write: [TEMP], env: ["TMPDIR"] },
  fn: () =>
    inFolder((folder) =>
      withStore(`${folder}/bars.db`, async (store) => {
        await Promise.all([store.commit(writeOf(minutes(0, 5))), store.commit(writeOf(minutes(300, 5)))]);
        await store.probe();
        assert.deepEqual(await storedBars(store, EVER), barsAt(minutes(0, 10)));
        await assert.rejects(store.commit(writeOf([61])));
      })
    ),
});

Deno.test(
  "the file stays open until the last of those that stand on it is closed",
  OPTIONS,
  () =>
    inFolder(async (folder) => {
      const file = openSqliteFile(`${folder}/bars.db`);
      const leases = new SqliteLeases({ file, clock: new FakeClock(), dice: new SeededDice(1) });
      const stores = [1, 2].map((seed) => new SqliteBarStore({ file, dice: new SeededDice(seed) }));
      const isRefused = (error: unknown) => error instanceof HistoryError && error.code === "CANCELLED";
      await stores[0].close();
      await stores[0].close();
      await assert.rejects(stores[0].probe(), isRefused);
      await stores[1].probe();
      await leases.close();
      await stores[1].probe();
      await stores[1].close();
      await assert.rejects(file.transact([]), isRefused);
      assert.deepEqual(namesIn(folder), ["bars.db"]);
    }),
);

Deno.test(
  "a write that fails half-way undoes itself, and those of the same transaction stay",
  OPTIONS,
  () =>
    inFolder(async (folder) => {
      const file = openSqliteFile(`${folder}/bars.db`);
      const store = new SqliteBarStore({ file, dice: new SeededDice(1) });
      await store.ensureNode({ nodeId: NODE, grid: GRID, volumeUnit: "base" });
      const half = { sql: "INSERT INTO probe (id, body) VALUES ('half', 'x')", params: [] };
      const outcomes = await Promise.allSettled([
        store.commit(writeOf(minutes(0, 3))),
        file.transact([half, { sql: "INSERT INTO probe (id, body) VALUES ('other', NULL)", params: [] }]),
        // Its rows are merged before the ledger row turns out not to be one.
        store.commit(writeOf(minutes(60, 9), { ledger: [rowOf([0, 60], { bars: NaN })] })),
        store.commit(writeOf(minutes(180, 3))),
      ]);
      assert.deepEqual(outcomes.map(({ status }) => status), [
        "fulfilled",
        "rejected",
        "rejected",
        "fulfilled",
      ]);
      assert.deepEqual(await storedBars(store), barsAt(minutes(0, 6)));
      assert.deepEqual((await store.state(NODE))!.ledger, []);
      assert.deepEqual(file.read((sql) => sql.rows("SELECT id FROM probe")), []);
      await store.close();
    }),
);
