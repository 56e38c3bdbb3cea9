/**
 * The tables of one node inside a write transaction. Chunks that the transaction touches stay decoded on a shelf, so
 * that several windows of one chunk, committed together, are merged in memory and hashed and written once.
 */

import type { Bars } from "../../core/bar_frame.ts";
import type { Finding, LedgerRow, Revision } from "../../core/ports.ts";
import { giveBack } from "../../core/give_back.ts";
import { decodeRows, encodeRows } from "../../core/stored_chunk.ts";
import type { BarValues } from "../../core/stored_chunk.ts";
import type { Grid } from "../../core/timeframe.ts";
import type { TimeRange } from "../../core/time_range.ts";
import { encodeBar } from "./bar_blob.ts";
import { digestOfChunk } from "./chunk_digest.ts";
import { encodeRuns } from "./chunk_runs.ts";
import type { KeptLedgerRow, LedgerChange } from "./ledger_rows.ts";
import * as rows from "./sqlite_rows.ts";
import type { Statements } from "./sqlite_statements.ts";
import type { NodeTables, ProvisionalBar } from "./window_commit.ts";

/** A node as the writing thread knows it during one operation; `revision` is the one that is being written. */
export interface WrittenNode {
  id: number;
  grid: Grid;
  revision: number;
  /** No ledger row is longer (seconds). */
  ledgerSpan: number;
}

interface ShelvedChunk {
  node: WrittenNode;
  k: number;
  bars: Bars;
}

/** Decoded chunks of one transaction. Those of a failed operation are dropped, those of the others stay. */
export class ChunkShelf {
  readonly #statements: Statements;
  readonly #clean = new Map<string, Bars | null>();
  readonly #dirty = new Map<string, ShelvedChunk>();
  #pending = new Map<string, ShelvedChunk>();
  /** Chunks as they came from the file: `#clean` looks into them. */
  readonly #loaded: Uint8Array[] = [];

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  get(node: WrittenNode, k: number): Bars | null {
    const key = `${node.id}/${k}`;
    const shelved = this.#pending.get(key) ?? this.#dirty.get(key);
    if (shelved !== undefined) return shelved.bars;
    let bars = this.#clean.get(key);
    if (bars === undefined) {
      const row = this.#statements.first("SELECT data FROM chunks WHERE node = ? AND k = ?", node.id, k);
      bars = row === null ? null : this.#decoded(row[0] as Uint8Array);
      this.#clean.set(key, bars);
    }
    return bars;
  }

  put(node: WrittenNode, k: number, bars: Bars): void {
    this.#pending.set(`${node.id}/${k}`, { node, k, bars });
  }

  /** Chunks among `from` … `to` that exist, or will when the transaction ends. */
  between(node: WrittenNode, from: number, to: number): number[] {
    const stored = this.#statements.rows(
      "SELECT k FROM chunks WHERE node = ? AND k BETWEEN ? AND ?",
      node.id,
      from,
      to,
    );
    const shelved = [...this.#dirty.values(), ...this.#pending.values()].filter((chunk) =>
      chunk.node.id === node.id && chunk.k >= from && chunk.k <= to
    );
    return [...new Set([...stored.map(([k]) => k as number), ...shelved.map(({ k }) => k)])].sort((a, b) =>
      a - b
    );
  }

  /** Keeps what the last operation put. */
  keep(): void {
    for (const [key, chunk] of this.#pending) this.#dirty.set(key, chunk);
    this.#pending.clear();
  }

  /** Forgets what the last operation put. */
  drop(): void {
    this.#pending.clear();
  }

  #decoded(bytes: Uint8Array): Bars {
    this.#loaded.push(bytes);
    return decodeRows(bytes);
  }

  /** Hashes and writes what changed, under the last revision of each node. Nothing is to be had of the shelf then. */
  flush(): void {
    const newest = new Map<number, number>();
    for (const { node } of this.#dirty.values()) {
      newest.set(node.id, Math.max(newest.get(node.id) ?? 0, node.revision));
    }
    for (const { node, k, bars } of this.#dirty.values()) {
      const bytes = encodeRows(bars);
      const { digest, leaves } = digestOfChunk({ k, rows: bars.ts.length, bytes });
      this.#statements.run(
        `INSERT INTO chunks (node, k, revision, rows, digest, leaves, runs, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (node, k) DO UPDATE SET revision = excluded.revision, rows = excluded.rows,
           digest = excluded.digest, leaves = excluded.leaves, runs = excluded.runs, data = excluded.data`,
        node.id,
        k,
        newest.get(node.id)!,
        bars.ts.length,
        digest,
        leaves.join(""),
        encodeRuns(bars.ts, k, node.grid),
        bytes,
      );
      giveBack(bytes.buffer);
    }
    this.#clean.clear();
    for (const bytes of this.#loaded) giveBack(bytes.buffer);
  }
}

/** `NodeTables` over SQLite, for one operation. */
export class SqliteNodeTables implements NodeTables {
  readonly grid: Grid;
  readonly #node: WrittenNode;
  readonly #shelf: ChunkShelf;
  readonly #sql: Statements;
  #ordinal = 0;

  constructor(parts: { node: WrittenNode; shelf: ChunkShelf; statements: Statements }) {
    this.#node = parts.node;
    this.#shelf = parts.shelf;
    this.#sql = parts.statements;
    this.grid = parts.node.grid;
  }

  chunk(k: number): Bars | null {
    return this.#shelf.get(this.#node, k);
  }

  putChunk(k: number, bars: Bars): void {
    this.#shelf.put(this.#node, k, bars);
  }

  chunksBetween(from: number, to: number): number[] {
    return this.#shelf.between(this.#node, from, to);
  }

  provisional([start, end]: TimeRange): ProvisionalBar[] {
    return this.#sql.rows(
      `SELECT ${rows.PROVISIONAL_COLUMNS} FROM provisional WHERE node = ? AND ts >= ? AND ts < ? ORDER BY ts`,
      this.#node.id,
      start,
      end,
    ).map(rows.provisionalOf);
  }

  putProvisional({ ts, values, observedAtMs }: ProvisionalBar): void {
    this.#sql.run(
      "INSERT OR REPLACE INTO provisional (node, ts, bar, observed_at_ms) VALUES (?, ?, ?, ?)",
      this.#node.id,
      ts,
      encodeBar(values),
      observedAtMs,
    );
  }

  dropProvisional(ts: number): void {
    this.#sql.run("DELETE FROM provisional WHERE node = ? AND ts = ?", this.#node.id, ts);
  }

  ledgerStarting(source: string, { from, to }: { from: number; to: number }): KeptLedgerRow[] {
    return this.#sql.rows(
      `SELECT id, ${rows.LEDGER_COLUMNS} FROM ledger WHERE node = ? AND start BETWEEN ? AND ? AND source = ?`,
      this.#node.id,
      from,
      to,
      source,
    ).map(([id, ...cells]) => ({ id: id as number, row: rows.ledgerRowOf(cells) }));
  }

  answerOver(ts: number): LedgerRow | null {
    const cells = this.#sql.first(
      `SELECT ${rows.LEDGER_COLUMNS} FROM ledger WHERE node = ? AND start BETWEEN ? AND ? AND end > ?
       AND error IS NULL ORDER BY asked_at DESC, revision DESC, ordinal DESC LIMIT 1`,
      this.#node.id,
      ts - this.#node.ledgerSpan,
      ts,
      ts,
    );
    return cells === null ? null : rows.ledgerRowOf(cells);
  }

  /** One of the rows whose place is taken is written over; only where more than one goes do rows vanish. */
  changeLedger({ row, replaces }: LedgerChange): void {
    const [id = null, ...vanished] = replaces;
    this.#sql.run(
      `INSERT OR REPLACE INTO ledger (id, node, revision, ordinal, ${rows.LEDGER_COLUMNS})
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      id,
      this.#node.id,
      this.#node.revision,
      this.#ordinal++,
      ...rows.ledgerCells(row),
    );
    this.#sql.run(
      "UPDATE nodes SET ledger_span = ? WHERE id = ? AND ledger_span < ?",
      row.end - row.start,
      this.#node.id,
      row.end - row.start,
    );
    for (const gone of vanished) this.#sql.run("DELETE FROM ledger WHERE id = ?", gone);
    if (vanished.length > 0) this.#cut("ledger_cut");
  }

  dropFindings([start, end]: TimeRange): void {
    const sql = "DELETE FROM findings WHERE node = ? AND ts >= ? AND ts < ?";
    if (this.#sql.run(sql, this.#node.id, start, end) > 0) this.#cut("findings_cut");
  }

  putFinding(finding: Finding): void {
    this.#sql.run(
      `INSERT OR REPLACE INTO findings (node, revision, ${rows.FINDING_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      this.#node.id,
      this.#node.revision,
      ...rows.findingCells(finding),
    );
  }

  logRevision(revision: Revision): boolean {
    const sql =
      `INSERT OR IGNORE INTO revisions (node, ${rows.REVISION_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`;
    return this.#sql.run(sql, this.#node.id, ...rows.revisionCells(revision)) > 0;
  }

  loggedTimes([start, end]: TimeRange): number[] {
    return this.#sql.rows(
      "SELECT DISTINCT ts FROM revisions WHERE node = ? AND ts >= ? AND ts < ? AND length(bar) > 0",
      this.#node.id,
      start,
      end,
    ).map(([ts]) => ts as number);
  }

  markKept(ts: number, values: BarValues): void {
    this.#sql.run(
      "UPDATE revisions SET kept = (bar = ?) WHERE node = ? AND ts = ? AND length(bar) > 0",
      encodeBar(values),
      this.#node.id,
      ts,
    );
  }

  #cut(column: "ledger_cut" | "findings_cut"): void {
    this.#sql.run(`UPDATE nodes SET ${column} = ? WHERE id = ?`, this.#node.revision, this.#node.id);
  }
}
