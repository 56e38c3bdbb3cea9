/**
 * What the rings inside ask of the world outside: small interfaces, implemented under `adapters/` and wired in
 * `wire.ts`. Every implementation of a port passes that port's suite in `tests/contract/`.
 */

import type { Bars } from "./bar_frame.ts";
import type { Grid } from "./timeframe.ts";
import type { Ranges, TimeRange } from "./time_range.ts";
import type { AnsweredReason } from "./gap_reason.ts";
import type { Priority, StoredChunk } from "./port_words.ts";

export type * from "./artifact_port.ts";
export type * from "./exchange_port.ts";
export type * from "./port_words.ts";

// ---------------------------------------------------------------- time, chance, log

/** Time is passed in: tests set it, and a jump of the wall clock never shortens or lengthens a wait. */
export interface Clock {
  /** Wall clock, epoch milliseconds. It decides `as_of`, expiry and staleness. */
  nowMs(): number;
  /** Never goes back; only differences mean anything. It decides deadlines and durations. */
  monotonicMs(): number;
  /** Resolves after `ms` (at once when ≤ 0); rejects with the signal's reason when it fires. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Chance is passed in. */
export interface Dice {
  /** Uniform in [0, 1). */
  random(): number;
  /** A new unguessable id: 32 lower-case hex digits. */
  id(): string;
}

export type LogLevel = "debug" | "info" | "warn" | "error";

/** Structured events with stable names (metrics.md); never a secret among the fields. */
export interface Log {
  emit(level: LogLevel, event: string, fields?: Record<string, unknown>): void;
}

/** Hears what the log warns of. */
export type WarningListener = (event: string, fields: Record<string, unknown>) => void;

// ---------------------------------------------------------------- rate budget

/** The rate budget of each key (spec §15). A token is one unit of CCXT cost. */
export interface RateLimiter {
  /** Resolves when `cost` tokens are granted; rejects with `CANCELLED` (place given back) or `OVERLOADED`. */
  acquire(request: { key: string; cost: number; priority: Priority; signal?: AbortSignal }): Promise<void>;
  /** The venue says how many tokens of the running interval are used, by whomever. */
  correct(key: string, used: { tokens: number }): void;
  /** Closes the gate of `key` for everybody until `untilMs` (wall clock). */
  penalize(key: string, untilMs: number): void;
  state(key: string): { tokens: number; capacity: number; closedUntilMs: number | null; waiting: number };
  close(): Promise<void>;
}

// ---------------------------------------------------------------- leases

/** Mutual exclusion over one key; generations of a key only ever rise, over restarts too (spec §14). */
export interface Lease {
  key: string;
  token: string;
  generation: number;
  leaseUntilMs: number;
}

/** `held` names until when somebody else has the key. */
export type ClaimOutcome = { lease: Lease } | { held: { leaseUntilMs: number } };

export interface Leases {
  claim(key: string, leaseMs: number): Promise<ClaimOutcome>;
  /** Rejects with `LEASE_UNKNOWN`, or `LEASE_LOST` when somebody else holds it or it ran out. */
  renew(lease: Lease, leaseMs: number): Promise<Lease>;
  /** Gives the key back: the work is done. Errors as `renew`. */
  complete(lease: Lease): Promise<void>;
  /** Gives the key back: the work failed. Errors as `renew`. */
  fail(lease: Lease, reason: string): Promise<void>;
  list(page: { prefix?: string; after?: string; limit: number }): Promise<
    { key: string; generation: number; leaseUntilMs: number; claimedAtMs: number }[]
  >;
  close(): Promise<void>;
}

// ---------------------------------------------------------------- bar store

/** A series known to the hot store. Its grid is fixed by the first fill (spec §1). */
export interface NodeRecord {
  nodeId: string;
  grid: Grid;
  volumeUnit: string;
}

/** One thing asked of a source, and what came of it (spec §4). Times in epoch seconds unless named. */
export interface LedgerRow {
  start: number;
  end: number;
  source: string;
  /** Venue time of the request, epoch seconds, fractional. */
  askedAt: number;
  /**
   * `askedAt` of the first ask of any of it. A writer gives the earliest of the rows that spoke for it, or its own
   * `askedAt`; the store, which drops rows that a newer one supersedes, hands on the earliest that they had.
   */
  firstAskedAt: number;
  /** Bars that the answer brought inside [start, end). */
  bars: number;
  /** Times this range has been asked and answered (or failed). */
  attempts: number;
  /** Why slots without a bar have none; null where the reply brought every slot, or the ask failed. */
  reason: AnsweredReason | null;
  /** The last error of a failed ask, as `CODE: message`. */
  error: string | null;
  /** When it is due again, epoch seconds; null: never by itself. */
  nextAsk: number | null;
  replySha256: string | null;
  /** The window `[start, end)` that the ask belonged to. */
  window: TimeRange;
}

/** What conformance found at ingest, per slot and flag. */
export interface Finding {
  ts: number;
  flag: string;
  count: number;
  window: TimeRange;
  seenAtMs: number;
}

/** A value that a bar had, or lost (spec §8 Revisions). `values`: open, high, low, close, volume; null: withdrawn. */
export interface Revision {
  ts: number;
  values: [number, number, number, number, number] | null;
  source: string;
  observedAtMs: number;
  seenAtMs: number;
  cause: "duplicate" | "refetch" | "live" | "withdrawn";
  /** True for the value that is current. */
  kept: boolean;
  replySha256: string | null;
}

/** Where a node stands. Immutable: a change makes a new object, so that what is derived from it can be kept by it. */
export interface NodeState {
  node: NodeRecord;
  /** Rises with each write to the node. */
  revision: number;
  /** Runs of final bars: flat pairs, sorted, coalesced, on the grid. */
  final: Ranges;
  /** Final chunks, ascending in k, without their rows. */
  chunks: { k: number; rows: number; digest: string }[];
  /** Bars that are closed and not final, ascending. */
  provisional: Bars;
  /**
   * Oldest first (by askedAt, then order of writing). Kept short: an answered row takes the place of older rows of its
   * source that lie wholly inside it, a failed one that of older failed ones alone; rows without a reason that touch
   * within one window become one.
   */
  ledger: LedgerRow[];
  /** Ascending in ts. A flag that begins with `warning: ` is the text of a conformance warning. */
  findings: Finding[];
}

/** Everything that one answered (or failed) window writes: all of it becomes visible, or nothing. */
export interface WindowWrite {
  nodeId: string;
  window: TimeRange;
  /** Conformed rows, ascending, on the grid; replace what is stored at their ts. */
  final: Bars;
  provisional: Bars;
  /** Ranges that the reply answered: final bars stored there that it lacks are noted `withdrawn` and kept. */
  answered: TimeRange[];
  /**
   * Start of the first slot that is not final by venue time: a provisional bar before it, inside `answered`, that the
   * reply lacks becomes final, and is noted `withdrawn` as any other. Absent: provisional bars stay as they are.
   */
  finalUntil?: number;
  /** Venue time of the rows, epoch ms, and local time of the write. */
  observedAtMs: number;
  seenAtMs: number;
  source: string;
  cause: "refetch" | "live";
  replySha256: string | null;
  ledger: LedgerRow[];
  /** Replace the findings of this node inside `answered`. */
  findings: Finding[];
  /** Losers of duplicates within the reply; the survivor is in `final` or `provisional`. */
  conflicts: Revision[];
  /** Raw bodies of a refused reply, kept under `replySha256`. */
  quarantine: Uint8Array[];
  /** Refused with `LEASE_LOST` when a younger generation of the key exists. */
  fence: { key: string; generation: number } | null;
}

export interface WindowOutcome {
  /** Final bars at slots that had none. */
  inserted: number;
  /** Final bars whose values changed: each is in the revision log. */
  revised: number;
  /** Final bars newly noted as withdrawn; they are kept. */
  withdrawn: number;
  /** The node's revision with this write. */
  revision: number;
}

/** Bars, ledger, findings and revisions of all nodes. Failures of the medium: `STORE_UNAVAILABLE`. */
export interface BarStore {
  /**
   * Registers a node and hands back what is stored. The first registration fixes grid and unit; while the node has no
   * bar, a later one replaces them (an ask that failed must not fix a grid that no bar was seen on).
   */
  ensureNode(record: NodeRecord): Promise<NodeRecord>;
  /** Null for a node never seen. Cheap when nothing changed since the last call (also by other processes). */
  state(nodeId: string): Promise<NodeState | null>;
  /**
   * As `state`, but only what touches `range`: chunks without rows there, ledger rows, findings and provisional bars
   * elsewhere are left out, runs are clipped to it. For fills, whose every window would else rebuild the whole state.
   */
  stateWithin(nodeId: string, range: TimeRange): Promise<NodeState | null>;
  /** Changes whenever anything in the store did, by any process. Cheap. */
  version(): Promise<string>;
  /**
   * The same as long as nothing at all was written, by any process; means nothing to another process. Told at once,
   * without waiting; null where that is impossible.
   */
  mark(): number | null;
  nodes(page: { exchange?: string; after?: string; limit: number }): Promise<NodeRecord[]>;
  /**
   * Final chunks that hold rows of the range, ascending, as they were at or after `state`. Long reads yield to the
   * event loop. Who got a state of the node just now gives it, which spares a look for a newer one; `once`: what is
   * read will not be asked for again soon, is not kept at hand, and is good only until the next chunk is asked for.
   */
  read(
    nodeId: string,
    range: TimeRange,
    o?: { signal?: AbortSignal; state?: NodeState; once?: boolean },
  ): AsyncIterable<StoredChunk>;
  commit(write: WindowWrite): Promise<WindowOutcome>;
  /** Ascending in ts, then in the order they were seen. */
  revisions(nodeId: string, range: TimeRange): Promise<Revision[]>;
  /** Raw bodies kept under a hash, or null. */
  quarantined(replySha256: string): Promise<Uint8Array[] | null>;
  /** Writes and reads back a throw-away row (doctor, readyz). */
  probe(): Promise<void>;
  close(): Promise<void>;
}

// ---------------------------------------------------------------- jobs, as_of, snapshot index

export type JobState = "queued" | "running" | "complete" | "incomplete" | "failed" | "cancelled";

/** A backfill job, as it survives restarts (surface §4). */
export interface JobRecord {
  id: string;
  nodes: string[];
  /** Null start: the venue's first bar. Null end: the last closed bar when it runs. */
  start: number | null;
  end: number | null;
  priority: Priority;
  refetch: boolean;
  idempotencyKey: string | null;
  createdAtMs: number;
  updatedAtMs: number;
  state: JobState;
  windows: { total: number; complete: number; failed: number; deduplicated: number };
  rows: number;
  etaSeconds: number | null;
  errors: { node_id: string; start: number; end: number; code: string; message: string }[];
}

export interface JobStore {
  /** The stored job: this one, or the younger-than-a-day one with the same idempotency key. */
  create(job: JobRecord): Promise<JobRecord>;
  get(id: string): Promise<JobRecord | null>;
  /**
   * A job that was cancelled stays so, whatever else its runner says later: two processes may speak at once, and a
   * cancellation was answered already.
   */
  update(job: JobRecord): Promise<void>;
  /** Jobs left queued or running, oldest first: resumed at start. */
  unfinished(): Promise<JobRecord[]>;
  /** Drops ended jobs last updated before the given time. */
  prune(beforeMs: number): Promise<number>;
}

/** The `as_of` last given per world and node: it never goes back (spec §11). */
export interface AsOfRegister {
  /** Compare-and-set-max; resolves with the highest ever given, epoch ms. */
  advance(world: string, nodeId: string, asOfMs: number): Promise<number>;
  last(world: string, nodeId: string): Promise<number | null>;
  /** As `BarStore.mark`. */
  mark(): number | null;
}

/** The catalog row of one published snapshot (a copy: the log in the artifact store is the truth). */
export interface SnapshotEntry {
  nodeId: string;
  seq: number;
  asOfMs: number;
  datasetFingerprint: string;
  manifestSha256: string;
}

export interface SnapshotIndex {
  record(entry: SnapshotEntry): Promise<void>;
  newest(nodeId: string): Promise<SnapshotEntry | null>;
  count(nodeId: string): Promise<number>;
}
