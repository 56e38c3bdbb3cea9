/**
 * Series from recordings: bar files (`ts,open,high,low,close,volume`, epoch seconds, gzip) and pages of
 * Bitfinex's API (one JSON line a reply, gzip). The numbers are those recorded, nothing is cleaned, but a
 * venue holds one bar per open, so the last row of an open wins.
 */

import { type Bar, type Series, seriesOfBars } from "./series.ts";

/** Reads a bar file such as `binance_BTC-USDT_1m__2023-03.csv.gz`. Throws where a row is not six numbers. */
export async function seriesFromBarFile(path: string | URL): Promise<Series> {
  return seriesOfBars(await barsFromFile(path));
}

/** The rows of a bar file in recorded order. */
export async function barsFromFile(path: string | URL): Promise<Bar[]> {
  const lines = (await textOf(path)).trimEnd().split("\n");
  return lines.slice(1).map((line, index) => {
    const [sec, open, high, low, close, volume] = line.split(",").map(Number);
    if (![sec, open, high, low, close, volume].every(Number.isFinite)) {
      throw new SyntaxError(`${path}: line ${index + 2} is not six numbers: ${line}`);
    }
    return { openMs: Math.round(sec * 1000), open, high, low, close, volume };
  });
}

/** One recorded reply of Bitfinex: what was asked, in ms, and the rows `[ms, open, close, high, low, volume]`. */
export interface BitfinexPage {
  start: number;
  end: number;
  body: number[][];
}

/** Reads a file of recorded Bitfinex replies, in order. */
export async function bitfinexPages(path: string | URL): Promise<BitfinexPage[]> {
  return (await textOf(path)).trimEnd().split("\n").map((line) => JSON.parse(line) as BitfinexPage);
}

/** The bars of recorded Bitfinex replies, as one series. */
export async function seriesFromBitfinexPages(path: string | URL): Promise<Series> {
  const pages = await bitfinexPages(path);
  return seriesOfBars(
    pages.flatMap((page) =>
      page.body.map(([openMs, open, close, high, low, volume]) => ({
        openMs,
        open,
        high,
        low,
        close,
        volume,
      }))
    ),
  );
}

async function textOf(path: string | URL): Promise<string> {
  const file = await Deno.open(path);
  const isPacked = String(path).endsWith(".gz");
  const bytes = isPacked ? file.readable.pipeThrough(new DecompressionStream("gzip")) : file.readable;
  return await new Response(bytes).text();
}
