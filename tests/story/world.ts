/**
 * A whole service for stories: the real provider, backfiller, publisher and reports over stores in memory, a venue
 * that does what the test says, and a clock that the test holds. `wire.ts` puts it together; a second service over the same `Holdings` is another process, or the same one after a restart.
 */

import { createHash } from "node:crypto";
import { createMemoryArtifacts } from "../../src/adapters/artifact_store/memory.ts";
import { MemoryBarStore } from "../../src/adapters/bar_store/memory.ts";
import { MemoryJobStore } from "../../src/adapters/bar_store/memory_jobs.ts";
import { MemoryAsOfRegister, MemorySnapshotIndex } from "../../src/adapters/bar_store/memory_registers.ts";
import { InProcessLeases } from "../../src/adapters/leases/in_process.ts";
import { type Compute, load } from "../../src/compute/mod.ts";
import { type Config, type ConfigInput, loadConfig } from "../../src/config/mod.ts";
import { type Bars, concatBars, emptyBars } from "../../src/core/bar_frame.ts";
import type {
  ArtifactStore,
  AsOfRegister,
  BarStore,
  Dice,
  Leases,
  SnapshotIndex,
} from "../../src/core/ports.ts";
import type { FetchRequest, RequestContext } from "../../src/core/request.ts";
import type { Answer, LocalService, ServiceEvent } from "../../src/core/service.ts";
import { decodeRows } from "../../src/core/stored_chunk.ts";
import { wire } from "../../src/wire.ts";
import { FakeClock, SeededDice, turn } from "../fake_clock.ts";
import { ScriptedVenue, ScriptedVenues } from "./scripted_venue.ts";

export const compute: Compute = await load();

export const NODE = "ohlcv:binance:BTC/USDT:1m";
/** 2024-01-02 00:00:30 UTC: half a minute into a forming bar; 20 hours of history behind the day's start. */
export const NOW = Date.UTC(2024, 0, 2, 0, 0, 30);
/** The start of the forming minute at `NOW`, epoch seconds. */
export const FORMING = Date.UTC(2024, 0, 2) / 1000;

/** What outlives a process. */
export interface Holdings {
  bars: BarStore;
  leases: Leases;
  jobs: MemoryJobStore;
  asOf: AsOfRegister;
  index: SnapshotIndex;
  artifacts: ArtifactStore;
}

export interface WorldOptions {
  nowMs?: number;
  clock?: FakeClock;
  config?: ConfigInput;
  /** The environment that is configuration. Default: none. */
  env?: Record<string, string>;
  venues?: (clock: FakeClock) => ScriptedVenue[];
  /** A service that starts goes on with the jobs that it finds. */
  atStart?: boolean;
  /** The stores of an earlier service. */
  holdings?: Holdings;
  /** Puts something between the service and one of its stores. */
  through?: {
    bars?: (store: BarStore, clock: FakeClock) => BarStore;
    artifacts?: (store: ArtifactStore, clock: FakeClock) => ArtifactStore;
  };
}

/** One answer with its rows taken in. */
export type Told = Answer["metadata"] & { frame: Bars };

export interface World {
  clock: FakeClock;
  venue: ScriptedVenue;
  venues: ScriptedVenue[];
  service: LocalService;
  holdings: Holdings;
  config: Config;
  /** Events of the service, in order. */
  events: ServiceEvent[];
  /** What was logged. */
  logged: { level: string; event: string; fields: Record<string, unknown> }[];
  /** Asks, and lets time pass until the answer is there; metadata and rows. */
  ask(request: Partial<FetchRequest>, context?: RequestContext): Promise<Told>;
  /** Lets time pass until something has settled. */
  settled<T>(work: Promise<T>): Promise<T>;
  /** Fills as the CLI does, and lets time pass until it is done. */
  fill(range: readonly [number, number], o?: { nodeId?: string; refetch?: boolean }): Promise<void>;
  /** Ends the service, as a process ends; its holdings stay. */
  close(): Promise<void>;
}

/** Small windows, one attempt a window: stories are about requests, not about paging. */
const STORY_CONFIG = {
  storage: { bars: "memory:" },
  seamless: { backfill: { window_bars: 10, max_attempts: 1, jitter_ratio: 0 } },
} as const;

/** Builds a service. Close it with `close`. */
export async function makeWorld(o: WorldOptions = {}): Promise<World> {
  const clock = o.clock ?? new FakeClock(o.nowMs ?? NOW);
  const dice = new SeededDice(1);
  const input = merged(STORY_CONFIG, o.config ?? {});
  const loaded = loadConfig({ input, env: o.env ?? {}, cwd: Deno.cwd() });
  const venues = o.venues?.(clock) ?? [new ScriptedVenue({ clock })];
  const holdings = o.holdings ?? makeHoldings(clock, dice);
  const logged: World["logged"] = [];
  const events: ServiceEvent[] = [];
  const { bars, artifacts, ...rest } = holdings;
  const stores = {
    ...rest,
    bars: o.through?.bars?.(bars, clock) ?? bars,
    close: () => Promise.resolve(),
  };
  const service = await wire(loaded, {
    atStart: o.atStart,
    clock,
    dice,
    log: { emit: (level, event, fields = {}) => void logged.push({ level, event, fields }) },
    outside: {
      stores,
      exchanges: new ScriptedVenues(venues),
      artifacts: lasting(o.through?.artifacts?.(artifacts, clock) ?? artifacts),
    },
  });
  service.events((event) => events.push(event));
  const world: World = {
    clock,
    venue: venues[0],
    venues,
    service,
    holdings,
    config: loaded.config,
    events,
    logged,
    async ask(request, context) {
      const answer = await settle(clock, service.bars({ nodeId: NODE, ...request }, context));
      return { ...answer.metadata, frame: await rowsOf(answer) };
    },
    settled: (work) => settle(clock, work),
    async fill([start, end], { nodeId = NODE, refetch } = {}) {
      const job = await settle(clock, service.fill({ nodes: [nodeId], start, end, refetch }, {}));
      if (job.state !== "complete" && job.errors.length > 0) {
        throw new Error(`the fill failed: ${JSON.stringify(job.errors)}`);
      }
    },
    close: () => settle(clock, service.close()),
  };
  return world;
}

/** Segments are hashed beside the main thread; in a story that would be real time that nobody holds. */
crypto.subtle.digest = (algorithm, data) => {
  if (algorithm !== "SHA-256" || !(data instanceof Uint8Array)) {
    throw new TypeError(`not in a story: ${algorithm}`);
  }
  return Promise.resolve(Uint8Array.from(createHash("sha256").update(data).digest()).buffer);
};

/** Turns that what runs gets before time goes on: encoding and reading let others run in between. */
const TURNS = 4;
/** Turns without anybody asleep after which the work hangs. */
const IDLE_TURNS_MAX = 20_000;

/** Lets time pass, from sleeper to sleeper, until `work` settles. */
export async function settle<T>(clock: FakeClock, work: Promise<T>): Promise<T> {
  let settled = false;
  const mark = () => void (settled = true);
  work.then(mark, mark);
  for (let idle = 0; idle < IDLE_TURNS_MAX;) {
    for (let turns = 0; turns < TURNS && !settled; turns++) await turn();
    if (settled) return await work;
    idle = await clock.advanceToNext() ? 0 : idle + TURNS;
  }
  throw new Error(`Nothing came of the work, and nobody sleeps`);
}

/** Runs a story; the service is closed afterwards. */
export async function inWorld(o: WorldOptions, story: (world: World) => Promise<void>): Promise<void> {
  const world = await makeWorld(o);
  try {
    await story(world);
  } finally {
    await world.close();
  }
}

/** The rows of an answer as one frame. */
export async function rowsOf(answer: Answer): Promise<Bars> {
  const frames: Bars[] = [];
  for await (const slice of answer.slices()) frames.push(decodeRows(slice.bytes));
  return concatBars([emptyBars(), ...frames]);
}

function makeHoldings(clock: FakeClock, dice: Dice): Holdings {
  const leases = new InProcessLeases({ clock, dice });
  return {
    bars: new MemoryBarStore({ generationOf: (key) => leases.generationOf(key) }),
    leases,
    jobs: new MemoryJobStore(),
    asOf: new MemoryAsOfRegister(),
    index: new MemorySnapshotIndex(),
    artifacts: createMemoryArtifacts(),
  };
}

/** The artifacts outlive the service that closes them. */
export function lasting(artifacts: ArtifactStore): ArtifactStore {
  return new Proxy(artifacts, {
    get(target, name) {
      if (name === "close") return () => Promise.resolve();
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** Two configurations as one; the second wins, level by level. */
function merged(a: object, b: object): ConfigInput {
  const result: Record<string, unknown> = { ...a };
  for (const [key, value] of Object.entries(b)) {
    const mine = result[key];
    const both = isLevel(mine) && isLevel(value);
    result[key] = both ? merged(mine, value) : value;
  }
  return result as ConfigInput;
}

function isLevel(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
