/**
 * Fills windows of a node (spec §14): single flight in the process, a lease across processes, the ledger read again
 * after winning, then the fetch. Every wait ends with its signal.
 */

import { HistoryError, throwIfCancelled } from "../core/errors.ts";
import { BoundedMap } from "../core/bounded_map.ts";
import { CallSlots } from "../core/call_slots.ts";
import { formingStart } from "../core/effective_range.ts";
import {
  GRID_ROUNDS_MAX,
  LEASE_LOSSES_MAX,
  LEASE_POLL_MAX_MS,
  LEASE_POLL_MIN_MS,
  PLAN_BLOCK_WINDOWS,
  VENUES_MAX,
} from "../core/limits.ts";
import { parseNodeId } from "../core/node_id.ts";
import type { ParsedNode } from "../core/node_id.ts";
import type { Lease, NodeState, VenueClock } from "../core/ports.ts";
import { slotOf, slotStart, snapOutward } from "../core/timeframe.ts";
import type { Grid } from "../core/timeframe.ts";
import { clipRange, type TimeRange } from "../core/time_range.ts";
import { Urgency } from "../core/urgency.ts";
import {
  type AskOptions,
  type BackfillerParts,
  type BackfillSettings,
  configuredGrid,
  gridInUse,
  type LedAsk,
  type WindowResult,
} from "./ask.ts";
import { whileHeld } from "./held_lease.ts";
import { type AskScope, dueSlots, isUnderlaid, viewOf } from "./node_view.ts";
import { planWindows, widenToWindows, type Window, windowKey } from "./plan.ts";
import { Scout } from "./scout.ts";
import { type Fly, SingleFlight } from "./single_flight.ts";
import { sameGrid, Underlay } from "./underlay.ts";
import { WindowFetch } from "./window_fetch.ts";

export type { AskOptions, BackfillerParts, BackfillSettings, WindowResult };

/** Where the service stands towards a node: its record if it is stored or published, else what its id says. */
export interface NodeSite {
  nodeId: string;
  parsed: ParsedNode;
  grid: Grid;
  state: NodeState | null;
}

/** How a plan is made. */
export interface PlanOptions {
  scope: AskScope;
  order: "oldest" | "newest";
  /** Venue time, epoch seconds; without it: now, by the clock as this process knows it. */
  now?: number;
}

export class Backfiller {
  readonly #parts: BackfillerParts;
  readonly #flights: SingleFlight<WindowResult>;
  /** Of the windows under way. */
  readonly #urgencies = new Map<string, Urgency>();
  /** By exchange: a venue that stalls must not keep the others waiting. */
  readonly #slots = new BoundedMap<string, CallSlots>(VENUES_MAX);
  readonly #fetch: WindowFetch;
  readonly #scout = new Scout();
  readonly #underlay: Underlay | null;

  constructor(parts: BackfillerParts) {
    this.#parts = parts;
    const { published, compute } = parts;
    this.#underlay = published === null ? null : new Underlay({ published, compute });
    this.#fetch = new WindowFetch(parts);
    this.#flights = new SingleFlight({ clock: parts.clock, ttlMs: parts.settings.singleFlightTtlMs });
  }

  /**
   * The node's grid and state in the hot store alone; the grid of a node never filled comes from its timeframe and
   * configuration. `CONFORMANCE_BLOCKED` where the configuration has another anchor than the stored bars.
   */
  async site(nodeId: string): Promise<NodeSite> {
    const parsed = parseNodeId(nodeId);
    const state = await this.#parts.store.state(nodeId);
    return { nodeId, parsed, state, grid: gridInUse(parsed, state, this.#parts.settings) };
  }

  /**
   * The site with what the newest snapshot has of slots that the hot store dropped (spec §9): the very same where that
   * adds nothing. With a `range` only what lies in it is looked at. `CONFORMANCE_BLOCKED` where the configuration has
   * another anchor than the published bars of a node without stored ones.
   */
  async underlaid(site: NodeSite, range?: TimeRange): Promise<NodeSite> {
    if (this.#underlay === null) return site;
    const { nodeId, parsed, grid } = site;
    const hasBars = site.state !== null &&
      (range !== undefined || site.state.chunks.length + site.state.provisional.ts.length > 0);
    const fixed = hasBars
      ? { fixedGrid: grid }
      : { fixedGrid: null, anchor: this.#parts.settings.anchorOf(parsed) };
    const state = await this.#underlay.under({ nodeId, state: site.state, ...fixed }, range);
    return state === null || state === site.state ? site : { ...site, state, grid: state.node.grid };
  }

  /** The node with all that is held of it, in the hot store or in its newest snapshot. */
  async wholeSite(nodeId: string): Promise<NodeSite> {
    return await this.underlaid(await this.site(nodeId));
  }

  /** The site of a node whose state is not known. */
  unknownSite(nodeId: string): NodeSite {
    const parsed = parseNodeId(nodeId);
    return { nodeId, parsed, state: null, grid: configuredGrid(parsed, this.#parts.settings) };
  }

  /** Venue time now, epoch seconds: the local clock less the skew last measured. */
  venueNow(exchange: string): number {
    return this.venueTime(exchange, this.#parts.clock.nowMs());
  }

  /**
   * Venue time at an instant of the local clock, epoch seconds, by the skew that this process measured. What was not
   * measured yet at that instant is judged by the measurement: venue time does not run back behind it.
   */
  venueTime(exchange: string, localMs: number): number {
    const clock = this.#parts.exchanges.clock(exchange);
    return clock?.isOwn === true ? timeBy(clock, localMs) : localMs / 1000;
  }

  /**
   * Venue time now by the newest measurement there is, also one of an earlier process on the same data: for reports
   * and plans, which ask no venue.
   */
  lastKnownVenueNow(exchange: string): number {
    const clock = this.#parts.exchanges.clock(exchange);
    const nowMs = this.#parts.clock.nowMs();
    return clock === null ? nowMs / 1000 : timeBy(clock, nowMs);
  }

  /** Whether this process has measured the venue's clock. */
  knowsClock(exchange: string): boolean {
    return this.#parts.exchanges.clock(exchange)?.isOwn === true;
  }

  /** Measures the venue's clock where that is due. What fails here fails the fetch that follows, which tells it. */
  async syncClock(exchange: string, signal: AbortSignal): Promise<void> {
    try {
      await (await this.#parts.exchanges.get(exchange)).syncClock(signal);
    } catch (error) {
      if (!(error instanceof HistoryError)) throw error;
    }
  }

  /** Windows that would be asked for `range` at venue time `now` (else: now). Pure but for the clock. */
  plan(site: NodeSite, range: TimeRange, o: PlanOptions): Window[] {
    const now = o.now ?? this.venueNow(site.parsed.exchange);
    const { windowBars } = this.#parts.settings;
    const closedEnd = formingStart(now, site.grid);
    const [from, to] = snapOutward(range, site.grid);
    const wanted: TimeRange = [from, Math.min(to, closedEnd)];
    const [start, end] = widenToWindows(wanted, site.grid, windowBars);
    // A refetch asks what was asked for; a fetch also takes along what its windows lack.
    const wide: TimeRange = o.scope === "all" ? wanted : [start, Math.min(end, closedEnd)];
    const due = this.#due(site, wide, { now, scope: o.scope });
    return planWindows({ due, wanted, grid: site.grid, windowBars, order: o.order });
  }

  /** The same plan a block at a time, in order: each block is planned when it is pulled. */
  *planBlocks(site: NodeSite, range: TimeRange, o: PlanOptions): Generator<Window[]> {
    const { windowBars } = this.#parts.settings;
    const closedEnd = formingStart(o.now ?? this.venueNow(site.parsed.exchange), site.grid);
    const [start, end] = widenToWindows(
      [range[0], Math.min(range[1], closedEnd)],
      site.grid,
      windowBars,
    );
    const size = PLAN_BLOCK_WINDOWS * windowBars;
    const [first, last] = [slotOf(start, site.grid), slotOf(end, site.grid)];
    const count = Math.ceil((last - first) / size);
    for (let i = 0; i < count; i++) {
      const from = first + (o.order === "oldest" ? i : count - 1 - i) * size;
      const block: TimeRange = [
        slotStart(from, site.grid),
        slotStart(Math.min(from + size, last), site.grid),
      ];
      const wanted = clipRange(block, range);
      if (wanted !== null) yield this.plan(site, wanted, o);
    }
  }

  /**
   * Fetches one window unless somebody does already. Rejects with the last fault when it could not be fetched (the
   * ledger says so then), with `CANCELLED` when the signal fires.
   */
  async fillWindow(nodeId: string, window: Window, o: AskOptions): Promise<WindowResult> {
    const key = o.scope === "all" ? `${windowKey(nodeId, window)}|all` : windowKey(nodeId, window);
    // Who joins a less urgent fetch while it waits for its place makes it as urgent as they are.
    this.#urgencies.get(key)?.raise(o.priority);
    const fly: Fly<WindowResult> = (flight) => this.#flyInLine(key, { nodeId, window, o }, flight);
    const { value, shared } = await this.#flights.ride(key, fly, o.signal);
    return shared ? { ...value, deduplicated: true } : value;
  }

  /** One window's turn: after the node's first, in line for a place, and then the fetch. */
  async #flyInLine(
    key: string,
    { nodeId, window, o }: { nodeId: string; window: Window; o: AskOptions },
    { signal, progress, waiting }: Parameters<Fly<WindowResult>>[0],
  ): Promise<WindowResult> {
    const urgency = new Urgency(o.priority);
    this.#urgencies.set(key, urgency);
    waiting();
    const inPlace = () => {
      progress();
      const lead = () => this.#lead(nodeId, window, { ...o, priority: urgency.priority, signal }, progress);
      return o.patience?.during(parseNodeId(nodeId).exchange, lead) ?? lead();
    };
    const inLine = () => this.#slotsOf(nodeId).run({ priority: urgency, party: o.batchId, signal }, inPlace);
    try {
      return await this.#scout.follow(nodeId, signal, inLine, urgency);
    } finally {
      if (this.#urgencies.get(key) === urgency) this.#urgencies.delete(key);
    }
  }

  /** Windows of one venue that are fetched side by side (`backfill.max_concurrent_requests`). */
  get windowsAtOnce(): number {
    return this.#parts.settings.maxConcurrentRequests;
  }

  /** Lands what is under way: leases go back, nothing half-written stays. */
  close(): Promise<void> {
    return this.#flights.close();
  }

  #slotsOf(nodeId: string): CallSlots {
    const { exchange } = parseNodeId(nodeId);
    let slots = this.#slots.get(exchange);
    if (slots === undefined) {
      slots = new CallSlots(this.#parts.settings.maxConcurrentRequests);
      this.#slots.set(exchange, slots);
    }
    return slots;
  }

  #due(site: NodeSite, range: TimeRange, o: { now: number; scope: AskScope }) {
    if (!(range[0] < range[1])) return new Float64Array(0);
    if (site.state === null) return Float64Array.of(range[0], range[1]);
    return dueSlots(viewOf(site.state, this.#parts.compute), range, o, this.#parts.compute);
  }

  /** Leads the window; who lost the lease on the way (a pause of the machine, a slow venue) stands in line again. */
  async #lead(nodeId: string, window: Window, o: AskOptions, progress: () => void): Promise<WindowResult> {
    for (let losses = 1;; losses++) {
      try {
        return await this.#leadOnce(nodeId, window, o, progress);
      } catch (error) {
        const isLost = error instanceof HistoryError && error.code === "LEASE_LOST";
        if (!isLost || losses >= LEASE_LOSSES_MAX) throw error;
      }
    }
  }

  /** Wins the window's lease, looks again, fetches; or waits until its holder has written it. */
  async #leadOnce(
    nodeId: string,
    window: Window,
    o: AskOptions,
    progress: () => void,
  ): Promise<WindowResult> {
    const { leases, clock, settings } = this.#parts;
    const key = windowKey(nodeId, window);
    for (let pause = LEASE_POLL_MIN_MS;; pause = Math.min(LEASE_POLL_MAX_MS, pause * 2)) {
      throwIfCancelled(o.signal, `Fetching ${key}`);
      const claim = await leases.claim(key, settings.leaseTtlMs);
      if ("lease" in claim) {
        const work = () => this.#fetchDue(claim.lease, { nodeId, window, o }, progress);
        return await whileHeld(claim.lease, { leases, clock, ttlMs: settings.leaseTtlMs }, work);
      }
      progress();
      await clock.sleep(pause, o.signal);
      const { due } = await this.#stillDue(nodeId, window, o);
      if (due.length === 0) return { rows: 0, deduplicated: true };
    }
  }

  /**
   * Fetches what of the window is due now: after waiting or winning, somebody may have written it. A node's first
   * bars can show that its slots lie elsewhere than was planned; what they leave of the window is then asked again
   * on the grid that was found.
   */
  async #fetchDue(
    lease: Lease,
    { nodeId, window, o }: { nodeId: string; window: Window; o: AskOptions },
    progress: () => void,
  ): Promise<WindowResult> {
    const sum = { rows: 0, asked: 0 };
    for (let round = 0; round < GRID_ROUNDS_MAX; round++) {
      const isFixed = this.#fetch.isFixed(nodeId);
      const { due, ...site } = await this.#stillDue(nodeId, window, o);
      const { grid } = site;
      let found = grid;
      for (const part of due) {
        if (!sameGrid(found, grid)) break;
        const fetched = await this.#fetch.run(nodeId, part, { ...o, ...site, lease, isFixed }, progress);
        found = fetched.grid;
        sum.rows += fetched.rows;
        sum.asked++;
      }
      if (sameGrid(found, grid)) break;
    }
    return { rows: sum.rows, deduplicated: sum.asked === 0 };
  }

  /** What of the window is due as the node stands now, and on which grid; `near` is what the hot store has there. */
  async #stillDue(
    nodeId: string,
    window: Window,
    o: AskOptions,
  ): Promise<{ due: Window[] } & Pick<LedAsk, "grid" | "near" | "below">> {
    const parsed = parseNodeId(nodeId);
    const borders: TimeRange = [window.start, window.end];
    const near = await this.#parts.store.stateWithin(nodeId, borders);
    const grid = near?.node.grid ?? configuredGrid(parsed, this.#parts.settings);
    const site = await this.underlaid({ nodeId, parsed, state: near, grid }, borders);
    const due = this.plan(site, o.scope === "all" ? window.ask : borders, {
      scope: o.scope,
      order: "oldest",
    });
    return {
      due,
      grid: site.grid,
      near,
      below: site.state !== null && isUnderlaid(site.state) ? site.state : null,
    };
  }
}

/** Venue time at an instant of the local clock, epoch seconds. */
function timeBy({ skewMs, measuredAtMs }: VenueClock, localMs: number): number {
  return (Math.max(localMs, measuredAtMs) - skewMs) / 1000;
}
