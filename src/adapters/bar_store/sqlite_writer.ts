/**
 * What the writing thread does with a batch: one `BEGIN IMMEDIATE` transaction for all of its operations, each with an
 * outcome of its own. An operation that is refused (a lost lease) undoes itself alone; when the medium fails, nothing
 * of the batch was written and every operation says so.
 *
 * Commits are not fsynced one by one (`synchronous = NORMAL`): a killed process loses nothing, since the bytes are
 * with the system by then; after a power cut the file is whole, but may lack the last moments. Rows and ledger are in
 * one transaction, so what is lacking is asked again.
 */

import { statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { HistoryError } from "../../core/errors.ts";
import { SQLITE_CHECKPOINT_PAGES, SQLITE_JOURNAL_BYTES, SQLITE_WRITE_WAIT_MS } from "../../core/limits.ts";
import type { NodeRecord, WindowOutcome, WindowWrite } from "../../core/ports.ts";
import { leaseLost, unfitRows, unknownNode } from "./refusals.ts";
import { isMediumFault, isSqliteError, storeFault } from "./sqlite_faults.ts";
import { packError, unpackWrite } from "./sqlite_messages.ts";
import type { WriteOperation, WriteResult } from "./sqlite_messages.ts";
import { NODE_COLUMNS, nodeCells, nodeOf } from "./sqlite_rows.ts";
import { Statements } from "./sqlite_statements.ts";
import { ChunkShelf, SqliteNodeTables } from "./sqlite_tables.ts";
import { commitWindow } from "./window_commit.ts";

/** The one writer of a process. Its methods throw `STORE_UNAVAILABLE` where they cannot give results. */
export class SqliteWriter {
  readonly #path: string;
  readonly #db: DatabaseSync;
  readonly #sql: Statements;
  readonly #inode: number;
  /** Whether the running batch changed a node: then the store's version rises. */
  #changed = false;

  /** Opens an existing file of this schema. */
  constructor(path: string) {
    this.#path = path;
    try {
      // Asked first: to open a file that is gone would make an empty one.
      this.#inode = statSync(path).ino;
      this.#db = new DatabaseSync(path, { timeout: SQLITE_WRITE_WAIT_MS });
      this.#db.exec("PRAGMA synchronous = NORMAL");
      this.#db.exec(`PRAGMA wal_autocheckpoint = ${SQLITE_CHECKPOINT_PAGES}`);
      this.#db.exec(`PRAGMA journal_size_limit = ${SQLITE_JOURNAL_BYTES}`);
    } catch (error) {
      throw storeFault(error, { act: "write to", path });
    }
    this.#sql = new Statements(this.#db);
  }

  /** One result for each operation, in order. */
  run(batch: readonly WriteOperation[]): WriteResult[] {
    try {
      this.#checkPlace();
      return this.#sql.within("BEGIN IMMEDIATE", () => this.#runAll(batch));
    } catch (error) {
      const packed = packError(storeFault(error, { act: "write to", path: this.#path }));
      return batch.map(() => ({ error: packed }));
    }
  }

  close(): void {
    this.#db.close();
  }

  #runAll(batch: readonly WriteOperation[]): WriteResult[] {
    const shelf = new ChunkShelf(this.#sql);
    this.#changed = false;
    const results = batch.map((operation) => this.#runOne(operation, shelf));
    shelf.flush();
    if (this.#changed) this.#sql.run("UPDATE store SET value = value + 1 WHERE name = 'version'");
    return results;
  }

  #runOne(operation: WriteOperation, shelf: ChunkShelf): WriteResult {
    try {
      const value = this.#sql.nested(() => this.#apply(operation, shelf));
      shelf.keep();
      return { value };
    } catch (error) {
      shelf.drop();
      if (error instanceof HistoryError) return { error: packError(error) };
      if (isMediumFault(error)) throw error;
      return { error: packError(this.#faultOf(error)) };
    }
  }

  #faultOf(error: unknown): HistoryError {
    if (isSqliteError(error)) return storeFault(error, { act: "write to", path: this.#path });
    return unfitRows(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
  }

  /** Writes to a file without a name would be lost with the process, and nobody would know. */
  #checkPlace(): void {
    if (statSync(this.#path, { throwIfNoEntry: false })?.ino === this.#inode) return;
    throw new Error("the file was moved or deleted while in use");
  }

  #apply(operation: WriteOperation, shelf: ChunkShelf): unknown {
    switch (operation.kind) {
      case "ensure":
        return this.#ensureNode(operation.record);
      case "commit":
        return this.#commit(unpackWrite(operation.write), shelf);
      case "steps":
        return operation.steps.map((step) => this.#sql.step(step));
    }
  }

  #ensureNode(record: NodeRecord): NodeRecord {
    const [nodeId, ...claims] = nodeCells(record);
    const changes = this.#sql.run(
      `INSERT INTO nodes (exchange, ${NODE_COLUMNS}) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (node_id) DO UPDATE SET revision = revision + 1, step = excluded.step, anchor = excluded.anchor,
         volume_unit = excluded.volume_unit
       WHERE (step, anchor, volume_unit) IS NOT (excluded.step, excluded.anchor, excluded.volume_unit)
         AND NOT EXISTS (SELECT 1 FROM chunks WHERE node = nodes.id)
         AND NOT EXISTS (SELECT 1 FROM provisional WHERE node = nodes.id)`,
      record.nodeId.split(":")[1] ?? "",
      nodeId,
      ...claims,
    );
    if (changes > 0) this.#changed = true;
    return nodeOf(this.#sql.first(`SELECT ${NODE_COLUMNS} FROM nodes WHERE node_id = ?`, record.nodeId)!);
  }

  #commit(write: WindowWrite, shelf: ChunkShelf): WindowOutcome {
    this.#checkFence(write);
    const row = this.#sql.first(
      `UPDATE nodes SET revision = revision + 1 WHERE node_id = ? RETURNING id, revision, ledger_span, ${NODE_COLUMNS}`,
      write.nodeId,
    );
    if (row === null) throw unknownNode(write.nodeId);
    const [id, revision, ledgerSpan] = row as number[];
    const node = { id, revision, ledgerSpan, grid: nodeOf(row.slice(3)).grid };
    const outcome = commitWindow(new SqliteNodeTables({ node, shelf, statements: this.#sql }), write);
    this.#keepRefused(write);
    this.#changed = true;
    return { ...outcome, revision: node.revision };
  }

  #checkFence({ fence, window }: WindowWrite): void {
    if (fence === null) return;
    const row = this.#sql.first("SELECT generation FROM leases WHERE key = ?", fence.key);
    if (row !== null && (row[0] as number) > fence.generation) {
      throw leaseLost({ ...fence, younger: row[0] as number, window });
    }
  }

  #keepRefused({ replySha256, quarantine }: WindowWrite): void {
    if (replySha256 === null) return;
    quarantine.forEach((body, ordinal) =>
      void this.#sql.run(
        "INSERT OR IGNORE INTO quarantine (reply_sha256, ordinal, body) VALUES (?, ?, ?)",
        replySha256,
        ordinal,
        body,
      )
    );
  }
}
