/**
 * What the embedded bar store costs: a fill's writes, an answer's reads, and the questions in between.
 *
 * Usage: deno bench --allow-read --allow-write=/tmp --allow-env scripts/bench/bar_store_bench.ts
 */

import { MemoryBarStore } from "../../src/adapters/bar_store/memory.ts";
import { SqliteBarStore } from "../../src/adapters/bar_store/sqlite.ts";
import { openSqliteFile } from "../../src/adapters/bar_store/sqlite_file.ts";
import { SqliteLeases } from "../../src/adapters/leases/sqlite.ts";
import { systemClock, systemDice } from "../../src/adapters/system.ts";
import { makeBars } from "../../src/core/bar_frame.ts";
import type { BarStore, WindowWrite } from "../../src/core/ports.ts";
import { barsOfChunks } from "../../src/core/stored_chunk.ts";

const NODE = "ohlcv:binance:BTC/USDT:1m";
const GRID = { step: 60, anchor: 0 };
const WINDOW_BARS = 900;
const MILLION = 1_000_000;
/** Windows that a fill has under way at a time (`backfill.max_concurrent_requests`). */
const IN_FLIGHT = 8;
/** 100,000 bars in the middle. */
const READ_RANGE = [500_000 * 60, 600_000 * 60] as const;

const folder = Deno.makeTempDirSync({ prefix: "seamless-bench-" });
let files = 0;

function openStore(): SqliteBarStore {
  return new SqliteBarStore({ file: openSqliteFile(`${folder}/${files++}.db`), dice: systemDice });
}

/** The write of one window, as a fill makes it. */
function writeOf(first: number): WindowWrite {
  const rows = Math.min(WINDOW_BARS, MILLION - first);
  const window = [first * 60, (first + WINDOW_BARS) * 60] as const;
  const final = makeBars(rows);
  for (let i = 0; i < rows; i++) {
    final.ts[i] = (first + i) * 60;
    final.open[i] = 20_000 + Math.sin(first + i);
    final.high[i] = final.open[i] + 1;
    final.low[i] = final.open[i] - 1;
    final.close[i] = final.open[i] + 0.5;
    final.volume[i] = i % 7;
  }
  const row = {
    start: window[0],
    end: window[1],
    source: "binance",
    askedAt: 1.7e9,
    firstAskedAt: 1.7e9,
    bars: rows,
  };
  return {
    nodeId: NODE,
    window,
    final,
    provisional: makeBars(0),
    answered: [window],
    observedAtMs: 1.7e12,
    seenAtMs: 1.7e12,
    source: "binance",
    cause: "refetch",
    replySha256: null,
    ledger: [{ ...row, attempts: 1, reason: null, error: null, nextAsk: null, replySha256: null, window }],
    findings: [],
    conflicts: [],
    quarantine: [],
    fence: null,
  };
}

/** Writes a million bars, so many windows at a time. */
async function fill(store: BarStore, inFlight: number): Promise<void> {
  await store.ensureNode({ nodeId: NODE, grid: GRID, volumeUnit: "base" });
  let next = 0;
  const worker = async () => {
    while (next < MILLION) {
      const first = next;
      next += WINDOW_BARS;
      await store.commit(writeOf(first));
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
}

async function read(store: BarStore, range: readonly [number, number]): Promise<number> {
  let rows = 0;
  for await (const chunk of store.read(NODE, range)) rows += chunk.rows;
  return rows;
}

Deno.bench({
  name: "a million bars in windows of 900, eight at a time",
  group: "write",
  n: 3,
  warmup: 1,
  async fn(b) {
    const store = openStore();
    b.start();
    await fill(store, IN_FLIGHT);
    b.end();
    await store.close();
  },
});

Deno.bench({
  name: "a million bars in windows of 900, one after the other",
  group: "write",
  n: 3,
  warmup: 1,
  async fn(b) {
    const store = openStore();
    b.start();
    await fill(store, 1);
    b.end();
    await store.close();
  },
});

Deno.bench({
  name: "a million bars into memory",
  group: "write",
  n: 3,
  warmup: 1,
  async fn() {
    await fill(new MemoryBarStore(), IN_FLIGHT);
  },
});

const filled = openStore();
await fill(filled, IN_FLIGHT);
await filled.state(NODE);

Deno.bench("state() of 245 chunks when nothing changed", { group: "ask" }, async () => {
  await filled.state(NODE);
});

Deno.bench("version() when nothing changed", { group: "ask" }, async () => {
  await filled.version();
});

Deno.bench("stateWithin() one window", { group: "ask" }, async () => {
  await filled.stateWithin(NODE, [500_400 * 60, 501_300 * 60]);
});

Deno.bench("state() after one more window", { group: "ask", n: 50 }, async (b) => {
  await filled.commit(writeOf(450_000));
  b.start();
  await filled.state(NODE);
  b.end();
});

Deno.bench("100,000 bars from the file, by a process that starts", { group: "read", n: 20 }, async (b) => {
  const store = new SqliteBarStore({ file: openSqliteFile(`${folder}/${files - 1}.db`), dice: systemDice });
  b.start();
  await read(store, READ_RANGE);
  b.end();
  await store.close();
});

Deno.bench("100,000 bars from the cache, as chunks", { group: "read" }, async () => {
  await read(filled, READ_RANGE);
});

Deno.bench("100,000 bars from the cache, as a frame", { group: "read" }, async () => {
  barsOfChunks(await Array.fromAsync(filled.read(NODE, READ_RANGE)), READ_RANGE);
});

Deno.bench("1,440 bars from the cache, as chunks", { group: "read" }, async () => {
  await read(filled, [500_000 * 60, 501_440 * 60]);
});

const leases = new SqliteLeases({
  file: openSqliteFile(`${folder}/leases.db`),
  clock: systemClock,
  dice: systemDice,
});
let key = 0;

Deno.bench("claim and give back a lease", { group: "lease" }, async () => {
  const outcome = await leases.claim(String(key++), 1000);
  if ("lease" in outcome) await leases.complete(outcome.lease);
});

globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
