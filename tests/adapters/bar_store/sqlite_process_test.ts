import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { digestOfChunk } from "../../../src/adapters/bar_store/chunk_digest.ts";
import { SqliteBarStore } from "../../../src/adapters/bar_store/sqlite.ts";
import { openSqliteFile } from "../../../src/adapters/bar_store/sqlite_file.ts";
import { decodeRows } from "../../../src/core/stored_chunk.ts";
import { barsAt, EVER, logOf, minutes, NODE } from "../../contract/bar_store_samples.ts";
import { SeededDice } from "../../fake_clock.ts";
import { WINDOW_BARS, windowOf } from "./windows_program.ts";

/** `SEAMLESS_KILLS=200` is the full number; the quick run takes a sample. */
const KILLS = Number(Deno.env.get("SEAMLESS_KILLS") ?? 25);
/** Windows that a process would write if nobody killed it. */
const LONG = 2_000;
/** Acknowledged windows after which one is killed, at most. */
const ACKS_MAX = 24;
const PROGRAM = new URL("./windows_program.ts", import.meta.url).pathname;
const OPTIONS = { sanitizeOps: true, sanitizeResources: true };

function start(folder: string, args: (string | number)[]): Deno.ChildProcess {
  const [mode, ...numbers] = args.map(String);
  return new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--no-check",
      "--allow-read",
      `--allow-write=${folder}`,
      PROGRAM,
      mode,
      `${folder}/bars.db`,
      ...numbers,
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}

/** The lines that the process says until it ends, or until `enough` is true of them; then it is killed. */
async function linesOf(
  child: Deno.ChildProcess,
  enough: (lines: string[]) => boolean = () => false,
): Promise<string[]> {
  let text = "";
  const lines = () => text.split("\n").slice(0, -1);
  let isKilled = false;
  for await (const piece of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += piece;
    if (isKilled || !enough(lines())) continue;
    child.kill("SIGKILL");
    isKilled = true;
  }
  const { success } = await child.status;
  assert.equal(success, !isKilled);
  return lines();
}

/** Checks the whole file, and gives the windows that the ledger has. */
async function checkWhole(path: string): Promise<number[]> {
  const db = new DatabaseSync(path, { readOnly: true });
  const { integrity_check } = db.prepare("PRAGMA integrity_check").get() as { integrity_check: string };
  db.close();
  assert.equal(integrity_check, "ok");

  const store = new SqliteBarStore({ file: openSqliteFile(path), dice: new SeededDice(1) });
  const state = await store.state(NODE);
  const windows = (state?.ledger ?? []).map(({ start }) => start / (windowOf(1)[0])).sort((a, b) => a - b);
  const times = windows.flatMap((i) => minutes(windowOf(i)[0], WINDOW_BARS));
  let at = 0;
  for await (const { k, rows, bytes, digest, leaves } of store.read(NODE, EVER)) {
    assert.deepEqual(decodeRows(bytes), barsAt(times.slice(at, at + rows)), `rows of chunk ${k}`);
    assert.deepEqual({ digest, leaves }, digestOfChunk({ k, rows, bytes }), `digest of chunk ${k}`);
    at += rows;
  }
  assert.equal(at, times.length);
  assert.deepEqual(await logOf(store), []);
  await store.close();
  return windows;
}

Deno.test(
  `kill -9 at ${KILLS} random moments of writing leaves whole windows, none lost, none doubled`,
  OPTIONS,
  async () => {
    const folder = Deno.makeTempDirSync({ prefix: "seamless-kill-" });
    const dice = new SeededDice(11);
    const acknowledged = new Set<number>();
    let next = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const acks = Math.floor(dice.random() * ACKS_MAX);
      const child = start(folder, ["write", next, LONG]);
      // With no acknowledgement to wait for, it is killed while it starts or makes the file.
      if (acks === 0) child.kill("SIGKILL");
      const said = acks === 0
        ? await linesOfKilled(child)
        : await linesOf(child, (lines) => lines.length >= acks);
      for (const line of said) acknowledged.add(Number(line));
      const windows = kill % 5 === 4 || kill === KILLS - 1 ? await checkWhole(`${folder}/bars.db`) : [];
      for (const i of windows.length > 0 ? acknowledged : []) {
        assert.ok(
          windows.includes(i),
          `window ${i} is lost`,
        );
      }
      next = Math.max(next, ...said.map((line) => Number(line) + 1));
    }
    assert.ok(acknowledged.size >= KILLS, `${acknowledged.size} windows were acknowledged`);
    Deno.removeSync(folder, { recursive: true });
  },
);

async function linesOfKilled(child: Deno.ChildProcess): Promise<string[]> {
  const { stdout } = await child.output();
  return new TextDecoder().decode(stdout).split("\n").slice(0, -1);
}

Deno.test(
  "two processes on one file write each window once, and each lease has one holder",
  OPTIONS,
  async () => {
    const folder = Deno.makeTempDirSync({ prefix: "seamless-share-" });
    const count = 150;
    const said = await Promise.all([0, 1].map((isDown) => linesOf(start(folder, ["share", count, isDown]))));
    const all = [...Array(count).keys()];
    const told = (word: string) =>
      said.flat().filter((line) => line.startsWith(word)).map((line) => Number(line.split(" ")[1])).sort((
        a,
        b,
      ) => a - b);
    assert.deepEqual(told("wrote"), all);
    assert.deepEqual(told("got"), all);
    assert.equal(said.every((lines) => lines.some((line) => line.startsWith("wrote"))), true);
    assert.deepEqual(await checkWhole(`${folder}/bars.db`), all);
    Deno.removeSync(folder, { recursive: true });
  },
);

Deno.test("many processes that make one file at once all find it made", OPTIONS, async () => {
  for (let round = 0; round < 3; round++) {
    const folder = Deno.makeTempDirSync({ prefix: "seamless-make-" });
    const said = await Promise.all([0, 1, 2, 3].map((i) => linesOf(start(folder, ["write", 10 * i, 10]))));
    assert.deepEqual(said.map((lines) => lines.length), [10, 10, 10, 10]);
    assert.deepEqual(await checkWhole(`${folder}/bars.db`), [...Array(40).keys()]);
    Deno.removeSync(folder, { recursive: true });
  }
});
