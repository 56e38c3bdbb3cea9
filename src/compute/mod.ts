/**
 * The compute core: ranges, conformance, finality, fingerprints, diffs, resampling. The heavy part is WebAssembly without
 * imports; everything here is synchronous after `load`, and runs unchanged in Deno, Node, browsers and workers.
 *
 * ```ts
 * const compute = await load();
 * const grid = gridOf("1m");
 * const open = compute.missingRanges([0, 600], toRanges([[60, 120]]), grid);   // toPairs(open): [[0, 60], [120, 600]]
 * ```
 *
 * Wrong shapes throw `TypeError`, unusable values `RangeError`. An instance that trapped refuses further calls.
 */
export type { Bars, Trades } from "../core/bar_frame.ts";
export { type Grid, gridOf } from "../core/timeframe.ts";
export { type Ranges, type TimeRange, toPairs, toRanges } from "../core/time_range.ts";
export { load, type WasmSource } from "./load.ts";
export { answerSpread, type Crew, spread, type SpreadPort, type SpreadWorker } from "./spread.ts";
export type { HostHash, HostOptions } from "./door.ts";
export type {
  Appender,
  Cell,
  Chunk,
  ChunkChange,
  Claims,
  Compute,
  Conformed,
  ConformInput,
  ConformOptions,
  RowChange,
} from "./types.ts";
