/** Runs `windows_program.ts` as a process, and looks through what it left behind. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { digestOfChunk } from "../../../src/adapters/bar_store/chunk_digest.ts";
import { SqliteBarStore } from "../../../src/adapters/bar_store/sqlite.ts";
import { openSqliteFile } from "../../../src/adapters/bar_store/sqlite_file.ts";
import { decodeRows } from "../../../src/core/stored_chunk.ts";
import { barsAt, EVER, logOf, minutes, NODE } from "../../contract/bar_store_samples.ts";
import { SeededDice } from "../../fake_clock.ts";
import { WINDOW_BARS, windowOf } from "./windows_program.ts";

const PROGRAM = new URL("./windows_program.ts", import.meta.url).pathname;

/** Starts the program with its mode and numbers on `bars.db` of the folder. */
export function start(folder: string, args: (string | number)[]): Deno.ChildProcess {
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
export async function linesOf(
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
export async function checkWhole(path: string): Promise<number[]> {
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
