/**
 * Bars made up on the spot. Each bar follows from the seed and its open time alone, so a series of millions
 * needs no memory, any page costs the same, and two runs serve the same bytes. Open, high, low and close
 * always obey low <= open, close <= high, and a bar opens where the one before it closed.
 */

import { type Grid, gridOf } from "./grid.ts";
import type { Bar, Series, SeriesAsk, SeriesSource } from "./series.ts";
import type { Span } from "./span.ts";

/** What to make up. */
export interface GeneratorOptions {
  seed?: number;
  /** The price it swings around. Default 30,000. */
  basePrice?: number;
  /** Digits after the point of a price. Default 2. */
  priceDecimals?: number;
  /** No bar opens before this. */
  listedMs?: number;
  /** No bar opens at or after this. */
  delistedMs?: number;
  /** No bar opens inside these. */
  outages?: readonly Span[];
  /** Bars that open inside these are flat and without volume. */
  zeroVolume?: readonly Span[];
  /** Share of the other bars that are flat and without volume, 0 to 1. Default 0. */
  zeroVolumeRatio?: number;
  /** Share of bars left out one by one, as illiquid markets do, 0 to 0.95. Default 0. */
  absentRatio?: number;
}

const LOT_DECIMALS = 100_000;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const UINT32 = 4_294_967_296;

/** A well mixed 32-bit number from two; the source of all chance here. */
export function mix(seed: number, value: number): number {
  let h = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(value | 0, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return (h ^ (h >>> 16)) >>> 0;
}

/** A number from 0 up to 1 that follows from a seed and a text. */
export function seedOf(text: string, seed = 0): number {
  let h = seed | 0;
  for (let i = 0; i < text.length; i++) h = mix(h, text.charCodeAt(i));
  return h;
}

/** Makes a source that generates every market and timeframe it is asked for, each from its own seed. */
export function generatedSource(options: GeneratorOptions = {}): SeriesSource {
  return ({ symbol, timeframe, anchorMs }) => {
    const seed = seedOf(symbol, options.seed ?? 1);
    return generatedSeries({ ...options, seed, grid: gridOf(timeframe, anchorMs) });
  };
}

/** Makes the generated series of one grid. */
export function generatedSeries(options: GeneratorOptions & { grid: Grid }): Series {
  const { grid } = options;
  const holes = holesOf(options);
  const absentBelow = Math.min(options.absentRatio ?? 0, 0.95) * UINT32;
  const seed = options.seed ?? 1;
  const bar = barMaker(options);
  const isAbsent = (openMs: number) => absentBelow > 0 && mix(seed ^ 0x5bd1, openMs / 1000) < absentBelow;
  return {
    read(ask) {
      const opens = ask.from === "start"
        ? opensUp({ grid, holes, isAbsent, ask })
        : opensDown({ grid, holes, isAbsent, ask });
      return opens.map(bar);
    },
  };
}

interface Walk {
  grid: Grid;
  holes: readonly Span[];
  isAbsent: (openMs: number) => boolean;
  ask: SeriesAsk;
}

/** Walks forward and jumps over holes, so an outage of years costs one step. */
function opensUp({ grid, holes, isAbsent, ask }: Walk): number[] {
  const opens: number[] = [];
  let next = 0;
  let openMs = grid.ceil(Math.max(ask.startMs, -DAY_MS * 36_500));
  while (openMs < ask.endMs && opens.length < ask.limit) {
    while (next < holes.length && holes[next].endMs <= openMs) next++;
    if (next < holes.length && holes[next].startMs <= openMs) {
      if (holes[next].endMs === Infinity) break;
      openMs = grid.ceil(holes[next].endMs);
      continue;
    }
    if (!isAbsent(openMs)) opens.push(openMs);
    openMs = grid.step(openMs, 1);
  }
  return opens;
}

/** The same from the far end; what it finds is turned round, so the answer ascends. */
function opensDown({ grid, holes, isAbsent, ask }: Walk): number[] {
  const opens: number[] = [];
  let next = holes.length - 1;
  let openMs = grid.floor(Math.min(ask.endMs, DAY_MS * 100_000) - 1);
  while (openMs >= ask.startMs && opens.length < ask.limit) {
    while (next >= 0 && holes[next].startMs > openMs) next--;
    if (next >= 0 && holes[next].endMs > openMs) {
      if (holes[next].startMs === -Infinity) break;
      openMs = grid.floor(holes[next].startMs - 1);
      continue;
    }
    if (!isAbsent(openMs)) opens.push(openMs);
    openMs = grid.step(openMs, -1);
  }
  return opens.reverse();
}

/** The times without bars, ascending and joined, with everything before listing and after delisting. */
function holesOf({ listedMs, delistedMs, outages }: GeneratorOptions): Span[] {
  const spans: Span[] = [...(outages ?? [])];
  if (listedMs !== undefined) spans.push({ startMs: -Infinity, endMs: listedMs });
  if (delistedMs !== undefined) spans.push({ startMs: delistedMs, endMs: Infinity });
  spans.sort((a, b) => a.startMs === b.startMs ? 0 : a.startMs - b.startMs);
  const joined: Span[] = [];
  for (const span of spans) {
    const last = joined.at(-1);
    if (last !== undefined && span.startMs <= last.endMs) last.endMs = Math.max(last.endMs, span.endMs);
    else joined.push({ ...span });
  }
  return joined;
}

/**
 * Prices are whole ticks until the last division, which gives the double nearest to a short decimal: the
 * reply stays short, and what a client parses is exactly what was meant.
 */
function barMaker(options: GeneratorOptions & { grid: Grid }): (openMs: number) => Bar {
  const { grid } = options;
  const seed = options.seed ?? 1;
  const scale = 10 ** (options.priceDecimals ?? 2);
  const base = Math.max(100, Math.round((options.basePrice ?? 30_000) * scale));
  const barMinutes = grid.nominalMs / MINUTE_MS;
  const wick = Math.max(1, Math.floor((base / 50_000) * Math.sqrt(barMinutes)));
  const maxLots = Math.max(1_000, Math.floor(2_000_000 * barMinutes));
  const zeroBelow = (options.zeroVolumeRatio ?? 0) * UINT32;
  const spans = options.zeroVolume ?? [];
  const isFlat = (openMs: number) =>
    (zeroBelow > 0 && mix(seed ^ 0x2e7, openMs / 1000) < zeroBelow) ||
    spans.some((span) => openMs >= span.startMs && openMs < span.endMs);
  /** The close just made, which is the open of the bar that a page asks for next. */
  let known = { atMs: NaN, ticks: 0 };
  return (openMs) => {
    const openTicks = known.atMs === openMs ? known.ticks : ticksAt({ seed, base, atMs: openMs });
    const open = openTicks / scale;
    if (isFlat(openMs)) return { openMs, open, high: open, low: open, close: open, volume: 0 };
    const endMs = grid.step(openMs, 1);
    const closeTicks = ticksAt({ seed, base, atMs: endMs });
    known = { atMs: endMs, ticks: closeTicks };
    const chance = mix(seed ^ 0x77, openMs / 1000);
    const top = Math.max(openTicks, closeTicks) + (chance & 0xffff) % wick;
    const bottom = Math.max(1, Math.min(openTicks, closeTicks) - (chance >>> 16) % wick);
    const volume = (1 + mix(chance, 3) % maxLots) / LOT_DECIMALS;
    return { openMs, open, high: top / scale, low: bottom / scale, close: closeTicks / scale, volume };
  };
}

/** The price at a moment: a slow swing, a daily one and noise. Always at least one tick. */
function ticksAt({ seed, base, atMs }: { seed: number; base: number; atMs: number }): number {
  const phase = (seed % 628) / 100;
  const swing = 0.15 * Math.sin(atMs / (20 * DAY_MS) + phase) +
    0.02 * Math.sin(atMs / (DAY_MS / 4) + 2 * phase);
  const noise = (mix(seed, atMs / 1000) / UINT32 - 0.5) * 0.0006;
  return Math.max(1, Math.round(base * (1 + swing + noise)));
}
