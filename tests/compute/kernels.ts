/** A bare instance of the core for tests of its kernels: what `wasm/mod.ts` exports, and a place to lay bytes. */
import { CASES, SEED } from "./cases.ts";
import { randomNumber } from "./suite/inputs.ts";
import { Dice } from "./suite/random.ts";

const WASM = new URL("../../src/compute/compute.wasm", import.meta.url);

/** A function of the core: numbers in, a number or nothing out. */
type Call = (...args: number[]) => number;

/** The exports, by name; one that is not there fails where it is called. */
type Exports = Record<string, Call> & { memory: WebAssembly.Memory };

/** One instance, with an arena that each case gives back. */
export class Kernels {
  readonly wasm: Exports;

  constructor() {
    const module = new WebAssembly.Module(Deno.readFileSync(WASM));
    this.wasm = new WebAssembly.Instance(module, {}).exports as unknown as Exports;
    // Room for whatever a case needs: views stay good from here on.
    const start = this.wasm.mark();
    this.wasm.alloc(1 << 22);
    this.wasm.reset(start);
  }

  /** Bytes of memory, `offset` bytes behind an aligned address. */
  room(bytes: number, offset = 0): number {
    return this.wasm.alloc(bytes + offset + 64) + offset;
  }

  bytes(at: number, count: number): Uint8Array {
    return new Uint8Array(this.wasm.memory.buffer, at, count);
  }

  /** Copies bytes into memory. */
  lay(bytes: Uint8Array, offset = 0): number {
    const at = this.room(bytes.length, offset);
    this.bytes(at, bytes.length).set(bytes);
    return at;
  }

  /** Copies numbers into memory, aligned to 8 or, as columns may be, not to 16. */
  layFloats(values: ArrayLike<number>, offset = 0): number {
    const floats = Float64Array.from(values);
    return this.lay(new Uint8Array(floats.buffer), offset);
  }

  floats(at: number, count: number): Float64Array {
    return new Float64Array(this.wasm.memory.buffer.slice(at, at + count * 8));
  }

  result(field: number): number {
    return this.floats(this.wasm.results(), 16)[field];
  }
}

/** Random bytes. */
export function randomBytes(dice: Dice, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, () => dice.whole(0, 255));
}

/** Bytes as hex digits, for messages. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The instance that comparisons share. */
export const kernels = new Kernels();

/** Registers a comparison over `CASES` seeds. */
export function compare(name: string, run: (dice: Dice, seed: number) => void): void {
  Deno.test(`${name}, on ${CASES} inputs`, () => {
    for (let seed = SEED; seed < SEED + CASES; seed++) {
      const start = kernels.wasm.mark();
      try {
        run(new Dice(seed), seed);
      } catch (error) {
        throw new Error(`${name}: TEST_SEED=${seed}: ${(error as Error).stack}`, { cause: error });
      } finally {
        kernels.wasm.reset(start);
      }
    }
  });
}

/** Times that go on by steps, with breaks. */
export function steppedTimes(dice: Dice, count: number, step: number): number[] {
  let t = dice.whole(-1000, 1000) * step;
  const breaks = dice.pick([0, 0.02, 0.3]);
  return Array.from({ length: count }, () => {
    t += dice.chance(breaks) ? dice.pick([0, -step, 2 * step, step + 1, 0.5]) : step;
    return dice.chance(breaks / 10) ? dice.pick([NaN, -0, Infinity]) : t;
  });
}

/** Five columns of bars end to end, `stride` bytes apart: mostly clean. */
export function layBars(
  dice: Dice,
  rows: number,
  times: number[] | null,
): { at: number; stride: number; columns: number[][] } {
  const faults = dice.pick([0, 0.01, 0.1]);
  const cell = (usual: number) => dice.chance(faults) ? randomNumber(dice, 0.9) : usual;
  const base = Array.from({ length: rows }, () => dice.whole(1, 1000));
  const columns = [0, 2, -1, 1].map((shift) => base.map((x) => cell(x + shift * 0.25)));
  columns.push(base.map((x) => cell(x % 7)));
  if (times !== null) columns.unshift(times);
  const stride = Math.ceil(rows / 2) * 16 + dice.pick([0, 8, 16]);
  const at = kernels.room(stride * columns.length + 16, dice.pick([0, 8]));
  columns.forEach((column, c) => {
    const values = Float64Array.from(column);
    kernels.bytes(at + c * stride, rows * 8).set(new Uint8Array(values.buffer));
  });
  return { at, stride, columns };
}
