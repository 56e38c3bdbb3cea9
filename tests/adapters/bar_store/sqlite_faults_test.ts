import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { storeFault } from "../../../src/adapters/bar_store/sqlite_faults.ts";
import { leaseLost } from "../../../src/adapters/bar_store/refusals.ts";

const PATH = "/somewhere/bars.db";

/** What SQLite itself says: told apart by its own words, not by ours. */
function thrownBy(work: () => void): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

Deno.test("storeFault() knows a full disk", () => {
  const db = new DatabaseSync(":memory:");
  db.exec("PRAGMA max_page_count = 3; CREATE TABLE t (x)");
  const error = thrownBy(() => db.exec("INSERT INTO t VALUES (zeroblob(100000))"));
  db.close();
  const fault = storeFault(error, { act: "write to", path: PATH });
  assert.equal(fault.code, "STORE_UNAVAILABLE");
  assert.match(
    fault.message,
    /^Cannot write to the bar store \/somewhere\/bars\.db: the disk is full \(.*full\)$/,
  );
  assert.match(fault.hint, /Free some space/);
});

Deno.test("storeFault() knows another process's lock, and says when to try again", () => {
  const folder = Deno.makeTempDirSync();
  const [holder, other] = [
    new DatabaseSync(`${folder}/x.db`),
    new DatabaseSync(`${folder}/x.db`, { timeout: 0 }),
  ];
  holder.exec("BEGIN IMMEDIATE");
  const fault = storeFault(thrownBy(() => other.exec("BEGIN IMMEDIATE")), { act: "write to", path: PATH });
  holder.close();
  other.close();
  Deno.removeSync(folder, { recursive: true });
  assert.match(fault.message, /another process holds its write lock/);
  assert.equal(fault.retryAfter, 1);
});

Deno.test("storeFault() knows a file that is read-only, and one that cannot be opened", () => {
  const folder = Deno.makeTempDirSync();
  new DatabaseSync(`${folder}/x.db`).close();
  const db = new DatabaseSync(`${folder}/x.db`, { readOnly: true });
  const readOnly = storeFault(thrownBy(() => db.exec("CREATE TABLE t (x)")), { act: "write to", path: PATH });
  db.close();
  const missing = thrownBy(() => new DatabaseSync(`${folder}/none/x.db`));
  const absent = storeFault(missing, { act: "open", path: PATH });
  Deno.removeSync(folder, { recursive: true });
  assert.match(readOnly.message, /it is read-only/);
  assert.match(absent.message, /cannot be opened or made/);
});

Deno.test("storeFault() leaves an expected failure what it is", () => {
  const lost = leaseLost({ key: "k", generation: 1, younger: 2, window: [0, 60] });
  assert.equal(storeFault(lost, { act: "write to", path: PATH }), lost);
});

Deno.test("storeFault() names the path, what SQLite said, and doctor, where nothing better is known", () => {
  const fault = storeFault(new Error("something new"), { act: "read", path: PATH });
  assert.equal(fault.code, "STORE_UNAVAILABLE");
  assert.match(fault.message, /\/somewhere\/bars\.db: SQLite failed \(something new\)/);
  assert.match(fault.hint, /doctor/);
});
