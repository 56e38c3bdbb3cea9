/**
 * `kill -9` at random moments of a fill (spec §14): whoever goes on loses nothing, doubles nothing, and holds no row
 * that the venue did not send.
 */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { generatedSource, type Series } from "../../scripts/recorded_exchange/mod.ts";
import { SqliteBarStore } from "../../src/adapters/bar_store/sqlite.ts";
import { openSqliteFile } from "../../src/adapters/bar_store/sqlite_file.ts";
import { type Bars, barsBetween, makeBars } from "../../src/core/bar_frame.ts";
import type { HistoryService } from "../../src/core/service.ts";
import { decodeRows } from "../../src/core/stored_chunk.ts";
import { SeededDice } from "../fake_clock.ts";
import { killRounds, KILLS } from "../kills.ts";
import { inFolder, type ProcessWorld } from "./process_world.ts";
import { compute } from "./world.ts";

const NODE = "ohlcv:binance:BTC/USDT:1m";
const DAY = 86_400;
const START = Date.UTC(2024, 0, 1) / 1000;
const RANGE = [START, START + 20 * DAY] as const;
const FILL = ["fill", NODE, "--start", "2024-01-01", "--end", "2024-01-21", "--workers", "3", "--json"];
/** Calls after which a process is killed, at most, and then so many ms later. */
const CALLS_MAX = 12;
const MORE_MS = 30;

/** A market with an outage, quiet hours and single bars left out. */
const source = generatedSource({
  seed: 5,
  absentRatio: 0.01,
  outages: [{ startMs: (START + 5 * DAY) * 1000, endMs: (START + 5 * DAY + 7_200) * 1000 }],
  zeroVolume: [{ startMs: (START + DAY) * 1000, endMs: (START + DAY + 3_600) * 1000 }],
});

/** What the venue has a day around the range, read from its series and from nothing of ours: windows reach over. */
function truth(): Bars {
  const series = source({ venue: "binance", symbol: "BTC/USDT", timeframe: "1m" }) as Series;
  const ask = {
    startMs: (RANGE[0] - DAY) * 1000,
    endMs: (RANGE[1] + DAY) * 1000,
    limit: Infinity,
    from: "start",
  } as const;
  const rows = series.read(ask);
  const bars = makeBars(rows.length);
  rows.forEach(({ openMs, open, high, low, close, volume }, i) => {
    bars.ts[i] = openMs / 1000;
    [bars.open[i], bars.high[i], bars.low[i], bars.close[i], bars.volume[i]] = [
      open,
      high,
      low,
      close,
      volume,
    ];
  });
  return bars;
}

const TRUTH = truth();
const CLAIMS = { nodeId: NODE, grid: { step: 60, anchor: 0 }, range: RANGE, conformanceVersion: "v2" };
const WANTED = barsBetween(TRUTH, ...RANGE);
const FINGERPRINT = compute.fingerprint(WANTED, CLAIMS).fingerprint;
const BY_TS = new Map(Array.from(TRUTH.ts, (ts, row) => [ts, row]));

/** Whatever a killed process left in the file: whole chunks, and rows that the venue has, each once. */
async function checkLeft(path: string): Promise<number> {
  const store = new SqliteBarStore({ file: openSqliteFile(path), dice: new SeededDice(1) });
  try {
    let rows = 0;
    let last = -Infinity;
    for await (const chunk of store.read(NODE, [...RANGE])) {
      const bars = decodeRows(chunk.bytes);
      ok(compute.verifyChunk(bars, chunk, CLAIMS.grid), `chunk ${chunk.k} is not what its digest says`);
      for (let i = 0; i < bars.ts.length; i++) last = checkRow(bars, i, last);
      rows += chunk.rows;
    }
    return rows;
  } finally {
    await store.close();
  }
}

function checkRow(bars: Bars, i: number, last: number): number {
  const ts = bars.ts[i];
  const known = BY_TS.get(ts);
  ok(known !== undefined, `a row at ${ts} that the venue never sent`);
  ok(ts > last, `the row at ${ts} stands twice`);
  for (const name of ["open", "high", "low", "close", "volume"] as const) {
    strictEqual(bars[name][i], TRUTH[name][known], `${name} at ${ts}`);
  }
  return ts;
}

async function checkComplete(service: HistoryService): Promise<void> {
  const request = { nodeId: NODE, start: RANGE[0], end: RANGE[1] };
  const { metadata } = await service.bars({ ...request, strategy: "FAIL_FAST" });
  deepStrictEqual([metadata.complete, metadata.rows, metadata.answer_fingerprint], [
    true,
    WANTED.ts.length,
    FINGERPRINT,
  ]);
  const { snapshots: [head] } = await service.snapshots(NODE, { limit: 1 });
  deepStrictEqual([head.dataset_fingerprint, head.range], [FINGERPRINT, [...RANGE]]);
  const pinned = await service.bars({
    ...request,
    executionDomain: "backtest",
    fingerprint: head.dataset_fingerprint,
  });
  strictEqual(pinned.metadata.answer_fingerprint, FINGERPRINT);
}

/** Runs the fill until it is killed at some moment; true when it was done before. */
async function killed(world: ProcessWorld, dice: SeededDice): Promise<boolean> {
  const enough = world.exchange.calls.length + Math.floor(dice.random() * CALLS_MAX);
  const child = world.spawn(...FILL);
  let isDone = false;
  const done = child.output().then((output) => {
    isDone = true;
    return output;
  });
  while (!isDone && world.exchange.calls.length <= enough) await new Promise((next) => setTimeout(next, 2));
  if (!isDone) await new Promise((next) => setTimeout(next, dice.random() * MORE_MS));
  if (!isDone) child.kill("SIGKILL");
  const { success, stderr } = await done;
  ok(success || isKill(stderr), new TextDecoder().decode(stderr));
  return success;
}

/** A process that was killed had nothing to complain of. */
function isKill(stderr: Uint8Array): boolean {
  return !/\[[A-Z_]+\]|Error/.test(new TextDecoder().decode(stderr));
}

/** Fills folder after folder until `kills` processes were killed; each folder ends complete. */
async function killAndGoOn(kills: number, dice: SeededDice): Promise<void> {
  let done = 0;
  while (done < kills) {
    await inFolder({
      now: "2024-01-22T00:00:00Z",
      series: source,
      markets: [{ symbol: "BTC/USDT" }],
      faults: [{ kind: "latency", ms: 20, match: { endpoint: "bars" } }],
    }, async (world) => {
      let stored = 0;
      while (done < kills && !await killed(world, dice)) {
        done++;
        const rows = await checkLeft(`${world.folder}/data/bars.db`);
        ok(rows >= stored, `of ${stored} rows ${rows} are left`);
        stored = rows;
      }
      const { code, err, out } = await world.run(...FILL);
      strictEqual(code, 0, err);
      strictEqual(JSON.parse(out).state, "complete");
      await world.look(checkComplete);
      const left = Array.from(Deno.readDirSync(`${world.folder}/data`), ({ name }) => name);
      ok(left.filter((name) => name.includes("-owner-")).length <= done, left.join());
    });
  }
}

Deno.test(
  `a fill that is killed ${KILLS} times goes on each time, and ends with the venue's bars to the bit`,
  () => killRounds(200, killAndGoOn),
);
