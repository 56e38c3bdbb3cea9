/** What an answer hashes: the rows of the chunks that its range cuts, and nothing else. */

import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { type Compute, load } from "../../src/compute/mod.ts";
import { barsBetween, viewBars } from "../../src/core/bar_frame.ts";
import { CONFORMANCE_VERSION } from "../../src/core/metadata.ts";
import { chunkParts, encodeRows } from "../../src/core/stored_chunk.ts";
import { gridOf } from "../../src/core/timeframe.ts";
import type { TimeRange } from "../../src/core/time_range.ts";
import { fingerprintOf, type Piece, pieceOf } from "../../src/history/pieces.ts";
import { sampleBars } from "../formats/sample_bars.ts";

const compute = await load();
const grid = gridOf("1m");
const CHUNK = 4_096 * 60;
/** A chunk's border. */
const START = CHUNK * 7_000;
const CLAIMS = { nodeId: "ohlcv:binance:BTC/USDT:1m", grid };

/** The core, and how many rows it was given to hash. */
function counting() {
  const counted = { rows: 0 };
  const chunksOf: Compute["chunksOf"] = (frame, on) => {
    counted.rows += "ts" in frame ? frame.ts.length : frame.ts_ms.length;
    return compute.chunksOf(frame, on);
  };
  return { compute: { ...compute, chunksOf }, counted };
}

Deno.test("an answer over stored chunks hashes its two edge chunks only, and nothing when it is asked again", () => {
  const bars = sampleBars({ start: START, step: 60, rows: 6 * 4_096 });
  const stored = chunkParts(bars.ts, grid).map(({ from, to }) => {
    const rows = viewBars(bars, from, to);
    return { ...compute.chunksOf(rows, grid)[0], bytes: encodeRows(rows) };
  });
  const range: TimeRange = [START + 100 * 60, START + 5 * CHUNK + 10 * 60];
  const { compute: core, counted } = counting();
  const ask = (): [string, number] => {
    counted.rows = 0;
    const pieces = stored.map((chunk) => pieceOf(chunk, range, { grid, compute: core }));
    const kept = pieces.filter((piece): piece is Piece => piece !== null);
    return [fingerprintOf(kept, { ...CLAIMS, range }, core), counted.rows];
  };
  const claims = { ...CLAIMS, range, conformanceVersion: CONFORMANCE_VERSION };
  const { fingerprint } = compute.fingerprint(barsBetween(bars, ...range), claims);
  deepStrictEqual(ask(), [fingerprint, 4_096 - 100 + 10]);
  deepStrictEqual(ask(), [fingerprint, 0]);
});

Deno.test("an answer of whole chunks hashes no row at all", () => {
  const bars = sampleBars({ start: START, step: 60, rows: 4_096 });
  const chunk = { ...compute.chunksOf(bars, grid)[0], bytes: encodeRows(bars) };
  const { compute: core, counted } = counting();
  strictEqual(pieceOf(chunk, [START, START + CHUNK], { grid, compute: core })?.digest, chunk.digest);
  strictEqual(counted.rows, 0);
});
