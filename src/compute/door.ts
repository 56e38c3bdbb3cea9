/**
 * The only door to WASM. Numbers go across; columns are copied in and out once; views are taken only after the last
 * allocation, because growing memory detaches them. A call takes what it needs from an arena and gives all of it back.
 * After a trap the instance refuses every further call: its memory may be half-written.
 */
import type { Grid } from "../core/timeframe.ts";

/** The functions of `wasm/mod.ts`. Addresses and counts are i32; seconds and slots are f64. */
type Exports = {
  memory: WebAssembly.Memory;
  alloc(bytes: number): number;
  mark(): number;
  reset(to: number): void;
  results(): number;
  setGrid(step: number, anchor: number): void;
  sortOrder(keys: number, count: number, out: number): number;
  mergeRanges(list: number, count: number): number;
  intersectRanges(a: number, aCount: number, b: number, bCount: number, out: number): number;
  subtractRanges(a: number, aCount: number, b: number, bCount: number, out: number, wanted: number): number;
  addSegments(times: number, count: number, out: number, runs: number): number;
  closeSegments(out: number, runs: number, back: number): number;
  canonicalise(at: number, count: number): number;
  toInt64(at: number, count: number): void;
  cleanRows(columns: number, stride: number, rows: number, before: number, limit: number): number;
  openJudge(): void;
  judgeRows(
    columns: number,
    stride: number,
    rows: number,
    times: number,
    state: number,
    floor: number,
  ): void;
  orderRows(
    times: number,
    state: number,
    rows: number,
    observed: number,
    quarantine: number,
    order: number,
    way: number,
  ): number;
  watermark(observedAt: number, stabilizationBars: number): number;
  shaStart(stream: number): void;
  shaStartTagged(stream: number, tag: number): void;
  shaUpdate(stream: number, data: number, bytes: number): void;
  shaFinish(stream: number, out: number): void;
  updateStreams(streams: number, count: number, data: number, stride: number, bytes: number): void;
  hashTagged(jobs: number, count: number, tag: number): void;
  cutChunks(
    columns: number,
    stride: number,
    from: number,
    rows: number,
    out: number,
    jobs: number,
  ): number;
  closeChunks(out: number, count: number, jobs: number): void;
  coverTargets(
    covered: number,
    count: number,
    fromStep: number,
    fromAnchor: number,
    toStep: number,
    toAnchor: number,
    part: number,
  ): number;
  checkSource(
    at: number,
    rows: number,
    fromStep: number,
    fromAnchor: number,
    toStep: number,
    toAnchor: number,
  ): number;
  resampleRows(
    columns: number,
    stride: number,
    rows: number,
    out: number,
    outStride: number,
    plain: number,
  ): number;
  foldTrades(
    columns: number,
    stride: number,
    rows: number,
    out: number,
    outStride: number,
    empty: number,
    plain: number,
  ): number;
  closeTrades(empty: number): number;
  checkTradeTimes(at: number, count: number, before: number, ties: number): number;
};

type Functions = Omit<Exports, "memory">;

/** Memory that an instance may hold between calls; after a call that needed more, a fresh one takes its place. */
export const WASM_KEPT_BYTES = 64 * 1024 * 1024;
/** A single block of arena stays below this, so that addresses and lengths never wrap. */
const BLOCK_MAX_BYTES = 0x7fff_0000;

/** Exports by which the core is known. */
const OWN_EXPORTS = ["memory", "mark", "reset", "alloc"];

/** What there is to say when memory does not suffice. */
const TOO_LARGE =
  `the input is too large; one call has at most 4 GiB of memory, ${BLOCK_MAX_BYTES} bytes in one piece`;

/** What a status below zero of a WASM function means. */
const STATUS: Record<number, string> = {
  [-1]: "a time is no usable one: it must be a number with |t| < 2^43 s, whole where a frame has it",
  [-3]: "times do not ascend",
  [-4]: "a time is off the grid",
};

/** SHA-256 of the parts, one after the other, by the host. */
export type HostHash = (parts: readonly Uint8Array[]) => Uint8Array;

/** What a host has that the core may use: a SHA-256, and a clock in milliseconds to find out from which length on. */
export type HostOptions = { hostHash?: HostHash; nowMs?: () => number };

/**
 * One instance of the core and its arena. Between outermost scopes it holds no state but memory: what lasts (hash
 * states, grids) is brought along by each call, so that the instance can be exchanged for a fresh one.
 */
export class Door {
  /** What the host has: its own SHA-256, for leaves that it hashes faster; the core computes the same bytes without it. */
  readonly host: HostOptions;
  /** From how many bytes on leaves are the host's; `null` until it was needed (native_leaves.ts). */
  nativeMinBytes: number | null = null;
  readonly #module: WebAssembly.Module;
  #wasm: Functions;
  #memory: WebAssembly.Memory;
  #trapped: Error | null = null;
  #depth = 0;

  private constructor(module: WebAssembly.Module, instance: WebAssembly.Instance, host: HostOptions) {
    this.host = host;
    this.#module = module;
    const exports = instance.exports as unknown as Exports;
    this.#memory = exports.memory;
    this.#wasm = this.#guarded(exports);
  }

  /** Makes an instance of the module. Rejects with `TypeError` for one that is not the compute core. */
  static async open(module: WebAssembly.Module, host: HostOptions = {}): Promise<Door> {
    const names = new Set(WebAssembly.Module.exports(module).map(({ name }) => name));
    if (WebAssembly.Module.imports(module).length > 0 || !OWN_EXPORTS.every((name) => names.has(name))) {
      throw new TypeError("Cannot load the compute core: the module is another one; load compute.wasm");
    }
    return new Door(module, await WebAssembly.instantiate(module, {}), host);
  }

  /** The core's functions. */
  get wasm(): Functions {
    return this.#wasm;
  }

  /** Runs `work` with an arena of its own, given back whatever happens. */
  scoped<T>(work: () => T): T {
    const start = this.wasm.mark();
    this.#depth++;
    try {
      return work();
    } finally {
      this.#depth--;
      if (this.#trapped === null) this.#giveBack(start);
    }
  }

  /** WebAssembly never returns memory: after a large call only a new instance does. */
  #giveBack(start: number): void {
    if (this.#depth > 0 || this.#memory.buffer.byteLength <= WASM_KEPT_BYTES) {
      this.#wasm.reset(start);
      return;
    }
    const exports = new WebAssembly.Instance(this.#module, {}).exports as unknown as Exports;
    this.#memory = exports.memory;
    this.#wasm = this.#guarded(exports);
  }

  /** The address of `bytes` bytes of arena. Throws `RangeError` when memory does not suffice. */
  alloc(bytes: number): number {
    const at = bytes <= BLOCK_MAX_BYTES ? this.wasm.alloc(bytes) >>> 0 : 0;
    if (at === 0) throw new RangeError(`Cannot take ${bytes} bytes at once: ${TOO_LARGE}`);
    return at;
  }

  /** Copies numbers into the arena and returns their address. */
  copyIn(values: Float64Array): number {
    const at = this.alloc(values.length * 8);
    this.f64(at, values.length).set(values);
    return at;
  }

  /** Copies bytes into the arena and returns their address. */
  copyBytesIn(bytes: Uint8Array): number {
    const at = this.alloc(bytes.length);
    this.bytes(at, bytes.length).set(bytes);
    return at;
  }

  /** A view on memory, good until the next allocation. */
  f64(at: number, count: number): Float64Array {
    return new Float64Array(this.#memory.buffer, at, count);
  }

  /** A view on memory, good until the next allocation. */
  u32(at: number, count: number): Uint32Array {
    return new Uint32Array(this.#memory.buffer, at, count);
  }

  /** A view on memory, good until the next allocation. */
  bytes(at: number, count: number): Uint8Array {
    return new Uint8Array(this.#memory.buffer, at, count);
  }

  /** A view on memory, good until the next allocation. */
  view(at: number, count: number): DataView {
    return new DataView(this.#memory.buffer, at, count);
  }

  /** Field `index` of the results of the last call. */
  result(index: number): number {
    return this.f64(this.wasm.results() >>> 0, 16)[index];
  }

  /** Chooses the grid of the following calls. Step 0 stands for calendar months. */
  useGrid(grid: Grid): void {
    this.wasm.setGrid(stepOf(grid), anchorOf(grid));
  }

  /** Returns a count, or throws the `RangeError` that a status below zero stands for. */
  checked(count: number, act: string): number {
    if (count >= 0) return count;
    throw new RangeError(`Cannot ${act}: ${STATUS[count] ?? TOO_LARGE}`);
  }

  #guarded(exports: Exports): Functions {
    const guard = (name: string, run: (...args: number[]) => number) => (...args: number[]): number => {
      if (this.#trapped !== null) {
        throw new Error("The compute core trapped before and refuses further calls: load it again", {
          cause: this.#trapped,
        });
      }
      try {
        return run(...args);
      } catch (error) {
        this.#trapped = error as Error;
        throw new Error(`The compute core trapped in ${name}: load it again`, { cause: error });
      }
    };
    const entries = Object.entries(exports).filter(([, value]) => typeof value === "function");
    const guarded = entries.map(([name, run]) => [name, guard(name, run as (...args: number[]) => number)]);
    return Object.freeze(Object.fromEntries(guarded)) as Functions;
  }
}

/** A grid's step as WASM takes it: 0 for months. */
export function stepOf(grid: Grid): number {
  return "step" in grid && grid.step !== undefined ? grid.step : 0;
}

/** A grid's anchor, 0 when it has none. */
export function anchorOf(grid: Grid): number {
  return "step" in grid ? grid.anchor ?? 0 : 0;
}
