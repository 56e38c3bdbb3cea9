/**
 * A whole service against the recorded exchange over loopback, through the real ccxt client: for stories about what
 * venues do. Both clocks are one, and stand still until the story moves them.
 */

import { createMemoryArtifacts } from "../../src/adapters/artifact_store/memory.ts";
import { type ConfigInput, loadConfig } from "../../src/config/mod.ts";
import type { ArtifactStore } from "../../src/core/ports.ts";
import type { FetchRequest, RequestContext } from "../../src/core/request.ts";
import type { HistoryService, JobReport, ServiceEvent } from "../../src/core/service.ts";
import { wire } from "../../src/wire.ts";
import {
  type RecordedCall,
  type RecordedExchange,
  type RecordedExchangeOptions,
  settableClock,
  startRecordedExchange,
  type VenueId,
} from "../../scripts/recorded_exchange/mod.ts";
import { FakeClock, SeededDice } from "../fake_clock.ts";
import { lasting, rowsOf, type Told } from "./world.ts";

export interface VenueWorldOptions extends Omit<RecordedExchangeOptions, "clock" | "venues"> {
  venue?: VenueId;
  /** RFC 3339. */
  now: string;
  /** What differs from the defaults; the venue's URLs are added. */
  config?: ConfigInput;
  /** Where the market lists lie, and bars where the configuration says so; default: a folder that goes with the story. */
  folder?: string;
  /** Default: artifacts in memory, because a folder's files carry the time of the machine. */
  artifacts?: ArtifactStore;
}

export interface VenueWorld {
  service: HistoryService;
  exchange: RecordedExchange;
  folder: string;
  events: ServiceEvent[];
  logged: { level: string; event: string; fields: Record<string, unknown> }[];
  ask(request: FetchRequest, context?: RequestContext): Promise<Told>;
  fill(
    nodeId: string,
    start: number | string,
    end: number | string | null,
    o?: { refetch?: boolean },
  ): Promise<JobReport>;
  /** Moves both clocks. */
  setNow(iso: string): void;
  /** Calls for bars since the last look. */
  barCalls(): RecordedCall[];
}

/** Seconds of an instant. */
export function at(iso: string): number {
  return Date.parse(iso) / 1000;
}

/** Runs a story on a venue; everything is closed and removed afterwards. */
export async function onVenue(
  o: VenueWorldOptions,
  story: (world: VenueWorld) => Promise<void>,
): Promise<void> {
  const { venue = "binance", now, config, folder: kept, artifacts, ...options } = o;
  const venueClock = settableClock(Date.parse(now));
  const exchange = startRecordedExchange({ venues: [venue], clock: venueClock, ...options });
  const folder = kept ?? await Deno.makeTempDir();
  const clock = new FakeClock(Date.parse(now));
  const loaded = loadConfig({
    input: withVenue(config ?? {}, { venue, exchange }),
    env: {},
    cwd: folder,
  });
  const logged: VenueWorld["logged"] = [];
  const events: ServiceEvent[] = [];
  const service = await wire(loaded, {
    clock,
    dice: new SeededDice(1),
    log: { emit: (level, event, fields = {}) => void logged.push({ level, event, fields }) },
    outside: { artifacts: lasting(artifacts ?? createMemoryArtifacts()) },
  });
  service.events((event) => events.push(event));
  let seen = 0;
  try {
    await story({
      service,
      exchange,
      folder,
      events,
      logged,
      async ask(request, context) {
        const answer = await service.bars(request, context);
        return { ...answer.metadata, frame: await rowsOf(answer) };
      },
      fill: (nodeId, start, end, { refetch } = {}) =>
        service.fill({ nodes: [nodeId], start, end, refetch }, {}),
      setNow(iso) {
        clock.setWall(Date.parse(iso));
        venueClock.set(Date.parse(iso));
      },
      barCalls() {
        const calls = exchange.calls.slice(seen).filter((call) => call.endpoint === "bars");
        seen = exchange.calls.length;
        return calls;
      },
    });
  } finally {
    await service.close();
    await exchange.close();
    if (kept === undefined) await Deno.remove(folder, { recursive: true });
  }
}

/** The clock stands still, so all of the budget must be there at once. */
const BUDGET = { rate_limit: { tokens_per_interval: 1_000_000, burst_tokens: 1_000_000 } };

function withVenue(
  config: ConfigInput,
  o: { venue: VenueId; exchange: RecordedExchange },
): ConfigInput {
  const { exchanges = {}, ...rest } = config;
  const wanted = exchanges[o.venue] ?? {};
  const options = { ...o.exchange.options(o.venue), ...wanted.options };
  return {
    storage: { bars: "memory:" },
    ...rest,
    exchanges: {
      ...exchanges,
      [o.venue]: { ...BUDGET, ...wanted, urls: { ...o.exchange.urls(o.venue) }, options },
    },
  };
}
