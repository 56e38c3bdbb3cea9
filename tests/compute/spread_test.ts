/** Leaves over workers: what a crew computes is what one core computes, and a crew that fails says so. */
import { deepStrictEqual, rejects, throws } from "node:assert/strict";
import { answerSpread, type Bars, load, spread, type SpreadWorker } from "../../src/compute/mod.ts";
import { randomBars, randomTrades } from "./suite/inputs.ts";
import { Dice } from "./suite/random.ts";
import { compareIds } from "./twin/conform.ts";

const WORKER = new URL("../../src/compute/spread_worker.ts", import.meta.url);
const GRID = { step: 60 };
const CLAIMS = { nodeId: "ohlcv:x:A/B:1m", grid: GRID, range: [0, 600] as const, conformanceVersion: "v2" };
const compute = await load();

function workers(count: number): Worker[] {
  return Array.from({ length: count }, () => new Worker(WORKER, { type: "module" }));
}

/** Bars without a gap, of as many chunks as make several pieces. */
function longBars(rows: number): Bars {
  const dice = new Dice(rows);
  const column = () => Float64Array.from({ length: rows }, () => dice.next());
  const ts = Float64Array.from({ length: rows }, (_, i) => (i - 5000) * 60);
  return { ts, open: column(), high: column(), low: column(), close: column(), volume: column() };
}

Deno.test("two workers give the fingerprint and the chunks of one core, of bars and of trades", async () => {
  const crew = spread(compute, workers(2));
  try {
    const frames = [
      longBars(100_000),
      randomBars(new Dice(3), GRID, { around: -3, rows: 30, oddness: 0.2 }),
      randomTrades(new Dice(4), { startMs: -9_000_000, rows: 300, oddness: 0.1, compareIds }),
      longBars(0),
    ];
    const found = await Promise.all(frames.map((frame) => crew.fingerprint(frame, CLAIMS)));
    deepStrictEqual(found, frames.map((frame) => compute.fingerprint(frame, CLAIMS)));
  } finally {
    crew.close();
  }
});

Deno.test("a frame keeps its columns: workers get copies", async () => {
  const crew = spread(compute, workers(1));
  try {
    const frame = longBars(40_000);
    await crew.chunksOf(frame, GRID);
    deepStrictEqual(Object.values(frame).map((column) => column.length), Array(6).fill(40_000));
  } finally {
    crew.close();
  }
});

Deno.test("times that do not ascend are refused, within a piece and between two", async () => {
  const crew = spread(compute, workers(2));
  try {
    const within = longBars(1000);
    within.ts[500] = within.ts[499];
    await rejects(crew.fingerprint(within, CLAIMS), RangeError);
    const between = longBars(80_000);
    between.ts.copyWithin(40_960, 0, 39_040);
    await rejects(crew.fingerprint(between, CLAIMS), RangeError);
    // The crew goes on after a refusal.
    deepStrictEqual(await crew.chunksOf(longBars(9), GRID), compute.chunksOf(longBars(9), GRID));
  } finally {
    crew.close();
  }
});

/** A worker as Node has them, without a thread: it answers when `turn` is called. */
function nodeWorker(): SpreadWorker & { inbox: unknown[]; turn(): void; fail(): void } {
  const listeners: Record<string, (value: unknown) => void> = {};
  const inbox: unknown[] = [];
  const port = { postMessage: (message: unknown) => listeners.message(message) };
  return {
    inbox,
    postMessage: (message) => void inbox.push(structuredClone(message)),
    on: (type, listen) => listeners[type] = listen,
    terminate() {},
    turn() {
      while (inbox.length > 0) answerSpread(compute, port, inbox.shift());
    },
    fail: () => listeners.error(new Error("out of memory")),
  };
}

Deno.test("workers of Node serve as well, and a worker has at most two pieces at once", async () => {
  const worker = nodeWorker();
  const crew = spread(compute, [worker]);
  const frame = longBars(200_000);
  const chunks = crew.chunksOf(frame, GRID);
  deepStrictEqual(worker.inbox.length, 2);
  worker.turn();
  deepStrictEqual(await chunks, compute.chunksOf(frame, GRID));
  crew.close();
});

Deno.test("when a worker fails, what is under way and what comes later rejects", async () => {
  const worker = nodeWorker();
  const crew = spread(compute, [worker]);
  const chunks = crew.chunksOf(longBars(10), GRID);
  worker.fail();
  await rejects(chunks, /A worker failed: Error: out of memory/);
  await rejects(crew.chunksOf(longBars(10), GRID), /A worker failed/);
});

Deno.test("a closed crew rejects, and a crew without workers is none", async () => {
  const crew = spread(compute, [nodeWorker()]);
  const chunks = crew.chunksOf(longBars(10), GRID);
  crew.close();
  await rejects(chunks, /The crew was closed/);
  throws(() => spread(compute, []), RangeError);
});
