/**
 * The bar store in memory: for tests, and for `storage.bars: "memory:"`. Nothing outlives the process. Every call is
 * one synchronous step, which is what makes a write visible whole.
 */

import { throwIfCancelled } from "../../core/errors.ts";
import type {
  BarStore,
  Finding,
  NodeRecord,
  NodeState,
  Revision,
  StoredChunk,
  WindowOutcome,
  WindowWrite,
} from "../../core/ports.ts";
import type { Bars } from "../../core/bar_frame.ts";
import { canonicalBars, chunkOf, encodeRows, sameValues } from "../../core/stored_chunk.ts";
import type { BarValues } from "../../core/stored_chunk.ts";
import type { Grid } from "../../core/timeframe.ts";
import type { Ranges, TimeRange } from "../../core/time_range.ts";
import { digestOfChunk } from "./chunk_digest.ts";
import { decodeRuns, encodeRuns, joinRuns, touchesRuns } from "./chunk_runs.ts";
import type { KeptLedgerRow, LedgerChange } from "./ledger_rows.ts";
import { byTimeAndFlag, narrowState, provisionalFrame } from "./node_state.ts";
import { leaseLost, storeClosed, unknownNode } from "./refusals.ts";
import { commitWindow } from "./window_commit.ts";
import type { NodeTables, ProvisionalBar } from "./window_commit.ts";

/** `BarStore` in memory. `generationOf` tells the youngest generation of a lease, where leases are kept in memory too. */
export class MemoryBarStore implements BarStore {
  readonly #nodes = new Map<string, MemoryNode>();
  readonly #quarantine = new Map<string, Uint8Array[]>();
  readonly #generationOf: (key: string) => number | null;
  #version = 0;
  #closed = false;

  constructor(parts: { generationOf?: (key: string) => number | null } = {}) {
    this.#generationOf = parts.generationOf ?? (() => null);
  }

  ensureNode(record: NodeRecord): Promise<NodeRecord> {
    return Promise.try(() => {
      this.#checkOpen();
      const node = this.#nodes.get(record.nodeId);
      if (node === undefined) this.#nodes.set(record.nodeId, new MemoryNode(record));
      else if (!node.settle(record)) return node.record;
      this.#version++;
      return record;
    });
  }

  state(nodeId: string): Promise<NodeState | null> {
    return Promise.try(() => {
      this.#checkOpen();
      return this.#nodes.get(nodeId)?.state() ?? null;
    });
  }

  stateWithin(nodeId: string, range: TimeRange): Promise<NodeState | null> {
    return Promise.try(() => {
      this.#checkOpen();
      return this.#nodes.get(nodeId)?.stateWithin(range) ?? null;
    });
  }

  version(): Promise<string> {
    return Promise.try(() => {
      this.#checkOpen();
      return String(this.#version);
    });
  }

  mark(): number {
    this.#checkOpen();
    return this.#version;
  }

  nodes(page: { exchange?: string; after?: string; limit: number }): Promise<NodeRecord[]> {
    return Promise.try(() => {
      this.#checkOpen();
      const { exchange, after = "", limit } = page;
      return [...this.#nodes.values()]
        .map(({ record }) => record)
        .filter(({ nodeId }) =>
          nodeId > after && (exchange === undefined || nodeId.split(":")[1] === exchange)
        )
        .sort((a, b) => (a.nodeId < b.nodeId ? -1 : 1))
        .slice(0, limit);
    });
  }

  async *read(
    nodeId: string,
    range: TimeRange,
    { signal }: { signal?: AbortSignal } = {},
  ): AsyncIterable<StoredChunk> {
    this.#checkOpen();
    throwIfCancelled(signal, `Reading ${nodeId}`);
    for (const chunk of this.#nodes.get(nodeId)?.chunksWithin(range) ?? []) {
      throwIfCancelled(signal, `Reading ${nodeId}`);
      yield chunk;
    }
  }

  commit(write: WindowWrite): Promise<WindowOutcome> {
    return Promise.try(() => {
      this.#checkOpen();
      const { nodeId, fence, window, replySha256, quarantine } = write;
      const younger = fence === null ? null : this.#generationOf(fence.key);
      if (fence !== null && younger !== null && younger > fence.generation) {
        throw leaseLost({ ...fence, younger, window });
      }
      const node = this.#nodes.get(nodeId);
      if (node === undefined) throw unknownNode(nodeId);
      const outcome = node.commit(write);
      if (replySha256 !== null && quarantine.length > 0 && !this.#quarantine.has(replySha256)) {
        this.#quarantine.set(replySha256, quarantine.map((body) => body.slice()));
      }
      this.#version++;
      return outcome;
    });
  }

  revisions(nodeId: string, [start, end]: TimeRange): Promise<Revision[]> {
    return Promise.try(() => {
      this.#checkOpen();
      const log = this.#nodes.get(nodeId)?.revisions ?? [];
      return log.filter(({ ts }) => ts >= start && ts < end).sort((a, b) => a.ts - b.ts).map((entry) => ({
        ...entry,
      }));
    });
  }

  quarantined(replySha256: string): Promise<Uint8Array[] | null> {
    return Promise.try(() => {
      this.#checkOpen();
      return this.#quarantine.get(replySha256) ?? null;
    });
  }

  probe(): Promise<void> {
    return Promise.try(() => {
      this.#checkOpen();
    });
  }

  close(): Promise<void> {
    return Promise.try(() => {
      this.#closed = true;
    });
  }

  #checkOpen(): void {
    if (this.#closed) throw storeClosed();
  }
}

/** One node: plain maps and lists, and the state made of them until the next write. */
class MemoryNode implements NodeTables {
  record: NodeRecord;
  readonly revisions: Revision[] = [];
  readonly #rows = new Map<number, Bars>();
  /** What is told of chunks, made when it is first asked for. */
  readonly #told = new Map<number, ToldChunk>();
  readonly #provisional = new Map<number, ProvisionalBar>();
  #ledger: KeptLedgerRow[] = [];
  #findings = new Map<string, Finding>();
  #revision = 0;
  #nextId = 0;
  #state: NodeState | null = null;

  constructor(record: NodeRecord) {
    this.record = record;
  }

  get grid(): Grid {
    return this.record.grid;
  }

  /** Takes over grid and unit while there is no bar; false when nothing changed. */
  settle(record: NodeRecord): boolean {
    if (this.#rows.size > 0 || this.#provisional.size > 0) return false;
    if (JSON.stringify(record) === JSON.stringify(this.record)) return false;
    this.record = record;
    this.#revision++;
    this.#state = null;
    return true;
  }

  commit(write: WindowWrite): WindowOutcome {
    const canonical = {
      ...write,
      final: canonicalBars(write.final),
      provisional: canonicalBars(write.provisional),
    };
    const outcome = commitWindow(this, canonical);
    this.#state = null;
    return { ...outcome, revision: ++this.#revision };
  }

  chunksWithin([start, end]: TimeRange): StoredChunk[] {
    if (!(start < end)) return [];
    return this.chunksBetween(chunkOf(start, this.grid), chunkOf(end, this.grid))
      .map((k) => this.#tell(k))
      .filter(({ runs }) => touchesRuns(runs, start, end))
      .map(({ chunk }) => chunk);
  }

  state(): NodeState {
    this.#state ??= this.#stateOf([...this.#rows.keys()].sort((a, b) => a - b));
    return this.#state;
  }

  stateWithin(range: TimeRange): NodeState {
    return narrowState(this.#stateOf(this.chunksWithin(range).map(({ k }) => k)), range);
  }

  #stateOf(ks: number[]): NodeState {
    const told = ks.map((k) => this.#tell(k));
    return {
      node: this.record,
      revision: this.#revision,
      final: joinRuns(told.map(({ runs }) => runs)),
      chunks: told.map(({ chunk: { k, rows, digest } }) => ({ k, rows, digest })),
      provisional: provisionalFrame([...this.#provisional.values()].sort((a, b) => a.ts - b.ts)),
      ledger: this.#ledger.map(({ row }) => row).sort((a, b) => a.askedAt - b.askedAt),
      findings: [...this.#findings.values()].sort(byTimeAndFlag),
    };
  }

  chunk(k: number): Bars | null {
    return this.#rows.get(k) ?? null;
  }

  putChunk(k: number, rows: Bars): void {
    this.#rows.set(k, rows);
    this.#told.delete(k);
  }

  chunksBetween(from: number, to: number): number[] {
    return [...this.#rows.keys()].filter((k) => k >= from && k <= to).sort((a, b) => a - b);
  }

  provisional([start, end]: TimeRange): ProvisionalBar[] {
    return [...this.#provisional.values()].filter(({ ts }) => ts >= start && ts < end);
  }

  putProvisional(bar: ProvisionalBar): void {
    this.#provisional.set(bar.ts, bar);
  }

  dropProvisional(ts: number): void {
    this.#provisional.delete(ts);
  }

  ledgerStarting(source: string, { from, to }: { from: number; to: number }): KeptLedgerRow[] {
    return this.#ledger.filter(({ row }) => row.source === source && row.start >= from && row.start <= to);
  }

  answerOver(ts: number): ReturnType<NodeTables["answerOver"]> {
    const over = this.#ledger.filter(({ row }) => row.start <= ts && row.end > ts && row.error === null);
    return over.toSorted((a, b) => a.row.askedAt - b.row.askedAt).at(-1)?.row ?? null;
  }

  changeLedger({ row, replaces }: LedgerChange): void {
    if (replaces.length > 0) this.#ledger = this.#ledger.filter(({ id }) => !replaces.includes(id));
    this.#ledger.push({ id: this.#nextId++, row });
  }

  dropFindings([start, end]: TimeRange): void {
    for (const [key, { ts }] of this.#findings) if (ts >= start && ts < end) this.#findings.delete(key);
  }

  putFinding(finding: Finding): void {
    this.#findings.set(`${finding.ts} ${finding.flag}`, { ...finding });
  }

  logRevision(revision: Revision): boolean {
    if (this.revisions.some(({ ts, values }) => ts === revision.ts && areSame(values, revision.values))) {
      return false;
    }
    this.revisions.push({ ...revision });
    return true;
  }

  loggedTimes([start, end]: TimeRange): number[] {
    const logged = this.revisions.filter(({ ts, values }) => values !== null && ts >= start && ts < end);
    return [...new Set(logged.map(({ ts }) => ts))];
  }

  markKept(ts: number, values: BarValues): void {
    for (const entry of this.revisions) {
      if (entry.ts === ts && entry.values !== null) entry.kept = sameValues(entry.values, values);
    }
  }

  #tell(k: number): ToldChunk {
    let told = this.#told.get(k);
    if (told === undefined) {
      const bars = this.#rows.get(k)!;
      const bytes = encodeRows(bars);
      const rows = bars.ts.length;
      const chunk = { k, rows, bytes, ...digestOfChunk({ k, rows, bytes }) };
      told = { chunk, runs: decodeRuns(encodeRuns(bars.ts, k, this.grid), k, this.grid) };
      this.#told.set(k, told);
    }
    return told;
  }
}

interface ToldChunk {
  chunk: StoredChunk;
  runs: Ranges;
}

function areSame(a: BarValues | null, b: BarValues | null): boolean {
  return a === null || b === null ? a === b : sameValues(a, b);
}
