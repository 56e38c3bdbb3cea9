/**
 * The door under fuzzed arguments: valid ones go to the twin as well; of others one or two places hold what does not
 * belong there. Whatever comes in, the answer is right or the error one for callers, no instance traps, memory does not
 * grow, and the next call is right. A failure shows fast-check's seed and path; `TEST_SEED=<seed>` runs it again.
 */
import fc from "fast-check";
import { bind } from "../../src/compute/load.ts";
import { Door, WASM_KEPT_BYTES } from "../../src/compute/door.ts";
import type { Compute } from "../../src/compute/mod.ts";
import { NIGHTLY, SEED } from "./cases.ts";
import { COMPARISONS } from "./suite/agreement.ts";
import { equal } from "./suite/case.ts";
import { randomInput } from "./suite/cells.ts";
import { randomBars, randomGrid, randomRanges, randomSlot, randomTrades } from "./suite/inputs.ts";
import { Dice } from "./suite/random.ts";
import { compareIds } from "./twin/conform.ts";

const RUNS = NIGHTLY ? 100_000 : 2_000;

const module = new WebAssembly.Module(
  Deno.readFileSync(new URL("../../src/compute/compute.wasm", import.meta.url)),
);
const door = await Door.open(module);
const compute = bind(door);
/** Has another history than `compute`, so that what one call leaves behind shows as a difference. */
const other = bind(await Door.open(module));
const start = door.wasm.mark();

/** Valid arguments of a call, and the call. */
type Template = { args: unknown[]; call(compute: Compute, args: unknown[]): unknown };

// deno-lint-ignore no-explicit-any -- arguments of any type are the point
type Any = any;

function direct(name: keyof Compute, args: unknown[]): Template {
  return { args, call: (c, given) => (c[name] as (...all: unknown[]) => unknown)(...given) };
}

/** Everything that a template may be made of. */
function materials(dice: Dice) {
  const grid = randomGrid(dice);
  const around = randomSlot(dice, grid);
  const rows = dice.pick([0, 3, 12, 40]);
  const bars = randomBars(dice, grid, { around, rows, oddness: 0.1 });
  const trades = randomTrades(dice, { startMs: 0, rows: dice.whole(0, 9), oddness: 0.1, compareIds });
  const ranges = () => Float64Array.from(randomRanges(dice, grid, around).flat());
  const claims = { nodeId: "ohlcv:x:A/B:1m", grid, range: [0, 60], conformanceVersion: "v2" };
  return { grid, around, bars, trades, ranges, claims };
}

const TEMPLATES: Record<keyof Compute, (dice: Dice) => Template> = {
  mergeRanges(dice) {
    const { ranges, grid } = materials(dice);
    return direct("mergeRanges", [ranges(), grid]);
  },
  missingRanges(dice) {
    const { ranges, grid } = materials(dice);
    return direct("missingRanges", [[-1000, 100_000], ranges(), grid]);
  },
  intersectRanges(dice) {
    const { ranges, grid } = materials(dice);
    return direct("intersectRanges", [ranges(), ranges(), grid]);
  },
  subtractRanges(dice) {
    const { ranges, grid } = materials(dice);
    return direct("subtractRanges", [ranges(), ranges(), grid]);
  },
  segmentsOf(dice) {
    const { bars, grid } = materials(dice);
    return direct("segmentsOf", [bars.ts, grid]);
  },
  conform(dice) {
    const { input, options } = randomInput(dice, dice.pick(["ohlcv", "ohlcv", "trades"]));
    return direct("conform", [input, options]);
  },
  stabilize(dice) {
    const { bars, grid } = materials(dice);
    return direct("stabilize", [bars, { grid, stabilizationBars: 2, observedAt: 1_700_000_000 }]);
  },
  fingerprint(dice) {
    const { bars, trades, claims } = materials(dice);
    return direct("fingerprint", [dice.pick<unknown>([bars, bars, trades]), claims]);
  },
  chunksOf(dice) {
    const { bars, trades, grid } = materials(dice);
    return direct("chunksOf", [dice.pick<unknown>([bars, bars, trades]), grid]);
  },
  appender(dice) {
    const { bars, claims, grid, around } = materials(dice);
    const more = randomBars(dice, grid, { around: around + 500, rows: 5, oddness: 0 });
    const state = compute.appender(claims as Any).state();
    return {
      args: [claims, state, bars, more, [0, 60]],
      call(c, [about, resume, first, second, range]) {
        const appender = c.appender(about as Any, resume as Any);
        appender.append(first as Any);
        appender.append(second as Any);
        return [appender.fingerprint(range as Any), appender.chunks(), appender.state()];
      },
    };
  },
  fingerprintOfChunks(dice) {
    const { bars, claims, grid } = materials(dice);
    return direct("fingerprintOfChunks", [compute.chunksOf(bars, grid), claims]);
  },
  verifyChunk(dice) {
    const { bars, grid } = materials(dice);
    const [chunk = { k: 0, rows: 0, digest: "" }] = compute.chunksOf(bars, grid);
    return direct("verifyChunk", [bars, chunk, grid]);
  },
  verifyColumn(dice) {
    const { bars, grid } = materials(dice);
    const [chunk = { k: 0, rows: 0, digest: "", leaves: [] }] = compute.chunksOf(bars, grid);
    return direct("verifyColumn", [bars.open, "open", chunk]);
  },
  diff(dice) {
    const { bars, grid } = materials(dice);
    return direct("diff", [compute.chunksOf(bars, grid), []]);
  },
  diffRows(dice) {
    return direct("diffRows", [materials(dice).bars, materials(dice).bars]);
  },
  sha256: (dice) => direct("sha256", [new Uint8Array(dice.whole(0, 200))]),
  sha256Stream: (dice) => ({
    args: [new Uint8Array(dice.whole(0, 90)), new Uint8Array(dice.whole(0, 90))],
    call(c, [first, second]) {
      const stream = c.sha256Stream();
      stream.update(first as Any);
      stream.update(second as Any);
      return stream.digest();
    },
  }),
  resample(dice) {
    const { bars, grid, ranges } = materials(dice);
    return direct("resample", [bars, { from: grid, to: grid, covered: ranges() }]);
  },
  barsFromTrades(dice) {
    const { trades } = materials(dice);
    return direct("barsFromTrades", [trades, { grid: { step: 5 }, covered: Float64Array.of(-100, 100_000) }]);
  },
};

/** What does not belong where it is put. Made anew for each run: a call may keep, or write to, what it is given. */
const INTRUDERS: readonly (() => unknown)[] = [
  ...[
    NaN,
    Infinity,
    -Infinity,
    2 ** 43,
    -(2 ** 43),
    1e300,
    2 ** 31,
    2 ** 32,
    2 ** 53,
    -0,
    0,
    0.5,
    -1,
    5e-324,
  ],
  ...[null, undefined, "", "1e3", "\ud800", "month", true, 10n, -(10n ** 40n), Symbol.iterator],
].map((value) => () => value);
const OBJECTS: readonly (() => unknown)[] = [
  () => [],
  () => ({}),
  () => ({ length: 2 ** 32 }),
  () => ({ length: -1 }),
  () => ({ length: 3 }),
  () => new Float64Array(1),
  () => new Float64Array(6),
  () => new Float32Array(2),
  () => new BigInt64Array(2),
  () => new Uint8Array(7),
  () => new DataView(new ArrayBuffer(8)),
  () => new Date(NaN),
  () => [NaN, 60],
  () => Array(5),
  () => detached(),
  () => new Float64Array(new SharedArrayBuffer(16)),
];
const ALL = [...INTRUDERS, ...OBJECTS];

function detached(): Float64Array {
  const gone = new Float64Array(4);
  structuredClone(gone, { transfer: [gone.buffer] });
  return gone;
}

type Place = { holder: Any; key: string | number };

/** Every place in the arguments that can be written to, outer ones first. */
function placesOf(value: Any, depth = 0): Place[] {
  if (value === null || typeof value !== "object" || depth > 3 || value instanceof Date) return [];
  const keys: (string | number)[] = ArrayBuffer.isView(value) || Array.isArray(value)
    ? Array.from({ length: Math.min((value as Any).length ?? 0, 50) }, (_, i) => i)
    : Object.keys(value);
  const own = keys.map((key) => ({ holder: value, key }));
  return [...own, ...keys.flatMap((key) => placesOf(value[key], depth + 1))];
}

/** Puts an intruder somewhere. Typed arrays take numbers only: of others they keep what they had. */
function intrude(args: unknown[], { place, what }: { place: number; what: number }): void {
  const places = placesOf(args);
  if (places.length === 0) return;
  const { holder, key } = places[place % places.length];
  const value = ALL[what % ALL.length]();
  if (ArrayBuffer.isView(holder) && (typeof value !== "number" || holder instanceof BigInt64Array)) return;
  if (!Object.isFrozen(holder)) holder[key] = value;
}

/** What a call came to: its answer, or the class of its error. */
function outcomeOf({ call, args }: Template, c: Compute): unknown {
  try {
    return call(c, args);
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) return error.name;
    throw error;
  }
}

const intrusion = fc.record({ place: fc.nat(5000), what: fc.nat(ALL.length - 1) });

for (const name of Object.keys(TEMPLATES) as (keyof Compute)[]) {
  Deno.test(`${name}() survives ${RUNS} fuzzed calls, and answers the next one right`, () => {
    fc.assert(
      fc.property(
        fc.nat(2 ** 30),
        fc.array(intrusion, { minLength: 1, maxLength: 2 }),
        (seed, intrusions) => {
          const made = () => {
            const template = TEMPLATES[name](new Dice(seed));
            // Grids and cells are shared between inputs: what is put into them must not stay.
            template.args = structuredClone(template.args);
            for (const one of intrusions) intrude(template.args, one);
            return template;
          };
          equal(outcomeOf(made(), compute), outcomeOf(made(), other), `${name}: two instances differ`);
          equal(door.wasm.mark(), start, `${name}: the arena is not given back`);
          const size = door.bytes(0, 0).buffer.byteLength;
          if (size > WASM_KEPT_BYTES) throw new Error(`${name}: memory has grown to ${size} bytes`);
          equal(
            [...compute.mergeRanges(Float64Array.of(61, 180, 0, 60), { step: 60 })],
            [0, 60, 120, 180],
            "next",
          );
        },
      ),
      { numRuns: RUNS, seed: SEED },
    );
  });
}

Deno.test(`valid arguments of every function give what the twin gives, ${RUNS} fuzzed calls`, () => {
  const names = Object.keys(COMPARISONS);
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.nat(2 ** 30), (name, seed) => {
      COMPARISONS[name](compute, new Dice(seed));
      equal(door.wasm.mark(), start, `${name}: the arena is not given back`);
    }),
    { numRuns: RUNS, seed: SEED },
  );
});
