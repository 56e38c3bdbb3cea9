/** A backfiller over the memory store, leases in the process, a scripted venue and a clock in the test's hand. */

import { InProcessLeases } from "../../src/adapters/leases/in_process.ts";
import { MemoryBarStore } from "../../src/adapters/bar_store/memory.ts";
import { type AskOptions, Backfiller, type BackfillSettings } from "../../src/backfill/backfiller.ts";
import type { PublishedSlots } from "../../src/backfill/published_slots.ts";
import type { Window } from "../../src/backfill/plan.ts";
import { gapsOf, viewOf } from "../../src/backfill/node_view.ts";
import type { BarStore, Leases } from "../../src/core/ports.ts";
import type { ServiceEvent } from "../../src/core/service.ts";
import { barsOfChunks } from "../../src/core/stored_chunk.ts";
import type { TimeRange } from "../../src/core/time_range.ts";
import { FakeClock, SeededDice } from "../fake_clock.ts";
import { FakeExchange, FakeExchanges } from "./fake_exchange.ts";
import { compute, NODE } from "./made.ts";

/** Noon of a day long after the bars that tests ask for. */
export const NOW_MS = Date.UTC(2024, 5, 1, 12);
/** Midnight of the day whose bars tests ask for: final by far. */
export const DAY = Date.UTC(2024, 4, 1) / 1000;
/** Bars of one window. */
export const WINDOW_BARS = 10;

export const SETTINGS: BackfillSettings = {
  windowBars: WINDOW_BARS,
  maxConcurrentRequests: 4,
  singleFlightTtlMs: 60_000,
  leaseTtlMs: 120_000,
  maxAttempts: 3,
  retryBackoffMs: 500,
  jitterRatio: 0,
  policy: {
    align: "reject",
    invariant: "flag",
    dtypePolicy: "strict",
    blocking: ["missing_column", "dtype_mismatch"],
    stabilizationBars: 2,
  },
  anchorOf: () => null,
};

export class Bench {
  readonly clock = new FakeClock(NOW_MS);
  readonly dice = new SeededDice(1);
  readonly leases: Leases;
  readonly store: BarStore;
  readonly exchange = new FakeExchange(this.clock);
  readonly exchanges: FakeExchanges;
  readonly events: Extract<ServiceEvent, { type: "backfill" }>[] = [];
  readonly backfiller: Backfiller;
  readonly settings: BackfillSettings;

  /** `beside`: another process on the same store and leases. */
  constructor(
    o: {
      settings?: Partial<BackfillSettings>;
      beside?: Bench;
      leases?: Leases;
      store?: BarStore;
      /** What is published of its nodes; default: nothing. */
      published?: PublishedSlots;
    } = {},
  ) {
    if (o.beside !== undefined) this.clock = o.beside.clock;
    this.exchange = new FakeExchange(this.clock);
    const own = new InProcessLeases({ clock: this.clock, dice: this.dice });
    this.leases = o.leases ?? o.beside?.leases ?? own;
    this.store = o.store ?? o.beside?.store ??
      new MemoryBarStore({ generationOf: (key) => own.generationOf(key) });
    this.exchanges = new FakeExchanges([this.exchange]);
    this.settings = { ...SETTINGS, ...o.settings };
    this.backfiller = new Backfiller({
      store: this.store,
      exchanges: this.exchanges,
      leases: this.leases,
      compute,
      clock: this.clock,
      dice: this.dice,
      settings: this.settings,
      published: o.published ?? null,
      emit: (event) => {
        if (event.type === "backfill") this.events.push(event);
      },
    });
  }

  /** How a fill asks, unless a test says otherwise. */
  ask(o: Partial<AskOptions> = {}): AskOptions {
    return {
      batchId: "batch",
      priority: "backfill",
      scope: "due",
      grid: { step: 60, anchor: 0 },
      signal: new AbortController().signal,
      ...o,
    };
  }

  async plan(range: TimeRange, o: { scope?: AskOptions["scope"]; nodeId?: string } = {}): Promise<Window[]> {
    const site = await this.backfiller.site(o.nodeId ?? NODE);
    return this.backfiller.plan(site, range, { scope: o.scope ?? "due", order: "oldest" });
  }

  /** Plans a range and fills its windows at once; results in the order of windows. */
  async fill(range: TimeRange, o: Partial<AskOptions> & { nodeId?: string } = {}) {
    const { nodeId = NODE, ...ask } = o;
    const windows = await this.plan(range, { scope: ask.scope, nodeId });
    const work = Promise.all(
      windows.map((window) => this.backfiller.fillWindow(nodeId, window, this.ask(ask))),
    );
    return await this.clock.runUntilSettled(work);
  }

  /** Starts of the stored final bars of a range. */
  async stored(range: TimeRange, nodeId = NODE): Promise<number[]> {
    const chunks = await Array.fromAsync(this.store.read(nodeId, range));
    return [...barsOfChunks(chunks, range).ts];
  }

  /** The gaps of a range as [start, end, reason]. */
  async gaps(range: TimeRange, nodeId = NODE): Promise<[number, number, string][]> {
    const state = await this.store.state(nodeId);
    if (state === null) return [[...range, "pending"]];
    return gapsOf(viewOf(state, compute), range, compute).map((
      { start, end, reason },
    ) => [start, end, reason]);
  }
}

/** The starts of `count` minutes from `start` on. */
export function minutes(start: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => start + i * 60);
}
