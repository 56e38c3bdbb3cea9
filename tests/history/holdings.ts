/** What a publisher holds, made up for tests: bars on a grid, gaps between them, and the claims that fit. */

import { load } from "../../src/compute/mod.ts";
import { giveBack } from "../../src/core/give_back.ts";
import type { Compute } from "../../src/compute/mod.ts";
import { createParquetCodec } from "../../src/adapters/parquet/codec.ts";
import { makeBars, viewBars } from "../../src/core/bar_frame.ts";
import type { Bars } from "../../src/core/bar_frame.ts";
import type { GapReason } from "../../src/core/gap_reason.ts";
import type { StoredChunk } from "../../src/core/ports.ts";
import { chunkParts, chunkRange, encodeRows } from "../../src/core/stored_chunk.ts";
import type { Grid } from "../../src/core/timeframe.ts";
import { toRanges } from "../../src/core/time_range.ts";
import type { TimeRange } from "../../src/core/time_range.ts";
import type { Publication } from "../../src/history/publication.ts";

export const NODE = "ohlcv:binance:BTC/USDT:1m";
export const MINUTE: Grid = { step: 60, anchor: 0 };
/** Start of chunk 6836 of the minute grid, 2023-03-24: whole chunks can be counted from here. */
export const START = 6836 * 4096 * 60;

export const compute: Compute = await load();
export const codec = createParquetCodec(compute);

/** Bars of `[start, end)` on a grid of fixed step. `salt` makes other prices; `skip` leaves slots out. */
export function barsOf(
  [start, end]: TimeRange,
  o: { step?: number; salt?: number; skip?: (ts: number) => boolean } = {},
): Bars {
  const step = o.step ?? 60;
  const times: number[] = [];
  for (let ts = start; ts < end; ts += step) if (!o.skip?.(ts)) times.push(ts);
  const bars = makeBars(times.length);
  bars.ts.set(times);
  const salt = o.salt ?? 0;
  for (let i = 0; i < times.length; i++) {
    const open = 20_000 + ((times[i] / step) % 977) / 4 + salt;
    bars.open[i] = open;
    bars.high[i] = open + 1.5;
    bars.low[i] = open - 1.25;
    bars.close[i] = open + 0.5;
    bars.volume[i] = ((times[i] / step) % 89) / 8;
  }
  return bars;
}

/** The chunks of a frame as a store would hold them. */
export function chunksOfBars(bars: Bars, grid: Grid = MINUTE): StoredChunk[] {
  const records = compute.chunksOf(bars, grid);
  return chunkParts(bars.ts, grid).map(({ from, to }, i) => ({
    ...records[i],
    bytes: encodeRows(viewBars(bars, from, to)),
  }));
}

/** What can be said of a holding besides its bars. */
export interface HoldingOptions {
  nodeId?: string;
  grid?: Grid;
  gaps?: { start: number; end: number; reason: GapReason }[];
  findings?: Publication["findings"];
  conformanceVersion?: string;
  /** What the store answers when it is read, where that is no longer what `state` was made of. */
  stored?: () => StoredChunk[];
  /** Claims no more than this part. */
  within?: TimeRange;
  signal?: AbortSignal;
}

/** A publication of these bars, with every slot of the gaps covered. */
export function holding(bars: Bars, o: HoldingOptions = {}): Publication {
  const grid = o.grid ?? MINUTE;
  const chunks = chunksOfBars(bars, grid);
  const final = compute.segmentsOf(bars.ts, grid);
  const gaps = o.gaps ?? [];
  const all = [...final, ...gaps.flatMap(({ start, end }) => [start, end])];
  const covered = compute.mergeRanges(new Float64Array(all), grid);
  return {
    state: {
      node: { nodeId: o.nodeId ?? NODE, grid, volumeUnit: "base" },
      revision: 1,
      final,
      chunks: chunks.map(({ k, rows, digest }) => ({ k, rows, digest })),
      provisional: makeBars(0),
      ledger: [],
      findings: [],
    },
    covered: o.within ? compute.intersectRanges(covered, toRanges([o.within]), grid) : covered,
    gaps,
    findings: o.findings ?? [],
    async *readChunks([start, end]) {
      for (const chunk of o.stored?.() ?? chunks) {
        const [from, to] = chunkRange(chunk.k, grid);
        await Promise.resolve();
        if (!(from < end && to > start)) continue;
        // As the embedded store does: a chunk is good until the next one is asked for.
        const bytes = chunk.bytes.slice();
        yield { ...chunk, bytes };
        giveBack(bytes.buffer);
      }
    },
    conformanceVersion: o.conformanceVersion ?? "v2",
    exchange: "binance",
    source: "ccxt:binance",
    policy: { align: "reject", invariant: "flag" },
    signal: o.signal,
  };
}

/** The fingerprint that the rows have by themselves, computed from the frame and not from stored digests. */
export function fingerprintOf(
  bars: Bars,
  range: TimeRange,
  o: { nodeId?: string; grid?: Grid } = {},
): string {
  const claims = { nodeId: o.nodeId ?? NODE, grid: o.grid ?? MINUTE, range, conformanceVersion: "v2" };
  return compute.fingerprint(bars, claims).fingerprint;
}
