/** A lease of a process that has ended is free at once; of one that lives it is not. */

import assert from "node:assert/strict";
import { openSqliteFile } from "../../../src/adapters/bar_store/sqlite_file.ts";
import { LeaseOwners } from "../../../src/adapters/leases/owners.ts";
import { SqliteLeases } from "../../../src/adapters/leases/sqlite.ts";
import { FakeClock } from "../../fake_clock.ts";

const KEY = "ohlcv:binance:BTC/USDT:1m|0|54000";

/** Ids that no two processes share. */
function diceOf(name: string) {
  let ids = 0;
  return { random: () => 0.5, id: () => `${name}${String(++ids).padStart(31, "0")}` };
}

interface Stand {
  folder: string;
  clock: FakeClock;
  process(name: string): SqliteLeases;
}

/** Processes on one store; what a test does not close is closed after it. */
async function standing(test: (stand: Stand) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  const clock = new FakeClock();
  const open: SqliteLeases[] = [];
  try {
    await test({
      folder,
      clock,
      process(name) {
        const dice = diceOf(name);
        const owners = new LeaseOwners({ prefix: `${folder}/bars.db-owner-`, dice });
        const leases = new SqliteLeases({ file: openSqliteFile(`${folder}/bars.db`), clock, dice, owners });
        open.push(leases);
        return leases;
      },
    });
  } finally {
    for (const leases of open) await leases.close();
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("the lease of a process that lives is held, whoever asks and how often", () =>
  standing(async ({ process }) => {
    const [a, b] = [process("a"), process("b")];
    assert.ok("lease" in await a.claim(KEY, 120_000));
    for (let times = 0; times < 3; times++) assert.ok("held" in await b.claim(KEY, 120_000));
    assert.ok("held" in await a.claim(KEY, 120_000));
  }));

Deno.test("the lease of a process that ended without giving it back is free at once, under a higher generation", () =>
  standing(async ({ process }) => {
    const [a, b] = [process("a"), process("b")];
    const first = await a.claim(KEY, 120_000);
    await a.close();
    const second = await b.claim(KEY, 120_000);
    assert.ok("lease" in first && "lease" in second);
    assert.ok(second.lease.generation > first.lease.generation);
    assert.ok("held" in await process("c").claim(KEY, 120_000));
  }));

Deno.test("a file that a killed process left behind shows that it is gone, and is taken away", () =>
  standing(async ({ folder, process }) => {
    const dead = "d".repeat(32);
    const left = `${folder}/bars.db-owner-${dead}`;
    await Deno.writeTextFile(left, "");
    const owners = new LeaseOwners({ prefix: `${folder}/bars.db-owner-`, dice: diceOf("e") });
    assert.equal(owners.isGone(`${dead}.1`), true);
    await assert.rejects(Deno.stat(left), Deno.errors.NotFound);
    assert.equal(owners.isGone(`${dead}.1`), true);
    assert.ok("lease" in await process("a").claim(KEY, 1_000));
  }));

Deno.test("a token of no owner is somebody unknown: it is held until it runs out", () =>
  standing(async ({ folder, clock, process }) => {
    const plain = new SqliteLeases({ file: openSqliteFile(`${folder}/bars.db`), clock, dice: diceOf("p") });
    assert.ok("lease" in await plain.claim(KEY, 120_000));
    await plain.close();
    const later = process("a");
    assert.ok("held" in await later.claim(KEY, 120_000));
    await clock.advance(120_000);
    assert.ok("lease" in await later.claim(KEY, 120_000));
  }));

Deno.test("a process that holds nothing any more leaves no file", () =>
  standing(async ({ folder, process }) => {
    const a = process("a");
    const outcome = await a.claim(KEY, 1_000);
    assert.ok("lease" in outcome);
    await a.complete(outcome.lease);
    await a.close();
    const names = Array.from(Deno.readDirSync(folder), ({ name }) => name);
    assert.deepEqual(names.filter((name) => name.includes("owner")), []);
  }));

Deno.test("of fifty claims at once on a dead process's lease one wins", () =>
  standing(async ({ process }) => {
    const [a, b, c] = [process("a"), process("b"), process("c")];
    await a.claim(KEY, 120_000);
    await a.close();
    const claims = Array.from({ length: 50 }, (_, i) => (i % 2 === 0 ? b : c).claim(KEY, 120_000));
    const outcomes = await Promise.all(claims);
    assert.equal(outcomes.filter((outcome) => "lease" in outcome).length, 1);
  }));
