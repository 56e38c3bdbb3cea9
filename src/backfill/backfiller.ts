/**
 * Fills windows of a node (spec §14): single flight in the process, a lease across processes, the ledger read again
 * after winning, fetch under the retry policy, conform, write. Every wait ends with its signal.
 */

import { cancelled, HistoryError, throwIfCancelled } from "../core/errors.ts";
import { formingStart } from "../core/effective_range.ts";
import { LEASE_POLL_MAX_MS, LEASE_POLL_MIN_MS, RETRY_BACKOFF_CAP_MS } from "../core/limits.ts";
import { parseNodeId } from "../core/node_id.ts";
import type { ParsedNode } from "../core/node_id.ts";
import type {
  BarsReply,
  BarStore,
  Clock,
  Dice,
  Exchange,
  Exchanges,
  Lease,
  Leases,
  NodeRecord,
  NodeState,
  Priority,
} from "../core/ports.ts";
import type { ServiceEvent } from "../core/service.ts";
import { gridOf, intervalOf } from "../core/timeframe.ts";
import type { Grid } from "../core/timeframe.ts";
import type { TimeRange } from "../core/time_range.ts";
import type { Compute } from "../compute/mod.ts";
import { absorb, type ConformancePolicy, failedWrite } from "./absorb.ts";
import { detectGrid } from "./anchor.ts";
import { type AskScope, dueSlots, viewOf } from "./node_view.ts";
import { planWindows, widenToWindows, type Window, windowKey } from "./plan.ts";
import { withRetries } from "./retry.ts";
import { SingleFlight } from "./single_flight.ts";
import { WorkSlots } from "./slots.ts";

/** blueprint `seamless.backfill`, and what else a fill needs to know. */
export interface BackfillSettings {
  mode: "background" | "sync";
  windowBars: number;
  maxConcurrentRequests: number;
  singleFlightTtlMs: number;
  leaseTtlMs: number;
  maxAttempts: number;
  retryBackoffMs: number;
  jitterRatio: number;
  policy: ConformancePolicy;
  /** `exchanges.*.anchor`: epoch seconds of a slot's start, or null where it is not configured. */
  anchorOf: (node: ParsedNode) => number | null;
}

export interface BackfillerParts {
  store: BarStore;
  exchanges: Exchanges;
  leases: Leases;
  compute: Compute;
  clock: Clock;
  dice: Dice;
  settings: BackfillSettings;
  emit: (event: ServiceEvent) => void;
}

/** What came of one window. `deduplicated`: somebody else fetched it meanwhile. */
export interface WindowResult {
  rows: number;
  deduplicated: boolean;
}

/** How a node is asked: under whose name, how urgently, how far. */
export interface AskOptions {
  batchId: string;
  priority: Priority;
  scope: AskScope;
  /** The grid that the window was planned on. */
  grid: Grid;
  /** What a request wants conformed differently from the configuration. */
  policy?: Partial<Pick<ConformancePolicy, "align" | "invariant">>;
  signal: AbortSignal;
}

/** An ask whose window is ours for now. */
type LedAsk = AskOptions & { lease: Lease };

/** Where the service stands towards a node: its record if it is stored, else what its id says. */
export interface NodeSite {
  nodeId: string;
  parsed: ParsedNode;
  grid: Grid;
  state: NodeState | null;
}

export class Backfiller {
  readonly #parts: BackfillerParts;
  readonly #flights: SingleFlight<WindowResult>;
  readonly #slots: WorkSlots;

  constructor(parts: BackfillerParts) {
    this.#parts = parts;
    this.#slots = new WorkSlots(parts.settings.maxConcurrentRequests);
    this.#flights = new SingleFlight({
      clock: parts.clock,
      ttlMs: parts.settings.singleFlightTtlMs,
      landAbandoned: parts.settings.mode === "background",
    });
  }

  /** The node's grid and state; the grid of a node never filled comes from its timeframe and configuration. */
  async site(nodeId: string): Promise<NodeSite> {
    const parsed = parseNodeId(nodeId);
    const state = await this.#parts.store.state(nodeId);
    return { nodeId, parsed, state, grid: state?.node.grid ?? this.#defaultGrid(parsed) };
  }

  /** The site of a node whose state is not known. */
  unknownSite(nodeId: string): NodeSite {
    const parsed = parseNodeId(nodeId);
    return { nodeId, parsed, state: null, grid: this.#defaultGrid(parsed) };
  }

  /** Venue time now, epoch seconds: the local clock less the skew last measured. */
  venueNow(exchange: string): number {
    return this.venueTime(exchange, this.#parts.clock.nowMs());
  }

  /** Venue time at an instant of the local clock, epoch seconds, by the skew as it is known now. */
  venueTime(exchange: string, localMs: number): number {
    return (localMs - (this.#parts.exchanges.peek(exchange)?.skewMs() ?? 0)) / 1000;
  }

  /** Measures the venue's clock where that is due. What fails here fails the fetch that follows, which tells it. */
  async syncClock(exchange: string, signal: AbortSignal): Promise<void> {
    try {
      await (await this.#parts.exchanges.get(exchange)).syncClock(signal);
    } catch (error) {
      if (!(error instanceof HistoryError)) throw error;
    }
  }

  /** Windows that would be asked for `range` now. Pure but for the clock. */
  plan(site: NodeSite, range: TimeRange, o: { scope: AskScope; order: "oldest" | "newest" }): Window[] {
    const now = this.venueNow(site.parsed.exchange);
    const { windowBars } = this.#parts.settings;
    const closedEnd = formingStart(now, site.grid);
    const wanted: TimeRange = [range[0], Math.min(range[1], closedEnd)];
    const [start, end] = widenToWindows(wanted, site.grid, windowBars);
    // A refetch asks what was asked for; a fetch also takes along what its windows lack.
    const wide: TimeRange = o.scope === "all" ? wanted : [start, Math.min(end, closedEnd)];
    const due = this.#due(site, wide, { now, scope: o.scope });
    return planWindows({ due, wanted, grid: site.grid, windowBars, order: o.order });
  }

  /**
   * Fetches one window unless somebody does already. Rejects with the last fault when it could not be fetched (the
   * ledger says so then), with `CANCELLED` when the signal fires.
   */
  async fillWindow(nodeId: string, window: Window, o: AskOptions): Promise<WindowResult> {
    const key = o.scope === "all" ? `${windowKey(nodeId, window)}|all` : windowKey(nodeId, window);
    const { value, shared } = await this.#flights.ride(
      key,
      ({ signal, progress }) =>
        this.#slots.run(
          { priority: o.priority, signal },
          () => this.#lead(nodeId, window, { ...o, signal }, progress),
        ),
      o.signal,
    );
    return shared ? { ...value, deduplicated: true } : value;
  }

  /** Lands what is under way: leases go back, nothing half-written stays. */
  close(): Promise<void> {
    return this.#flights.close();
  }

  #defaultGrid(parsed: ParsedNode): Grid {
    if (parsed.timeframe === undefined) return { step: 1, anchor: 0 };
    return gridOf(parsed.timeframe, this.#parts.settings.anchorOf(parsed) ?? undefined);
  }

  #due(site: NodeSite, range: TimeRange, o: { now: number; scope: AskScope }) {
    if (!(range[0] < range[1])) return new Float64Array(0);
    if (site.state === null) return Float64Array.of(range[0], range[1]);
    return dueSlots(viewOf(site.state, this.#parts.compute), range, o, this.#parts.compute);
  }

  /** Wins the window's lease, looks again, fetches; or waits until its holder has written it. */
  async #lead(nodeId: string, window: Window, o: AskOptions, progress: () => void): Promise<WindowResult> {
    const { leases, clock, settings } = this.#parts;
    const key = windowKey(nodeId, window);
    for (let pause = LEASE_POLL_MIN_MS;; pause = Math.min(LEASE_POLL_MAX_MS, pause * 2)) {
      throwIfCancelled(o.signal, `Fetching ${key}`);
      const claim = await leases.claim(key, settings.leaseTtlMs);
      if ("lease" in claim) {
        return await this.#fetchUnderLease(nodeId, window, { ...o, lease: claim.lease }, progress);
      }
      progress();
      await clock.sleep(pause, o.signal);
      if ((await this.#stillDue(nodeId, window, o)).length === 0) return { rows: 0, deduplicated: true };
    }
  }

  async #fetchUnderLease(
    nodeId: string,
    window: Window,
    o: LedAsk,
    progress: () => void,
  ): Promise<WindowResult> {
    const { leases } = this.#parts;
    const done = new AbortController();
    const renewing = this.#renew(o.lease, done.signal);
    try {
      const again = await this.#stillDue(nodeId, window, o);
      const result = again.length === 0
        ? { rows: 0, deduplicated: true }
        : await this.#fetchAndWrite(nodeId, again[0], o, progress);
      await leases.complete(o.lease);
      return result;
    } catch (error) {
      await giveBack(leases, o.lease, error);
      throw error;
    } finally {
      done.abort(cancelled("Renewing"));
      await renewing;
    }
  }

  /** Keeps the lease while the work goes on. A lost lease ends the renewing; the fenced write then finds out. */
  async #renew(lease: Lease, done: AbortSignal): Promise<void> {
    const { clock, leases, settings } = this.#parts;
    try {
      for (let held = lease;;) {
        await clock.sleep(settings.leaseTtlMs / 3, done);
        held = await leases.renew(held, settings.leaseTtlMs);
      }
    } catch (error) {
      if (done.aborted) return;
      if (error instanceof HistoryError) return;
      throw error;
    }
  }

  /** The same window as it is due now: after waiting or winning, somebody may have written it. */
  async #stillDue(nodeId: string, window: Window, o: AskOptions): Promise<Window[]> {
    const parsed = parseNodeId(nodeId);
    const state = await this.#parts.store.stateWithin(nodeId, [window.start, window.end]);
    const site = { nodeId, parsed, state, grid: state?.node.grid ?? this.#defaultGrid(parsed) };
    const asked: TimeRange = o.scope === "all" ? window.ask : [window.start, window.end];
    return this.plan(site, asked, { scope: o.scope, order: "oldest" });
  }

  async #fetchAndWrite(
    nodeId: string,
    window: Window,
    o: LedAsk,
    progress: () => void,
  ): Promise<WindowResult> {
    const { exchanges, clock, dice, settings } = this.#parts;
    const parsed = parseNodeId(nodeId);
    const source = `ccxt:${parsed.exchange}`;
    let attempts = 0;
    const tell = (phase: "attempt" | "complete" | "fail" | "retry", rows: number, error?: string) =>
      this.#emit({ nodeId, window, o, source, attempt: attempts }, { phase, rows, error });
    let venue: Exchange | null = null;
    try {
      venue = await exchanges.get(parsed.exchange);
      const exchange = venue;
      await exchange.syncClock(o.signal);
      const reply = await exchange.fetchBars({
        symbol: parsed.symbol,
        timeframe: parsed.timeframe!,
        grid: o.grid,
        range: window.ask,
        priority: o.priority,
        signal: o.signal,
        attempt: (call) =>
          withRetries(call, {
            policy: {
              maxAttempts: settings.maxAttempts,
              backoffMs: settings.retryBackoffMs,
              backoffCapMs: RETRY_BACKOFF_CAP_MS,
              jitterRatio: settings.jitterRatio,
            },
            clock,
            dice,
            signal: o.signal,
            onAttempt: (attempt) => {
              attempts = Math.max(attempts, attempt);
              progress();
              tell("attempt", 0);
            },
            onRetry: (_attempt, error) => tell("retry", 0, `${error.code}: ${error.message}`),
          }),
      });
      progress();
      const rows = await this.#write({ nodeId, parsed, window, reply, exchange, source }, o);
      tell("complete", rows);
      return { rows, deduplicated: false };
    } catch (error) {
      await this.#noteFailure({ nodeId, window, source, attempts, venue }, o, error);
      tell("fail", 0, error instanceof HistoryError ? `${error.code}: ${error.message}` : String(error));
      throw error;
    }
  }

  async #write(
    fetched: {
      nodeId: string;
      parsed: ParsedNode;
      window: Window;
      reply: BarsReply;
      exchange: Exchange;
      source: string;
    },
    o: LedAsk,
  ): Promise<number> {
    const { store, compute, clock, settings } = this.#parts;
    const { nodeId, window, reply, source } = fetched;
    const state = await store.stateWithin(nodeId, [window.start, window.end]);
    const node = await this.#register(fetched, state);
    const absorbed = absorb({
      nodeId,
      grid: node.grid,
      window,
      reply,
      policy: withOverrides(settings.policy, o.policy),
      spans: state === null ? [] : viewOf(state, compute).spans,
      source,
      seenAtMs: clock.nowMs(),
      fence: { key: o.lease.key, generation: o.lease.generation },
    }, compute);
    await store.commit(absorbed.write);
    if (absorbed.blocked === null) return absorbed.rows;
    throw new HistoryError(
      "CONFORMANCE_BLOCKED",
      `Cannot store ${nodeId} [${window.ask}): the venue's reply was refused (${absorbed.blocked})`,
      {
        hint: absorbed.misalignedMost
          ? "More than half of the rows are off the node's grid: set exchanges.<id>.anchor for this timeframe, or conformance.align: floor"
          : "The raw reply is kept; look at it with `seamless explain`, relax seamless.conformance, then `seamless fill --refetch`",
        ranges: [window.ask],
      },
    );
  }

  /** The first rows of a node fix its grid; every later fill takes what is stored. */
  async #register(
    fetched: { nodeId: string; parsed: ParsedNode; reply: BarsReply; exchange: Exchange },
    near: NodeState | null,
  ): Promise<NodeRecord> {
    const { store, settings } = this.#parts;
    const { nodeId, parsed, reply, exchange } = fetched;
    if (near !== null && near.chunks.length > 0) return near.node;
    const grid = this.#defaultGrid(parsed);
    const configured = settings.anchorOf(parsed) !== null;
    const found = configured ? grid : detectGrid(parsed.timeframe!, reply.columns.ts, grid);
    const market = await exchange.market(parsed.symbol);
    return await store.ensureNode({ nodeId, grid: found, volumeUnit: market.volumeUnit });
  }

  /** A failed ask stands in the ledger, so that a gap can say why. A lost lease or a cancelled fetch wrote nothing. */
  async #noteFailure(
    failed: { nodeId: string; window: Window; source: string; attempts: number; venue: Exchange | null },
    o: LedAsk,
    error: unknown,
  ): Promise<void> {
    if (!(error instanceof HistoryError) || NOT_THE_VENUES.has(error.code)) return;
    const { store, clock } = this.#parts;
    const unit = parseNodeId(failed.nodeId).symbol.includes(":") ? "contracts" : "base";
    await store.ensureNode({ nodeId: failed.nodeId, grid: o.grid, volumeUnit: unit });
    await store.commit(failedWrite({
      nodeId: failed.nodeId,
      window: failed.window,
      source: failed.source,
      seenAtMs: clock.nowMs(),
      fence: { key: o.lease.key, generation: o.lease.generation },
    }, {
      askedAt: (clock.nowMs() - (failed.venue?.skewMs() ?? 0)) / 1000,
      attempts: Math.max(1, failed.attempts),
      error: `${error.code}: ${error.message}`,
    }));
  }

  #emit(
    about: { nodeId: string; window: Window; o: AskOptions; source: string; attempt: number },
    told: { phase: "attempt" | "complete" | "fail" | "retry"; rows: number; error?: string },
  ): void {
    const parsed = parseNodeId(about.nodeId);
    this.#parts.emit({
      type: "backfill",
      phase: told.phase,
      batch_id: about.o.batchId,
      attempt: about.attempt,
      node_id: about.nodeId,
      interval: intervalOf(this.#defaultGrid(parsed)),
      start: about.window.ask[0],
      end: about.window.ask[1],
      rows: told.rows,
      source: about.source,
      ...(told.error === undefined ? {} : { error: told.error }),
    });
  }
}

/** Failures that say nothing of the venue, or that stand in the ledger already. */
const NOT_THE_VENUES: ReadonlySet<string> = new Set([
  "CANCELLED",
  "LEASE_LOST",
  "STORE_UNAVAILABLE",
  "CONFORMANCE_BLOCKED",
]);

/** The configured policy with a request's own wishes; what a request leaves out stays. */
function withOverrides(policy: ConformancePolicy, wishes: AskOptions["policy"] = {}): ConformancePolicy {
  return { ...policy, align: wishes.align ?? policy.align, invariant: wishes.invariant ?? policy.invariant };
}

/** Gives a lease back after a failure; that it was lost meanwhile must not hide why the work failed. */
async function giveBack(leases: Leases, lease: Lease, why: unknown): Promise<void> {
  try {
    await leases.fail(lease, why instanceof Error ? why.message : String(why));
  } catch (error) {
    if (!(error instanceof HistoryError)) throw error;
  }
}
