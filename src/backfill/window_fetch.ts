/**
 * One window, fetched and written (spec §14): asked under the retry policy, conformed, committed with its ledger rows
 * in one write. A venue that fails stands in the ledger too, so that a gap can say why.
 */

import { BoundedMap } from "../core/bounded_map.ts";
import { formingStart } from "../core/effective_range.ts";
import { HistoryError } from "../core/errors.ts";
import { NODE_STATE_MAX, RETRY_BACKOFF_CAP_MS } from "../core/limits.ts";
import { parseNodeId } from "../core/node_id.ts";
import type { ParsedNode } from "../core/node_id.ts";
import type { Attempt, BarsReply, Exchange, NodeRecord, NodeState } from "../core/ports.ts";
import { intervalOf } from "../core/timeframe.ts";
import type { Grid } from "../core/timeframe.ts";
import { clipRange, type TimeRange } from "../core/time_range.ts";
import {
  absorb,
  type Absorbed,
  type ConformancePolicy,
  delistedWrite,
  failedWrite,
  finalBorder,
  takenBack,
} from "./absorb.ts";
import { detectGrid } from "./anchor.ts";
import {
  type AskOptions,
  type BackfillerParts,
  configuredGrid,
  type LedAsk,
  usualVolumeUnit,
} from "./ask.ts";
import { type UnderlaidState, viewOf } from "./node_view.ts";
import type { Window } from "./plan.ts";
import { withRetries } from "./retry.ts";

/** A reply that is mostly off the node's grid: those of the next windows would be too. */
export class OffGridReply extends HistoryError {}

/** What one fetch brought. `grid` is the node's from now on. */
export interface Fetched {
  rows: number;
  grid: Grid;
}

/** One fetch while it goes on. */
interface Flight {
  nodeId: string;
  parsed: ParsedNode;
  window: Window;
  source: string;
  o: LedAsk;
  /** Counted attempts so far, the most of any page. */
  attempts: number;
  venue: Exchange | null;
  progress: () => void;
}

export class WindowFetch {
  readonly #parts: BackfillerParts;
  /** Nodes that this process wrote bars of: their grid stays what it is. */
  readonly #fixed = new BoundedMap<string, true>(NODE_STATE_MAX);

  constructor(parts: BackfillerParts) {
    this.#parts = parts;
  }

  /** Whether the node's grid is known to stay as it is, from now on. */
  isFixed(nodeId: string): boolean {
    return this.#fixed.get(nodeId) === true;
  }

  /** Fetches a window and writes what came of it. Rejects with the last fault of the venue, or `CONFORMANCE_BLOCKED`. */
  async run(nodeId: string, window: Window, o: LedAsk, progress: () => void): Promise<Fetched> {
    const parsed = parseNodeId(nodeId);
    const source = `ccxt:${parsed.exchange}`;
    const flight: Flight = { nodeId, parsed, window, source, o, attempts: 0, venue: null, progress };
    try {
      const fetched = await this.#fetch(flight);
      this.#tell(flight, "complete", fetched.rows);
      return fetched;
    } catch (error) {
      const instead = await this.#noteFailure(flight, error);
      if (instead !== null) {
        this.#tell(flight, "complete", 0);
        return instead;
      }
      this.#tell(flight, "fail", 0, error);
      throw error;
    }
  }

  async #fetch(flight: Flight): Promise<Fetched> {
    const { parsed, o } = flight;
    const exchange = await this.#parts.exchanges.get(parsed.exchange);
    flight.venue = exchange;
    await exchange.syncClock(o.signal);
    // What was planned before the venue's clock was known can reach into the bar that is forming there.
    const forming = formingStart((this.#parts.clock.nowMs() - exchange.skewMs()) / 1000, o.grid);
    const ask = clipRange(flight.window.ask, [-Infinity, forming]);
    if (ask === null) return { rows: 0, grid: o.grid };
    flight.window = { ...flight.window, ask };
    const { absorbed, grid } = await this.#absorbReply(flight, exchange);
    if (absorbed.blocked === null) await this.#takeBack(flight, ask);
    await this.#parts.store.commit(absorbed.write);
    if (absorbed.rows > 0) this.#fixed.set(flight.nodeId, true);
    if (absorbed.blocked === null) return { rows: absorbed.rows, grid };
    throw refusedReply(flight, { blocked: absorbed.blocked, misalignedMost: absorbed.misalignedMost });
  }

  /**
   * What was published of the asked slots and dropped here is taken back before the reply is written: a bar that the
   * venue no longer sends is kept, and one that it changed is a revision, as if it had never been dropped.
   */
  async #takeBack({ nodeId, window, o: { below, lease } }: Flight, ask: TimeRange): Promise<void> {
    const { published, store, clock } = this.#parts;
    if (below === null || published === null) return;
    const rows = await published.rows(below, ask);
    if (rows.ts.length === 0) return;
    const { manifest, asOfMs } = below.snapshot;
    await store.commit(takenBack(rows, {
      nodeId,
      window,
      source: manifest.producer.source,
      seenAtMs: clock.nowMs(),
      observedAtMs: asOfMs,
      fence: { key: lease.key, generation: lease.generation },
    }));
  }

  /** The retry policy around each call of the venue. Attempts are told per window, however many pages it takes. */
  #attempt(flight: Flight): Attempt {
    const { clock, dice, settings } = this.#parts;
    const policy = {
      maxAttempts: settings.maxAttempts,
      backoffMs: settings.retryBackoffMs,
      backoffCapMs: RETRY_BACKOFF_CAP_MS,
      jitterRatio: settings.jitterRatio,
    };
    return (call) =>
      withRetries(call, {
        policy,
        clock,
        dice,
        signal: flight.o.signal,
        onAttempt: (attempt) => {
          flight.progress();
          if (attempt <= flight.attempts) return;
          flight.attempts = attempt;
          this.#tell(flight, "attempt", 0);
        },
        onRetry: (_attempt, error) => this.#tell(flight, "retry", 0, error),
      });
  }

  /** A call of its own, so that the reply is gone while its write waits for its turn: many wait side by side. */
  async #absorbReply(flight: Flight, exchange: Exchange): Promise<{ absorbed: Absorbed; grid: Grid }> {
    const { compute, clock, settings } = this.#parts;
    const { nodeId, parsed, window, source, o } = flight;
    const reply = await exchange.fetchBars({
      symbol: parsed.symbol,
      timeframe: parsed.timeframe!,
      grid: o.grid,
      range: window.ask,
      priority: o.priority,
      signal: o.signal,
      attempt: this.#attempt(flight),
    });
    flight.progress();
    const { grid } = await this.#register(flight, exchange, reply);
    const absorbed = absorb({
      nodeId,
      grid,
      window,
      reply,
      policy: withOverrides(settings.policy, o.policy),
      spans: o.near === null ? [] : viewOf(o.near, compute).spans,
      source,
      seenAtMs: clock.nowMs(),
      fence: { key: o.lease.key, generation: o.lease.generation },
    }, compute);
    return { absorbed, grid };
  }

  /** The first rows of a node fix its grid; every later fill takes what is stored. */
  async #register({ nodeId, parsed, o }: Flight, exchange: Exchange, reply: BarsReply): Promise<NodeRecord> {
    const { store, settings } = this.#parts;
    if (o.near !== null && (o.near.chunks.length > 0 || o.isFixed)) return o.near.node;
    const grid = configuredGrid(parsed, settings);
    const isConfigured = settings.anchorOf(parsed) !== null;
    const found = o.below !== null
      ? o.grid
      : isConfigured
      ? grid
      : detectGrid(parsed.timeframe!, reply.columns.ts, grid);
    const market = await exchange.market(parsed.symbol, o.signal);
    return await store.ensureNode({ nodeId, grid: found, volumeUnit: market.volumeUnit });
  }

  /**
   * Writes down that the ask failed; a market that the venue lists no more is no failure after its last bar. What says
   * nothing of the venue is not written, and a name that nobody knows does not become a node.
   */
  async #noteFailure(flight: Flight, error: unknown): Promise<Fetched | null> {
    if (!(error instanceof HistoryError) || NOT_THE_VENUES.has(error.code)) return null;
    const { store, clock, settings } = this.#parts;
    const { nodeId, parsed, window, source, o } = flight;
    const state = await store.state(nodeId);
    if (state === null && o.below === null && UNKNOWN_NAMES.has(error.code)) return null;
    await store.ensureNode({ nodeId, grid: o.grid, volumeUnit: usualVolumeUnit(parsed.symbol) });
    const nowMs = clock.nowMs();
    const askedAt = (nowMs - (flight.venue?.skewMs() ?? 0)) / 1000;
    const site = {
      nodeId,
      window,
      source,
      seenAtMs: nowMs,
      fence: { key: o.lease.key, generation: o.lease.generation },
    };
    const lastEnd = error.code === "SYMBOL_UNKNOWN" ? lastBarEnd(state, o.below) : undefined;
    const gone = lastEnd === undefined ? null : clipRange(window.ask, [lastEnd, Infinity]);
    if (gone !== null) {
      const finalUntil = finalBorder(askedAt, o.grid, settings.policy.stabilizationBars);
      await store.commit(delistedWrite(site, { askedAt, range: gone, finalUntil }));
    }
    if (gone !== null && gone[0] === window.ask[0]) return { rows: 0, grid: o.grid };
    const failure = {
      askedAt,
      attempts: Math.max(1, flight.attempts),
      error: `${error.code}: ${error.message}`,
    };
    await store.commit(failedWrite(site, failure));
    return null;
  }

  #tell(
    { nodeId, parsed, window, source, o, attempts }: Flight,
    phase: "attempt" | "complete" | "fail" | "retry",
    rows: number,
    why?: unknown,
  ): void {
    this.#parts.emit({
      type: "backfill",
      phase,
      batch_id: o.batchId,
      attempt: attempts,
      node_id: nodeId,
      interval: intervalOf(configuredGrid(parsed, this.#parts.settings)),
      start: window.ask[0],
      end: window.ask[1],
      rows,
      source,
      ...(why === undefined ? {} : { error: textOf(why) }),
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

/** Failures that say of a node never filled that there is no such thing. */
const UNKNOWN_NAMES: ReadonlySet<string> = new Set(["EXCHANGE_UNKNOWN", "SYMBOL_UNKNOWN", "BAD_TIMEFRAME"]);

/** The end of the last bar that is known of a node, stored or published. */
function lastBarEnd(state: NodeState | null, below: UnderlaidState | null): number | undefined {
  const ends = [state?.final.at(-1), below?.snapshot.manifest.segments.at(-1)?.range[1]];
  const known = ends.filter((end) => end !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

function textOf(why: unknown): string {
  return why instanceof HistoryError ? `${why.code}: ${why.message}` : String(why);
}

/** The configured policy with a request's own wishes; what a request leaves out stays. */
function withOverrides(policy: ConformancePolicy, wishes: AskOptions["policy"] = {}): ConformancePolicy {
  return { ...policy, align: wishes.align ?? policy.align, invariant: wishes.invariant ?? policy.invariant };
}

function refusedReply(
  { nodeId, window }: Flight,
  { blocked, misalignedMost }: { blocked: string; misalignedMost: boolean },
): HistoryError {
  const [start, end] = window.ask;
  const message = `Cannot store ${nodeId} [${start}, ${end}): the venue's reply was refused (${blocked})`;
  const ranges = [window.ask];
  if (misalignedMost) {
    const hint =
      "More than half of the rows are off the node's grid: set exchanges.{id}.anchor for this timeframe, " +
      "or seamless.conformance.align: floor";
    return new OffGridReply("CONFORMANCE_BLOCKED", message, { hint, ranges });
  }
  return new HistoryError("CONFORMANCE_BLOCKED", message, {
    hint:
      "The raw reply is kept; relax seamless.conformance, then run `seamless fill --refetch` over this range",
    ranges,
  });
}
