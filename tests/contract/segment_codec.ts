/** What every segment codec must do: bars go in, the same bits come out, and nothing broken comes out unnoticed. */

import assert from "node:assert/strict";
import { HistoryError } from "../../src/core/errors.ts";
import { makeBars } from "../../src/core/bar_frame.ts";
import type { Bars } from "../../src/core/bar_frame.ts";
import type { ByteSource, SegmentCodec, StoredChunk } from "../../src/core/ports.ts";
import { slotStart } from "../../src/core/timeframe.ts";
import type { Grid } from "../../src/core/timeframe.ts";
import { barsOf, chunksOfBars, MINUTE, START } from "../history/holdings.ts";

const CHUNK = 4096 * 60;

/** Bytes as a source that counts how much of it is read. */
export function sourceOf(bytes: Uint8Array): ByteSource & { readBytes: number } {
  return {
    sizeBytes: bytes.length,
    readBytes: 0,
    read(start, end) {
      this.readBytes += end - start;
      return Promise.resolve(bytes.slice(start, end));
    },
  };
}

async function decodeAll(codec: SegmentCodec, bytes: Uint8Array, chunks: StoredChunk[], grid: Grid = MINUTE) {
  return await Array.fromAsync(codec.decode(sourceOf(bytes), chunks, grid));
}

function withColumns(rows: number, fill: (bars: Bars, i: number) => void): Bars {
  const bars = makeBars(rows);
  for (let i = 0; i < rows; i++) {
    bars.ts[i] = START + 60 * i;
    fill(bars, i);
  }
  return bars;
}

const isVerifyFailed = (error: unknown) => error instanceof HistoryError && error.code === "VERIFY_FAILED";

const CHECKS: Record<string, (codec: SegmentCodec) => Promise<void>> = {
  "decode() gives back what was encoded, bytes and digests": async (codec) => {
    const chunks = chunksOfBars(barsOf([START + 600, START + 5 * CHUNK + 180]));
    assert.equal(chunks.length, 6);
    assert.deepEqual(await decodeAll(codec, await codec.encode(chunks), chunks), chunks);
  },
  "the same chunks always give the same bytes": async (codec) => {
    const chunks = chunksOfBars(barsOf([START, START + 2 * CHUNK]));
    const first = await codec.encode(chunks, '{"a":1}');
    assert.deepEqual(await codec.encode([...chunks], '{"a":1}'), first);
    assert.notDeepEqual(await codec.encode(chunks, '{"a":2}'), first);
  },
  "decode() reads the wanted chunks alone": async (codec) => {
    const chunks = chunksOfBars(barsOf([START, START + 20 * CHUNK]));
    const source = sourceOf(await codec.encode(chunks));
    const wanted = [chunks[3], chunks[4], chunks[17]];
    assert.deepEqual(await Array.fromAsync(codec.decode(source, wanted, MINUTE)), wanted);
    assert.ok(source.readBytes < source.sizeBytes / 2, `${source.readBytes} of ${source.sizeBytes}`);
  },
  "chunks may be missing, and have holes": async (codec) => {
    const skip = (ts: number) => (ts >= START + CHUNK && ts < START + 4 * CHUNK) || ts % 420 === 0;
    const chunks = chunksOfBars(barsOf([START, START + 6 * CHUNK], { skip }));
    assert.equal(chunks.length, 3);
    assert.deepEqual(await decodeAll(codec, await codec.encode(chunks), chunks), chunks);
  },
  "one row is enough": async (codec) => {
    const chunks = chunksOfBars(barsOf([START, START + 60]));
    assert.deepEqual(await decodeAll(codec, await codec.encode(chunks), chunks), chunks);
  },
  "no chunks make a file without rows": async (codec) => {
    const bytes = await codec.encode([]);
    assert.deepEqual(await decodeAll(codec, bytes, []), []);
  },
  "every double survives: NaN, infinities, zero, denormals, extremes": async (codec) => {
    const odd = [NaN, 0, 5e-324, Number.MAX_VALUE, -Number.MAX_VALUE, 1 / 3, 2 ** 53, 1e-310];
    const bars = withColumns(odd.length * 3, (frame, i) => {
      frame.open[i] = odd[i % odd.length];
      frame.high[i] = NaN;
      frame.low[i] = -odd[(i + 1) % odd.length];
      frame.close[i] = odd[(i + 2) % odd.length];
      frame.volume[i] = 0;
    });
    const chunks = chunksOfBars(bars);
    assert.deepEqual(await decodeAll(codec, await codec.encode(chunks), chunks), chunks);
  },
  "times before 1970 and after 2038 survive": async (codec) => {
    for (const first of [-3 * CHUNK - 60, 2 ** 31 - 120, 2 ** 40 - (2 ** 40 % 60)]) {
      const start = first - (first % 60);
      const chunks = chunksOfBars(barsOf([start, start + 600]));
      assert.deepEqual(await decodeAll(codec, await codec.encode(chunks), chunks), chunks);
    }
  },
  "calendar months are a grid like any other": async (codec) => {
    const grid: Grid = { unit: "month" };
    const bars = withColumns(200, (frame, i) => {
      frame.ts[i] = slotStart(i - 100, grid);
      frame.close[i] = i;
    });
    const chunks = chunksOfBars(bars, grid);
    assert.deepEqual(await decodeAll(codec, await codec.encode(chunks), chunks, grid), chunks);
  },
  "a flipped byte never passes for the rows that were written": async (codec) => {
    const chunks = chunksOfBars(barsOf([START, START + CHUNK]));
    const bytes = await codec.encode(chunks);
    let [refused, different] = [0, 0];
    for (let at = 0; at < bytes.length; at += Math.max(1, Math.floor(bytes.length / 97))) {
      const broken = bytes.slice();
      broken[at] ^= 0x10;
      try {
        const [found] = await decodeAll(codec, broken, chunks);
        if (found.digest !== chunks[0].digest) different++;
        else assert.deepEqual(found, chunks[0], `byte ${at}`);
      } catch (error) {
        assert.ok(isVerifyFailed(error), `byte ${at}: ${error}`);
        refused++;
      }
    }
    assert.ok(refused > 0 && different + refused > 50, `${refused} refused, ${different} different`);
  },
  "a file that is cut, empty or something else is refused": async (codec) => {
    const chunks = chunksOfBars(barsOf([START, START + CHUNK]));
    const bytes = await codec.encode(chunks);
    const strangers = [
      bytes.slice(0, -1),
      bytes.slice(0, bytes.length / 2),
      new Uint8Array(0),
      new Uint8Array(64),
    ];
    for (const stranger of strangers) {
      await assert.rejects(decodeAll(codec, stranger, chunks), isVerifyFailed);
    }
  },
  "a wanted chunk that the file lacks is told": async (codec) => {
    const chunks = chunksOfBars(barsOf([START, START + 6 * CHUNK]));
    const bytes = await codec.encode([chunks[1], chunks[2], chunks[4]]);
    for (const lacking of [chunks[0], chunks[3], chunks[5]]) {
      await assert.rejects(decodeAll(codec, bytes, [lacking]), isVerifyFailed);
    }
  },
  "a fired signal ends reading": async (codec) => {
    const chunks = chunksOfBars(barsOf([START, START + 8 * CHUNK]));
    const source = sourceOf(await codec.encode(chunks));
    const stop = new AbortController();
    const seen: number[] = [];
    const reading = async () => {
      for await (const chunk of codec.decode(source, chunks, MINUTE, stop.signal)) {
        seen.push(chunk.k);
        stop.abort();
      }
    };
    await assert.rejects(reading(), (error) => error instanceof HistoryError && error.code === "CANCELLED");
    assert.equal(seen.length, 1);
  },
  "what the store says while it is read passes through": async (codec) => {
    const chunks = chunksOfBars(barsOf([START, START + CHUNK]));
    const { length } = await codec.encode(chunks);
    const down = new HistoryError("ARTIFACT_STORE_UNAVAILABLE", "gone", { hint: "wait" });
    const source = { sizeBytes: length, read: () => Promise.reject(down) };
    await assert.rejects(Array.fromAsync(codec.decode(source, chunks, MINUTE)), down);
  },
};

/** Registers one test per promise of the port. */
export function segmentCodecContract(name: string, codec: SegmentCodec): void {
  for (const [promise, check] of Object.entries(CHECKS)) {
    Deno.test({
      name: `${name}: ${promise}`,
      sanitizeOps: true,
      sanitizeResources: true,
      fn: () => check(codec),
    });
  }
}
