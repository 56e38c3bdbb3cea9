/**
 * The bar store in one SQLite file: chunks of raw columns, ledger, findings and revisions (spec §18). Any number of
 * processes may use the file at once. A question about a node that nobody wrote to since the last one costs one look
 * at a counter.
 */

import type { SharedBound } from "../../core/bounded_map.ts";
import { throwIfCancelled } from "../../core/errors.ts";
import { giveBack } from "../../core/give_back.ts";
import { CHUNK_CACHE_BYTES, NODE_STATE_MAX, READ_SLICE_CHUNKS } from "../../core/limits.ts";
import type {
  BarStore,
  Dice,
  NodeRecord,
  NodeState,
  Revision,
  StoredChunk,
  WindowOutcome,
  WindowWrite,
} from "../../core/ports.ts";
import { chunkOf } from "../../core/stored_chunk.ts";
import type { TimeRange } from "../../core/time_range.ts";
import { ChunkCache } from "./chunk_cache.ts";
import { touchesRuns } from "./chunk_runs.ts";
import { storeClosed } from "./refusals.ts";
import type { SqliteFile } from "./sqlite_file.ts";
import { packWrite } from "./sqlite_messages.ts";
import { loadNodePart, loadNodeView } from "./sqlite_node_view.ts";
import type { ChunkHead, NodeView } from "./sqlite_node_view.ts";
import { NODE_COLUMNS, nodeOf, REVISION_COLUMNS, revisionOf } from "./sqlite_rows.ts";

const DIGEST_HEX = 64;

interface HeldView {
  view: NodeView;
  /** The file's version at which the view was last known to be right. */
  dataVersion: number;
}

/** `BarStore` on an open file, which it keeps open until it is closed. */
export class SqliteBarStore implements BarStore {
  readonly #opened: SqliteFile;
  readonly #dice: Dice;
  /** In the order of use. */
  readonly #views = new Map<string, HeldView>();
  readonly #chunks: ChunkCache;
  #closing: Promise<void> | null = null;
  #version: { text: string; dataVersion: number } | null = null;

  /** `kept`: the bytes of chunks that stay at hand, where others keep chunks too. */
  constructor(parts: { file: SqliteFile; dice: Dice; kept?: SharedBound }) {
    this.#opened = parts.file;
    this.#dice = parts.dice;
    this.#chunks = new ChunkCache(parts.kept ?? CHUNK_CACHE_BYTES);
    this.#opened.retain();
  }

  async ensureNode(record: NodeRecord): Promise<NodeRecord> {
    return await this.#file.write({ kind: "ensure", record }) as NodeRecord;
  }

  state(nodeId: string): Promise<NodeState | null> {
    return Promise.try(() => this.#viewOf(nodeId)?.state ?? null);
  }

  stateWithin(nodeId: string, range: TimeRange): Promise<NodeState | null> {
    return Promise.try(() => this.#file.read((sql) => loadNodePart(sql, nodeId, range)));
  }

  version(): Promise<string> {
    return Promise.try(() => {
      const dataVersion = this.#file.dataVersion();
      if (this.#version?.dataVersion !== dataVersion) {
        const row = this.#file.read((sql) => sql.first("SELECT value FROM store WHERE name = 'version'")!);
        this.#version = { text: String(row[0]), dataVersion };
      }
      return this.#version.text;
    });
  }

  mark(): number {
    return this.#file.dataVersion();
  }

  nodes(page: { exchange?: string; after?: string; limit: number }): Promise<NodeRecord[]> {
    return Promise.try(() => {
      const { exchange = null, after = "", limit } = page;
      return this.#file.read((sql) =>
        sql.rows(
          `SELECT ${NODE_COLUMNS} FROM nodes WHERE node_id > ? AND (? IS NULL OR exchange = ?)
         ORDER BY node_id LIMIT ?`,
          after,
          exchange,
          exchange,
          limit,
        ).map(nodeOf)
      );
    });
  }

  async *read(
    nodeId: string,
    range: TimeRange,
    { signal, state, once }: { signal?: AbortSignal; state?: NodeState; once?: boolean } = {},
  ): AsyncIterable<StoredChunk> {
    const act = `Reading ${nodeId}`;
    throwIfCancelled(signal, act);
    const held = state === undefined ? undefined : this.#views.get(nodeId)?.view;
    const view = held !== undefined && held.state === state ? held : this.#viewOf(nodeId);
    if (view === null) return;
    let loaded = 0;
    for (const head of headsWithin(view, range)) {
      throwIfCancelled(signal, act);
      const key = `${view.id}/${head.k}`;
      const cached = this.#chunks.get(key, head.revision);
      if (cached !== null) {
        yield cached;
        continue;
      }
      if (++loaded % READ_SLICE_CHUNKS === 0) {
        await nextTurn();
        throwIfCancelled(signal, act);
      }
      const entry = this.#loadChunk(view.id, head.k);
      if (!once) this.#chunks.put(key, entry);
      yield entry.chunk;
      if (once) giveBack(entry.chunk.bytes.buffer);
    }
  }

  async commit(write: WindowWrite): Promise<WindowOutcome> {
    return await this.#file.write({ kind: "commit", write: packWrite(write) }) as WindowOutcome;
  }

  revisions(nodeId: string, [start, end]: TimeRange): Promise<Revision[]> {
    return Promise.try(() =>
      this.#file.read((sql) =>
        sql.rows(
          `SELECT ${REVISION_COLUMNS} FROM revisions WHERE node = (SELECT id FROM nodes WHERE node_id = ?)
         AND ts >= ? AND ts < ? ORDER BY ts, id`,
          nodeId,
          start,
          end,
        ).map(revisionOf)
      )
    );
  }

  quarantined(replySha256: string): Promise<Uint8Array[] | null> {
    return Promise.try(() => {
      const bodies = this.#file.read((sql) =>
        sql.rows("SELECT body FROM quarantine WHERE reply_sha256 = ? ORDER BY ordinal", replySha256)
      );
      return bodies.length === 0 ? null : bodies.map(([body]) => body as Uint8Array);
    });
  }

  async probe(): Promise<void> {
    const id = this.#dice.id();
    await this.#file.transact([{ sql: "INSERT INTO probe (id, body) VALUES (?, ?)", params: [id, id] }]);
    const row = this.#file.read((sql) => sql.first("SELECT body FROM probe WHERE id = ?", id));
    await this.#file.transact([{ sql: "DELETE FROM probe WHERE id = ?", params: [id] }]);
    if (row?.[0] !== id) this.#file.fault("what was written cannot be read back");
  }

  close(): Promise<void> {
    this.#closing ??= this.#opened.release();
    return this.#closing;
  }

  /** The file may stay open for others: a closed store is closed all the same. */
  get #file(): SqliteFile {
    if (this.#closing !== null) throw storeClosed();
    return this.#opened;
  }

  #viewOf(nodeId: string): NodeView | null {
    const dataVersion = this.#file.dataVersion();
    const held = this.#views.get(nodeId);
    const isCurrent = held?.dataVersion === dataVersion;
    const view = isCurrent
      ? held.view
      : this.#file.read((sql) => loadNodeView(sql, nodeId, held?.view ?? null));
    this.#views.delete(nodeId);
    if (view === null) return null;
    this.#views.set(nodeId, { view, dataVersion });
    for (const oldest of this.#views.keys()) {
      if (this.#views.size <= NODE_STATE_MAX) break;
      this.#views.delete(oldest);
    }
    return view;
  }

  /** May be newer than the view it was asked for: chunks never go, and carry their own digest. */
  #loadChunk(id: number, k: number): { revision: number; chunk: StoredChunk } {
    const row = this.#file.read((sql) =>
      sql.first("SELECT revision, rows, digest, leaves, data FROM chunks WHERE node = ? AND k = ?", id, k)!
    );
    const [revision, rows, digest, leaves, data] = row;
    const hex = leaves as string;
    const chunk: StoredChunk = {
      k,
      rows: rows as number,
      bytes: data as Uint8Array,
      digest: digest as string,
      leaves: Array.from(
        { length: hex.length / DIGEST_HEX },
        (_, i) => hex.slice(DIGEST_HEX * i, DIGEST_HEX * (i + 1)),
      ),
    };
    return { revision: revision as number, chunk };
  }
}

/** Chunks that hold rows of the range: all inside it, and those on its edges that have a bar on the right side. */
function headsWithin({ state, heads }: NodeView, [start, end]: TimeRange): ChunkHead[] {
  if (!(start < end)) return [];
  const first = chunkOf(start, state.node.grid);
  const last = chunkOf(end, state.node.grid);
  const among = heads.slice(firstFrom(heads, first), firstFrom(heads, last + 1));
  return among.filter(({ k, runs }) => (k > first && k < last) || touchesRuns(runs, start, end));
}

/** The index of the first head at or after chunk `k`; they ascend. */
function firstFrom(heads: readonly ChunkHead[], k: number): number {
  let low = 0;
  let high = heads.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (heads[middle].k < k) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Lets whatever else is ready run. By a timer: immediates come before I/O is looked at. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, 0));
}
