/**
 * One SQLite file of one process: a connection that reads, here, and one that writes, in a thread of its own.
 *
 * Writes queue up while the writing thread works and go over together, so that many small writes cost few
 * transactions. Readers never wait for writers (WAL). Every failure of the medium is `STORE_UNAVAILABLE` and names the
 * path.
 */

import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { clearImmediate, setImmediate } from "node:timers";
import { SQLITE_READ_WAIT_MS, SQLITE_WRITE_WAIT_MS, STORE_BATCH_MAX } from "../../core/limits.ts";
import { storeClosed } from "./refusals.ts";
import { storeFault } from "./sqlite_faults.ts";
import { packError, unpackError } from "./sqlite_messages.ts";
import type { SqlStep, SqlValue, WriteOperation, WriteResult } from "./sqlite_messages.ts";
import { migrate, SCHEMA_VERSION, schemaOf } from "./sqlite_schema.ts";
import { Statements } from "./sqlite_statements.ts";
import { startWriter } from "./sqlite_thread.ts";
import type { BatchWriter } from "./sqlite_thread.ts";

interface Waiting {
  operation: WriteOperation;
  settle: (result: WriteResult) => void;
}

/** Opens the file; makes its folder, the file and its tables where they lack. Throws `STORE_UNAVAILABLE`. */
export function openSqliteFile(path: string): SqliteFile {
  try {
    mkdirSync(dirname(path), { recursive: true });
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw new Error("it is a directory");
    return new SqliteFile(path, openCurrent(path) ?? prepare(path));
  } catch (error) {
    throw storeFault(error, { act: "open", path });
  }
}

/** It could write, and never does: only then can it fold the log into the file when it is the last one to close. */
function openReader(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: SQLITE_READ_WAIT_MS });
  db.exec("PRAGMA query_only = TRUE");
  return db;
}

/** The reader of a file that needs nothing, or null. */
function openCurrent(path: string): DatabaseSync | null {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return null;
  const db = openReader(path);
  try {
    if (schemaOf(db, path) === SCHEMA_VERSION) return db;
  } catch (error) {
    db.close();
    throw error;
  }
  db.close();
  return null;
}

/** The reader is opened before the connection that made the tables closes: it finds the log of a live file. */
function prepare(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: SQLITE_WRITE_WAIT_MS });
  try {
    schemaOf(db, path);
    const { journal_mode } = db.prepare("PRAGMA journal_mode = WAL").get() as { journal_mode: string };
    if (journal_mode !== "wal") throw new Error(`the journal mode stays ${journal_mode}`);
    migrate(db, path);
    return openReader(path);
  } finally {
    db.close();
  }
}

/** The open file. `close` writes what is queued, ends the thread and gives both connections back. */
export class SqliteFile {
  readonly path: string;
  readonly #reader: DatabaseSync;
  readonly #sql: Statements;
  #users = 0;
  #looked: number | null = null;
  #lookAgain: ReturnType<typeof setImmediate> | undefined;
  #writer: Promise<BatchWriter> | null = null;
  #queue: Waiting[] = [];
  #pumping: Promise<void> | null = null;
  #closing: Promise<void> | null = null;

  constructor(path: string, reader: DatabaseSync) {
    this.path = path;
    this.#reader = reader;
    this.#sql = new Statements(reader);
  }

  /** Says that one more port stands on this file; each of them calls `release` once, and the last one closes it. */
  retain(): void {
    this.#users++;
  }

  async release(): Promise<void> {
    this.#users--;
    if (this.#users <= 0) await this.close();
  }

  /** Reads in one go, synchronously: `work` must be short. What SQLite throws becomes `STORE_UNAVAILABLE`. */
  read<T>(work: (sql: Statements) => T): T {
    if (this.#closing !== null) throw storeClosed();
    try {
      return work(this.#sql);
    } catch (error) {
      throw storeFault(error, { act: "read", path: this.path });
    }
  }

  /**
   * Changes with every write of anybody to the file; means nothing to another process. Looked up once a turn of the
   * event loop, and again when something of ours was written: one answer asks for it several times.
   */
  dataVersion(): number {
    if (this.#looked === null) {
      this.#looked = this.read((sql) => sql.first("PRAGMA data_version")![0] as number);
      this.#lookAgain = setImmediate(() => this.#forgetLook());
    }
    return this.#looked;
  }

  /** Runs the statements in one transaction, all or none, and resolves with the rows of each. */
  async transact(steps: SqlStep[]): Promise<SqlValue[][][]> {
    return await this.write({ kind: "steps", steps }) as SqlValue[][][];
  }

  /** Resolves when the operation is committed. */
  write(operation: WriteOperation): Promise<unknown> {
    if (this.#closing !== null) return Promise.reject(storeClosed());
    return new Promise((resolve, reject) => {
      const settle = (result: WriteResult) =>
        "value" in result ? resolve(result.value) : reject(unpackError(result.error));
      this.#queue.push({ operation, settle });
      // Whatever else is written in this turn of the event loop goes along in the same transaction.
      this.#pumping ??= Promise.resolve().then(() => this.#pump());
    });
  }

  /** Throws that the file does not do what a store must. */
  fault(what: string): never {
    throw storeFault(new Error(what), { act: "use", path: this.path });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** The writer closes last: folding the log into the file is its work. */
  async #close(): Promise<void> {
    await this.#pumping;
    this.#forgetLook();
    this.#reader.close();
    if (this.#writer !== null) await (await this.#writer).close();
  }

  #forgetLook(): void {
    clearImmediate(this.#lookAgain);
    this.#looked = null;
  }

  async #pump(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, STORE_BATCH_MAX);
      const results = await this.#run(batch.map(({ operation }) => operation));
      this.#forgetLook();
      batch.forEach(({ settle }, i) => settle(results[i]));
    }
    this.#pumping = null;
  }

  async #run(batch: WriteOperation[]): Promise<WriteResult[]> {
    try {
      this.#writer ??= startWriter(this.path);
      return await (await this.#writer).run(batch);
    } catch (error) {
      // The next write starts anew: what was wrong with the medium may be mended by then.
      this.#writer = null;
      const fault = packError(storeFault(error, { act: "write to", path: this.path }));
      return batch.map(() => ({ error: fault }));
    }
  }
}
