/**
 * A whole service against the recorded exchange over loopback, through the real ccxt client: for stories about what
 * venues do. Both clocks are one, and stand still until the story moves them.
 */

import { type ConfigInput, loadConfig } from "../../src/config/mod.ts";
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
import { rowsOf, type Told } from "./world.ts";

export interface VenueWorldOptions extends Omit<RecordedExchangeOptions, "clock" | "venues"> {
  venue?: VenueId;
  /** RFC 3339. */
  now: string;
  /** What differs from the defaults; the venue's URLs are added. */
  config?: ConfigInput;
  /** Where bars and artifacts lie; default: in memory, and in a folder that goes with the story. */
  folder?: string;
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
  const { venue = "binance", now, config, folder: kept, ...options } = o;
  const venueClock = settableClock(Date.parse(now));
  const exchange = startRecordedExchange({ venues: [venue], clock: venueClock, ...options });
  const folder = kept ?? await Deno.makeTempDir();
  const clock = new FakeClock(Date.parse(now));
  const loaded = loadConfig({
    input: withVenue(config ?? {}, { venue, exchange, folder }),
    env: {},
    cwd: folder,
  });
  const logged: VenueWorld["logged"] = [];
  const events: ServiceEvent[] = [];
  const service = await wire(loaded, {
    clock,
    dice: new SeededDice(1),
    log: { emit: (level, event, fields = {}) => void logged.push({ level, event, fields }) },
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

function withVenue(
  config: ConfigInput,
  o: { venue: VenueId; exchange: RecordedExchange; folder: string },
): ConfigInput {
  const { seamless = {}, exchanges = {}, ...rest } = config;
  const reach = { urls: { ...o.exchange.urls(o.venue) }, options: o.exchange.options(o.venue) };
  return {
    storage: { bars: "memory:" },
    ...rest,
    seamless: { artifact: { object_store_uri: `${o.folder}/artifacts` }, ...seamless },
    exchanges: { ...exchanges, [o.venue]: { ...reach, ...exchanges[o.venue] } },
  };
}
