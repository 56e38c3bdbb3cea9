/** Config → running service. The only file that names adapters (architecture.md). */

import { hostname } from "node:os";
import { createFilesystemArtifacts } from "./adapters/artifact_store/filesystem.ts";
import { createMemoryArtifacts } from "./adapters/artifact_store/memory.ts";
import { MemoryBarStore } from "./adapters/bar_store/memory.ts";
import { MemoryJobStore } from "./adapters/bar_store/memory_jobs.ts";
import { MemoryAsOfRegister, MemorySnapshotIndex } from "./adapters/bar_store/memory_registers.ts";
import { SqliteBarStore } from "./adapters/bar_store/sqlite.ts";
import { openSqliteFile } from "./adapters/bar_store/sqlite_file.ts";
import { SqliteJobStore } from "./adapters/bar_store/sqlite_jobs.ts";
import { SqliteAsOfRegister, SqliteSnapshotIndex } from "./adapters/bar_store/sqlite_registers.ts";
import { orUnopened } from "./adapters/bar_store/unopened.ts";
import { createExchanges } from "./adapters/exchange/ccxt.ts";
import { InProcessLeases } from "./adapters/leases/in_process.ts";
import { LeaseOwners } from "./adapters/leases/owners.ts";
import { SqliteLeases } from "./adapters/leases/sqlite.ts";
import { InProcessLimiter } from "./adapters/limiter/in_process.ts";
import { hostHash } from "./adapters/host_hash.ts";
import { createParquetCodec } from "./adapters/parquet/codec.ts";
import { createSegmentProver, proverHere } from "./adapters/parquet/proof_threads.ts";
import { systemClock, systemDice } from "./adapters/system.ts";
import { Backfiller } from "./backfill/backfiller.ts";
import { JobRunner } from "./backfill/jobs.ts";
import { withRetries } from "./backfill/retry.ts";
import { type Compute, load } from "./compute/mod.ts";
import { type Config, exchangeConfig, type LoadedConfig } from "./config/mod.ts";
import { SharedBound } from "./core/bounded_map.ts";
import { cancelled } from "./core/errors.ts";
import { CHUNK_CACHE_BYTES } from "./core/limits.ts";
import * as settingsOf from "./wire_settings.ts";
import type {
  ArtifactStore,
  AsOfRegister,
  BarStore,
  Clock,
  Dice,
  Exchanges,
  JobStore,
  Leases,
  Log,
  SnapshotIndex,
  WarningListener,
} from "./core/ports.ts";
import { budgetRules } from "./core/rate_budget.ts";
import type { HistoryService, LocalService, ServiceEvent } from "./core/service.ts";
import { PRODUCT_VERSION } from "./core/version.ts";
import { logBackfill } from "./history/backfill_log.ts";
import { backgroundWork } from "./history/background.ts";
import { EventHub } from "./history/events.ts";
import { gapTeller } from "./history/gap_events.ts";
import { goldenHolds } from "./history/golden.ts";
import { Health } from "./history/health.ts";
import { JobDesk } from "./history/job_desk.ts";
import { Outages } from "./history/outages.ts";
import { Provider } from "./history/provider.ts";
import { type ManifestSigner, manifestSigner } from "./history/manifest_signature.ts";
import { NOTHING_PUBLISHED, openPublishedSide, type PublishedSide } from "./history/published_side.ts";
import { Reports } from "./history/reports.ts";
import { createService, finishNode } from "./history/service.ts";
import type { HistorySettings } from "./history/settings.ts";
import { overheard, stderrLog } from "./observe/json_log.ts";
import { createApp } from "./server/app.ts";
import { startServer } from "./server/serve.ts";

/** How a service is wired besides its configuration; tests pass a clock, a dice and a log of their own. */
export interface WireOptions {
  verbosity?: "quiet" | "normal" | "verbose";
  clock?: Clock;
  dice?: Dice;
  log?: Log;
  /** Hears warnings, whatever the log's level. */
  onWarning?: WarningListener;
  /** A service that starts: the artifact store is probed, and jobs that a killed process left go on. */
  atStart?: boolean;
  /** A bar store that cannot be opened fails what needs it, and nothing else. */
  evenWithoutBars?: boolean;
  /** What a test puts in the place of what configuration would open. */
  outside?: { stores?: Stores; exchanges?: Exchanges; artifacts?: ArtifactStore };
}

/** The stores of one process. */
export interface Stores {
  bars: BarStore;
  jobs: JobStore;
  asOf: AsOfRegister;
  index: SnapshotIndex;
  leases: Leases;
  close: () => Promise<void>;
}

/** What every part of one process shares. */
interface Shared {
  config: Config;
  clock: Clock;
  dice: Dice;
  log: Log;
  compute: Compute;
  stores: Stores;
  exchanges: Exchanges;
  backfiller: Backfiller;
  events: EventHub;
  outages: Outages;
  settings: HistorySettings;
  lifetime: AbortSignal;
  /** Work that goes on when the call that began it has returned; shutdown waits for it. */
  background: (work: Promise<unknown>) => void;
}

/** Builds the service that a configuration describes. `STORE_UNAVAILABLE` and the like when a part cannot be opened. */
export async function wire(loaded: LoadedConfig, o: WireOptions = {}): Promise<LocalService> {
  const { config } = loaded;
  const clock = o.clock ?? systemClock;
  const dice = o.dice ?? systemDice;
  const log = openLog(config, o, clock);
  for (const warning of loaded.warnings) log.emit("warn", "seamless.config.warning", { ...warning });
  const compute = await load(undefined, { hostHash, nowMs: () => performance.now() });
  const { signing_key } = config.seamless.artifact;
  const signer = signing_key === null ? undefined : await manifestSigner(signing_key);
  const kept = new SharedBound(CHUNK_CACHE_BYTES);
  const open = () => openStores(loaded, { clock, dice, kept });
  const stores = o.outside?.stores ?? (o.evenWithoutBars ? orUnopened(open) : open());
  const events = new EventHub();
  const ending = new AbortController();
  const limiter = new InProcessLimiter(clock);
  const exchanges = o.outside?.exchanges ?? openExchanges(loaded, { limiter, clock, dice, log });
  const { background, settle } = backgroundWork(log);
  const outages = new Outages({ store: stores.bars, compute });
  const publishes = { stores, compute, clock, dice, log, events, outages, signer, kept };
  const published = openPublishing(loaded, publishes, o.outside?.artifacts);
  const backfiller = new Backfiller({
    ...{ store: stores.bars, leases: stores.leases, exchanges, compute, clock, dice },
    published: published.fallThrough,
    emit: tellerOf({ events, log, store: stores.bars, compute, background }),
    settings: settingsOf.backfillSettings(config),
  });
  const shared: Shared = {
    ...{ config, clock, dice, log, compute, stores, exchanges, backfiller, events, background, outages },
    settings: settingsOf.historySettings(config),
    lifetime: ending.signal,
  };
  const jobs = makeJobs(shared, published);
  const service = createService({
    ...shared,
    ...published,
    provider: makeProvider(shared, published),
    reports: new Reports({ ...shared, store: stores.bars, snapshots: published.snapshots }),
    jobs,
    settle,
    store: stores.bars,
    health: makeHealth(loaded, shared, { published, core: await load() }),
    shutdown: async () => {
      ending.abort(cancelled("The service's work"));
      await backfiller.close();
      await settle();
      await limiter.close();
      await exchanges.close();
      await published.artifacts?.close();
      await stores.close();
    },
  });
  const start = async () => {
    await published.artifacts?.probe();
    await jobs.resume();
  };
  if (o.atStart) await orClose(start, service);
  return service;
}

/** What a fill tells: its events to who listens, what they say to the log, and the gaps that it left. */
function tellerOf(
  { log, ...parts }: { log: Log } & Parameters<typeof gapTeller>[0],
): (event: ServiceEvent) => void {
  const tellGaps = gapTeller(parts);
  return (event) => {
    parts.events.emit(event);
    logBackfill(log, event);
    tellGaps(event);
  };
}

function makeJobs(shared: Shared, { publishing }: PublishedSide): JobDesk {
  const { config, backfiller, clock, dice, log, compute, exchanges, stores } = shared;
  return new JobDesk({
    ...shared,
    runner: new JobRunner({ backfiller, clock, log }),
    ...{ jobs: stores.jobs, leases: stores.leases },
    workers: config.seamless.backfill.max_concurrent_requests,
    hooks: {
      onNodeDone: (nodeId, range) => finishNode(nodeId, range, { backfiller, compute, publishing }),
      firstBar: async (site, signal) => {
        const exchange = await exchanges.get(site.parsed.exchange);
        await exchange.syncClock(signal);
        return await exchange.firstBar({
          symbol: site.parsed.symbol,
          timeframe: site.parsed.timeframe!,
          grid: site.grid,
          priority: "backfill",
          signal,
          attempt: (call) =>
            withRetries(call, { policy: settingsOf.retryPolicy(config), clock, dice, signal }),
        });
      },
    },
  });
}

function makeProvider(
  shared: Shared,
  { snapshots, heads, fallThrough, publishing }: PublishedSide,
): Provider {
  return new Provider({
    ...shared,
    store: shared.stores.bars,
    asOf: shared.stores.asOf,
    snapshots,
    heads,
    fallThrough,
    pinned: snapshots === null ? null : { ...shared, snapshots },
    publish: async (nodeId, range) => {
      await publishing?.publish(nodeId, range);
    },
  });
}

function makeHealth(
  loaded: LoadedConfig,
  shared: Shared,
  { published: { artifacts }, core }: { published: PublishedSide; core: Compute },
): Health {
  return new Health({
    store: shared.stores.bars,
    artifacts,
    exchanges: shared.exchanges,
    configured: Object.keys(loaded.config.exchanges),
    golden: () => goldenHolds(core, (bytes) => hostHash([bytes])),
    warnings: loaded.warnings.map((warning) => `${warning.path}: ${warning.message}`),
  });
}

/** Wires the service and serves it over HTTP. `CONFIG_INVALID` when the address cannot be had. */
export async function serve(
  loaded: LoadedConfig,
  o: WireOptions = {},
): Promise<{ url: string; finished: Promise<void>; stop: () => Promise<void> }> {
  const clock = o.clock ?? systemClock;
  const dice = o.dice ?? systemDice;
  const log = o.log ?? stderrLog(settingsOf.logLevel(loaded.config, o.verbosity), clock);
  const service = await wire(loaded, { ...o, clock, dice, log, atStart: true });
  const listening = () =>
    startServer(createApp({
      service,
      config: settingsOf.serverConfig(loaded.config),
      clock,
      dice,
      log,
      version: PRODUCT_VERSION,
    }));
  const running = await orClose(listening, service);
  const ended = Promise.withResolvers<void>();
  let stopping: Promise<void> | null = null;
  const stop = () =>
    stopping ??= (async () => {
      await running.shutdown();
      await service.close();
      ended.resolve();
    })();
  return { url: running.url, finished: ended.promise, stop };
}

function openLog(config: Config, o: WireOptions, clock: Clock): Log {
  const log = o.log ?? stderrLog(settingsOf.logLevel(config, o.verbosity), clock);
  return o.onWarning === undefined ? log : overheard(log, o.onWarning);
}

async function orClose<T>(open: () => T | Promise<T>, service: HistoryService): Promise<T> {
  try {
    return await open();
  } catch (error) {
    await service.close();
    throw error;
  }
}

function openStores(
  loaded: LoadedConfig,
  { clock, dice, kept }: { clock: Clock; dice: Dice; kept: SharedBound },
): Stores {
  const { barsFile } = loaded.paths;
  if (barsFile === null) {
    const leases = new InProcessLeases({ clock, dice });
    const bars = new MemoryBarStore({ generationOf: (key) => leases.generationOf(key) });
    return {
      bars,
      leases,
      jobs: new MemoryJobStore(),
      asOf: new MemoryAsOfRegister(),
      index: new MemorySnapshotIndex(),
      close: async () => {
        await leases.close();
        await bars.close();
      },
    };
  }
  const file = openSqliteFile(barsFile);
  const bars = new SqliteBarStore({ file, dice, kept });
  const owners = new LeaseOwners({ prefix: `${barsFile}-owner-`, dice });
  const leases = new SqliteLeases({ file, clock, dice, owners });
  return {
    bars,
    leases,
    jobs: new SqliteJobStore(file),
    asOf: new SqliteAsOfRegister(file),
    index: new SqliteSnapshotIndex(file),
    close: async () => {
      await leases.close();
      await bars.close();
    },
  };
}

function openExchanges(
  loaded: LoadedConfig,
  parts: { limiter: InProcessLimiter; clock: Clock; dice: Dice; log: Log },
): Exchanges {
  const { config, paths } = loaded;
  return createExchanges({
    ...parts,
    marketsDir: paths.dataFolder === null ? null : `${paths.dataFolder}/markets`,
    clocksDir: paths.dataFolder === null ? null : `${paths.dataFolder}/clocks`,
    declareBudget: (id, { budgetKey: key, rateLimitMs }) =>
      parts.limiter.declare(
        key,
        budgetRules(exchangeConfig(config, id).rate_limit, { exchange: id, rateLimitMs }),
      ),
    settings: (id) => settingsOf.venueSettings(config, id),
  });
}

/** This machine's name in provenance, where the process may know it. */
function workerName(): string {
  const granted = Deno.permissions.querySync({ name: "sys", kind: "hostname" }).state === "granted";
  return granted ? hostname() : "unnamed";
}

function openPublishing(
  { config, paths }: LoadedConfig,
  parts: {
    stores: Stores;
    compute: Compute;
    clock: Clock;
    dice: Dice;
    log: Log;
    events: EventHub;
    outages: Outages;
    signer?: ManifestSigner;
    kept: SharedBound;
  },
  given: ArtifactStore | undefined,
): PublishedSide {
  const settings = settingsOf.publisherSettings(config, workerName());
  if (!settings.enabled || !settings.publishFingerprint) {
    parts.log.emit("warn", "seamless.artifact.disabled", {
      message: "nothing is published: backtests are refused",
    });
    return NOTHING_PUBLISHED;
  }
  return openPublishedSide({
    ...parts,
    artifacts: given ?? openArtifacts(paths.artifactFolder, parts),
    codec: createParquetCodec(parts.compute),
    // What lies in memory is not handed to threads.
    prover: () => given === undefined ? createSegmentProver(parts.compute) : proverHere(parts.compute),
    store: parts.stores.bars,
    index: parts.stores.index,
    emit: (event) => parts.events.emit(event),
    settings,
    policy: settingsOf.publishedPolicy(config),
  });
}

function openArtifacts(
  root: string | null,
  { clock, dice }: { clock: Clock; dice: Dice },
): ArtifactStore {
  if (root === null) return createMemoryArtifacts();
  return createFilesystemArtifacts({ root, clock, dice });
}

export { systemClock } from "./adapters/system.ts";
export { type ConfigInput, loadConfig } from "./config/mod.ts";
