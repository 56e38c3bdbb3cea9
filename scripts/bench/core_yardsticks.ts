/**
 * What the core is measured against: the loops that one writes in JavaScript for the same job. They are written for
 * speed as far as that costs no obscurity, and answer the same as the core; `core_rows.ts` compares before it measures.
 */

import type { Bars, Ranges, TimeRange, Trades } from "../../src/compute/mod.ts";

/** How many rows of bars are wrong, by kind, in one pass. */
export function passOverBars(bars: Bars, step: number): Record<string, number> {
  const { ts, open, high, low, close, volume } = bars;
  let [invalid, nonFinite, misaligned, unsorted, broken] = [0, 0, 0, 0, 0];
  let before = -Infinity;
  for (let i = 0; i < ts.length; i++) {
    const t = ts[i];
    const [o, h, l, c, v] = [open[i], high[i], low[i], close[i], volume[i]];
    if (!Number.isFinite(t)) {
      invalid++;
      continue;
    }
    if (!Number.isFinite(o)) nonFinite++;
    if (!Number.isFinite(h)) nonFinite++;
    if (!Number.isFinite(l)) nonFinite++;
    if (!Number.isFinite(c)) nonFinite++;
    if (!Number.isFinite(v)) nonFinite++;
    if (Math.floor(t / step) * step !== t) misaligned++;
    if (t <= before) unsorted++;
    if (h < o || h < c || l > o || l > c || o <= 0 || h <= 0 || l <= 0 || c <= 0 || v < 0) broken++;
    before = t;
  }
  return { invalid, nonFinite, misaligned, unsorted, broken };
}

/** Rows in any order as a frame: an index sorted by time and row, the last of each time, the columns gathered. */
export function sortAndGather(bars: Bars): Bars {
  const { ts } = bars;
  const order = Uint32Array.from(ts, (_, i) => i).sort((a, b) => ts[a] - ts[b] || a - b);
  let kept = 0;
  for (let i = 0; i < order.length; i++) {
    if (i + 1 < order.length && ts[order[i + 1]] === ts[order[i]]) continue;
    order[kept++] = order[i];
  }
  return gatherAll(bars, order.subarray(0, kept));
}

/** As `sortAndGather`, by the faster trick of one number for time and row, which needs no comparing function. */
export function packSortAndGather(bars: Bars, step: number): Bars {
  const { ts } = bars;
  const size = 2 ** 21;
  const first = ts.reduce((least, t) => Math.min(least, t), Infinity);
  const keys = ts.map((t, i) => ((t - first) / step) * size + i).sort();
  const order = new Uint32Array(keys.length);
  let kept = 0;
  for (let i = 0; i < keys.length; i++) {
    const slot = Math.floor(keys[i] / size);
    if (i + 1 < keys.length && Math.floor(keys[i + 1] / size) === slot) continue;
    order[kept++] = keys[i] - slot * size;
  }
  return gatherAll(bars, order.subarray(0, kept));
}

function gatherAll(bars: Bars, order: Uint32Array): Bars {
  const gather = (column: Float64Array) => {
    const out = new Float64Array(order.length);
    for (let i = 0; i < order.length; i++) out[i] = column[order[i]];
    return out;
  };
  const { ts, open, high, low, close, volume } = bars;
  return {
    ts: gather(ts),
    open: gather(open),
    high: gather(high),
    low: gather(low),
    close: gather(close),
    volume: gather(volume),
  };
}

/** The runs of ascending times: a time off the grid is left out. */
export function segments(ts: Float64Array, step: number): number[] {
  const runs: number[] = [];
  let end = NaN;
  for (let i = 0; i < ts.length; i++) {
    const t = ts[i];
    if (Math.floor(t / step) * step !== t) continue;
    if (t !== end) {
      if (runs.length > 0) runs.push(end);
      runs.push(t);
    }
    end = t + step;
  }
  if (runs.length > 0) runs.push(end);
  return runs;
}

/** As `segments`, of times that are known to stand on the grid. */
export function segmentsOnGrid(ts: Float64Array, step: number): number[] {
  const runs: number[] = [];
  let end = NaN;
  for (let i = 0; i < ts.length; i++) {
    const t = ts[i];
    if (t !== end) {
      if (runs.length > 0) runs.push(end);
      runs.push(t);
    }
    end = t + step;
  }
  if (runs.length > 0) runs.push(end);
  return runs;
}

/** Snaps each inward, sorts, sweeps. */
export function merge(ranges: Ranges, step: number): number[] {
  const pairs: [number, number][] = [];
  for (let i = 0; i < ranges.length; i += 2) {
    const pair: [number, number] = [
      Math.ceil(ranges[i] / step) * step,
      Math.floor(ranges[i + 1] / step) * step,
    ];
    if (pair[0] < pair[1]) pairs.push(pair);
  }
  pairs.sort((a, b) => a[0] - b[0]);
  const merged: number[] = [];
  for (const [start, end] of pairs) {
    if (merged.length > 0 && start <= merged[merged.length - 1]) {
      if (end > merged[merged.length - 1]) merged[merged.length - 1] = end;
    } else merged.push(start, end);
  }
  return merged;
}

/** What of `wanted` no range of sorted, disjoint `held` has; ranges snap inward. */
export function missing(wanted: TimeRange, held: Ranges, step: number): number[] {
  const out: number[] = [];
  let from = Math.floor(wanted[0] / step) * step;
  const to = Math.ceil(wanted[1] / step) * step;
  for (let i = 0; i < held.length && from < to; i += 2) {
    const start = Math.ceil(held[i] / step) * step;
    const end = Math.floor(held[i + 1] / step) * step;
    if (start >= end || end <= from) continue;
    if (start >= to) break;
    if (start > from) out.push(from, start);
    from = end;
  }
  if (from < to) out.push(from, to);
  return out;
}

/** Sorted, disjoint `held` (inward) without sorted, disjoint `cut` (outward). */
export function subtract(held: Ranges, cut: Ranges, step: number): number[] {
  const out: number[] = [];
  let j = 0;
  for (let i = 0; i < held.length; i += 2) {
    let from = Math.ceil(held[i] / step) * step;
    const to = Math.floor(held[i + 1] / step) * step;
    while (j < cut.length && Math.ceil(cut[j + 1] / step) * step <= from) j += 2;
    for (let k = j; k < cut.length && from < to; k += 2) {
      const start = Math.floor(cut[k] / step) * step;
      if (start >= to) break;
      if (start > from) out.push(from, start);
      from = Math.max(from, Math.ceil(cut[k + 1] / step) * step);
    }
    if (from < to) out.push(from, to);
  }
  return out;
}

/** Bars of a coarser grid, every slot of which is covered. */
export function resample(bars: Bars, step: number): Bars {
  const { ts, open, high, low, close, volume } = bars;
  const rows: number[] = [];
  let slot = NaN;
  let [o, h, l, v] = [NaN, -Infinity, Infinity, 0];
  for (let i = 0; i < ts.length; i++) {
    const here = Math.floor(ts[i] / step) * step;
    if (here !== slot) {
      if (i > 0) rows.push(slot, o, h, l, close[i - 1], v);
      slot = here;
      [o, h, l, v] = [NaN, -Infinity, Infinity, 0];
    }
    if (volume[i] !== 0) {
      if (Number.isNaN(o)) o = open[i];
      if (high[i] > h) h = high[i];
      if (low[i] < l) l = low[i];
      v += volume[i];
    }
  }
  if (ts.length > 0) rows.push(slot, o, h, l, close[ts.length - 1], v);
  return columnsOf(rows);
}

/** Bars from trades, every second of which is covered. */
export function barsOf(trades: Trades, step: number): Bars {
  const { ts_ms, price, amount } = trades;
  const rows: number[] = [];
  let slot = NaN;
  let [o, h, l, c, v] = [NaN, -Infinity, Infinity, NaN, 0];
  for (let i = 0; i < ts_ms.length; i++) {
    const here = Math.floor(ts_ms[i] / 1000 / step) * step;
    if (here !== slot) {
      if (i > 0) rows.push(slot, o, h, l, c, v);
      slot = here;
      [o, h, l, c, v] = [NaN, -Infinity, Infinity, NaN, 0];
    }
    if (amount[i] === 0) continue;
    const p = price[i];
    if (Number.isNaN(o)) o = p;
    if (p > h) h = p;
    if (p < l) l = p;
    c = p;
    v += amount[i];
  }
  if (ts_ms.length > 0) rows.push(slot, o, h, l, c, v);
  return columnsOf(rows);
}

function columnsOf(rows: number[]): Bars {
  const column = (c: number) => Float64Array.from({ length: rows.length / 6 }, (_, i) => rows[6 * i + c]);
  return {
    ts: column(0),
    open: column(1),
    high: column(2),
    low: column(3),
    close: column(4),
    volume: column(5),
  };
}
