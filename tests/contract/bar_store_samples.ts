/** Bars and writes for the tests of bar stores: made of their times alone, so that a test names only what it is about. */

import { HistoryError } from "../../src/core/errors.ts";
import type { ErrorCode } from "../../src/core/errors.ts";
import { makeBars } from "../../src/core/bar_frame.ts";
import type { Bars } from "../../src/core/bar_frame.ts";
import type {
  BarStore,
  Leases,
  LedgerRow,
  Revision,
  StoredChunk,
  WindowWrite,
} from "../../src/core/ports.ts";
import { barsOfChunks, valuesAt } from "../../src/core/stored_chunk.ts";
import type { BarValues } from "../../src/core/stored_chunk.ts";
import type { TimeRange } from "../../src/core/time_range.ts";
import type { FakeClock } from "../fake_clock.ts";

/** A store that holds the node of the samples and nothing else, and how to throw it away. */
export interface BarStoreUnderTest {
  store: BarStore;
  /** A second door to the same bars, as another process would have. */
  second: BarStore;
  /** Leases that the store fences by, and their time. */
  leases: Leases;
  clock: FakeClock;
  dispose(): Promise<void>;
}

export type BarStoreCheck = (under: BarStoreUnderTest) => Promise<void>;

/** Passes for a `HistoryError` with this code, a hint, and a message. */
export function failsWith(code: ErrorCode): (error: unknown) => boolean {
  return (error) =>
    error instanceof HistoryError && error.code === code && error.hint !== "" && error.message !== "";
}

export const NODE = "ohlcv:binance:BTC/USDT:1m";
export const GRID = { step: 60, anchor: 0 };
export const STEP = 60;
/** Seconds of one chunk of the grid. */
export const CHUNK = 4096 * STEP;
/** All there can be. */
export const EVER: TimeRange = [-(2 ** 42), 2 ** 42];

/** `count` times from `start` on, a minute apart. */
export function minutes(start: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => start + i * STEP);
}

/** The values of a bar: told by its time, and by `shift` where a test needs others. */
export function valuesOf(ts: number, shift = 0): BarValues {
  const open = 100 + (Math.abs(ts) / STEP) % 977 + shift;
  return [open, open + 2, open - 2, open + 1, 10 + shift];
}

/** Bars at these times; `values` gives others than `valuesOf`. */
export function barsAt(times: number[], values: (ts: number) => BarValues = valuesOf): Bars {
  const bars = makeBars(times.length);
  times.forEach((ts, i) => {
    bars.ts[i] = ts;
    [bars.open[i], bars.high[i], bars.low[i], bars.close[i], bars.volume[i]] = values(ts);
  });
  return bars;
}

/** A write of final bars at these times, answering the window from the first to the last of them. */
export function writeOf(final: Bars | number[], more: Partial<WindowWrite> = {}): WindowWrite {
  const bars = Array.isArray(final) ? barsAt(final) : final;
  const ends: TimeRange = bars.ts.length === 0 ? [0, 0] : [bars.ts[0], bars.ts[bars.ts.length - 1] + STEP];
  return {
    nodeId: NODE,
    window: more.window ?? ends,
    final: bars,
    provisional: barsAt([]),
    answered: [],
    observedAtMs: 1_700_000_000_000,
    seenAtMs: 1_700_000_000_250,
    source: "binance",
    cause: "refetch",
    replySha256: null,
    ledger: [],
    findings: [],
    conflicts: [],
    quarantine: [],
    fence: null,
    ...more,
  };
}

/** A ledger row that brought every slot of its range, but for what `more` says. */
export function rowOf([start, end]: TimeRange, more: Partial<LedgerRow> = {}): LedgerRow {
  const askedAt = more.askedAt ?? 1_700_000_000;
  return {
    start,
    end,
    source: "binance",
    askedAt,
    firstAskedAt: askedAt,
    bars: (end - start) / STEP,
    attempts: 1,
    reason: null,
    error: null,
    nextAsk: null,
    replySha256: null,
    window: [start, end],
    ...more,
  };
}

/** A loser of a duplicate. */
export function loserAt(ts: number, values: BarValues): Revision {
  return {
    ts,
    values,
    source: "binance",
    observedAtMs: 1_700_000_000_000,
    seenAtMs: 1_700_000_000_250,
    cause: "duplicate",
    kept: false,
    replySha256: null,
  };
}

export async function chunksOf(
  store: BarStore,
  range: TimeRange = EVER,
  nodeId = NODE,
): Promise<StoredChunk[]> {
  return await Array.fromAsync(store.read(nodeId, range));
}

/** The stored final bars of the range as one frame. */
export async function storedBars(store: BarStore, range: TimeRange = EVER, nodeId = NODE): Promise<Bars> {
  return barsOfChunks(await chunksOf(store, range, nodeId), range);
}

/** The values of the final bar at `ts`, or null. */
export async function finalAt(store: BarStore, ts: number): Promise<BarValues | null> {
  const bars = await storedBars(store, [ts, ts + 1]);
  return bars.ts.length === 0 ? null : valuesAt(bars, 0);
}

/** What a test says of a revision: when, which values, why, and whether they are current. */
export async function logOf(store: BarStore): Promise<[number, BarValues | null, string, boolean][]> {
  const log = await store.revisions(NODE, EVER);
  return log.map(({ ts, values, cause, kept }) => [ts, values, cause, kept]);
}
