/** Finds the WASM core, makes an instance of it, and binds the functions to that instance. */
import { checkFrame } from "./arguments.ts";
import { appender } from "./appender.ts";
import { chunksOf } from "./chunks.ts";
import { conform } from "./conform.ts";
import { diff, diffRows } from "./diff.ts";
import { Door, type HostOptions } from "./door.ts";
import { stabilize } from "./finality.ts";
import { fingerprint, fingerprintOfChunks } from "./fingerprint.ts";
import { ownBytes } from "./own_bytes.ts";
import { intersectRanges, mergeRanges, missingRanges, segmentsOf, subtractRanges } from "./ranges.ts";
import { barsFromTrades, resample } from "./resample.ts";
import { sha256, sha256Stream } from "./sha256.ts";
import type { Compute } from "./types.ts";
import { verifyChunk, verifyColumn } from "./verify.ts";
import { checkGrid } from "../core/timeframe.ts";

/** What `load` takes: the module's bytes, the module itself, or the answer of a `fetch`. */
export type WasmSource = BufferSource | WebAssembly.Module | Response | Promise<Response>;

/**
 * Loads a compute core of one's own. Without an argument it reads `compute.wasm` from beside this module (Deno, Node);
 * browsers pass `fetch(…)`, bytes or a module; of the npm package, which carries the bytes along, no host needs to.
 * Rejects with `TypeError` for what is none of these.
 *
 * `o.hostHash` lets a host with a faster SHA-256 (synchronous, of parts one after the other) hash long leaves with it; the
 * digests are the same. From which length on, it measures once with `o.nowMs`, such as `() => performance.now()`.
 */
export async function load(wasm?: WasmSource, o: HostOptions = {}): Promise<Compute> {
  const module = await compile(await wasm);
  return bind(await Door.open(module, o));
}

async function compile(wasm: Awaited<WasmSource> | undefined): Promise<WebAssembly.Module> {
  const source = wasm === undefined ? await ownBytes() : wasm;
  return source instanceof WebAssembly.Module ? source : await WebAssembly.compile(await bytesOf(source));
}

async function bytesOf(wasm: BufferSource | Response): Promise<BufferSource> {
  if (wasm instanceof ArrayBuffer) return wasm;
  // Engines refuse a DataView, which is a BufferSource like any other.
  if (ArrayBuffer.isView(wasm)) return new Uint8Array(wasm.buffer, wasm.byteOffset, wasm.byteLength);
  if (typeof Response === "function" && wasm instanceof Response) {
    if (!wasm.ok) throw new TypeError(`Cannot load the compute core: ${wasm.url} answered ${wasm.status}`);
    return await wasm.arrayBuffer();
  }
  throw new TypeError("load() takes bytes, a WebAssembly.Module, a Response, a promise of one, or nothing");
}

/** The functions of the surface over one door. */
export function bind(door: Door): Compute {
  return {
    mergeRanges: (held, grid) => mergeRanges(door, held, grid),
    missingRanges: (wanted, held, grid) => missingRanges(door, wanted, held, grid),
    intersectRanges: (held, wanted, grid) => intersectRanges(door, held, wanted, grid),
    subtractRanges: (held, cut, grid) => subtractRanges(door, held, cut, grid),
    segmentsOf: (ts, grid) => segmentsOf(door, ts, grid),
    conform: (input, o) => conform(door, input, o),
    stabilize: (frame, o) => stabilize(door, frame, o),
    fingerprint: (frame, claims) => fingerprint(door, frame, claims),
    appender: (claims, resume) => appender(door, claims, resume),
    fingerprintOfChunks: (chunks, claims) => fingerprintOfChunks(door, chunks, claims),
    verifyChunk: (rows, chunk, grid) => verifyChunk(door, rows, chunk, grid),
    verifyColumn: (values, column, chunk) => verifyColumn(door, values, column, chunk),
    diff,
    diffRows,
    sha256: (bytes) => sha256(door, bytes),
    sha256Stream: () => sha256Stream(door),
    resample: (frame, o) => resample(door, frame, o),
    barsFromTrades: (trades, o) => barsFromTrades(door, trades, o),
    chunksOf: (frame, grid) => {
      checkFrame(frame, "frame");
      checkGrid(grid);
      return chunksOf(door, frame, grid);
    },
  };
}
