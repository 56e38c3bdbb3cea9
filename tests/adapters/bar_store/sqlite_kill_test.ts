import assert from "node:assert/strict";
import type { SeededDice } from "../../fake_clock.ts";
import { killRounds, KILLS } from "../../kills.ts";
import { checkWhole, linesOf, start } from "./windows_process.ts";

/** Windows that a process would write if nobody killed it. */
const LONG = 2_000;
/** Acknowledged windows after which one is killed, at most. */
const ACKS_MAX = 24;

/** One file that is written to until its writers were killed so often; what they acknowledged is there each time. */
async function killWriters(kills: number, dice: SeededDice): Promise<void> {
  const folder = Deno.makeTempDirSync({ prefix: "seamless-kill-" });
  const acknowledged = new Set<number>();
  let next = 0;
  for (let kill = 0; kill < kills; kill++) {
    const acks = Math.floor(dice.random() * ACKS_MAX);
    const child = start(folder, ["write", next, LONG]);
    // With no acknowledgement to wait for, it is killed while it starts or makes the file.
    if (acks === 0) child.kill("SIGKILL");
    const said = acks === 0
      ? await linesOfKilled(child)
      : await linesOf(child, (lines) => lines.length >= acks);
    for (const line of said) acknowledged.add(Number(line));
    next = Math.max(next, ...said.map((line) => Number(line) + 1));
    if (acknowledged.size === 0 || (kill % 5 !== 4 && kill !== kills - 1)) continue;
    const windows = new Set(await checkWhole(`${folder}/bars.db`));
    for (const i of acknowledged) assert.ok(windows.has(i), `window ${i} is lost`);
  }
  assert.ok(acknowledged.size >= kills, `${acknowledged.size} windows were acknowledged`);
  Deno.removeSync(folder, { recursive: true });
}

async function linesOfKilled(child: Deno.ChildProcess): Promise<string[]> {
  const { stdout } = await child.output();
  return new TextDecoder().decode(stdout).split("\n").slice(0, -1);
}

Deno.test(
  `kill -9 at ${KILLS} random moments of writing leaves whole windows, none lost, none doubled`,
  { sanitizeOps: true, sanitizeResources: true },
  () => killRounds(11, killWriters),
);
