/**
 * A process of its own that writes windows to a file, for tests that kill it or run two of it at once.
 *
 * `write PATH FIRST COUNT`: writes windows one after the other, eight under way at a time, and says the number of each
 * when its commit is acknowledged.
 * `share PATH COUNT DOWN`: does what workers do with windows that others want too: claims each (from the last one on
 * with DOWN = 1), looks at the ledger, writes what nobody wrote, gives the key back; says what it wrote as `wrote i`.
 * Then it claims keys that nobody gives back, and says what it got as `got i`.
 */

import { SqliteBarStore } from "../../../src/adapters/bar_store/sqlite.ts";
import { openSqliteFile } from "../../../src/adapters/bar_store/sqlite_file.ts";
import { SqliteLeases } from "../../../src/adapters/leases/sqlite.ts";
import { systemClock, systemDice } from "../../../src/adapters/system.ts";
import { GRID, minutes, NODE, rowOf, STEP, writeOf } from "../../contract/bar_store_samples.ts";

/** Bars of one window: as long as those of a fill, and no divisor of a chunk. */
export const WINDOW_BARS = 900;
const IN_FLIGHT = 8;
const LEASE_MS = 600_000;

/** The range of window `i`. */
export function windowOf(i: number): readonly [number, number] {
  return [i * WINDOW_BARS * STEP, (i + 1) * WINDOW_BARS * STEP];
}

function writeOfWindow(i: number) {
  const window = windowOf(i);
  return writeOf(minutes(window[0], WINDOW_BARS), { window, answered: [window], ledger: [rowOf(window)] });
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

async function write(path: string, { first, count }: { first: number; count: number }): Promise<void> {
  const store = new SqliteBarStore({ file: openSqliteFile(path), dice: systemDice });
  await store.ensureNode({ nodeId: NODE, grid: GRID, volumeUnit: "base" });
  let next = first;
  const worker = async () => {
    while (next < first + count) {
      const i = next++;
      await store.commit(writeOfWindow(i));
      say(String(i));
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  await store.close();
}

async function share(path: string, { count, isDown }: { count: number; isDown: boolean }): Promise<void> {
  const file = openSqliteFile(path);
  const store = new SqliteBarStore({ file, dice: systemDice });
  const leases = new SqliteLeases({ file, clock: systemClock, dice: systemDice });
  await store.ensureNode({ nodeId: NODE, grid: GRID, volumeUnit: "base" });
  const order = Array.from({ length: count }, (_, i) => isDown ? count - 1 - i : i);
  for (const i of order) {
    const outcome = await leases.claim(`${NODE}|${i}`, LEASE_MS);
    if ("held" in outcome) continue;
    const state = (await store.stateWithin(NODE, windowOf(i)))!;
    if (state.ledger.length === 0) {
      const { key, generation } = outcome.lease;
      await store.commit({ ...writeOfWindow(i), fence: { key, generation } });
      say(`wrote ${i}`);
    }
    await leases.complete(outcome.lease);
  }
  for (const i of order) if ("lease" in await leases.claim(`kept ${i}`, LEASE_MS)) say(`got ${i}`);
  await store.close();
  await leases.close();
}

if (import.meta.main) {
  const [mode, path, ...numbers] = Deno.args;
  const [a, b] = numbers.map(Number);
  if (mode === "write") await write(path, { first: a, count: b });
  else await share(path, { count: a, isDown: b === 1 });
}
